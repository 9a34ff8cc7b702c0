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
    assert_non_null(said);
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
    assert_int_equal(person_runs(world, "disarm --reason beside"), 0); /* which is no watching */
    look_at_status(world);
    insist_unsaid(heard, "(0 s)");
    insist_said(heard, "last sample 40 s ago\n");
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

static int disarm_status;

static void disarm_beside(struct scripted *world)
{
    disarm_status = person_runs(world, "disarm --reason smells-wrong");
    free(heard);
    heard = strdup(person_said());
    assert_non_null(heard);
}

/* Whoever disarms is told what follows; whoever drives, who it was and why; nobody, to arm. */
static void disarm_in_the_window_is_named_and_never_answered_by_arm(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(2, disarm_beside);
    assert_int_equal(disarm_status, 0);
    insist_said(heard, "is open in armed, which must stay armed: this DISARM rolls it back\n");
    insist_said(heard, "the deployment rolls back as soon as its driver sees this; next: titan-fsm "
                       "status --watch\n");
    char line[200];
    const char *said = person_said();
    insist_said(said, "Rolled back: Execution was disarmed in the health window (entry ");
    insist_said(said, ", the session key of alice@example: smells-wrong)\n");
    insist_said(said, "Execution stays disarmed because of titan-fsm disarm (entry ");
    insist_unsaid(said, "titan-fsm arm --reason");
    insist_said(said, "Execution is disarmed now, by its own log at ");
    (void)snprintf(line, sizeof line, "on %s (this machine); look with: docker logs --tail 20 ",
                   PERSON_TARGET);
    insist_said(said, line);
    look_at_status(world);
    insist_said(heard, "disarmed    by titan-fsm disarm (entry ");
    insist_said(heard, "next        titan-fsm log\n");
    insist_unsaid(heard, "titan-fsm arm --reason");
    scripted_close(world);
}

static void stranger_on_the_bus_is_named_too(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(2, ending_stranger_disarms);
    insist_said(person_said(), "Rolled back: Execution was disarmed in the health window (a DISARM "
                               "on the bus that no entry of this journal names: \"a\")\n");
    insist_unsaid(person_said(), "titan-fsm arm --reason");
    scripted_close(world);
}

static void break_checkout(struct scripted *world)
{
    ending_sick_web(world);
    world->titan.broken = "git checkout";
}

/* Each end but the good one says what Execution is now, and how to look. */
static void every_bad_end_says_what_execution_is_now(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(1, ending_sick_web);
    insist_said(person_said(), "Rolled back: ");
    insist_said(person_said(), "Execution is disarmed now, by its own log at ");
    scripted_close(world);
    world = in_the_window(1, break_checkout);
    insist_said(person_said(), "the rollback failed");
    insist_said(person_said(), "look with: docker ");
    scripted_close(world);
    world = person_begins(31, &(struct person_choice){.window_ms = 30000});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    assert_int_equal(person_runs(world, "advance"), 0);
    assert_int_equal(person_runs(world, "advance"), 0);
    (void)person_runs(world, "abort --reason enough");
    insist_said(person_said(), "Aborted: enough\n");
    insist_said(person_said(), "Execution is armed now, by its own log at ");
    scripted_close(world);
}

static bool saw_question;

static void look_for_question(struct titan *titan, void *context)
{
    (void)titan;
    if (saw_question)
        return;
    look_at_status(context);
    saw_question = strstr(heard, "asks        for ") != NULL
                   && strstr(heard, " s more, on its own terminal: Execution was armed before")
                          != NULL;
}

/* Whoever is asked sees the time go; whoever looks from elsewhere sees that somebody is asked. */
static void question_counts_down_and_is_seen_from_elsewhere(void **state)
{
    (void)state;
    struct scripted *world = person_begins(31, &(struct person_choice){.window_ms = 30000});
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    world->answers[0] = PERSON_TARGET; /* and then nobody answers any more */
    world->answer_count = 1;
    for (int i = 0; i < 12; i++)
        titan_at(&world->titan, world->timeline.now_ns + (20 + 3 * i) * 1000000000LL,
                 look_for_question, world);
    (void)person_runs(world, "run");
    insist_said(person_said(), "Type yes within 60 s; without an answer it stays disarmed.\n");
    insist_said(person_said(), "50 s left to type yes\n");
    insist_said(person_said(), "10 s left to type yes\n");
    assert_true(saw_question);
    scripted_close(world);
}

static void log_has_a_heading_and_filters(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(1, NULL);
    hear(world, "log");
    assert_int_equal(strncmp(heard, " entry", 6), 0);
    insist_said(heard, "genesis");
    hear(world, "log 1 transition");
    insist_said(heard, " transition     opened done preflighted");
    insist_unsaid(heard, "genesis");
    insist_unsaid(heard, " intent ");
    hear(world, "log 7777");
    insist_unsaid(heard, "transition");
    assert_int_equal(person_runs(world, "log nonsense"), 2);
    assert_int_equal(person_runs(world, "log 3..2"), 2);
    assert_int_equal(person_runs(world, "log --last some"), 2);
    scripted_close(world);
}

static size_t lines_heard(void)
{
    size_t lines = 0;
    for (const char *at = heard; *at != '\0'; at++)
        lines += *at == '\n';
    return lines;
}

/* Only those entries, in their order. */
static void log_has_a_range(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(1, NULL);
    hear(world, "log 0..1 --json");
    assert_int_equal(lines_heard(), 2);
    insist_said(heard, "\"seq\":0,");
    insist_said(heard, "\"seq\":1,");
    hear(world, "log --last 2 --json");
    assert_int_equal(lines_heard(), 2);
    insist_unsaid(heard, "\"seq\":1,");
    hear(world, "log 0..2 --last 1 --json");
    assert_int_equal(lines_heard(), 1);
    insist_said(heard, "\"seq\":2,");
    hear(world, "log --last 0 --json");
    assert_int_equal(lines_heard(), 0);
    hear(world, "log 0..0 transition --json");
    assert_int_equal(lines_heard(), 0);
    scripted_close(world);
}

/* Who looks need not be who drives, and would be refused. */
static void somebody_else_is_told_whose_turn_it_is(void **state)
{
    static const struct person_choice choice = {.window_ms = 10000};
    static const char path[] = "/home/alice/titan.yml", name[] = "principal: alice@example";
    struct scripted *world = person_begins_release(44, &choice, false);
    struct file *file = files_find(&world->disk, path);
    char *at = memmem(file->content.data, file->content.size, name, strlen(name));
    (void)state;
    assert_non_null(at);
    hear(world, "status");
    insist_said(heard, "next        titan-fsm advance\n");
    memcpy(at, "principal: carol@example", strlen(name));
    hear(world, "status");
    insist_said(heard, "next        titan-fsm advance, by alice@example, who holds it\n");
    scripted_close(world);
}

static void guard_is_named_and_what_it_does_not_survive(void **state)
{
    (void)state;
    struct scripted *world = in_the_window(1, NULL);
    insist_said(person_said(),
                "-> guarded (done): a guard lies on the target (process): if this driver dies, it "
                "rolls back; a reboot of the target would end it\n");
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(living_driver_is_not_said_to_be_interrupted),
        cmocka_unit_test(dead_driver_in_the_window_is_said_to_be_dead),
        cmocka_unit_test(watch_without_a_terminal_says_that_the_driver_died),
        cmocka_unit_test(nobody_is_missed_where_nothing_runs),
        cmocka_unit_test(disarm_in_the_window_is_named_and_never_answered_by_arm),
        cmocka_unit_test(stranger_on_the_bus_is_named_too),
        cmocka_unit_test(question_counts_down_and_is_seen_from_elsewhere),
        cmocka_unit_test(log_has_a_heading_and_filters),
        cmocka_unit_test(log_has_a_range),
        cmocka_unit_test(guard_is_named_and_what_it_does_not_survive),
        cmocka_unit_test(somebody_else_is_told_whose_turn_it_is),
        cmocka_unit_test(every_bad_end_says_what_execution_is_now),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(heard);
    return failed;
}
