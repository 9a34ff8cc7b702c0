/* Goal: a command of this tool that hangs on the target, behind a driver that is dead, is ended on
 * every way out, the whole group of it, and that is said; forward it is waited for and named. A
 * process that only has the same number is a stranger's: it stays, what changes files waits for it,
 * and that ends as rollback_failed with Execution disarmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/moment.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
#define ADVANCE "advance --confirm " PERSON_TARGET

enum { HUNG_GROUP = 4242, EXIT_IS_ROLLED_BACK = 10, EXIT_IS_ABORTED, EXIT_IS_ROLLBACK_FAILED };
enum { EXIT_IS_HELD = 14 };
static const struct person_choice choice = {.window_ms = 1000,
                                            .interval_ms = 500,
                                            .rollback_ms = 20000};
static const char ENDED[] = "was ended (process group 4242)";

static struct {
    bool under_the_lock;
    int start;        /* as the record has it */
    const char *boot; /* NULL = the target's */
} hung;

/* The last driver died, and its command did not. */
static void leave_one(struct scripted *world)
{
    struct titan *titan = &world->titan;
    struct arena arena = {0};
    const char *record = arena_text(&arena, "%d %d %s\n", HUNG_GROUP, hung.start,
                                    hung.boot != NULL ? hung.boot : world->timeline.target_boot);
    titan->hung.pid = HUNG_GROUP;
    (void)files_put(&titan->files, PERSON_STATE "/command.pgid", 0640, record, strlen(record));
    (void)files_put(&titan->files, TITAN_LOCK, 0640, "held", hung.under_the_lock ? 4 : 0);
    arena_free(&arena);
}

static struct scripted *world_of(bool fails)
{
    return person_begins_release(67, &choice, fails);
}

static void insist_said(struct scripted *world, const char *command, int wanted, const char *words)
{
    int status = person_runs(world, command);
    if (status != wanted || (words != NULL && strstr(person_said(), words) == NULL))
        fail_msg("%s: %d\n%s", command, status, person_said());
}

static void proven_and_closed(struct scripted *world)
{
    char *report = NULL;
    if (verdict_of(world, &choice, &report) != WANT_PROVEN)
        fail_msg("%s", report);
    free(report);
    scripted_close(world);
}

/* Also where its flock was killed, so that the lock is free and the command goes on. */
static void own_one_is_ended_on_the_way_back(void **state)
{
    static const char *const words[] = {"\"to\":\"rolling_back\"", "\"to\":\"safe\"",
                                        "\"to\":\"reverted\""};
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct moment moment = {.word = words[i / 2], .act = leave_one};
        struct scripted *world = world_of(true);
        hung.under_the_lock = i % 2 == 0;
        hung.start = TITAN_HUNG_START;
        hung.boot = NULL;
        moment_set(world, &moment);
        insist_said(world, GO, EXIT_IS_ROLLED_BACK, ENDED);
        moment_clear(world);
        assert_true(moment.happened && world->titan.hung.ended);
        assert_false(titan_running(&world->titan, "titan-execution")->armed);
        proven_and_closed(world);
    }
}

static void own_one_is_named_forward_and_ended_by_abort(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct scripted *world = world_of(false);
        hung.under_the_lock = i == 0;
        hung.start = TITAN_HUNG_START;
        hung.boot = NULL;
        while (strcmp(person_state(world), "connected") != 0)
            insist_said(world, ADVANCE, 0, NULL);
        leave_one(world);
        insist_said(world, GO, EXIT_IS_HELD,
                    "a command that a driver of this tool had begun still runs on the target "
                    "(process group 4242)");
        assert_string_equal(person_state(world), "connected");
        assert_false(world->titan.hung.ended);
        insist_said(world, "abort --reason back", EXIT_IS_ABORTED, ENDED);
        proven_and_closed(world);
    }
}

/* The number of the record was given to another process since, or before another boot. */
static void strangers_one_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct moment moment = {.word = "\"to\":\"rolling_back\"", .act = leave_one};
        struct scripted *world = world_of(true);
        hung.under_the_lock = true;
        hung.start = TITAN_HUNG_START + (i == 0);
        hung.boot = i == 0 ? NULL : "11111111-2222-3333-4444-555555555555";
        moment_set(world, &moment);
        insist_said(world, GO, EXIT_IS_ROLLBACK_FAILED, "holds deploy.lock");
        moment_clear(world);
        assert_true(moment.happened && !world->titan.hung.ended);
        assert_null(strstr(person_said(), ENDED));
        assert_false(titan_running(&world->titan, "titan-execution")->armed);
        files_find(&world->titan.files, TITAN_LOCK)->content.size = 0;
        insist_said(world, "resume", EXIT_IS_ROLLED_BACK, NULL);
        assert_false(world->titan.hung.ended);
        scripted_close(world);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_one_is_ended_on_the_way_back),
        cmocka_unit_test(own_one_is_named_forward_and_ended_by_abort),
        cmocka_unit_test(strangers_one_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
