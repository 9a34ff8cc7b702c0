/* Goal: on a terminal no line is longer than it, and none is broken within a word; what goes on
 * stands below the sentence that it belongs to, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal/format/wrap.h"

static const struct {
    const char *text, *wrapped;
    unsigned columns;
} cases[] = {
    {"", "", 20},
    {"short\n", "short\n", 20},
    {"exactly twenty cells\n", "exactly twenty cells\n", 20},
    {"one sentence that is longer than it\n", "one sentence that is\n  longer than it\n", 20},
    {"07:21:13  a sentence behind a time of day\n",
     "07:21:13  a sentence behind a\n          time of day\n", 30},
    {"  two blanks, then more words than fit\n",
     "  two blanks, then\n    more words than\n    fit\n", 20},
    {"averyveryverylongwordwithoutblanks and on\n",
     "averyveryverylongwordwithoutblanks\n  and on\n", 20},
    {"gr\xc3\xbc\xc3\x9f"
     "e aus M\xc3\xbcnchen!! und\n",
     "gr\xc3\xbc\xc3\x9f"
     "e aus M\xc3\xbcnchen!!\n  und\n",
     20},
    {"a line\nand another that is too long\n", "a line\nand another that is\n  too long\n", 20},
    {"as long as it likes, where there is no terminal",
     "as long as it likes, where there is no "
     "terminal",
     0},
};

static void lines_are_broken_at_blanks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        assert_non_null(stream);
        wrap_print(stream, cases[i].text, cases[i].columns);
        assert_int_equal(fclose(stream), 0);
        assert_string_equal(text, cases[i].wrapped);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_broken_at_blanks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
