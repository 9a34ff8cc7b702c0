/* Goal: whatever form a line or a reply has, it is read as a hash, as the beginning of one, as
 * agreement without one, or as something else; never as agreement with what it contradicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actions/policy_words.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define U64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define OK "Policy hash handshake OK"
#define NAMED OK ". Enabling signal processing. Hash: "
#define LOADED "Loaded RiskPolicy (hash: %H"

static void line_every_form_is_read_for_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *message, *pattern;
        enum policy_words_kind kind;
        const char *hash; /* NULL: not compared */
    } rows[] = {
        {NAMED A64, NAMED "%H", POLICY_WORDS_HASH, A64},
        {NAMED U64, NAMED "%H", POLICY_WORDS_HASH, A64},
        {NAMED A64 "0", NAMED "%H", POLICY_WORDS_OTHER, NULL},
        {NAMED A64 "g", NAMED "%H", POLICY_WORDS_OTHER, NULL},
        {NAMED, NAMED "%H", POLICY_WORDS_OTHER, ""},
        {NAMED "none", NAMED "%H", POLICY_WORDS_OTHER, "none"},
        {"Loaded RiskPolicy (hash: aaaaaa...)", LOADED, POLICY_WORDS_SHORTENED, "aaaaaa"},
        {"Loaded RiskPolicy (hash: AAAAAA\xE2\x80\xA6)", LOADED, POLICY_WORDS_SHORTENED, "aaaaaa"},
        {"Loaded RiskPolicy (hash: aaaaa...)", LOADED, POLICY_WORDS_OTHER, NULL},
        {"Loaded RiskPolicy (hash: aaaaaa)", LOADED, POLICY_WORDS_OTHER, NULL},
        {OK, OK, POLICY_WORDS_AGREED, ""},
        {OK ".", OK, POLICY_WORDS_AGREED, ""},
        {OK " (3 ms)", OK, POLICY_WORDS_AGREED, ""},
        {OK "AY? no: refused", OK, POLICY_WORDS_OTHER, NULL},
        {OK "? no", OK, POLICY_WORDS_OTHER, NULL},
        {OK ", but not yet", OK, POLICY_WORDS_OTHER, NULL},
        {OK " (Hash: " A64 ")", OK, POLICY_WORDS_HASH, A64},
        {OK " (Hash: " U64 ")", OK, POLICY_WORDS_HASH, A64},
        {OK " hash=aaaaaa...", OK, POLICY_WORDS_SHORTENED, "aaaaaa"},
        {OK " hash: pending", OK, POLICY_WORDS_OTHER, "pending"},
        {OK " " A64 " " A64, OK, POLICY_WORDS_HASH, A64},
        {OK " " A64 " abcdef...", OK, POLICY_WORDS_OTHER, NULL},
        {OK " 0123456789abcdef", OK, POLICY_WORDS_OTHER, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy_words words = {0};
        assert_true(policy_words_line(rows[i].message, rows[i].pattern, &words));
        if (words.kind != rows[i].kind)
            fail_msg("row %zu: '%s' is %d", i, rows[i].message, (int)words.kind);
        if (rows[i].hash != NULL)
            assert_string_equal(words.hash, rows[i].hash);
    }
}

static void line_other_text_is_no_match(void **state)
{
    (void)state;
    struct policy_words words = {.kind = POLICY_WORDS_AGREED};
    assert_false(policy_words_line("Policy hash handshake FAILED", OK, &words));
    assert_int_equal(words.kind, POLICY_WORDS_AGREED);
}

static void reply_without_a_hash_is_something_else(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        enum policy_words_kind kind;
    } rows[] = {
        {"{\"policy_hash\":\"" A64 "\",\"timestamp\":1}", POLICY_WORDS_HASH},
        {"{\"policy_hash\":\"" U64 "\"}", POLICY_WORDS_HASH},
        {"{\"hash\":\"" A64 "\"}", POLICY_WORDS_HASH},
        {"{\"policy_hash\":\"" A64 " \"}", POLICY_WORDS_OTHER},
        {"{\"policy_hash\":\"\"}", POLICY_WORDS_OTHER},
        {"{\"policy_hash\":7,\"hash\":\"" A64 "\"}", POLICY_WORDS_HASH},
        {"{\"stream\":\"TITAN_CMD\",\"seq\":7}", POLICY_WORDS_OTHER},
        {"", POLICY_WORDS_OTHER},
        {"not json", POLICY_WORDS_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error;
        struct policy_words words;
        CLEANUP_BYTES struct bytes reply = {0};
        assert_int_equal(bytes_append(&reply, rows[i].reply, strlen(rows[i].reply), &error),
                         ERROR_OK);
        policy_words_reply(&reply, &words);
        assert_int_equal(words.kind, rows[i].kind);
        if (rows[i].kind == POLICY_WORDS_HASH)
            assert_string_equal(words.hash, A64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_every_form_is_read_for_what_it_says),
        cmocka_unit_test(line_other_text_is_no_match),
        cmocka_unit_test(reply_without_a_hash_is_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
