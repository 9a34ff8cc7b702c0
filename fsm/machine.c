#include "fsm/machine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

/* A pair (procedure, from, event) with two rows would name this enumerator twice, which does not
 * compile. */
#define EDGE(procedure, from, event, action, to, deadline_ms) EDGE_##procedure##_##from##_##event,
#define TRANSITION_BOTH(...) EDGE(RELEASE, __VA_ARGS__) EDGE(POLICY, __VA_ARGS__)
#define TRANSITION_RELEASE(...) EDGE(RELEASE, __VA_ARGS__)
#define TRANSITION_POLICY(...) EDGE(POLICY, __VA_ARGS__)
#define TRANSITION(procedure, ...) TRANSITION_##procedure(__VA_ARGS__)
enum edge {
#include "fsm/transitions.def"
    EDGE_COUNT
};
#undef EDGE

#define EDGE(procedure, from, event, action, to, deadline_ms)                                    \
    [EDGE_##procedure##_##from##_##event] = {PROCEDURE_##procedure, STATE_##from, EVENT_##event, \
                                             ACTION_##action,       STATE_##to,   deadline_ms},
static const struct transition transitions[EDGE_COUNT] = {
#include "fsm/transitions.def"
};
#undef EDGE

#define NAME_STATE(token, name, phase, hot) [STATE_##token] = name,
#define PHASE_STATE(token, name, phase, hot) [STATE_##token] = PHASE_##phase,
#define HOT_STATE(token, name, phase, hot) [STATE_##token] = hot,
#define NAME_EVENT(token, name) [EVENT_##token] = name,
#define NAME_ACTION(token, name) [ACTION_##token] = name,

static const char *const procedure_names[PROCEDURE_COUNT] = {NULL, "release", "policy"};
static const char *const state_names[STATE_COUNT] = {MACHINE_STATES(NAME_STATE)};
static const enum phase state_phases[STATE_COUNT] = {MACHINE_STATES(PHASE_STATE)};
static const bool state_hot[STATE_COUNT] = {MACHINE_STATES(HOT_STATE)};
static const char *const event_names[EVENT_COUNT] = {MACHINE_EVENTS(NAME_EVENT)};
static const char *const action_names[ACTION_COUNT] = {[ACTION_NONE] = "none",
                                                       MACHINE_ACTIONS(NAME_ACTION)};

const struct transition *machine_transition(enum procedure procedure, enum state from,
                                            enum event event)
{
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        const struct transition *edge = &transitions[i];
        if (edge->procedure == procedure && edge->from == from && edge->event == event)
            return edge;
    }
    return NULL;
}

const struct transition *machine_step(enum procedure procedure, enum state from, bool rearm)
{
    const struct transition *edge = rearm ? machine_transition(procedure, from, EVENT_REARMED)
                                          : NULL;
    return edge != NULL ? edge : machine_transition(procedure, from, EVENT_DONE);
}

const struct transition *machine_transitions(size_t *ret_count)
{
    *ret_count = EDGE_COUNT;
    return transitions;
}

bool machine_is_hot(enum state state)
{
    assert(state > STATE_INVALID && state < STATE_COUNT);
    return state_hot[state];
}

bool machine_act_is_hot(enum action action)
{
    return action >= ACTION_SWITCH_SERVICES && action < ACTION_RESTORE_CODE;
}

enum phase machine_phase(enum state state)
{
    assert(state > STATE_INVALID && state < STATE_COUNT);
    return state_phases[state];
}

const char *machine_procedure_name(enum procedure procedure)
{
    assert(procedure > PROCEDURE_INVALID && procedure < PROCEDURE_COUNT);
    return procedure_names[procedure];
}

const char *machine_state_name(enum state state)
{
    assert(state > STATE_INVALID && state < STATE_COUNT);
    return state_names[state];
}

const char *machine_event_name(enum event event)
{
    assert(event > EVENT_INVALID && event < EVENT_COUNT);
    return event_names[event];
}

const char *machine_action_name(enum action action)
{
    assert(action > ACTION_INVALID && action < ACTION_COUNT);
    return action_names[action];
}

const char *machine_action_words(enum action action)
{
    switch (action) {
    case ACTION_INVALID:
        return "";
    case ACTION_NONE:
        return "";
    case ACTION_RUN_PREFLIGHT:
        return "run the checklist";
    case ACTION_CONNECT:
        return "take the target and record what runs before";
    case ACTION_UPDATE_CODE:
        return "fetch and fast-forward the repository on the target";
    case ACTION_PULL_IMAGES:
        return "pull the images; nothing that runs changes";
    case ACTION_LAY_GUARD:
        return "reserve space, and lay the guard on the target";
    case ACTION_SWITCH_SERVICES:
        return "bring the services up in order, then all";
    case ACTION_VERIFY_RELEASE:
        return "look at what runs now";
    case ACTION_DISARM:
        return "disarm Execution and see it disarmed";
    case ACTION_DEPLOY_EXECUTION:
        return "re-create Execution while it is disarmed";
    case ACTION_VERIFY_EXECUTION:
        return "compare Execution's policy hash: responder and start-up line";
    case ACTION_DEPLOY_BRAIN:
        return "re-create Brain while Execution is disarmed, then bring up all";
    case ACTION_VERIFY_PARITY:
        return "compare the policy hash of Execution and Brain";
    case ACTION_ARM:
        return "arm Execution on fresh parity and see it armed";
    case ACTION_OBSERVE_WINDOW:
        return "watch health, parity and interlock over the window";
    case ACTION_CONFIRM:
        return "withdraw the guard, and look once more";
    case ACTION_COMPLETE:
        return "free the target";
    case ACTION_MAKE_SAFE:
        return "see Execution disarmed, or remove it";
    case ACTION_REVERT:
        return "restore commit and pin the images recorded before";
    case ACTION_REDEPLOY:
        return "re-create the services from the images recorded before";
    case ACTION_VERIFY_RESTORED:
        return "compare what runs with what ran before";
    case ACTION_RESTORE_CODE:
        return "restore commit and free the target";
    case ACTION_COUNT:
        break;
    }
    return "";
}

static unsigned index_of(const char *const *names, unsigned count, const char *name)
{
    for (unsigned i = 1; i < count; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return i;
    return 0;
}

enum procedure machine_procedure_by_name(const char *name)
{
    return (enum procedure)index_of(procedure_names, PROCEDURE_COUNT, name);
}

enum state machine_state_by_name(const char *name)
{
    return (enum state)index_of(state_names, STATE_COUNT, name);
}

enum event machine_event_by_name(const char *name)
{
    return (enum event)index_of(event_names, EVENT_COUNT, name);
}

enum action machine_action_by_name(const char *name)
{
    return (enum action)index_of(action_names, ACTION_COUNT, name);
}

void machine_digest(char ret_hex[SHA256_HEX + 1])
{
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    for (size_t i = 0; i < EDGE_COUNT; i++) {
        const struct transition *edge = &transitions[i];
        char row[256];
        int length = snprintf(row, sizeof row, "%s %s %s %s %s %lld\n",
                              procedure_names[edge->procedure], state_names[edge->from],
                              event_names[edge->event], action_names[edge->action],
                              state_names[edge->to], (long long)edge->deadline_ms);
        assert(length > 0 && (size_t)length < sizeof row);
        crypto_hash_sha256_update(&hash, (const unsigned char *)row, (unsigned long long)length);
    }
    uint8_t digest[SHA256_BYTES];
    crypto_hash_sha256_final(&hash, digest);
    bytes_hex(digest, sizeof digest, ret_hex);
}
