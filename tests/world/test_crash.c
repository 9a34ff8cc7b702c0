/* Goal: a driver that dies at any boundary is resumed to the same end, nothing happens twice that
 * its intent does not allow, and the journal proves it.
 * Usage:     test_world_crash release|policy|release-fails|policy-fails [all]
 * How:       a boundary lies after each entry of the journal, each command that changes the target,
 *            each DISARM and ARM, each file of keys. The driver dies at every one of them in turn;
 * a new one over the same journal and the same target goes on. What happened is counted on the
 * other side and compared with a run that nobody killed. all:       before each of them too, where
 * the same is durable as after the one before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/verdict.h"

enum { RESUMES_MAX = 4 };
static const int64_t RESTART_NS = 400000000; /* until the next driver is there */
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};

static const struct scenario {
    const char *name, *begin, *end;
    struct titan_release release;
} scenarios[] = {
    {"release", "begin release --reason test", "completed", {.subject = "two"}},
    {"policy", "begin policy --reason test", "completed", {.subject = "two", .policy = "p2"}},
    {"release-fails",
     "begin release --reason test",
     "rolled_back",
     {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {"policy-fails",
     "begin policy --reason test",
     "rolled_back",
     {.subject = "bad", .policy = "p2", .brain_policy = "p3"}},
};
static const struct scenario *scenario; /* the one that was asked for */
static bool all_boundaries;

struct boundary {
    struct scripted *scripted;
    unsigned at, count; /* at 0 = nobody dies */
    char where[160];
};

static enum error_code cross(void *context, const struct scripted_call *call, struct error *error)
{
    static const char *const kinds[] = {"?",       "entry",   "change", "look",
                                        "publish", "request", "http",   "write"};
    struct boundary *boundary = context;
    bool counts = call->kind != CALL_LOOK && call->kind != CALL_REQUEST && call->kind != CALL_HTTP;
    if (!counts || (!call->after && !all_boundaries))
        return ERROR_OK;
    if (++boundary->count != boundary->at)
        return ERROR_OK;
    (void)snprintf(boundary->where, sizeof boundary->where, "%s %s %.100s",
                   call->after ? "after" : "before", kinds[call->kind],
                   call->kind == CALL_CHANGE ? "" : call->detail);
    boundary->scripted->dead = true;
    return error_set(error, call->kind == CALL_APPEND ? ERROR_JOURNAL_WRITE : ERROR_UNREACHABLE, 0,
                     "", "", "the driver has died");
}

/* What happened on the other side since `begin`. */
struct effects {
    size_t arms, disarms, twice_arm, often_disarm;
    unsigned starts[3], merges;
};

static size_t times(const struct titan *titan, size_t from, const char *received)
{
    size_t count = 0;
    for (size_t i = from; i < titan->seen.received_count; i++)
        count += strcmp(titan->seen.received[i], received) == 0;
    return count;
}

static void count_effects(const struct titan *titan, size_t first_received, size_t first_start,
                          unsigned merges, struct effects *effects)
{
    static const char *const services[] = {"titan-execution", "titan-brain", "web"};
    *effects = (struct effects){.merges = titan->seen.merges - merges};
    for (size_t i = first_received; i < titan->seen.received_count; i++) {
        const char *received = titan->seen.received[i];
        bool arm = strncmp(received, "ARM ", 4) == 0;
        effects->arms += arm;
        effects->disarms += !arm;
        effects->twice_arm += arm && times(titan, first_received, received) > 1;
        effects->often_disarm += !arm && times(titan, first_received, received) > 2;
    }
    for (size_t i = first_start; i < titan->seen.start_count; i++)
        for (size_t service = 0; service < 3; service++)
            effects->starts[service] += strcmp(titan->seen.starts[i], services[service]) == 0;
}

static void problem(const struct boundary *boundary, const char *what)
{
    fail_msg("killed at boundary %u (%s): %s\n%s", boundary->at, boundary->where, what,
             person_said());
}

static void compare(const struct boundary *boundary, const struct effects *now,
                    const struct effects *calm)
{
    if (now->twice_arm > 0)
        problem(boundary, "an ARM was received twice");
    if (now->arms > calm->arms + 1)
        problem(boundary, "more ARM were received than one that was repeated");
    if (now->often_disarm > 0)
        problem(boundary, "a DISARM was received more than twice");
    if (memcmp(now->starts, calm->starts, sizeof now->starts) != 0)
        problem(boundary, "services were started another number of times");
    if (now->merges != calm->merges)
        problem(boundary, "commits were checked out another number of times");
}

static void go_on(struct scripted *scripted, const struct boundary *boundary, const char *end)
{
    for (int i = 0; strcmp(person_state(scripted), end) != 0; i++) {
        if (i == RESUMES_MAX)
            problem(boundary, "it does not come to its end");
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + RESTART_NS);
        (void)person_runs(scripted, "resume --rearm yes --confirm " PERSON_TARGET);
    }
}

/* One deployment in a world of its own, killed at boundary->at. */
static void deploy(struct boundary *boundary, struct effects *ret_effects)
{
    struct scripted *scripted = person_begins(21, &choice);
    struct titan *titan = &scripted->titan;
    char *report = NULL;
    titan_publish(titan, &scenario->release);
    assert_int_equal(person_runs(scripted, scenario->begin), 0);
    size_t received = titan->seen.received_count, starts = titan->seen.start_count;
    unsigned merges = titan->seen.merges;
    boundary->scripted = scripted;
    scripted->fault = cross;
    scripted->fault_context = boundary;
    (void)person_runs(scripted, "run --rearm yes --confirm " PERSON_TARGET);
    scripted->fault = NULL;
    scripted->dead = false;
    go_on(scripted, boundary, scenario->end);
    count_effects(titan, received, starts, merges, ret_effects);
    int status = verdict_of(scripted, &choice, &report);
    if (status != 0)
        problem(boundary, report);
    free(report);
    scripted_close(scripted);
}

static void killed_everywhere_comes_to_the_same_end(void **state)
{
    struct boundary calm_boundary = {.at = 0};
    struct effects calm, now;
    (void)state;
    deploy(&calm_boundary, &calm);
    for (unsigned at = 1; at <= calm_boundary.count; at++) {
        struct boundary boundary = {.at = at};
        deploy(&boundary, &now);
        compare(&boundary, &now, &calm);
    }
    print_message("%s: killed at %u boundaries\n", scenario->name, calm_boundary.count);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_everywhere_comes_to_the_same_end)};
    for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0)
            scenario = &scenarios[i];
    all_boundaries = argc > 2 && strcmp(argv[2], "all") == 0;
    if (scenario == NULL) {
        (void)fputs("usage: test_world_crash SCENARIO [all]\n", stderr);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
