/* Goal: text is glued without a ladder of checks, a failure is remembered, a foreign word reaches
 * sh as one word, and an identity is never cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "journal/format/text.h"

static void text_add_glues(void **state)
{
    (void)state;
    struct error error;
    CLEANUP_TEXT struct text text = {0};
    assert_string_equal(text_string(&text), "");
    text_add(&text, "a ");
    text_add_format(&text, "%d ", 7);
    text_add_quoted(&text, "it's");
    assert_false(text_failed(&text, &error));
    assert_string_equal(text_string(&text), "a 7 'it'\\''s'");
}

static void text_add_after_failure_does_nothing(void **state)
{
    (void)state;
    struct error error;
    CLEANUP_TEXT struct text text = {0};
    text_add(&text, "kept");
    (void)error_set(&text.failure, ERROR_LIMIT, 0, "", "", "planted");
    text_add(&text, "lost");
    text_add_format(&text, "%s", "lost");
    text_add_quoted(&text, "lost");
    assert_true(text_failed(&text, &error));
    assert_string_equal(error.what, "planted");
    assert_string_equal(text_string(&text), "kept");
    struct bytes untouched = {0};
    assert_int_equal(text_give(&text, &untouched, &error), ERROR_LIMIT);
    assert_null(untouched.data);
}

/* A part that failed must not be glued as if it were whole. */
static void text_add_text_failure_of_a_part_is_inherited(void **state)
{
    (void)state;
    struct error error;
    CLEANUP_TEXT struct text good = {0}, failed = {0}, text = {0}, quoted = {0};
    text_add(&good, "it's");
    text_add_text(&text, &good);
    text_add_quoted_text(&text, &good);
    assert_false(text_failed(&text, &error));
    assert_string_equal(text_string(&text), "it's'it'\\''s'");
    text_add(&failed, "half");
    (void)error_set(&failed.failure, ERROR_LIMIT, 0, "", "", "planted");
    text_add_text(&text, &failed);
    text_add_quoted_text(&quoted, &failed);
    assert_true(text_failed(&text, &error));
    assert_string_equal(text_string(&text), "it's'it'\\''s'");
    assert_true(text_failed(&quoted, &error));
    assert_string_equal(text_string(&quoted), "");
}

/* sh itself says what it understood. */
static void text_add_quoted_every_byte_survives_sh(void **state)
{
    (void)state;
    char word[256];
    size_t length = 0;
    for (int byte = 1; byte < 256; byte++)
        word[length++] = (char)byte;
    word[length] = '\0';
    struct error error;
    CLEANUP_TEXT struct text text = {0};
    text_add(&text, "printf %s ");
    text_add_quoted(&text, word);
    assert_false(text_failed(&text, &error));
    FILE *shell = popen(text_string(&text), "r");
    assert_non_null(shell);
    char seen[300] = {0};
    assert_int_equal(fread(seen, 1, sizeof seen, shell), length);
    assert_int_equal(pclose(shell), 0);
    assert_memory_equal(seen, word, length);
}

static void text_exact_too_long_refused(void **state)
{
    (void)state;
    struct error error;
    char to[4] = "old";
    assert_int_equal(text_exact(to, sizeof to, "four", "service", &error), ERROR_LIMIT);
    assert_string_equal(to, "old");
    assert_non_null(strstr(error.what, "service is 4 bytes long; at most 3"));
    assert_int_equal(text_exact(to, sizeof to, "new", "service", &error), ERROR_OK);
    assert_string_equal(to, "new");
}

static void text_cut_keeps_whole_characters(void **state)
{
    (void)state;
    char to[6];
    text_cut(to, sizeof to, "abc\xE2\x9C\x85");
    assert_string_equal(to, "abc");
    text_cut(to, sizeof to, "ab\xE2\x9C\x85z");
    assert_string_equal(to, "ab\xE2\x9C\x85");
    text_cut(to, sizeof to, "short");
    assert_string_equal(to, "short");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_add_glues),
        cmocka_unit_test(text_add_after_failure_does_nothing),
        cmocka_unit_test(text_add_text_failure_of_a_part_is_inherited),
        cmocka_unit_test(text_add_quoted_every_byte_survives_sh),
        cmocka_unit_test(text_exact_too_long_refused),
        cmocka_unit_test(text_cut_keeps_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
