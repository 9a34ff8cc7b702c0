/* Goal: the words that an operator reads at a bad moment are true at that moment: who watches, why
 * it went back, what state Execution is in, what to do next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET

static char *heard; /* by whoever looked in the middle of another command */

static void hear(struct scripted *world, const char *command)
{
    int status = person_runs(world, command);
    free(heard);
    heard = strdup(person_said());
    assert_non_null(heard);
    assert_int_equal(status, 0);
}

static void look_at_status(struct scripted *world)
{
    hear(world, "status");
}

static void look_as_json(struct scripted *world)
{
    hear(world, "status --json");
}

static void look_at_explanation(struct scripted *world)
{
    hear(world, "explain");
}

static void look_at_metrics(struct scripted *world)
{
    hear(world, "status --prometheus");
}

static void insist_said(const char *said, const char *wanted)
{
    if (strstr(said, wanted) == NULL)
        fail_msg("it does not say \"%s\":\n%s", wanted, said);
}

static void insist_unsaid(const char *said, const char *wrong)
{
    if (strstr(said, wrong) != NULL)
        fail_msg("it says \"%s\":\n%s", wrong, said);
}

/* A release in its window, at its nth sample. `act` NULL: the driver dies there. */
static struct scripted *in_the_window(unsigned nth, void (*act)(struct scripted *world))
{
    struct scripted *world = person_begins(31, &(struct person_choice){.window_ms = 30000});
    struct moment moment = {.word = "\"type\":\"sample\"", .nth = nth, .act = act};
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    moment_set(world, &moment);
    (void)person_runs(world, GO);
    assert_true(moment.happened);
    moment_clear(world);
    return world;
}

static void living_driver_is_not_said_to_be_interrupted(void **state)
{
    (void)state;
    scripted_close(in_the_window(2, look_at_status));
    insist_said(heard, "runs        observe_window, entry ");
    insist_said(heard, "driver      process 4242 lives; its last entry: 0 s ago\n");
    insist_said(heard, "last sample 0 s ago\n");
    insist_said(heard, "next        titan-fsm status --watch\n");
    insist_unsaid(heard, "interrupted");
    insist_unsaid(heard, "NOBODY");
    scripted_close(in_the_window(2, look_as_json));
    insist_said(heard, "\"driver\":\"lives\",\"process\":4242,\"unwatched\":false");
    scripted_close(in_the_window(2, look_at_explanation));
    insist_said(heard, "A titan-fsm works on it now");
    scripted_close(in_the_window(2, look_at_metrics));
    insist_said(heard, "titan_fsm_driver_alive{target=\"" PERSON_TARGET "\"} 1\n");
    insist_said(heard, "titan_fsm_unwatched{target=\"" PERSON_TARGET "\"} 0\n");
}

static void dead_driver_in_the_window_is_said_to_be_dead(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(2, NULL);
    timeline_move(&world->timeline, world->timeline.now_ns + 40000000000);
    look_at_status(world);
    insist_said(heard, "interrupted observe_window, entry ");
    insist_said(heard, "driver      NOBODY IS WATCHING since ");
    insist_said(heard, " (40 s)\n");
    insist_said(heard, "last sample 40 s ago\n");
    insist_said(heard, "next        titan-fsm resume\n");
    look_as_json(world);
    insist_said(heard, "\"driver\":\"none\",\"process\":0,\"unwatched\":true");
    look_at_explanation(world);
    insist_said(heard, "It was interrupted, and nobody works on it");
    look_at_metrics(world);
    insist_said(heard, "titan_fsm_unwatched{target=\"" PERSON_TARGET "\"} 1\n");
    scripted_close(world);
}

static void leave_watching(struct titan *titan, void *world)
{
    (void)titan;
    ((struct scripted *)world)->interrupted = true;
}

static void watch_without_a_terminal_says_that_the_driver_died(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(2, NULL);
    titan_at(&world->titan, world->timeline.now_ns + 5000000000, leave_watching, world);
    hear(world, "status --watch");
    insist_said(heard, "NOBODY IS WATCHING since ");
    insist_said(heard, "; next: titan-fsm resume\n");
    scripted_close(world);
}

/* Where nothing runs there is nothing to watch. */
static void nobody_is_missed_where_nothing_runs(void **state)
{
    (void)state;
    struct scripted *world = person_begins(31, &(struct person_choice){.window_ms = 30000});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    look_at_status(world);
    insist_said(heard, "driver      none now\n");
    insist_unsaid(heard, "NOBODY");
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(living_driver_is_not_said_to_be_interrupted),
        cmocka_unit_test(dead_driver_in_the_window_is_said_to_be_dead),
        cmocka_unit_test(watch_without_a_terminal_says_that_the_driver_died),
        cmocka_unit_test(nobody_is_missed_where_nothing_runs),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(heard);
    return failed;
}
