/* Goal: a service that starts slowly is neither good nor bad until its own check says so: a healthy
 * release of it completes, its window counts from then on, and what never gets there goes back. */
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
enum { COMPLETED = 0, ROLLED_BACK = 10, MINUTE_MS = 60000 };
/* web is asked by its own check, or by an address of its own. */
static const struct person_choice by_check = {.container = true}, by_address = {.window_ms = 10000};
static const struct person_choice *const ways[] = {&by_check, &by_address};

static struct scripted *slow_world(const struct person_choice *choice, int64_t start_ms,
                                   const struct titan_release *release)
{
    struct scripted *world = person_begins(93, choice);
    world->titan.start_ms = start_ms;
    titan_publish(&world->titan, release);
    return world;
}

static void expect(struct scripted *world, const struct person_choice *choice, const char *begin,
                   int wanted, const char *words)
{
    char *report = NULL;
    if (person_runs(world, begin) != 0)
        fail_msg("%s", person_said());
    int status = person_runs(world, GO);
    if (status != wanted)
        fail_msg("%d in %s\n%s", status, person_state(world), person_said());
    if (verdict_of(world, choice, &report) != 0 || strstr(report, words) == NULL)
        fail_msg("%s\n%s", report, person_said());
    free(report);
    scripted_close(world);
}

static void slow_release_completes_and_its_window_counts_from_then_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct scripted *world = slow_world(ways[i], 2 * MINUTE_MS,
                                            &(struct titan_release){.subject = "a"});
        expect(world, ways[i], "begin release --reason test", COMPLETED,
               "something was still starting");
    }
}

/* Docker says `unhealthy` by itself, or the limit is over. */
static void release_that_never_starts_goes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct scripted *world = slow_world(ways[i], 400,
                                            &(struct titan_release){.subject = "a",
                                                                    .web_faults = FAULT_UNHEALTHY});
        expect(world, ways[i], "begin release --reason test", ROLLED_BACK, "");
    }
}

static void lift_web(struct titan *titan, void *context)
{
    (void)context;
    titan->start_ms = 400;
}

/* Behind the limit it is bad; what ran before starts quickly again. */
static void release_that_starts_too_slowly_goes_back(void **state)
{
    (void)state;
    struct scripted *world = slow_world(&by_check, 20 * MINUTE_MS,
                                        &(struct titan_release){.subject = "a"});
    titan_at(&world->titan, world->timeline.now_ns + INT64_C(330) * 1000000000, lift_web, NULL);
    expect(world, &by_check, "begin release --reason test", ROLLED_BACK, "");
}

/* The other way round: the release fails, and what ran before starts slowly. */
static void rollback_waits_for_what_starts_slowly(void **state)
{
    (void)state;
    struct scripted *world = slow_world(&by_check, 2 * MINUTE_MS,
                                        &(struct titan_release){.subject = "a",
                                                                .brain_faults = FAULT_PANIC});
    expect(world, &by_check, "begin release --reason test", ROLLED_BACK, "");
}

static void spoil_web(struct titan *titan, void *context)
{
    struct titan_container *web = titan_running(titan, "web");
    (void)context;
    for (size_t i = 0; web != NULL && i < titan->image_count; i++)
        if (&titan->images[i] == web->image)
            titan->images[i].faults |= FAULT_UNHEALTHY;
}

static void kill_web(struct titan *titan, void *context)
{
    struct titan_container *web = titan_running(titan, "web");
    (void)context;
    if (web != NULL)
        titan_restart(titan, web);
}

static void break_docker(struct titan *titan, void *context)
{
    titan->docker_down = context != NULL;
}

/* What may pass is waited for as long as what starts is: Docker is away for a few seconds, at any
 * moment. */
static void rollback_that_waits_outlasts_a_broken_docker(void **state)
{
    static const struct person_choice quick = {.container = true, .rollback_ms = 45000};
    static char down[] = "down";
    (void)state;
    for (int64_t at_s = 20; at_s <= 140; at_s += 15) {
        struct scripted *world = slow_world(&quick, 2 * MINUTE_MS,
                                            &(struct titan_release){.subject = "a",
                                                                    .brain_faults = FAULT_PANIC});
        int64_t now_ns = world->timeline.now_ns;
        titan_at(&world->titan, now_ns + at_s * INT64_C(1000000000), break_docker, down);
        titan_at(&world->titan, now_ns + (at_s + 6) * INT64_C(1000000000), break_docker, NULL);
        expect(world, &quick, "begin release --reason test", ROLLED_BACK, "");
    }
}

/* What web does while it is starting, at any moment: both read the same of it. */
static void whenever_web_turns_driver_and_verifier_agree(void **state)
{
    static void (*const turns[])(struct titan *, void *) = {spoil_web, kill_web, lift_web,
                                                            break_docker};
    static char down[] = "down";
    enum { FROM_MS = 2000, UNTIL_MS = 60000, STEP_MS = 3777 };
    (void)state;
    for (int at_ms = FROM_MS; at_ms < UNTIL_MS; at_ms += STEP_MS) {
        size_t way = (size_t)(at_ms / STEP_MS) % (sizeof turns / sizeof turns[0]);
        struct scripted *world = slow_world(&by_check, 2 * MINUTE_MS,
                                            &(struct titan_release){.subject = "a"});
        char *report = NULL;
        int64_t now_ns = world->timeline.now_ns;
        assert_int_equal(person_runs(world, "begin release --reason test"), 0);
        titan_at(&world->titan, now_ns + at_ms * INT64_C(1000000), turns[way],
                 turns[way] == break_docker ? down : NULL);
        if (turns[way] == break_docker)
            titan_at(&world->titan, now_ns + (at_ms + 7000) * INT64_C(1000000), break_docker, NULL);
        (void)person_runs(world, GO);
        if (verdict_of(world, &by_check, &report) != 0)
            fail_msg("%d ms, way %zu: %s\n%s", at_ms, way, report, person_said());
        free(report);
        scripted_close(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_release_completes_and_its_window_counts_from_then_on),
        cmocka_unit_test(release_that_never_starts_goes_back),
        cmocka_unit_test(release_that_starts_too_slowly_goes_back),
        cmocka_unit_test(whenever_web_turns_driver_and_verifier_agree),
        cmocka_unit_test(rollback_waits_for_what_starts_slowly),
        cmocka_unit_test(rollback_that_waits_outlasts_a_broken_docker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
