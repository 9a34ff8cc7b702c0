/* Goal: a deployment can begin at zero. Where nothing runs, or Execution or Brain is missing or
 * down, or nobody replies for the policy hash, a release deploys and ends disarmed; one that fails
 * takes away again what was not there before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
enum { DONE = 0, ROLLED_BACK = 10, ABORTED = 11 };

/* How a target is found. */
struct start {
    const char *name, *says; /* says: before the first change */
    void (*arrange)(struct titan *titan);
    bool execution, brain; /* they run again after a rollback */
    bool armed;            /* it was, so that a person is asked */
};

static void stop(struct titan *titan, const char *service)
{
    struct titan_container *container = titan_running(titan, service);
    container->running = container->answers = false;
    container->finished_ns = titan->timeline->now_ns;
}

static void take_away(struct titan *titan, const char *service)
{
    struct titan_container *container = titan_running(titan, service);
    container->there = container->running = false;
}

static void take_all(struct titan *titan)
{
    take_away(titan, "titan-execution");
    take_away(titan, "titan-brain");
    take_away(titan, "web");
}

static void take_execution(struct titan *titan)
{
    take_away(titan, "titan-execution");
}

static void stop_execution(struct titan *titan)
{
    stop(titan, "titan-execution");
}

static void take_brain(struct titan *titan)
{
    take_away(titan, "titan-brain");
}

static void stop_brain(struct titan *titan)
{
    stop(titan, "titan-brain");
}

static void silence(struct titan *titan)
{
    titan_running(titan, "titan-execution")->answers = false;
}

#define NOBODY "nobody replies on titan.req.exec.policy_hash.v1"
static const struct start starts[] = {
    {"nothing runs",
     "Execution (titan-execution) has no container; Brain (titan-brain) has no "
     "container; " NOBODY,
     take_all, false, false, false},
    {"Execution is absent", "Execution (titan-execution) has no container; " NOBODY, take_execution,
     false, true, false},
    {"Execution has crashed",
     "Execution (titan-execution) does not run: its container is exited; " NOBODY, stop_execution,
     false, true, false},
    {"Brain is absent", "Brain (titan-brain) has no container", take_brain, true, false, true},
    {"Brain has crashed", "Brain (titan-brain) does not run: its container is exited", stop_brain,
     true, false, true},
    {"the responder is missing", NOBODY, silence, true, true, true},
};
enum { STARTS = sizeof starts / sizeof starts[0] };

static bool runs(struct scripted *world, const char *service)
{
    return titan_running(&world->titan, service) != NULL;
}

static void expect_verdict(struct scripted *world, const char *name)
{
    char *report = NULL;
    if (verdict_of(world, &choice, &report) != 0)
        fail_msg("%s\n%s\n%s", name, report, person_said());
    free(report);
}

static struct scripted *found(const struct start *start, const struct titan_release *release)
{
    struct scripted *world = person_begins(97, &choice);
    titan_publish(&world->titan, release);
    start->arrange(&world->titan);
    if (person_runs(world, release->policy != NULL ? "begin policy --reason test"
                                                   : "begin release --reason test")
        != DONE)
        fail_msg("%s: %s", start->name, person_said());
    return world;
}

static void ends_with(struct scripted *world, const struct start *start, int wanted)
{
    int status = person_runs(world, GO);
    if (status != wanted)
        fail_msg("%s: %d in %s\n%s", start->name, status, person_state(world), person_said());
    if (strstr(person_said(), start->says) == NULL)
        fail_msg("%s: it is not said before\n%s", start->name, person_said());
}

static void release_completes(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        struct scripted *world = found(&starts[i], &(struct titan_release){.subject = "next"});
        ends_with(world, &starts[i], DONE);
        assert_true(runs(world, "titan-execution") && runs(world, "titan-brain")
                    && runs(world, "web"));
        assert_true(titan_running(&world->titan, "titan-execution")->armed == starts[i].armed);
        bool came_up = strstr(person_said(), "Execution did not run before, came up disarmed and "
                                             "stays so until somebody runs titan-fsm arm")
                       != NULL;
        assert_true(came_up != starts[i].execution);
        expect_verdict(world, starts[i].name);
        scripted_close(world);
    }
}

static void release_that_fails_takes_away_what_was_not_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        struct scripted *world = found(&starts[i],
                                       &(struct titan_release){.subject = "next",
                                                               .web_faults = FAULT_UNHEALTHY});
        ends_with(world, &starts[i], ROLLED_BACK);
        assert_true(runs(world, "titan-execution") == starts[i].execution);
        assert_true(runs(world, "titan-brain") == starts[i].brain);
        assert_true(runs(world, "web") == (starts[i].arrange != take_all));
        expect_verdict(world, starts[i].name);
        scripted_close(world);
    }
}

/* What does not run is safe by absence; what runs must answer. */
static void policy_change_begins_with_an_answer_or_with_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        struct scripted *world = found(&starts[i],
                                       &(struct titan_release){.subject = "next", .policy = "p2"});
        bool silent = starts[i].arrange == silence;
        int status = person_runs(world, GO);
        if (status != (silent ? ABORTED : DONE))
            fail_msg("%s: %d\n%s", starts[i].name, status, person_said());
        assert_true((strstr(person_said(), "mend that first") != NULL) == silent);
        assert_true(titan_running(&world->titan, "titan-execution")->armed);
        expect_verdict(world, starts[i].name);
        scripted_close(world);
    }
}

static void policy_change_that_fails_takes_away_what_was_not_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        struct scripted *world = found(&starts[i], &(struct titan_release){.subject = "next",
                                                                           .policy = "p2",
                                                                           .brain_policy = "p3"});
        int status = person_runs(world, GO);
        if (status != (starts[i].arrange == silence ? ABORTED : ROLLED_BACK))
            fail_msg("%s: %d\n%s", starts[i].name, status, person_said());
        assert_true(runs(world, "titan-execution") == starts[i].execution);
        assert_true(runs(world, "titan-brain") == starts[i].brain);
        expect_verdict(world, starts[i].name);
        scripted_close(world);
    }
}

/* Nobody armed it, whoever says otherwise. */
static void execution_that_comes_up_armed_is_rolled_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (STARTS - 1); i++) {
        const struct start *start = &starts[i / 2];
        struct scripted *world =
            found(start, &(struct titan_release){.subject = "next",
                                                 .policy = i % 2 != 0 ? "p2" : NULL,
                                                 .execution_faults = FAULT_STARTS_ARMED});
        if (start->arrange != silence || i % 2 == 0)
            assert_int_equal(person_runs(world, GO), ROLLED_BACK);
        expect_verdict(world, start->name);
        scripted_close(world);
    }
}

static void interrupted_policy_change_is_gone_on_with(void **state)
{
    (void)state;
    static const char *const moments[] = {"\"action\":\"disarm\"",
                                          "\"action\":\"deploy_execution\"",
                                          "\"action\":\"deploy_brain\""};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < sizeof moments / sizeof moments[0]; k++) {
            struct scripted *world = found(&starts[i], &(struct titan_release){.subject = "next",
                                                                               .policy = "p2"});
            struct moment moment = {.word = moments[k]};
            moment_set(world, &moment);
            (void)person_runs(world, GO);
            moment_clear(world);
            if (person_runs(world, "resume --rearm yes --confirm " PERSON_TARGET) != DONE)
                fail_msg("%s: %s", starts[i].name, person_said());
            expect_verdict(world, starts[i].name);
            scripted_close(world);
        }
}

static void bring_the_bus(struct scripted *world)
{
    world->titan.bus_down = false;
}

/* The bus is one of the services that the first release brings; or that it does not. */
static void bus_comes_with_the_release(void **state)
{
    (void)state;
    for (unsigned comes = 0; comes < 2; comes++) {
        struct scripted *world = found(&starts[0], &(struct titan_release){.subject = "next"});
        struct moment moment = {.word = "\"action\":\"switch_services\"", .act = bring_the_bus};
        world->titan.bus_down = true;
        if (comes != 0)
            moment_set(world, &moment);
        ends_with(world, &starts[0], comes != 0 ? DONE : ROLLED_BACK);
        assert_true(runs(world, "titan-execution") == (comes != 0));
        expect_verdict(world, "nothing runs, and no bus");
        scripted_close(world);
    }
}

/* Whoever drives dies while services are switched; the next process goes on. */
static void interrupted_switch_is_gone_on_with(void **state)
{
    (void)state;
    for (size_t i = 0; i < STARTS; i++) {
        struct scripted *world = found(&starts[i], &(struct titan_release){.subject = "next"});
        struct moment moment = {.word = "\"action\":\"switch_services\""};
        moment_set(world, &moment);
        (void)person_runs(world, GO);
        moment_clear(world);
        if (person_runs(world, "resume --rearm yes --confirm " PERSON_TARGET) != DONE)
            fail_msg("%s: %s", starts[i].name, person_said());
        expect_verdict(world, starts[i].name);
        scripted_close(world);
    }
}

static void two_of_one_are_refused(void **state)
{
    (void)state;
    struct scripted *world = person_begins(98, &choice);
    struct titan_container *old = titan_running(&world->titan, "titan-execution");
    titan_start(&world->titan, titan_create(&world->titan, old->project, old->service,
                                            "titan_second_1", old->image, old->hash));
    take_away(&world->titan, "titan-brain");
    titan_publish(&world->titan, &(struct titan_release){.subject = "next"});
    assert_int_equal(person_runs(world, "begin release --reason test"), DONE);
    assert_int_not_equal(person_runs(world, GO), DONE);
    if (strstr(person_said(), "2 containers of titan-execution run") == NULL)
        fail_msg("%s", person_said());
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_completes),
        cmocka_unit_test(release_that_fails_takes_away_what_was_not_there),
        cmocka_unit_test(policy_change_begins_with_an_answer_or_with_nothing),
        cmocka_unit_test(policy_change_that_fails_takes_away_what_was_not_there),
        cmocka_unit_test(execution_that_comes_up_armed_is_rolled_back),
        cmocka_unit_test(interrupted_policy_change_is_gone_on_with),
        cmocka_unit_test(bus_comes_with_the_release),
        cmocka_unit_test(interrupted_switch_is_gone_on_with),
        cmocka_unit_test(two_of_one_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
