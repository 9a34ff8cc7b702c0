/* Goal: what is drawn follows from the model alone: the list, the bar, the marks; foreign text
 * never reaches a terminal raw; no line is wider and no frame higher than the terminal; without
 * colour there is not one escape sequence, and no word is lost with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "fsm/terminal/display_read.h"

static const int64_t SECOND = 1000000000;

static struct display_row row(enum display_mark mark, enum state state, enum action action,
                              int64_t took_ns)
{
    return (struct display_row){.mark = mark, .state = state, .action = action, .took_ns = took_ns};
}

static struct display_model in_the_window(void)
{
    struct display_model model = {.target = "titan-prod",
                                  .title = "release 12, opened by alice: web 4.2",
                                  .row_count = 4,
                                  .began_ns = SECOND,
                                  .now_ns = 186 * SECOND};
    model.rows[0] = row(DISPLAY_DONE, STATE_PREFLIGHTED, ACTION_RUN_PREFLIGHT, 1200000000);
    model.rows[1] = row(DISPLAY_DONE, STATE_VERIFIED, ACTION_VERIFY_RELEASE, -1);
    model.rows[2] = row(DISPLAY_NOW, STATE_OBSERVED, ACTION_OBSERVE_WINDOW, -1);
    model.rows[2].began_ns = 66 * SECOND;
    model.rows[3] = row(DISPLAY_TO_COME, STATE_CONFIRMED, ACTION_CONFIRM, -1);
    model.window = (struct display_window){.shown = true,
                                           .open = true,
                                           .first_ns = 66 * SECOND,
                                           .last_ns = 181 * SECOND,
                                           .length_ms = 300000,
                                           .count = 24,
                                           .watched_count = 2};
    model.window.watched[0] = (struct display_watched){.name = "execution",
                                                       .marks = "+++X",
                                                       .last = "HTTP 503"};
    model.window.watched[1] = (struct display_watched){.name = "parity",
                                                       .marks = "++++",
                                                       .last = "equal"};
    return model;
}

static void render(const struct display_model *model, unsigned columns, unsigned rows, bool colour,
                   struct bytes *text)
{
    struct error error;
    assert_int_equal(
        display_render(model,
                       &(struct display_size){.columns = columns, .rows = rows, .colour = colour},
                       text, &error),
        ERROR_OK);
}

static void display_render_window_open_whole_frame(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    render(&model, 100, 50, false, &text);
    assert_string_equal((const char *)text.data,
                        "titan-prod  3 min 05 s\n"
                        "release 12, opened by alice: web 4.2\n"
                        "  [x] preflighted         run_preflight     1.2 s\n"
                        "  [x] verified            verify_release\n"
                        "  [>] observed            observe_window    2 min 00 s\n"
                        "  [ ] confirmed           confirm\n"
                        "  window [##############.......................] 3 min 00 s left of 5 min "
                        "00 s, sample 24, 5 s ago\n"
                        "    execution                         +++X  HTTP 503\n"
                        "    parity                            ++++  equal\n");
}

/* A dead driver has no bar that fills, and no time that runs. */
static void display_render_dead_driver_says_nobody_is_watching(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0}, back = {0};
    (void)state;
    model.now_ns = 221 * SECOND;
    model.watcher = (struct display_watcher){.gone = true,
                                             .missing = true,
                                             .since = "02:14:07",
                                             .since_ns = 181 * SECOND};
    (void)snprintf(model.next, sizeof model.next, "titan-fsm resume");
    render(&model, 79, 50, false, &text);
    assert_string_equal((const char *)text.data,
                        "titan-prod  3 min 40 s\n"
                        "release 12, opened by alice: web 4.2\n"
                        "  [x] preflighted         run_preflight     1.2 s\n"
                        "  [x] verified            verify_release\n"
                        "  [>] observed            observe_window    interrupted\n"
                        "  [ ] confirmed           confirm\n"
                        "  NOBODY IS WATCHING since 02:14:07 (40 s)\n"
                        "  window stopped after 1 min 55 s of 5 min 00 s, sample 24\n"
                        "    execution                         +++X  HTTP 503\n"
                        "    parity                            ++++  equal\n"
                        "  next   titan-fsm resume\n");
    model.window.open = false;
    model.window.broken = true;
    model.rollback = (struct display_rollback){.shown = true,
                                               .since_ns = 161 * SECOND,
                                               .limit_ms = 120000};
    render(&model, 79, 50, false, &back);
    assert_non_null(strstr((const char *)back.data,
                           "  NOBODY IS WATCHING since 02:14:07 (40 s)\n"
                           "  rollback 1 min 00 s left of 2 min 00 s\n"
                           "  window given up after 1 min 55 s of 5 min 00 s, sample 24\n"));
    assert_null(strchr((const char *)back.data, '#'));
}

static void display_render_absent_guard_and_question_are_shown(void **state)
{
    struct display_model model = {.target = "t", .row_count = 1, .now_ns = 10 * SECOND};
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    model.rows[0] = row(DISPLAY_WITHOUT, STATE_GUARDED, ACTION_LAY_GUARD, SECOND);
    model.watcher.asks_until_ns = 52 * SECOND;
    (void)snprintf(model.watcher.asks, sizeof model.watcher.asks, "Arm it again?");
    render(&model, 79, 50, false, &text);
    assert_string_equal((const char *)text.data,
                        "t\n"
                        "  [-] guarded             lay_guard         there is no guard\n"
                        "  asks for 42 s more, on its own terminal:\n"
                        "    Arm it again?\n");
}

static void display_render_late_sample_of_a_driver_that_lives_is_named(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    model.now_ns = 206 * SECOND;
    model.window.gap_ms = 10000;
    model.watcher.process = 4711;
    render(&model, 79, 50, false, &text);
    assert_non_null(strstr((const char *)text.data,
                           "2 min 40 s left of 5 min 00 s, sample 24, 25 s ago\n"
                           "  the last sample is 25 s old; a driver lives (process 4711)\n"));
}

/* Nobody knows yet when the window will be over. */
static void display_render_while_something_starts_nothing_is_counted(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    model.window.settling = true;
    render(&model, 100, 50, false, &text);
    assert_non_null(strstr((const char *)text.data,
                           "still starting, at least 5 min 00 s left of 5 min 00 s, sample 24"));
}

/* Nothing on the screen runs that does not run. */
static void display_render_rolling_back_counts_the_rollback_and_no_window(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0}, over = {0};
    (void)state;
    model.row_count = 0;
    model.window.open = false;
    model.window.broken = true;
    model.rollback = (struct display_rollback){.shown = true,
                                               .since_ns = 126 * SECOND,
                                               .limit_ms = 120000};
    render(&model, 100, 50, false, &text);
    assert_string_equal(
        (const char *)text.data,
        "titan-prod  3 min 05 s\n"
        "release 12, opened by alice: web 4.2\n"
        "  rollback [####################....................] 1 min 00 s left of 2 min 00 s\n"
        "  window given up after 1 min 55 s of 5 min 00 s, sample 24\n"
        "    execution                         +++X  HTTP 503\n"
        "    parity                            ++++  equal\n");
    model.now_ns = 256 * SECOND;
    render(&model, 100, 50, false, &over);
    assert_non_null(strstr((const char *)over.data, "] 10.0 s over its limit of 2 min 00 s\n"));
    assert_null(strstr((const char *)over.data, "left of"));
}

static void read_at(enum state state, const char *since, struct display_model *model)
{
    struct journal_entry entries[5] = {{.type = "open", .boottime_ns = SECOND},
                                       {.type = "intent", .boottime_ns = 2 * SECOND},
                                       {.type = "sample", .boottime_ns = 3 * SECOND},
                                       {.type = "intent", .boottime_ns = 4 * SECOND},
                                       {.type = "intent", .boottime_ns = 9 * SECOND}};
    static const char *const bodies[] = {"{}", "{\"action\":\"observe_window\"}", "{}",
                                         "{\"action\":\"make_safe\"}",
                                         "{\"action\":\"make_safe\"}"};
    struct deployment deployment = {.procedure = PROCEDURE_RELEASE,
                                    .state = state,
                                    .entries = entries,
                                    .count = 5,
                                    .ended = machine_phase(state) == PHASE_ENDED};
    struct config config = {.limits = {.rollback_ms = 120000, .window_ms = 300000},
                            .setup = {.target = {.name = "t"}, .services = {.execution = ""}}};
    struct clock_reading now = {.boottime_ns = 10 * SECOND};
    for (size_t i = 0; i < 5; i++)
        entries[i].body = json_loads(bodies[i], 0, NULL);
    (void)snprintf(entries[3].boot, sizeof entries[3].boot, "%s", since);
    display_read(&deployment, &config, &(struct watcher){.life = WATCHER_LIVES}, &now, model);
    for (size_t i = 0; i < 5; i++)
        json_decref(entries[i].body);
}

static void display_read_way_back_counts_from_the_first_make_safe(void **state)
{
    static const enum state back[] = {STATE_ROLLING_BACK, STATE_SAFE, STATE_REVERTED,
                                      STATE_ROLLBACK_FAILED};
    struct display_model model;
    (void)state;
    for (size_t i = 0; i < sizeof back / sizeof back[0]; i++) {
        read_at(back[i], "", &model);
        assert_true(model.window.shown && model.window.broken && !model.window.open);
        assert_true(model.rollback.shown && model.rollback.since_ns == 4 * SECOND
                    && model.rollback.limit_ms == 120000);
    }
    read_at(STATE_SAFE, "another boot", &model);
    assert_true(model.rollback.shown && model.rollback.since_ns == 0);
    read_at(STATE_ROLLED_BACK, "", &model);
    assert_true(model.window.broken && !model.rollback.shown);
}

static void display_render_paused_and_failed_rows_and_next(void **state)
{
    struct display_model model = {.target = "t",
                                  .row_count = 3,
                                  .pull = "web Pulling",
                                  .last = "switched by unhealthy: web is ill",
                                  .next = "titan-fsm resume"};
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    model.rows[0] = row(DISPLAY_FAILED, STATE_ROLLING_BACK, ACTION_VERIFY_RELEASE, SECOND);
    model.rows[1] = row(DISPLAY_DONE, STATE_SAFE, ACTION_MAKE_SAFE, 4000 * SECOND);
    model.rows[2] = row(DISPLAY_NOW, STATE_REVERTED, ACTION_REVERT, -1);
    render(&model, 100, 50, false, &text);
    assert_string_equal((const char *)text.data,
                        "t\n"
                        "  [!] rolling_back        verify_release    1.0 s\n"
                        "  [x] safe                make_safe         1 h 06 min\n"
                        "  [>] reverted            revert            waits\n"
                        "  pull   web Pulling\n"
                        "  last   switched by unhealthy: web is ill\n"
                        "  next   titan-fsm resume\n");
}

static void display_render_foreign_text_is_escaped_everywhere(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    (void)snprintf(model.title, sizeof model.title, "a\033[2Jb\nc");
    (void)snprintf(model.pull, sizeof model.pull, "\rgone \xe2\x80\xae right \x9b");
    (void)snprintf(model.last, sizeof model.last, "\a%s", "\x7f");
    (void)snprintf(model.window.watched[0].name, sizeof model.window.watched[0].name, "\033]0;x");
    render(&model, 200, 50, false, &text);
    for (size_t i = 0; i < text.size; i++)
        assert_true(text.data[i] == '\n' || (text.data[i] >= 0x20 && text.data[i] != 0x7f));
    assert_non_null(strstr((const char *)text.data, "a\\x1b[2Jb\\x0ac\n"));
    assert_null(strstr((const char *)text.data, "\xe2\x80\xae"));
    assert_true(bytes_is_utf8(text.data, text.size));
}

/* Cells as a terminal counts them for these texts: ASCII one, CJK two. */
static void display_render_no_line_is_wider_than_the_terminal(void **state)
{
    struct display_model model = in_the_window();
    (void)state;
    (void)snprintf(model.title, sizeof model.title,
                   "\xe6\xbc\xa2\xe5\xad\x97 \xe6\xbc\xa2\xe5\xad\x97 and a long sentence behind "
                   "it that does not end before any terminal does, whatever its width");
    for (unsigned columns = 1; columns <= 120; columns++) {
        CLEANUP_BYTES struct bytes text = {0};
        render(&model, columns, 50, false, &text);
        unsigned cells = 0;
        for (size_t i = 0; i < text.size; i++) {
            if (text.data[i] == '\n')
                cells = 0;
            else if (text.data[i] < 0x80)
                cells++;
            else if (text.data[i] >= 0xC0)
                cells += 2;
            assert_true(cells <= columns);
        }
        assert_true(bytes_is_utf8(text.data, text.size));
    }
}

static unsigned lines_of(const struct bytes *text)
{
    unsigned lines = 0;
    for (size_t i = 0; i < text->size; i++)
        lines += text->data[i] == '\n';
    return lines;
}

static void display_render_low_terminal_tells_done_steps_by_their_number(void **state)
{
    struct display_model model = in_the_window();
    (void)state;
    memmove(&model.rows[10], &model.rows[2], 2 * sizeof model.rows[0]);
    for (size_t i = 0; i < 10; i++)
        model.rows[i] = row(DISPLAY_DONE, STATE_PREFLIGHTED, ACTION_RUN_PREFLIGHT, SECOND);
    model.row_count = 12;
    for (unsigned rows = 1; rows <= 30; rows++) {
        CLEANUP_BYTES struct bytes text = {0};
        render(&model, 100, rows, false, &text);
        assert_true(lines_of(&text) <= rows);
        if (rows >= 8) /* what is now and the window are never what is left out */
            assert_true(strstr((const char *)text.data, "[>] observed") != NULL
                        && strstr((const char *)text.data, "parity") != NULL);
    }
    CLEANUP_BYTES struct bytes text = {0};
    render(&model, 100, 12, false, &text);
    assert_int_equal(lines_of(&text), 12);
    assert_non_null(strstr((const char *)text.data, "  [x] 6 steps before\n"));
}

static void display_render_colour_adds_escapes_and_no_words(void **state)
{
    struct display_model model = in_the_window();
    CLEANUP_BYTES struct bytes plain = {0}, coloured = {0}, stripped = {0};
    struct error error;
    (void)state;
    render(&model, 100, 50, false, &plain);
    render(&model, 100, 50, true, &coloured);
    assert_null(memchr(plain.data, '\033', plain.size));
    unsigned open = 0;
    for (size_t i = 0; i < coloured.size; i++) {
        if (coloured.data[i] == '\033') {
            size_t length = strcspn((const char *)coloured.data + i, "m");
            open = strncmp((const char *)coloured.data + i, "\033[0m", 4) == 0 ? open - 1
                                                                               : open + 1;
            i += length;
            continue;
        }
        if (coloured.data[i] == '\n')
            assert_int_equal(open, 0);
        assert_int_equal(bytes_append(&stripped, &coloured.data[i], 1, &error), ERROR_OK);
    }
    assert_true(coloured.size > plain.size);
    assert_string_equal((const char *)stripped.data, (const char *)plain.data);
}

static void display_render_window_without_a_sample_is_empty(void **state)
{
    struct display_model model = {.target = "t",
                                  .now_ns = 50 * SECOND,
                                  .window = {.shown = true, .open = true, .length_ms = 300000}};
    CLEANUP_BYTES struct bytes text = {0};
    (void)state;
    render(&model, 50, 50, false, &text);
    assert_string_equal((const char *)text.data,
                        "t\n  window [............] 5 min 00 s left of 5 min 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(display_render_window_open_whole_frame),
        cmocka_unit_test(display_render_dead_driver_says_nobody_is_watching),
        cmocka_unit_test(display_render_absent_guard_and_question_are_shown),
        cmocka_unit_test(display_render_while_something_starts_nothing_is_counted),
        cmocka_unit_test(display_render_late_sample_of_a_driver_that_lives_is_named),
        cmocka_unit_test(display_render_rolling_back_counts_the_rollback_and_no_window),
        cmocka_unit_test(display_read_way_back_counts_from_the_first_make_safe),
        cmocka_unit_test(display_render_paused_and_failed_rows_and_next),
        cmocka_unit_test(display_render_foreign_text_is_escaped_everywhere),
        cmocka_unit_test(display_render_no_line_is_wider_than_the_terminal),
        cmocka_unit_test(display_render_low_terminal_tells_done_steps_by_their_number),
        cmocka_unit_test(display_render_colour_adds_escapes_and_no_words),
        cmocka_unit_test(display_render_window_without_a_sample_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
