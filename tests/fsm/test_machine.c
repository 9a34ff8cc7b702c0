/* Goal: the table as data. Relations that hold for every row and every state; the two paths in
 * full; no pair doubled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/machine.h"

static const enum procedure procedures[] = {PROCEDURE_RELEASE, PROCEDURE_POLICY};

static bool is_reachable(enum procedure procedure, enum state wanted)
{
    bool seen[STATE_COUNT] = {[STATE_OPENED] = true};
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < count; i++) {
            if (edges[i].procedure == procedure && seen[edges[i].from] && !seen[edges[i].to])
                grown = seen[edges[i].to] = true;
        }
    }
    return seen[wanted];
}

static void follow(enum procedure procedure, const enum state *path, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++) {
        const struct transition *edge = machine_step(procedure, path[i], false);
        assert_non_null(edge);
        assert_int_equal(edge->to, path[i + 1]);
        assert_int_not_equal(edge->action, ACTION_NONE);
        assert_true(edge->deadline_ms > 0);
    }
}

static void machine_step_release_path_is_the_standards(void **state)
{
    (void)state;
    static const enum state path[] = {STATE_OPENED,    STATE_PREFLIGHTED, STATE_CONNECTED,
                                      STATE_UPDATED,   STATE_PULLED,      STATE_GUARDED,
                                      STATE_SWITCHED,  STATE_VERIFIED,    STATE_OBSERVED,
                                      STATE_CONFIRMED, STATE_COMPLETED};
    follow(PROCEDURE_RELEASE, path, sizeof path / sizeof path[0]);
    assert_int_equal(machine_step(PROCEDURE_RELEASE, STATE_VERIFIED, true)->to, STATE_ARMED);
    assert_int_equal(machine_step(PROCEDURE_RELEASE, STATE_ARMED, false)->to, STATE_OBSERVED);
}

static void machine_step_policy_path_is_the_standards(void **state)
{
    (void)state;
    static const enum state path[] = {STATE_OPENED,
                                      STATE_PREFLIGHTED,
                                      STATE_CONNECTED,
                                      STATE_UPDATED,
                                      STATE_PULLED,
                                      STATE_GUARDED,
                                      STATE_DISARMED,
                                      STATE_EXECUTION_DEPLOYED,
                                      STATE_EXECUTION_VERIFIED,
                                      STATE_BRAIN_DEPLOYED,
                                      STATE_PARITY_VERIFIED,
                                      STATE_ARMED,
                                      STATE_OBSERVED,
                                      STATE_CONFIRMED,
                                      STATE_COMPLETED};
    follow(PROCEDURE_POLICY, path, sizeof path / sizeof path[0]);
}

static void machine_step_rollback_and_abort_paths(void **state)
{
    (void)state;
    static const enum state back[] = {STATE_ROLLING_BACK, STATE_SAFE, STATE_REVERTED,
                                      STATE_REDEPLOYED, STATE_ROLLED_BACK};
    static const enum state up[] = {STATE_ABORTING, STATE_ABORTED};
    for (size_t i = 0; i < 2; i++) {
        follow(procedures[i], back, sizeof back / sizeof back[0]);
        follow(procedures[i], up, sizeof up / sizeof up[0]);
    }
}

/* Policy arms only from proven parity; release only from verified. No other row ends in `armed`. */
static void machine_transitions_armed_only_behind_parity(void **state)
{
    (void)state;
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (size_t i = 0; i < count; i++) {
        if (edges[i].to != STATE_ARMED)
            continue;
        assert_int_equal(edges[i].action, ACTION_ARM);
        assert_int_equal(edges[i].from, edges[i].procedure == PROCEDURE_POLICY
                                            ? STATE_PARITY_VERIFIED
                                            : STATE_VERIFIED);
    }
}

static void machine_transitions_good_events_have_actions_others_none(void **state)
{
    (void)state;
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (size_t i = 0; i < count; i++) {
        bool good = edges[i].event == EVENT_DONE || edges[i].event == EVENT_REARMED;
        assert_int_equal(edges[i].action != ACTION_NONE, good);
        assert_int_equal(edges[i].deadline_ms > 0, good);
        assert_true(machine_phase(edges[i].from) != PHASE_ENDED);
    }
}

/* Every state from which work is done has a way out for a failure and for an outcome that cannot be
 * known; once a service may have changed, for bad health and for the operator's rollback; before
 * that, for his abort. */
static void machine_transitions_no_way_out_is_missing(void **state)
{
    (void)state;
    for (size_t p = 0; p < 2; p++) {
        for (enum state from = STATE_INVALID + 1; from < STATE_COUNT; from++) {
            enum phase phase = machine_phase(from);
            if (!is_reachable(procedures[p], from) || phase == PHASE_ENDED)
                continue;
            if (phase == PHASE_STUCK) {
                assert_non_null(machine_transition(procedures[p], from, EVENT_ROLLBACK));
                continue;
            }
            assert_non_null(machine_step(procedures[p], from, false));
            assert_non_null(machine_transition(procedures[p], from, EVENT_FAILED));
            assert_non_null(machine_transition(procedures[p], from, EVENT_UNKNOWN));
            if (phase == PHASE_PREPARING)
                assert_non_null(machine_transition(procedures[p], from, EVENT_ABORT));
            if (phase == PHASE_CHANGED && from != STATE_DISARMED) {
                assert_non_null(machine_transition(procedures[p], from, EVENT_UNHEALTHY));
                assert_non_null(machine_transition(procedures[p], from, EVENT_ROLLBACK));
            }
            if (phase == PHASE_CHANGED
                && machine_is_hot(
                    from)) /* whoever drives was removed, and nobody would watch (engine.c) */
                assert_int_equal(machine_transition(procedures[p], from, EVENT_ROLLBACK)->to,
                                 STATE_ROLLING_BACK);
            if (phase == PHASE_CHANGED)
                assert_non_null(machine_transition(procedures[p], from, EVENT_MISMATCH));
        }
    }
}

/* A failure after a change leads to rollback, before it to abort or back to its own state; nothing
 * leads forward. */
static void machine_transitions_failures_never_lead_forward(void **state)
{
    (void)state;
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (size_t i = 0; i < count; i++) {
        const struct transition *edge = &edges[i];
        if (edge->action != ACTION_NONE)
            continue;
        bool backward = edge->to == edge->from || edge->to == STATE_ABORTING
                        || edge->to == STATE_ROLLING_BACK || edge->to == STATE_ROLLBACK_FAILED;
        assert_true(backward);
        if (machine_phase(edge->from) == PHASE_CHANGED && edge->event != EVENT_ABORT
            && edge->event != EVENT_STALE) /* nothing was touched in it */
            assert_int_equal(edge->to, STATE_ROLLING_BACK);
    }
}

static void machine_is_hot_exactly_where_nobody_would_watch(void **state)
{
    (void)state;
    static const enum state hot[] = {STATE_SWITCHED, STATE_VERIFIED,  STATE_ARMED,
                                     STATE_OBSERVED, STATE_CONFIRMED, STATE_ROLLING_BACK,
                                     STATE_SAFE,     STATE_REVERTED,  STATE_REDEPLOYED,
                                     STATE_ABORTING};
    for (enum state each = STATE_INVALID + 1; each < STATE_COUNT; each++) {
        bool listed = false;
        for (size_t i = 0; i < sizeof hot / sizeof hot[0]; i++)
            listed = listed || hot[i] == each;
        assert_int_equal(machine_is_hot(each), listed);
    }
}

static void machine_names_round_trip_and_zero_is_invalid(void **state)
{
    (void)state;
    for (enum state each = STATE_INVALID + 1; each < STATE_COUNT; each++)
        assert_int_equal(machine_state_by_name(machine_state_name(each)), each);
    for (enum event each = EVENT_INVALID + 1; each < EVENT_COUNT; each++)
        assert_int_equal(machine_event_by_name(machine_event_name(each)), each);
    for (enum action each = ACTION_NONE; each < ACTION_COUNT; each++)
        assert_int_equal(machine_action_by_name(machine_action_name(each)), each);
    assert_int_equal(machine_state_by_name("armed "), STATE_INVALID);
    assert_int_equal(machine_event_by_name(""), EVENT_INVALID);
    assert_int_equal(machine_action_by_name("rm"), ACTION_INVALID);
    assert_int_equal(machine_procedure_by_name("hotfix"), PROCEDURE_INVALID);
}

static void machine_digest_is_stable_within_a_program(void **state)
{
    (void)state;
    char one[SHA256_HEX + 1], two[SHA256_HEX + 1];
    machine_digest(one);
    machine_digest(two);
    assert_string_equal(one, two);
    assert_true(bytes_is_hex(one, SHA256_HEX));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_step_release_path_is_the_standards),
        cmocka_unit_test(machine_step_policy_path_is_the_standards),
        cmocka_unit_test(machine_step_rollback_and_abort_paths),
        cmocka_unit_test(machine_transitions_armed_only_behind_parity),
        cmocka_unit_test(machine_transitions_good_events_have_actions_others_none),
        cmocka_unit_test(machine_transitions_no_way_out_is_missing),
        cmocka_unit_test(machine_transitions_failures_never_lead_forward),
        cmocka_unit_test(machine_is_hot_exactly_where_nobody_would_watch),
        cmocka_unit_test(machine_names_round_trip_and_zero_is_invalid),
        cmocka_unit_test(machine_digest_is_stable_within_a_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
