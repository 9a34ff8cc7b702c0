/* Goal: a label is escaped whatever a target is called, and every state of the table has its line.
 * (promtool judges the whole: tests/scenarios/test_looks.py.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/commands/look/metrics.h"

static void metrics_text_target_with_quotes_is_escaped(void **state)
{
    (void)state;
    CLEANUP_TEXT struct text text = {0};
    struct metrics metrics = {.target = "a\"b\\c\nd", .journal = "00", .entries = 7, .bytes = 4096};
    metrics_text(&metrics, &text);
    assert_non_null(
        strstr(text_string(&text), "titan_fsm_journal_entries{target=\"a\\\"b\\\\c\\nd\"} 7\n"));
    assert_null(strstr(text_string(&text), "c\nd"));
}

static void metrics_text_every_state_has_a_line(void **state)
{
    (void)state;
    CLEANUP_TEXT struct text text = {0};
    struct metrics metrics = {.target = "t", .journal = "00"};
    metrics_text(&metrics, &text);
    for (unsigned each = 1; each < STATE_COUNT; each++) {
        char line[96];
        (void)snprintf(line, sizeof line, "\ntitan_fsm_state{target=\"t\",state=\"%s\"} 0\n",
                       machine_state_name((enum state)each));
        assert_non_null(strstr(text_string(&text), line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(metrics_text_target_with_quotes_is_escaped),
                                       cmocka_unit_test(metrics_text_every_state_has_a_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
