/* Goal: no form of a value comes through, whatever is around it, and nothing else is touched. Forms
 * are made by libsodium and by hand, not by the code under test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "actions/secrets/redact.h"
#include "journal/format/text.h"

static struct redactor *make(const char *const *values, size_t count)
{
    struct redactor *redactor;
    struct error error;
    assert_int_equal(redactor_new(&redactor, &error), ERROR_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(redactor_add(redactor, values[i], strlen(values[i]), true, &error),
                         ERROR_OK);
    assert_int_equal(redactor_seal(redactor, &error), ERROR_OK);
    return redactor;
}

static struct bytes bytes_of(const void *data, size_t size)
{
    struct bytes bytes = {0};
    struct error error;
    assert_int_equal(bytes_append(&bytes, data, size, &error), ERROR_OK);
    return bytes;
}

static void expect_at(const struct redactor *redactor, enum redact_level level, const char *text,
                      const char *expected)
{
    struct error error;
    CLEANUP_BYTES struct bytes bytes = bytes_of(text, strlen(text));
    assert_int_equal(redactor_apply(redactor, level, &bytes, &error), ERROR_OK);
    assert_string_equal((const char *)bytes.data, expected);
    assert_int_equal(bytes.size, strlen(expected));
}

static void expect(const struct redactor *redactor, const char *text, const char *expected)
{
    expect_at(redactor, REDACT_ALL, text, expected);
}

/* The text must have lost every letter of the form but at most two at either end, where a base64
 * digit holds bits of its neighbour. */
static void expect_gone(const struct redactor *redactor, const char *text, const char *form)
{
    struct error error;
    CLEANUP_BYTES struct bytes bytes = bytes_of(text, strlen(text));
    assert_non_null(strstr(text, form)); /* it would be found */
    assert_int_equal(redactor_apply(redactor, REDACT_ALL, &bytes, &error), ERROR_OK);
    assert_non_null(strstr((const char *)bytes.data, REDACT_MARK));
    assert_null(strstr((const char *)bytes.data, form));
}

static void redactor_apply_raw_value_is_marked_and_its_surroundings_stay(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"hunter2hunter2"}, 1);
    expect(redactor, "", "");
    expect(redactor, "nothing here", "nothing here");
    expect(redactor, "hunter2hunter2", "[redacted]");
    expect(redactor, "a hunter2hunter2 b\n", "a [redacted] b\n");
    expect(redactor, "hunter2hunter", "hunter2hunter");
    expect(redactor, "hunter2hunterhunter2hunter2", "hunter2hunter[redacted]");
    redactor_free(redactor);
}

static void redactor_apply_overlapping_adjacent_and_nested_values_become_one_mark(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"abcdef", "defghi", "abc1", "abc123", "hers",
                                                      "she", "xhersy"},
                                     7);
    expect(redactor, ".abcdefghi.", ".[redacted].");
    expect(redactor, ".abcdefabcdef.", ".[redacted].");
    expect(redactor, ".abc123.", ".[redacted].");
    expect(redactor, ".abc12.", ".[redacted]2.");
    expect(redactor, ".ushers.", ".u[redacted].");
    expect(redactor, ".xhersz.", ".x[redacted]z.");
    redactor_free(redactor);
}

static void redactor_apply_values_that_are_prefixes_of_others_take_the_longest(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"token", "token-long", "token-longest"}, 3);
    expect(redactor, "token token-long token-longest token-longes",
           "[redacted] [redacted] [redacted] [redacted]es");
    redactor_free(redactor);
}

static void redactor_apply_bytes_needed_for_commands_lose_only_what_is_secret(void **state)
{
    (void)state;
    struct redactor *redactor;
    struct error error;
    assert_int_equal(redactor_new(&redactor, &error), ERROR_OK);
    assert_int_equal(redactor_add(redactor, "registry.example:5000", 21, false, &error), ERROR_OK);
    assert_int_equal(redactor_add(redactor, "s3cretvalue", 11, true, &error), ERROR_OK);
    assert_int_equal(redactor_add(redactor, "with registry", 13, false, &error), ERROR_OK);
    assert_int_equal(redactor_add(redactor, "registry", 8, true, &error), ERROR_OK);
    assert_int_equal(redactor_seal(redactor, &error), ERROR_OK);
    expect_at(redactor, REDACT_SECRETS, "registry.example:5000 s3cretvalue",
              "[redacted].example:5000 [redacted]");
    expect_at(redactor, REDACT_SECRETS, "with registry",
              "with [redacted]"); /* the secret one ends inside one that only may be */
    expect_at(redactor, REDACT_ALL, "registry.example:5000 s3cretvalue", "[redacted] [redacted]");
    redactor_free(redactor);
}

/* Every alignment of the value in what was encoded, both alphabets, with and without padding, at
 * every place in a run of letters. */
static void redactor_spare_gives_back_what_is_part_of_a_name(void **state)
{
    (void)state;
    struct error error;
    static const char *const values[] = {"registry", "registry.test/web/behind", "web:1", "behind"};
    struct redactor *redactor = make(values, 4);
    static const char name[] = "registry.test/web:1";
    expect(redactor, "registry web:1 behind", REDACT_MARK " " REDACT_MARK " " REDACT_MARK);
    assert_true(redactor_spare(redactor, name, strlen(name)));
    assert_int_equal(redactor_seal(redactor, &error), ERROR_OK);
    expect(redactor, "registry web:1 behind", "registry web:1 " REDACT_MARK);
    expect(redactor, "registry.test/web/behind", REDACT_MARK);
    assert_false(redactor_spare(redactor, name, strlen(name)));
    redactor_free(redactor);
}

static void redactor_apply_base64_at_every_alignment_is_marked(void **state)
{
    (void)state;
    static const char value[] = "p?ss>w~rd\xff\xfe!/";
    static const char *const before[] = {"", "u", "us", "user:", "user:x"},
                             *const behind[] = {"", "@", "@h", "@host"},
                             *const lead[] = {"", "x", "/a", "ab-", "Basic "};
    static const int variants[] = {sodium_base64_VARIANT_ORIGINAL,
                                   sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                   sodium_base64_VARIANT_URLSAFE,
                                   sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    struct redactor *redactor = make((const char *[]){value}, 1);
    struct error error;
    for (size_t b = 0; b < 5; b++) {
        for (size_t e = 0; e < 4; e++) {
            for (size_t v = 0; v < 4; v++) {
                for (size_t l = 0; l < 5; l++) {
                    char plain[64], encoded[128], text[160];
                    (void)snprintf(plain, sizeof plain, "%s%s%s", before[b], value, behind[e]);
                    (void)sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)plain,
                                            strlen(plain), variants[v]);
                    (void)snprintf(text, sizeof text, "%s%s.", lead[l], encoded);
                    size_t from = strlen(before[b]) * 8 / 6,
                           to = ((strlen(before[b]) + strlen(value)) * 8 + 5) / 6;
                    char kept[160];
                    (void)snprintf(kept, sizeof kept, "%s%.*s[redacted]%s.", lead[l], (int)from,
                                   encoded, encoded + to);
                    CLEANUP_BYTES struct bytes bytes = bytes_of(text, strlen(text));
                    assert_int_equal(redactor_apply(redactor, REDACT_ALL, &bytes, &error),
                                     ERROR_OK);
                    assert_string_equal((const char *)bytes.data, kept);
                }
            }
        }
    }
    redactor_free(redactor);
}

static void redactor_apply_hex_in_either_case_and_spaced_is_marked(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"k\xc3\xb6nig-7"}, 1);
    expect(redactor, "x 6bc3b66e69672d37 y", "x [redacted] y");
    expect(redactor, "0x6BC3B66E69672D37", "0x[redacted]");
    expect(redactor, "f6bc3b66e69672d37f", "f[redacted]f");
    expect(redactor, "6b:c3:b6:6e:69:67:2d:37 end", "[redacted] end");
    expect(redactor, "6b c3 b6 6e\n69 67 2d 37\n", "[redacted]\n");
    expect(redactor, "6bc3b66e69672d38", "6bc3b66e69672d38");
    redactor_free(redactor);
}

static void redactor_apply_url_forms_are_marked(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"p@ss w/rd+1%"}, 1);
    expect(redactor, "nats://u:p%40ss%20w%2Frd%2B1%25@h", "nats://u:[redacted]@h");
    expect(redactor, "q=p%40ss+w%2frd%2b1%25&x", "q=[redacted]&x");
    expect(redactor, "%70%40%73%73%20%77%2f%72%64%2b%31%25", "[redacted]");
    expect(redactor, "p%2540ss%2520w%252Frd%252B1%2525", "[redacted]");
    expect(redactor, "100% p%4", "100% p%4");
    redactor_free(redactor);
}

static void redactor_apply_json_forms_are_marked(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"a\"b\\c<d>&\n\xc3\xbc\xf0\x9f\x94\x92z"}, 1);
    expect(redactor, "{\"k\":\"a\\\"b\\\\c<d>&\\n\xc3\xbc\xf0\x9f\x94\x92z\"}",
           "{\"k\":\"[redacted]\"}");
    expect(redactor, "{\"k\":\"a\\\"b\\\\c\\u003cd\\u003E\\u0026\\u000a\\u00fc\\ud83d\\uDD12z\"}",
           "{\"k\":\"[redacted]\"}");
    expect(redactor, "{\\\"k\\\":\\\"a\\\\\\\"b\\\\\\\\c<d>&\\\\n\xc3\xbc\xf0\x9f\x94\x92z\\\"}",
           "{\\\"k\\\":\\\"[redacted]\\\"}");
    expect(redactor, "a\\x22b\\x5cc\\x3cd>&\\x0a\\xc3\\xbc\\xf0\\x9f\\x94\\x92z", "[redacted]");
    expect(redactor, "\\", "\\");
    expect(redactor, "\\u12", "\\u12");
    expect(redactor, "\\ud83d\\u", "\\ud83d\\u");
    redactor_free(redactor);
}

/* What is left of JSON is still JSON: a mark never stands behind a lone backslash. */
static void redactor_apply_behind_an_escape_takes_its_backslash(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"nsecretvalue"}, 1);
    expect(redactor, "\"x\\nsecretvalue\"", "\"x[redacted]\"");
    expect(redactor, "\"x\\\\nsecretvalue\"", "\"x\\\\[redacted]\"");
    redactor_free(redactor);
}

static void redactor_apply_other_quotes_lines_and_nested_forms_are_marked(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"it's $5\nline two", "Tr0ub4dor&3 \"x\""}, 2);
    expect(redactor, "k: 'it''s $5\nline two'", "k: '[redacted]'");
    expect(redactor, "k: it's $$5\nline two", "k: [redacted]");
    expect(redactor, "'it'\\''s $5\nline two'", "'[redacted]'");
    expect(redactor,
           "2026-11-23T07:20:23.123456789Z it's $5\n2026-11-23T07:20:23.123456790Z line "
           "two\n2026-11-23T07:20:24Z next\n",
           "2026-11-23T07:20:23.123456789Z [redacted]\n2026-11-23T07:20:24Z next\n");
    expect_gone(redactor, "x VHIwdWI0ZG9yJjMgIngi y", "VHIwdWI0ZG9yJjMgIngi"); /* base64 */
    expect_gone(redactor, "x VkhJd2RXSTBaRzl5SmpNZ0luZ2k= y",
                "VkhJd2RXSTBaRzl5SmpNZ0luZ2k"); /* of base64 */
    expect_gone(redactor, "t=eyJwIjoiVHIwdWI0ZG9yJjMgXCJ4XCIifQ==",
                "VHIwdWI0ZG9yJjMgXCJ4XCIif");                        /* {"p":"Tr0ub4dor&3 \"x\""} */
    expect_gone(redactor, "VHIwdWI0\nZG9yJjMg\nIngi\n", "ZG9yJjMg"); /* wrapped */
    redactor_free(redactor);
}

static void redactor_apply_hashes_and_binary_are_spared(void **state)
{
    (void)state;
    struct redactor *redactor = make((const char *[]){"correct horse", "0123456789ab"}, 2);
    static const char text[] =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 "
        "{\"status\":\"healthy\",\"armed\":false}";
    expect(redactor, text, text);
    uint8_t all[512];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    struct error error;
    CLEANUP_BYTES struct bytes bytes = bytes_of(all, sizeof all);
    assert_int_equal(redactor_apply(redactor, REDACT_ALL, &bytes, &error), ERROR_OK);
    assert_int_equal(bytes.size, sizeof all);
    assert_memory_equal(bytes.data, all, sizeof all);
    redactor_free(redactor);
}

/* Random texts over few letters, against a search that cannot be wrong. */
static void redactor_apply_random_texts_agree_with_a_plain_search(void **state)
{
    (void)state;
    static const char *const values[] = {"aab", "abab", "bbb", "ba?a", "a?", "??b"};
    struct redactor *redactor = make(values, 6);
    struct error error;
    for (unsigned round = 0; round < 2000; round++) {
        char text[64], expected[512] = "";
        bool hidden[64] = {false};
        size_t size = randombytes_uniform(sizeof text);
        for (size_t i = 0; i < size; i++)
            text[i] = "ab?"[randombytes_uniform(3)];
        for (size_t v = 0; v < 6; v++)
            for (size_t i = 0; i + strlen(values[v]) <= size; i++)
                if (memcmp(text + i, values[v], strlen(values[v])) == 0)
                    memset(hidden + i, true, strlen(values[v]));
        size_t used = 0;
        for (size_t i = 0; i < size; i++) {
            if (!hidden[i])
                expected[used++] = text[i];
            else if (i == 0 || !hidden[i - 1])
                used += (size_t)snprintf(expected + used, sizeof expected - used, REDACT_MARK);
        }
        CLEANUP_BYTES struct bytes bytes = bytes_of(text, size);
        assert_int_equal(redactor_apply(redactor, REDACT_ALL, &bytes, &error), ERROR_OK);
        assert_int_equal(bytes.size, used);
        assert_memory_equal(bytes.data, expected, used);
    }
    redactor_free(redactor);
}

static void redactor_add_too_much_is_a_limit(void **state)
{
    (void)state;
    struct redactor *redactor;
    struct error error;
    static char large[REDACT_BYTES_MAX];
    memset(large, 'x', sizeof large);
    assert_int_equal(redactor_new(&redactor, &error), ERROR_OK);
    assert_int_equal(redactor_add(redactor, large, sizeof large, true, &error), ERROR_LIMIT);
    assert_int_equal(redactor_seal(redactor, &error), ERROR_OK); /* and it can still be used */
    expect(redactor, "abc", "abc");
    redactor_free(redactor);
}

static int64_t cpu_us(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t measure(const struct redactor *redactor, const struct bytes *text)
{
    struct error error;
    CLEANUP_BYTES struct bytes copy = bytes_of(text->data, text->size);
    int64_t began = cpu_us();
    assert_int_equal(redactor_apply(redactor, REDACT_ALL, &copy, &error), ERROR_OK);
    return cpu_us() - began;
}

/* Of 8 to 32 letters. */
static struct redactor *make_random(size_t count)
{
    static char texts[400][33];
    const char *values[400];
    for (size_t i = 0; i < count; i++) {
        uint8_t random[16];
        randombytes_buf(random, sizeof random);
        bytes_hex(random, sizeof random, texts[i]);
        texts[i][8 + i % 25] = '\0';
        values[i] = texts[i];
    }
    return make(values, count);
}

/* The cost is that of the text: eight times the values, and the worst values and texts there are,
 * may not cost more than a few times as much. A ratio, so that a slow machine does not matter; the
 * figures are printed. */
static void redactor_apply_cost_does_not_grow_with_the_values(void **state)
{
    (void)state;
    struct text lines = {0}, letters = {0};
    struct bytes text, same;
    struct error error;
    while (lines.bytes.size < 1 << 20)
        text_add_format(&lines,
                        "2026-11-23T07:20:23.123456789Z "
                        "{\"timestamp\":\"2026-11-23T07:20:23.123456Z\",\"level\":\"INFO\","
                        "\"fields\":{\"message\":\"order \\\"%zu\\\" at "
                        "http://127.0.0.1:3002/a?b=%%20c\"},\"target\":\"titan_execution\"}\n",
                        lines.bytes.size);
    while (letters.bytes.size < 1 << 20)
        text_add(&letters, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(text_give(&lines, &text, &error), ERROR_OK);
    assert_int_equal(text_give(&letters, &same, &error), ERROR_OK);
    static char likes[64][2001];
    const char *alike[64];
    for (size_t i = 0; i < 64; i++) {
        memset(likes[i], 'a', 2000);
        likes[i][1999 - i] = 'b';
        alike[i] = likes[i];
    }
    struct redactor *few = make_random(50), *many = make_random(400), *worst = make(alike, 64);
    int64_t few_us = measure(few, &text), many_us = measure(many, &text),
            worst_us = measure(worst, &same), plain_us = measure(few, &same);
    print_message("redaction of 1 MiB of log, CPU: %lld us with 50 values, %lld us with 400; of "
                  "one letter: %lld us, with 64 values of 2000 of that letter %lld us\n",
                  (long long)few_us, (long long)many_us, (long long)plain_us, (long long)worst_us);
    assert_true(many_us < few_us * 4 + 50000);
    assert_true(worst_us < plain_us * 20 + 200000);
    redactor_free(few);
    redactor_free(many);
    redactor_free(worst);
    bytes_free(&text);
    bytes_free(&same);
}

/* Nothing but values, in every form: raw, quoted, in hex and base64, broken by lines. */
static struct bytes full_of(size_t size)
{
    static const char *const forms[] = {
        "alpha-secret-1\n",      "\"beta secret two\" ",   "616c7068612d7365637265742d31 ",
        "YWxwaGEtc2VjcmV0LTE= ", "beta%20secret%20two\\n", "alpha-\\u0073ecret-1 "};
    struct text text = {0};
    struct bytes made = {0};
    struct error error;
    for (size_t i = 0; text.bytes.size < size; i++)
        text_add(&text, forms[i % (sizeof forms / sizeof forms[0])]);
    assert_int_equal(text_give(&text, &made, &error), ERROR_OK);
    return made;
}

/* Eight times the text, all of it secret, costs eight times as much, and not sixty-four times. */
static void redactor_apply_cost_grows_as_the_text(void **state)
{
    static const char *const values[] = {"alpha-secret-1", "beta secret two"};
    struct redactor *redactor = make(values, 2);
    CLEANUP_BYTES struct bytes small = full_of(1 << 19);
    CLEANUP_BYTES struct bytes large = full_of(1 << 22);
    (void)state;
    int64_t small_us = measure(redactor, &small), large_us = measure(redactor, &large);
    print_message("redaction of text that is secret throughout, CPU: %lld us for 512 KiB, %lld us "
                  "for 4 MiB\n",
                  (long long)small_us, (long long)large_us);
    assert_true(large_us < small_us * 8 * 3 + 100000);
    redactor_free(redactor);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(redactor_apply_raw_value_is_marked_and_its_surroundings_stay),
        cmocka_unit_test(redactor_apply_overlapping_adjacent_and_nested_values_become_one_mark),
        cmocka_unit_test(redactor_apply_values_that_are_prefixes_of_others_take_the_longest),
        cmocka_unit_test(redactor_apply_bytes_needed_for_commands_lose_only_what_is_secret),
        cmocka_unit_test(redactor_spare_gives_back_what_is_part_of_a_name),
        cmocka_unit_test(redactor_apply_base64_at_every_alignment_is_marked),
        cmocka_unit_test(redactor_apply_hex_in_either_case_and_spaced_is_marked),
        cmocka_unit_test(redactor_apply_url_forms_are_marked),
        cmocka_unit_test(redactor_apply_json_forms_are_marked),
        cmocka_unit_test(redactor_apply_behind_an_escape_takes_its_backslash),
        cmocka_unit_test(redactor_apply_other_quotes_lines_and_nested_forms_are_marked),
        cmocka_unit_test(redactor_apply_hashes_and_binary_are_spared),
        cmocka_unit_test(redactor_apply_random_texts_agree_with_a_plain_search),
        cmocka_unit_test(redactor_add_too_much_is_a_limit),
        cmocka_unit_test(redactor_apply_cost_does_not_grow_with_the_values),
        cmocka_unit_test(redactor_apply_cost_grows_as_the_text),
    };
    return sodium_init() < 0 ? 99 : cmocka_run_group_tests(tests, NULL, NULL);
}
