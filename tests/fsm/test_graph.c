/* Goal: the picture is the table: every state and every edge is in both forms and nothing else is,
 * the path of a deployment is marked and nothing beside it, and the picture that README shows is
 * this program's output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actions/target/world_system.h"
#include "fsm/commands/look/graph.h"

enum { PICTURE_BYTES_MAX = 1 << 20 };

static void draw(const struct graph_path *path, struct bytes *svg, struct bytes *dot)
{
    struct error error;
    assert_int_equal(graph_svg(path, svg, &error), ERROR_OK);
    assert_int_equal(graph_dot(path, dot, &error), ERROR_OK);
}

static size_t count_of(const struct bytes *text, const char *word)
{
    size_t count = 0;
    for (const char *at = (const char *)text->data; (at = strstr(at, word)) != NULL;
         at += strlen(word))
        count++;
    return count;
}

/* From `begin` up to the end of that line is there, and the line has `word` in it. */
static bool line_has(const struct bytes *text, const char *begin, const char *word)
{
    char line[1024];
    const char *at = strstr((const char *)text->data, begin);
    if (at == NULL)
        return false;
    while (at > (const char *)text->data && at[-1] != '\n')
        at--;
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    return strstr(line, word) != NULL;
}

static size_t pairs_of_the_table(void)
{
    bool seen[STATE_COUNT][STATE_COUNT] = {{false}};
    size_t rows, pairs = 0;
    const struct transition *row = machine_transitions(&rows);
    for (; rows > 0; rows--, row++) {
        pairs += !seen[row->from][row->to];
        seen[row->from][row->to] = true;
    }
    return pairs;
}

static void graph_svg_and_dot_every_edge_of_the_table_is_there(void **state)
{
    (void)state;
    static const struct graph_path none;
    CLEANUP_BYTES struct bytes svg = {0}, dot = {0};
    draw(&none, &svg, &dot);
    size_t rows;
    const struct transition *row = machine_transitions(&rows);
    for (; rows > 0; rows--, row++) {
        char in_svg[96], in_dot[96];
        (void)snprintf(in_svg, sizeof in_svg, "<title>%s to %s: ", machine_state_name(row->from),
                       machine_state_name(row->to));
        (void)snprintf(in_dot, sizeof in_dot, "\n  %s -> %s [label=", machine_state_name(row->from),
                       machine_state_name(row->to));
        assert_true(line_has(&svg, in_svg, machine_event_name(row->event)));
        assert_true(line_has(&dot, in_dot + 1, machine_event_name(row->event)));
        if (row->action != ACTION_NONE) {
            assert_true(line_has(&svg, in_svg, machine_action_name(row->action)));
            assert_true(line_has(&dot, in_dot + 1, machine_action_name(row->action)));
        }
    }
    assert_int_equal(count_of(&svg, "<title>"), pairs_of_the_table());
    assert_int_equal(count_of(&dot, " -> "), pairs_of_the_table());
}

static void graph_svg_and_dot_every_state_is_there_once_and_nothing_is_marked(void **state)
{
    (void)state;
    static const struct graph_path none;
    CLEANUP_BYTES struct bytes svg = {0}, dot = {0};
    draw(&none, &svg, &dot);
    for (unsigned each = 1; each < STATE_COUNT; each++) {
        char in_svg[64], in_dot[64];
        (void)snprintf(in_svg, sizeof in_svg, ">%s</text>", machine_state_name((enum state)each));
        (void)snprintf(in_dot, sizeof in_dot,
                       "\n  %s [fillcolor=", machine_state_name((enum state)each));
        assert_true(line_has(&svg, in_svg, "<g class=\"state "));
        assert_int_equal(count_of(&dot, in_dot), 1);
    }
    assert_int_equal(count_of(&svg, "<g class=\"state "), STATE_COUNT - 1);
    assert_int_equal(count_of(&svg, " taken\"") + count_of(&svg, " reached\"")
                         + count_of(&svg, " now\"") + count_of(&dot, "penwidth=3"),
                     0);
}

/* A policy change that fails when it disarms: its path is what its transitions say, each edge and
 * state once, and where it stands now. */
static void graph_path_of_marks_what_was_taken_and_nothing_else(void **state)
{
    (void)state;
    static const enum state path[] = {STATE_PREFLIGHTED, STATE_CONNECTED, STATE_UPDATED,
                                      STATE_PULLED,      STATE_GUARDED,   STATE_ABORTING,
                                      STATE_ABORTED};
    enum { STEPS = sizeof path / sizeof path[0] };
    struct journal_entry entries[STEPS + 1] = {
        {.type = "open", .utc = "2026-11-23T07:20:23.123456789Z", .boot = "here"}};
    for (size_t i = 0; i < STEPS; i++) {
        entries[i + 1] = (struct journal_entry){.type = "transition",
                                                .boot = "here",
                                                .boottime_ns = (int64_t)(i + 1) * 1500000000};
        entries[i + 1].body = json_pack("{s:s}", "to", machine_state_name(path[i]));
    }
    struct deployment deployment = {.number = 7,
                                    .procedure = PROCEDURE_POLICY,
                                    .entries = entries,
                                    .count = STEPS + 1};
    struct graph_path *drawn = calloc(1, sizeof *drawn);
    assert_non_null(drawn);
    CLEANUP_BYTES struct bytes svg = {0}, dot = {0};
    graph_path_of(&deployment, drawn);
    draw(drawn, &svg, &dot);
    enum state from = STATE_OPENED;
    for (size_t i = 0; i < STEPS; from = path[i++]) {
        char in_svg[96], in_dot[96];
        (void)snprintf(in_svg, sizeof in_svg, "<title>%s to %s: ", machine_state_name(from),
                       machine_state_name(path[i]));
        (void)snprintf(in_dot, sizeof in_dot, "  %s -> %s [", machine_state_name(from),
                       machine_state_name(path[i]));
        assert_true(line_has(&svg, in_svg, " taken\""));
        assert_true(line_has(&dot, in_dot, "penwidth=3"));
        (void)snprintf(in_svg, sizeof in_svg, ">%s <tspan class=\"time\">+%u.%u s</tspan>",
                       machine_state_name(path[i]), (unsigned)(i + 1) * 15 / 10,
                       (unsigned)(i + 1) * 15 % 10);
        assert_true(line_has(&svg, in_svg, " reached"));
        json_decref(entries[i + 1].body);
    }
    assert_int_equal(count_of(&svg, " taken\""), STEPS);
    assert_int_equal(count_of(&svg, " reached"), STEPS + 1);
    assert_true(line_has(&svg, ">aborted <", " now\""));
    assert_int_equal(count_of(&svg, " now\""), 1);
    assert_int_equal(count_of(&dot, "penwidth=3"), STEPS + STEPS + 1);
    assert_true(line_has(&svg, "deployment 7, policy, begun 2026-11-23T07:20:23Z", "<text"));
    free(drawn);
}

static void graph_svg_is_the_committed_picture(void **state)
{
    (void)state;
    static const struct graph_path none;
    CLEANUP_BYTES struct bytes svg = {0}, dot = {0}, committed = {0};
    struct error error;
    const char *path = getenv("TITAN_MACHINE_SVG");
    assert_non_null(path);
    draw(&none, &svg, &dot);
    assert_int_equal(world_disk_system()->read(NULL, path, PICTURE_BYTES_MAX, &committed, &error),
                     ERROR_OK);
    if (committed.size != svg.size || memcmp(committed.data, svg.data, svg.size) != 0)
        fail_msg("%s is not what this program draws; next: titan-fsm graph svg > fsm/machine.svg",
                 path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_svg_and_dot_every_edge_of_the_table_is_there),
        cmocka_unit_test(graph_svg_and_dot_every_state_is_there_once_and_nothing_is_marked),
        cmocka_unit_test(graph_path_of_marks_what_was_taken_and_nothing_else),
        cmocka_unit_test(graph_svg_is_the_committed_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
