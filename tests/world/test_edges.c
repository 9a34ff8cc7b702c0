/* Goal: every edge of fsm/transitions.def is taken by the real engine, in both procedures, and ends
 * in the state that the table names.
 * How:       a few deployments are driven to their ends. The driver dies at each new state; there
 *            every event that the table lists without an action is told to the engine, as the
 *            operator or a guard would tell it, and the journal is put back. Edges that an action
 *            earns are taken by the deployments themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define GO "resume --rearm yes --confirm " PERSON_TARGET

static const char A_TRANSITION[] = "\"type\":\"transition\"";

static bool has_edge_to_tell(const struct transition *edge, const struct story *story)
{
    return edge->procedure == story->procedure && edge->from == story->state
           && edge->action == ACTION_NONE && !story_was_taken(edge);
}

static void tell_events(struct scripted *scripted, const struct story *here)
{
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    struct journal_mark mark = moment_mark(scripted);
    for (size_t i = 0; i < count; i++) {
        struct moment moment = {.word = A_TRANSITION};
        if (!has_edge_to_tell(&edges[i], here))
            continue;
        moment_set(scripted, &moment);
        (void)story_event(scripted, edges[i].event);
        moment_clear(scripted);
        if (!moment.happened || !story_ends_with(scripted, &edges[i]))
            fail_msg("%s from %s does not lead to %s", machine_event_name(edges[i].event),
                     machine_state_name(edges[i].from), machine_state_name(edges[i].to));
        moment_rewind(scripted, mark);
    }
}

/* A deployment, and what is told in each of its states from `at` on; INVALID = from the first. */
static void walk(const struct titan_release *release, const char *begin, enum state at,
                 const char *go, enum state end)
{
    const struct person_choice choice = {.window_ms = 10000};
    struct scripted *scripted = beginning_of(&(struct beginning){
        .seed = 11, .choice = choice, .release = *release, .begin = begin, .go = GO, .state = at});
    char *report = NULL;
    for (struct story story = story_read(scripted); !story.ended; story = story_read(scripted)) {
        struct moment moment = {.word = A_TRANSITION};
        tell_events(scripted, &story);
        if (story.state == end)
            break;
        moment_set(scripted, &moment);
        int status = person_runs(scripted, go);
        moment_clear(scripted);
        if (!moment.happened)
            fail_msg("from %s nothing goes on (%d): %s", machine_state_name(story.state), status,
                     person_said());
    }
    assert_string_equal(person_state(scripted), machine_state_name(end));
    if (verdict_of(scripted, &choice, &report) != 0)
        fail_msg("%s", report);
    free(report);
}

static void release_completed(void **state)
{
    (void)state;
    walk(&(struct titan_release){.subject = "two"}, "begin release --reason test", STATE_INVALID,
         GO, STATE_COMPLETED);
    walk(&(struct titan_release){.subject = "two"}, "begin release --reason test", STATE_SWITCHED,
         "resume --rearm no --confirm " PERSON_TARGET, STATE_COMPLETED);
}

static void policy_completed(void **state)
{
    (void)state;
    walk(&(struct titan_release){.subject = "two", .policy = "p2"}, "begin policy --reason test",
         STATE_INVALID, GO, STATE_COMPLETED);
}

static void rolled_back(void **state)
{
    (void)state;
    walk(&(struct titan_release){.subject = "two", .web_faults = FAULT_UNHEALTHY},
         "begin release --reason test", STATE_GUARDED, GO, STATE_ROLLED_BACK);
    walk(&(struct titan_release){.subject = "two", .policy = "p2", .brain_policy = "p3"},
         "begin policy --reason test", STATE_GUARDED, GO, STATE_ROLLED_BACK);
}

static void aborted(void **state)
{
    (void)state;
    walk(&(struct titan_release){.subject = "two", .web_faults = FAULT_NO_PULL},
         "begin release --reason test", STATE_UPDATED, GO, STATE_ABORTED);
    walk(&(struct titan_release){.subject = "two", .policy = "p2", .web_faults = FAULT_NO_PULL},
         "begin policy --reason test", STATE_UPDATED, GO, STATE_ABORTED);
}

/* The old image cannot be started any more. */
static void rollback_failed(void **state)
{
    (void)state;
    static const char *const begins[] = {"begin release --reason test",
                                         "begin policy --reason test"};
    for (size_t i = 0; i < 2; i++) {
        const struct person_choice choice = {.window_ms = 10000};
        struct scripted *scripted = beginning_of(
            &(struct beginning){.seed = 11,
                                .choice = choice,
                                .release = {.subject = "two",
                                            .policy = i == 1 ? "p2" : NULL,
                                            .brain_policy = i == 1 ? "p3" : NULL,
                                            .web_faults = i == 0 ? FAULT_UNHEALTHY : 0},
                                .begin = begins[i]});
        scripted->titan.images[0].faults = FAULT_NO_UP;
        assert_int_equal(person_runs(scripted, GO), 12);
        struct story story = story_read(scripted);
        assert_int_equal(story.state, STATE_ROLLBACK_FAILED);
        tell_events(scripted, &story);
    }
}

static void every_edge_taken(void **state)
{
    size_t count, missing = 0;
    const struct transition *edges = machine_transitions(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        if (story_was_taken(&edges[i]))
            continue;
        print_error("not taken: %s %s by %s\n", machine_procedure_name(edges[i].procedure),
                    machine_state_name(edges[i].from), machine_event_name(edges[i].event));
        missing++;
    }
    print_message("%zu of %zu edges taken\n", count - missing, count);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(release_completed),
                                       cmocka_unit_test(policy_completed),
                                       cmocka_unit_test(rolled_back),
                                       cmocka_unit_test(aborted),
                                       cmocka_unit_test(rollback_failed),
                                       cmocka_unit_test(every_edge_taken)};
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
