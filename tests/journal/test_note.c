/* Goal: checkpoints are written in one form and read strictly; a signature is believed only for its
 * own key, name and text, and a known key that fails condemns the whole note (C2SP signed-note,
 * tlog-checkpoint). */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/note.h"

#define NAME "titan/00112233445566778899aabbccddeeff"
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static struct bytes make_note(struct signer *signer, uint64_t size)
{
    struct checkpoint checkpoint = {.origin = NAME, .size = size};
    CLEANUP_BYTES struct bytes text = {0};
    struct bytes note = {0};
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    bytes_sha256("", 0, checkpoint.root);
    support_ok(checkpoint_text(&checkpoint, &text, &error), &error);
    support_ok(signer_sign(signer, text.data, text.size, signature, &error), &error);
    support_ok(checkpoint_note(&checkpoint, signature, signer_public_key(signer), &note, &error),
               &error);
    return note;
}

/* The example of the C2SP text: its key name and hash. */
static void note_vkey_c2sp_example_matches(void **state)
{
    (void)state;
    static const char example[] =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    CLEANUP_BYTES struct bytes typed = {0}, vkey = {0};
    struct error error;
    support_ok(bytes_from_base64(strrchr(example, '+') + 1, strlen(strrchr(example, '+') + 1),
                                 &typed, &error),
               &error);
    assert_int_equal(typed.size, 1 + KEY_BYTES);
    support_ok(note_vkey("example.com/foo", typed.data + 1, &vkey, &error), &error);
    assert_string_equal((const char *)vkey.data, example);
}

static void checkpoint_note_read_back_is_the_same(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 9, 10, 4294967296, 999999999999999999};
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CLEANUP_BYTES struct bytes note = make_note(signer, sizes[i]);
        struct checkpoint read;
        struct error error;
        bool known_bad = true;
        support_ok(checkpoint_read(note.data, note.size, &read, &error), &error);
        assert_string_equal(read.origin, NAME);
        assert_true(read.size == sizes[i]);
        assert_true(
            note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
        assert_false(known_bad);
    }
}

static void checkpoint_text_output_is_replaced(void **state)
{
    (void)state;
    struct checkpoint checkpoint = {.origin = NAME, .size = 3};
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    bytes_sha256("", 0, checkpoint.root);
    support_ok(checkpoint_text(&checkpoint, &text, &error), &error);
    support_ok(checkpoint_text(&checkpoint, &text, &error), &error);
    assert_string_equal((const char *)text.data, NAME "\n3\n" ROOT "\n");
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    support_ok(note_vkey("a", signer_public_key(signer), &text, &error), &error);
    assert_memory_equal(text.data, "a+", 2);
}

/* No changed, dropped or doubled byte leaves a note that says the same and is believed. */
static void note_signed_by_any_change_refused(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_BYTES struct bytes note = make_note(signer, 7);
    bool known_bad;
    for (size_t at = 0; at < note.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            note.data[at] ^= (uint8_t)(1 << bit);
            if (note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad))
                fail_msg("bit %u of byte %zu may be changed", bit, at);
            note.data[at] ^= (uint8_t)(1 << bit);
        }
        CLEANUP_BYTES struct bytes other = {0};
        struct error error;
        support_ok(bytes_append(&other, note.data, at, &error), &error);
        assert_false(
            note_signed_by(other.data, other.size, NAME, signer_public_key(signer), &known_bad));
        support_ok(bytes_append(&other, note.data + at + 1, note.size - at - 1, &error), &error);
        assert_false(
            note_signed_by(other.data, other.size, NAME, signer_public_key(signer), &known_bad));
    }
    assert_true(note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
}

static void note_signed_by_other_key_or_name_is_unknown(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_SIGNER struct signer *other = support_signer(2);
    CLEANUP_BYTES struct bytes note = make_note(signer, 7);
    bool known_bad = true;
    assert_false(note_signed_by(note.data, note.size, NAME, signer_public_key(other), &known_bad));
    assert_false(known_bad);
    assert_false(
        note_signed_by(note.data, note.size, "titan/0", signer_public_key(signer), &known_bad));
    assert_false(known_bad);
    char long_name[100];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(
        note_signed_by(note.data, note.size, long_name, signer_public_key(signer), &known_bad));
}

/* Appends the signature line of one note to another. */
static void add_line(struct bytes *note, const struct bytes *from)
{
    struct error error;
    const char *line = strstr((const char *)from->data, "\n\n") + 2;
    support_ok(bytes_append(note, line, strlen(line), &error), &error);
}

static void note_signed_by_known_bad_beside_good_refused(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_SIGNER struct signer *witness = support_signer(2);
    CLEANUP_BYTES struct bytes note = make_note(signer, 7), cosigned = make_note(witness, 7),
                               wrong = make_note(signer, 8);
    struct checkpoint read;
    struct error error;
    bool known_bad;
    add_line(&note, &cosigned);
    support_ok(checkpoint_read(note.data, note.size, &read, &error), &error);
    assert_true(note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
    assert_true(note_signed_by(note.data, note.size, NAME, signer_public_key(witness), &known_bad));
    add_line(&note, &wrong);
    assert_false(note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
    assert_true(known_bad);
    assert_true(note_signed_by(note.data, note.size, NAME, signer_public_key(witness), &known_bad));
}

/* More lines than are looked at must not hide a bad one behind them. */
static void note_signed_by_too_many_lines_refused(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_SIGNER struct signer *witness = support_signer(2);
    CLEANUP_BYTES struct bytes note = make_note(signer, 7), cosigned = make_note(witness, 7),
                               wrong = make_note(signer, 8);
    struct checkpoint read;
    struct error error;
    bool known_bad;
    for (unsigned i = 1; i < NOTE_SIGNATURES_MAX; i++)
        add_line(&note, &cosigned);
    support_ok(checkpoint_read(note.data, note.size, &read, &error), &error);
    assert_true(note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
    add_line(&note, &wrong);
    support_code(checkpoint_read(note.data, note.size, &read, &error), ERROR_DAMAGED, &error);
    assert_false(note_signed_by(note.data, note.size, NAME, signer_public_key(signer), &known_bad));
}

#define LINE "\xe2\x80\x94 " NAME " AAAAAAAA\n"
static void checkpoint_read_other_forms_refused(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "",
        "\n",
        "\n\n",
        "\n\n" LINE,
        NAME "\n1\n" ROOT "\n", /* no text, no signature */
        NAME "\n1\n" ROOT "\n\n",
        NAME "\n1\n" ROOT "\n" LINE, /* no line, no empty line */
        "\n1\n" ROOT "\n\n" LINE,
        NAME "\n\n" ROOT "\n\n" LINE,
        NAME "\n1\n\n" LINE,
        NAME "\n1\n\n\n" LINE,
        NAME "\n01\n" ROOT "\n\n" LINE,
        NAME "\n+1\n" ROOT "\n\n" LINE,
        NAME "\n-1\n" ROOT "\n\n" LINE,
        NAME "\n 1\n" ROOT "\n\n" LINE,
        NAME "\n0x1\n" ROOT "\n\n" LINE,
        NAME "\n1 \n" ROOT "\n\n" LINE,
        NAME "\n18446744073709551617\n" ROOT "\n\n" LINE,
        NAME "\n1\nAAAA\n\n" LINE,
        NAME "\n1\n" ROOT "=\n\n" LINE,
        NAME "\n1\n " ROOT "\n\n" LINE,
        NAME "\n1\n" ROOT "\nextension\n\n" LINE,
        NAME "\r\n1\r\n" ROOT "\r\n\r\n" LINE,
        NAME "\t\n1\n" ROOT "\n\n" LINE,
        NAME "\xff\n1\n" ROOT "\n\n" LINE,
        NAME NAME "\n1\n" ROOT "\n\n" LINE, /* an origin that is too long */
        NAME "\n1\n" ROOT "\n\n" LINE "rest",
        NAME "\n1\n" ROOT "\n\nnot a signature line\n",
        NAME "\n1\n" ROOT "\n\n" LINE "not a signature line\n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94 " NAME "\n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94 " NAME " \n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94  AAAAAAAA\n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94 " NAME " A\n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94 " NAME " AAAA\n",
        NAME "\n1\n" ROOT "\n\n\xe2\x80\x94" NAME " AAAAAAAA\n",
    };
    struct checkpoint read = {.size = 77};
    struct error error;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (checkpoint_read(forms[i], strlen(forms[i]), &read, &error) != ERROR_DAMAGED)
            fail_msg("form %zu is accepted", i);
    assert_int_equal(read.size, 77);
    static const char good[] = NAME "\n1\n" ROOT "\n\n" LINE;
    support_ok(checkpoint_read(good, sizeof good - 1, &read, &error), &error);
    assert_int_equal(read.size, 1);
    support_code(checkpoint_read(good, sizeof good, &read, &error), ERROR_DAMAGED,
                 &error); /* a NUL behind it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_vkey_c2sp_example_matches),
        cmocka_unit_test(checkpoint_note_read_back_is_the_same),
        cmocka_unit_test(checkpoint_text_output_is_replaced),
        cmocka_unit_test(note_signed_by_any_change_refused),
        cmocka_unit_test(note_signed_by_other_key_or_name_is_unknown),
        cmocka_unit_test(note_signed_by_known_bad_beside_good_refused),
        cmocka_unit_test(note_signed_by_too_many_lines_refused),
        cmocka_unit_test(checkpoint_read_other_forms_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
