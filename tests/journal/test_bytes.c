/* Goal: one value has one text form, and every other form is refused: hex, base64, UTF-8; and
 * nothing foreign reaches a terminal unescaped. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/sha256.h"

static void bytes_append_many_keeps_a_nul_behind(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes bytes = {0};
    struct error error;
    support_ok(bytes_append(&bytes, "", 0, &error), &error);
    assert_non_null(bytes.data);
    assert_int_equal(bytes.data[0], 0);
    for (unsigned i = 0; i < 1000; i++) {
        support_ok(bytes_append(&bytes, "abc", 3, &error), &error);
        assert_int_equal(bytes.size, 3 * (i + 1));
        assert_int_equal(bytes.data[bytes.size], 0);
    }
    support_ok(bytes_append_format(&bytes, &error, "<%s %d>", "x", 7), &error);
    assert_string_equal((const char *)bytes.data + 3000, "<x 7>");
    bytes_free(&bytes);
    assert_null(bytes.data);
    assert_int_equal(bytes.size, 0);
    bytes_free(&bytes);
}

static void bytes_from_hex_each_byte_comes_back(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value, back = (uint8_t)~byte;
        char hex[3];
        bytes_hex(&byte, 1, hex);
        assert_true(bytes_is_hex(hex, 2));
        assert_true(bytes_from_hex(hex, 2, &back, 1));
        assert_int_equal(back, byte);
    }
}

/* Of all pairs of characters exactly the 256 pairs of lower-case digits are hex. */
static void bytes_from_hex_any_other_character_refused(void **state)
{
    (void)state;
    unsigned accepted = 0;
    for (unsigned pair = 0; pair < 65536; pair++) {
        char text[3] = {(char)(pair >> 8), (char)pair, 0};
        uint8_t byte = 0xA5;
        bool good = bytes_from_hex(text, 2, &byte, 1);
        assert_int_equal(good, bytes_is_hex(text, 2));
        accepted += good;
        if (!good)
            assert_int_equal(byte, 0xA5);
    }
    assert_int_equal(accepted, 256);
    uint8_t byte;
    assert_false(bytes_from_hex("0", 1, &byte, 1));
    assert_false(bytes_from_hex("000", 3, &byte, 1));
    assert_false(bytes_is_hex("ab", 1));
    assert_false(bytes_is_hex("ab", 3));
}

static void bytes_base64_rfc4648_vectors_match(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        CLEANUP_BYTES struct bytes text = {0}, back = {0};
        struct error error;
        support_ok(bytes_base64(vectors[i][0], strlen(vectors[i][0]), &text, &error), &error);
        assert_string_equal((const char *)text.data, vectors[i][1]);
        assert_int_equal(text.size, strlen(vectors[i][1]));
        support_ok(bytes_from_base64(vectors[i][1], strlen(vectors[i][1]), &back, &error), &error);
        assert_int_equal(back.size, strlen(vectors[i][0]));
        assert_memory_equal(back.data, vectors[i][0], back.size + 1);
    }
}

/* Whatever is accepted must be exactly what the writer would have written: so no two texts give the
 * same bytes. */
static void check_one_form(const char *text, size_t length, unsigned *accepted)
{
    CLEANUP_BYTES struct bytes data = {0}, again = {0};
    struct error error;
    if (bytes_from_base64(text, length, &data, &error) != ERROR_OK) {
        assert_int_equal(error.code, ERROR_DAMAGED);
        assert_null(data.data);
        return;
    }
    support_ok(bytes_base64(data.data, data.size, &again, &error), &error);
    assert_int_equal(again.size, length);
    assert_memory_equal(again.data, text, length);
    (*accepted)++;
}

static void bytes_from_base64_other_forms_refused(void **state)
{
    (void)state;
    static const char letters[] = "AQgwBZ+/=-_\n";
    const size_t count = sizeof letters - 1;
    unsigned accepted = 0;
    for (size_t length = 0; length <= 5; length++) {
        size_t all = 1;
        for (size_t i = 0; i < length; i++)
            all *= count;
        for (size_t number = 0; number < all; number++) {
            char text[8];
            for (size_t i = 0, rest = number; i < length; i++, rest /= count)
                text[i] = letters[rest % count];
            check_one_form(text, length, &accepted);
        }
    }
    /* The empty text; 8^4 full groups; with one `=` 8*8 and the 6 letters whose last two bits are
     * 0; with two `=` 8 and the 4 whose last four are 0. */
    unsigned one = 0, two = 0;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < 8; i++) {
        size_t value = (size_t)(strchr(alphabet, letters[i]) - alphabet);
        one += value % 4 == 0;
        two += value % 16 == 0;
    }
    assert_int_equal(accepted, 1 + 8 * 8 * 8 * 8 + 8 * 8 * one + 8 * two);
}

static void bytes_sha256_known_answers_match(void **state)
{
    (void)state;
    char hex[SHA256_HEX + 1];
    bytes_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    bytes_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static size_t encode(uint32_t character, size_t length, uint8_t text[4])
{
    static const uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    for (size_t i = length; i-- > 1; character >>= 6)
        text[i] = (uint8_t)(0x80 | (character & 0x3F));
    text[0] = (uint8_t)(lead[length] | character);
    return length;
}

/* Each number that fits, in each length: accepted is the shortest form of a scalar value and
 * nothing else (RFC 3629). */
/* libsodium's own is the other implementation: what one takes the other does, and all else is
 * refused by both. */
static void bytes_base64_as_libsodium_does(void **state)
{
    (void)state;
    static const char characters[] = "AQgwZ9+/=\n-_ \x7F";
    for (unsigned round = 0; round < 20000; round++) {
        CLEANUP_BYTES struct bytes encoded = {0};
        CLEANUP_BYTES struct bytes ours = {0};
        uint8_t data[64], theirs[64];
        char text[100];
        const char *end;
        struct error error;
        size_t size = round % sizeof data, theirs_size = 0;
        randombytes_buf(data, size);
        (void)sodium_bin2base64(text, sizeof text, data, size, sodium_base64_VARIANT_ORIGINAL);
        support_ok(bytes_base64(data, size, &encoded, &error), &error);
        assert_string_equal((const char *)encoded.data, text);
        size_t length = strlen(text);
        for (unsigned i = 0; i < round % 3 && length > 0; i++)
            text[randombytes_uniform((uint32_t)length)] =
                characters[randombytes_uniform(sizeof characters - 1)];
        length -= length > 0 && round % 7 == 0 ? 1 : 0;
        bool good = sodium_base642bin(theirs, sizeof theirs, text, length, NULL, &theirs_size, &end,
                                      sodium_base64_VARIANT_ORIGINAL)
                        == 0
                    && end == text + length;
        assert_int_equal(bytes_from_base64(text, length, &ours, &error) == ERROR_OK, good);
        assert_int_equal(ours.size, good ? theirs_size : 0);
        assert_true(ours.size == 0 || memcmp(ours.data, theirs, ours.size) == 0);
    }
}

/* Which libsodium takes for digits. */
static void bytes_from_base64_beyond_ascii_refused(void **state)
{
    (void)state;
    for (unsigned byte = 0x80; byte <= 0xFF; byte++)
        for (unsigned at = 0; at < 8; at++) {
            CLEANUP_BYTES struct bytes data = {0};
            char text[] = "QUJDREVG";
            struct error error;
            text[at] = (char)byte;
            assert_int_equal(bytes_from_base64(text, 8, &data, &error), ERROR_DAMAGED);
        }
}

/* In one piece and in many, over each length of a block and its padding. */
static void sha256_as_libsodium_does(void **state)
{
    (void)state;
    uint8_t data[1000];
    randombytes_buf(data, sizeof data);
    for (size_t size = 0; size <= sizeof data; size++) {
        uint8_t theirs[SHA256_BYTES], whole[SHA256_BYTES], pieces[SHA256_BYTES];
        struct sha256 sha256;
        (void)crypto_hash_sha256(theirs, data, size);
        bytes_sha256(data, size, whole);
        sha256_begin(&sha256);
        for (size_t at = 0, part; at < size; at += part) {
            part = 1 + randombytes_uniform((uint32_t)(size - at));
            sha256_add(&sha256, data + at, part);
        }
        sha256_end(&sha256, pieces);
        assert_memory_equal(whole, theirs, sizeof theirs);
        assert_memory_equal(pieces, theirs, sizeof theirs);
    }
}

static void bytes_is_utf8_shortest_scalar_only_accepted(void **state)
{
    (void)state;
    static const uint32_t room[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    for (size_t length = 1; length <= 4; length++) {
        for (uint32_t character = 0; character < room[length]; character++) {
            uint8_t text[4];
            bool good = (length == 1 || character >= room[length - 1]) && character <= 0x10FFFF
                        && (character < 0xD800 || character > 0xDFFF);
            (void)encode(character, length, text);
            if (bytes_is_utf8(text, length) != good)
                fail_msg("U+%X in %zu bytes is judged wrongly", character, length);
            if (length > 1 && bytes_is_utf8(text, length - 1))
                fail_msg("U+%X cut short is accepted", character);
        }
    }
    for (unsigned byte = 0x80; byte < 0x100; byte++)
        assert_false(bytes_is_utf8(&(uint8_t){(uint8_t)byte}, 1));
    assert_true(bytes_is_utf8("", 0));
}

static void check_escaped(const char *text, size_t size, const char *wanted)
{
    char *shown = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&shown, &length);
    assert_non_null(stream);
    bytes_print_escaped(stream, text, size);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(shown, wanted);
    free(shown);
}

static void bytes_print_escaped_foreign_bytes_harmless(void **state)
{
    (void)state;
    check_escaped("plain \xc3\xa4 \xe2\x9c\x85 \xf0\x9d\x84\x9e", 17,
                  "plain \xc3\xa4 \xe2\x9c\x85 \xf0\x9d\x84\x9e");
    check_escaped("\x1b[2J\r\n\0\x7f", 8, "\\x1b[2J\\x0d\\x0a\\x00\\x7f");
    check_escaped("\xc2\x9b"
                  "31m",
                  5, "\\xc2\\x9b31m"); /* the C1 form of ESC [ */
    check_escaped("a\xe2\x80\xae"
                  "b",
                  5,
                  "a\\xe2\\x80\\xae"
                  "b"); /* right-to-left override */
    check_escaped("\xef\xbb\xbf\xe2\x81\xa6", 6, "\\xef\\xbb\\xbf\\xe2\\x81\\xa6");
    check_escaped("\xff\xc3", 2, "\\xff\\xc3");
    check_escaped("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* a surrogate */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_append_many_keeps_a_nul_behind),
        cmocka_unit_test(bytes_from_hex_each_byte_comes_back),
        cmocka_unit_test(bytes_from_hex_any_other_character_refused),
        cmocka_unit_test(bytes_base64_rfc4648_vectors_match),
        cmocka_unit_test(bytes_from_base64_other_forms_refused),
        cmocka_unit_test(bytes_base64_as_libsodium_does),
        cmocka_unit_test(bytes_from_base64_beyond_ascii_refused),
        cmocka_unit_test(bytes_sha256_known_answers_match),
        cmocka_unit_test(sha256_as_libsodium_does),
        cmocka_unit_test(bytes_is_utf8_shortest_scalar_only_accepted),
        cmocka_unit_test(bytes_print_escaped_foreign_bytes_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
