/* Goal: an error says where, what and the next step on one line, and foreign bytes in it cannot act
 * on a terminal. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_printed(const struct error *error, const char *program, const char *wanted)
{
    char *shown = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&shown, &length);
    assert_non_null(stream);
    error_print(stream, program, error);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(shown, wanted);
    free(shown);
}

static void error_set_all_parts_are_kept(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, ERROR_CONFIG, 42, "titan.yml:3:1", "mend the line",
                               "the key `%s` is %s", "x", "unknown"),
                     ERROR_CONFIG);
    assert_int_equal(error.code, ERROR_CONFIG);
    assert_int_equal(error.library_code, 42);
    check_printed(&error, "titan-fsm",
                  "titan-fsm: titan.yml:3:1: the key `x` is unknown; next: mend the line\n");
}

static void error_print_absent_parts_leave_no_marks(void **state)
{
    (void)state;
    struct error error;
    (void)error_set(&error, ERROR_SYSTEM, 0, "", "", "it broke");
    check_printed(&error, "titan-fsm", "titan-fsm: it broke\n");
    (void)error_set(&error, ERROR_SYSTEM, 0, NULL, NULL, "it broke");
    check_printed(&error, "titan-verify", "titan-verify: it broke\n");
    (void)error_set(&error, ERROR_SYSTEM, 0, "", "try again", "it broke");
    check_printed(&error, "", "it broke; next: try again\n");
}

static void error_set_quoting_the_old_error_is_safe(void **state)
{
    (void)state;
    struct error error;
    (void)error_set(&error, ERROR_SYSTEM, 1, "inner", "step", "first");
    assert_int_equal(error_set(&error, ERROR_DAMAGED, error.library_code, error.where, error.next,
                               "outer: %s", error.what),
                     ERROR_DAMAGED);
    assert_int_equal(error.library_code, 1);
    check_printed(&error, "p", "p: inner: outer: first; next: step\n");
}

static void error_set_too_long_text_is_cut_and_ended(void **state)
{
    (void)state;
    char text[2000];
    struct error error;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)error_set(&error, ERROR_LIMIT, 0, text, text, "%s", text);
    assert_int_equal(strlen(error.where), sizeof error.where - 1);
    assert_int_equal(strlen(error.what), sizeof error.what - 1);
    assert_int_equal(strlen(error.next), sizeof error.next - 1);
    assert_string_equal(error.where + sizeof error.where - 6, "aa...");
    assert_string_equal(error.what + sizeof error.what - 6, "aa...");
    assert_string_equal(error.next + sizeof error.next - 6, "aa...");
    for (size_t shift = 0; shift < 3; shift++) { /* a character of three bytes at each place */
        memset(text, 'a', sizeof text - 1);
        for (size_t i = 0; i + 3 < sizeof text - shift; i += 3)
            memcpy(text + shift + i, "\xe2\x82\xac", 3);
        (void)error_set(&error, ERROR_LIMIT, 0, text, "", "x");
        assert_true(bytes_is_utf8(error.where, strlen(error.where)));
    }
    text[sizeof error.where - 1] = '\0';
    memset(text, 'b', sizeof error.where - 1);
    (void)error_set(&error, ERROR_LIMIT, 0, text, "", "x"); /* fits to the last byte */
    assert_string_equal(error.where, text);
}

static void error_print_control_characters_are_escaped(void **state)
{
    (void)state;
    struct error error;
    (void)error_set(&error, ERROR_PROTOCOL, 0, "host\x1b[31m", "look\rhere", "it said \"%s\"",
                    "a\nb\x07\xff");
    check_printed(&error, "p\x08",
                  "p\\x08: host\\x1b[31m: it said \"a b\\x07\\xff\"; next: look\\x0dhere\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_set_all_parts_are_kept),
        cmocka_unit_test(error_print_absent_parts_leave_no_marks),
        cmocka_unit_test(error_set_quoting_the_old_error_is_safe),
        cmocka_unit_test(error_set_too_long_text_is_cut_and_ended),
        cmocka_unit_test(error_print_control_characters_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
