/* The small judgements of log lines, each at its borders: which message a pattern matches, what it
 * names as the policy hash, which words are nonces. journal/FORMAT.md, "Logs" and "Parity". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify/judge/logs/pattern.h"

#define A8 "aaaaaaaa"
#define A63 A8 A8 A8 A8 A8 A8 A8 "aaaaaaa"
#define A64 A63 "a"
#define B64 A63 "b"

enum { NO = NAMING_INVALID }; /* the message does not match */

static const struct {
    const char *patterns, *message;
    int kind;
    const char *hash, *nonce;
} lines[] = {
    /* %H */
    {"[\"Hash: %H\"]", "Hash: " A64, NAMING_HASH, A64, ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "A", NAMING_HASH, A64, ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "F", NAMING_HASH, A63 "f", ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "9", NAMING_HASH, A63 "9", ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "0", NAMING_HASH, A63 "0", ""},
    {"[\"Hash: %H\"]", "Hash: " A63, NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: " A64 "a", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "g", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: " A63 "G", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: " A64 " x", NAMING_HASH, A64, ""},
    {"[\"Hash: %H\"]", "Hash: ", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: abcdef...", NAMING_SHORT, "abcdef", ""},
    {"[\"Hash: %H\"]", "Hash: ABCDEF0...", NAMING_SHORT, "abcdef0", ""},
    {"[\"Hash: %H\"]", "Hash: abcdef\xe2\x80\xa6", NAMING_SHORT, "abcdef", ""},
    {"[\"Hash: %H\"]", "Hash: abcde...", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: abcdef..", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: abcdef", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash: ghijkl...", NAMING_OTHER, NULL, ""},
    {"[\"Hash: %H\"]", "Hash:", NO, NULL, NULL},
    {"[\"(hash: %H)\"]", "(hash: " A64 ")", NAMING_HASH, A64, ""},
    {"[\"(hash: %H)\"]", "(hash: " A64 "]", NO, NULL, NULL},
    {"[\"(hash: %H)\"]", "(hash: " A64, NO, NULL, NULL},
    {"[\"(hash: %H)\"]", "(hash: abcdef...)", NAMING_SHORT, "abcdef", ""},
    {"[\"(hash: %H)\"]", "(hash: abcdef)", NAMING_OTHER, NULL, ""},
    /* %N, and what ends a word */
    {"[\"ARM: %N\"]", "ARM: 0aAzZ9 x", NAMING_NOTHING, NULL, "0aAzZ9"},
    {"[\"ARM: %N\"]", "ARM: a/b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: a:b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: a@b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: a[b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: a`b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: a{b", NAMING_NOTHING, NULL, "a"},
    {"[\"ARM: %N\"]", "ARM: ", NAMING_NOTHING, NULL, ""},
    {"[\"ARM: %N.\"]", "ARM: abc.", NAMING_NOTHING, NULL, "abc"},
    {"[\"ARM: %N.\"]", "ARM: abc!", NO, NULL, NULL},
    {"[\"ARM: %N %H\"]", "ARM: abc " A64, NAMING_HASH, A64, "abc"},
    /* what stands for itself */
    {"[\"100%\"]", "100%", NAMING_NOTHING, NULL, ""},
    {"[\"100%\"]", "100", NO, NULL, NULL},
    {"[\"a%Xb\"]", "a%Xb", NAMING_NOTHING, NULL, ""},
    {"[\"a%Xb\"]", "aXb", NO, NULL, NULL},
    {"[\"OK\"]", "OK", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "O", NO, NULL, NULL},
    {"[\"OK\"]", "", NO, NULL, NULL},
    {"[\"OK\"]", " OK", NO, NULL, NULL},
    {"[\"\"]", "OK", NO, NULL, NULL},
    {"[]", "OK", NO, NULL, NULL},
    {"[\"no\",\"OK\"]", "OK", NAMING_NOTHING, NULL, ""},
    {"[\"OK\",\"OK %H\"]", "OK " A64, NAMING_HASH, A64, ""},
    {"[\"OK %N\",\"OK\"]", "OK abc", NAMING_NOTHING, NULL, "abc"},
    /* what the rest names */
    {"[\"OK\"]", "OKAY", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK9", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK?", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK, but", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK.", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK: fine", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK " A64, NAMING_HASH, A64, ""},
    {"[\"OK\"]", "OK (Hash: " A64 ")", NAMING_HASH, A64, ""},
    {"[\"OK\"]", "OK " A64 " " A64, NAMING_HASH, A64, ""},
    {"[\"OK\"]", "OK " A64 " " B64, NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK " A64 " abcdef...", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK abcdef... abcdef...", NAMING_SHORT, "abcdef", ""},
    {"[\"OK\"]", "OK abcdef... abcdee...", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK word " A64 " word", NAMING_HASH, A64, ""},
    {"[\"OK\"]", "OK fifteenlettersx", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK fifteenlettersxx", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK hash: abc", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK hash=abc", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK HASH:   abc", NAMING_OTHER, NULL, ""},
    {"[\"OK\"]", "OK hash abc", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK hash- abc", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK bash: abc", NAMING_NOTHING, NULL, ""},
    {"[\"OK\"]", "OK hasp: abc", NAMING_NOTHING, NULL, ""},
    {"[\"hash:\"]", "hash: abc", NAMING_OTHER, NULL, ""},
    {"[\"ash:\"]", "ash: abc", NAMING_NOTHING, NULL, ""},
};

static void pattern_each_line_as_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CLEANUP_TREE struct tree tree = {0};
        struct error error;
        struct naming naming = {.kind = NAMING_INVALID};
        struct slice nonce = slice_of("");
        /* behind the message something that would be taken for more of it */
        char memory[400];
        (void)snprintf(memory, sizeof memory, "hash: %s0123456789abcdef...", lines[i].message);
        struct slice message = {memory + 6, strlen(lines[i].message)};
        assert_int_equal(tree_read(lines[i].patterns, strlen(lines[i].patterns), TREE_PLAIN, &tree,
                                   &error),
                         ERROR_OK);
        bool matches = pattern_matches(message, tree.root, &naming, &nonce);
        if (matches != (lines[i].kind != NO) || (int)naming.kind != lines[i].kind)
            fail_msg("`%s` by %s: %d, and %d is wanted", lines[i].message, lines[i].patterns,
                     matches ? (int)naming.kind : -1, lines[i].kind);
        if (lines[i].hash != NULL)
            assert_string_equal(naming.hash, lines[i].hash);
        if (matches)
            assert_true(slice_is(nonce, lines[i].nonce));
        assert_int_equal(pattern_matches(message, tree.root, NULL, NULL), matches);
    }
    assert_false(pattern_matches(slice_of("OK"), NULL, NULL, NULL));
}

static const struct {
    const char *line, *message;
} messages[] = {
    {"plain", "plain"},
    {"", ""},
    {"\r", ""},
    {"plain\r", "plain"},
    {"plain\r ", "plain\r "},
    {"  plain", "plain"},
    {"\xe2\x9c\x85 plain", "plain"},
    {"\x7f plain", "\x7f plain"},
    {"[INFO] plain", "plain"},
    {"[AZ]plain", "plain"},
    {"[A]", ""},
    {"[A", "[A"},
    {"[]plain", "[]plain"},
    {"[info] plain", "[info] plain"},
    {"[INFO plain", "[INFO plain"},
    {"[INFO", "[INFO"},
    {"[IN@FO] plain", "[IN@FO] plain"},
    {"[IN[FO] plain", "[IN[FO] plain"},
    {"(INFO) plain", "(INFO) plain"},
    {"[INFO] \xe2\x9c\x85 plain", "plain"},
    {"{\"message\":\"outer\"}", "outer"},
    {"{\"message\":\"\xe2\x9c\x85 outer\"}\r", "outer"},
    {"{\"fields\":{\"message\":\"inner\"},\"message\":\"outer\"}", "inner"},
    {"{\"fields\":{\"message\":\"  inner\"}}", "inner"},
    {"{\"fields\":{\"message\":1},\"message\":\"outer\"}", "outer"},
    {"{\"message\":1}", "{\"message\":1}"},
    {"{\"other\":\"x\"}", "{\"other\":\"x\"}"},
    {"{\"message\":", "{\"message\":"},
    {"[\"message\"]", "[\"message\"]"},
};

static void pattern_each_message_as_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        CLEANUP_TREE struct tree tree = {0};
        /* Nothing behind it that might be read. */
        size_t length = strlen(messages[i].line);
        char *line = malloc(length + (length == 0));
        assert_non_null(line);
        memcpy(line, messages[i].line, length);
        struct slice message = pattern_message((struct slice){line, length}, &tree);
        if (!slice_is(message, messages[i].message))
            fail_msg("`%s`: `%.*s`", messages[i].line, SLICE_ARGUMENTS(message));
        free(line);
    }
}

static void pattern_hash_is_64_hex_digits(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hash;
    } hashes[] = {{A64, A64},         {A63 "F", A63 "f"}, {A63 "0", A63 "0"}, {A63 "9", A63 "9"},
                  {A63 "f", A63 "f"}, {A63 "A", A64},     {A63, NULL},        {A64 "a", NULL},
                  {A63 "/", NULL},    {A63 ":", NULL},    {A63 "@", NULL},    {A63 "G", NULL},
                  {A63 "`", NULL},    {A63 "g", NULL},    {"", NULL}};
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        char hash[SHA256_HEX + 1] = "";
        assert_int_equal(pattern_is_hash(slice_of(hashes[i].text), hash), hashes[i].hash != NULL);
        assert_string_equal(hash, hashes[i].hash != NULL ? hashes[i].hash : "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_each_line_as_the_format_says),
        cmocka_unit_test(pattern_each_message_as_the_format_says),
        cmocka_unit_test(pattern_hash_is_64_hex_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
