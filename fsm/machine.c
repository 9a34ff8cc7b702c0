#include "fsm/machine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

/* A pair (procedure, from, event) with two rows would name this enumerator twice, which does not compile. */
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

#define EDGE(procedure, from, event, action, to, deadline_ms) \
    [EDGE_##procedure##_##from##_##event] = {                 \
        PROCEDURE_##procedure, STATE_##from, EVENT_##event, ACTION_##action, STATE_##to, deadline_ms},
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
static const char *const action_names[ACTION_COUNT] = {[ACTION_NONE] = "none", MACHINE_ACTIONS(NAME_ACTION)};

const struct transition *machine_transition(enum procedure procedure, enum state from, enum event event)
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
    const struct transition *edge = rearm ? machine_transition(procedure, from, EVENT_REARMED) : NULL;
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
        int length = snprintf(row, sizeof row, "%s %s %s %s %s %lld\n", procedure_names[edge->procedure],
                              state_names[edge->from], event_names[edge->event], action_names[edge->action],
                              state_names[edge->to], (long long)edge->deadline_ms);
        assert(length > 0 && (size_t)length < sizeof row);
        crypto_hash_sha256_update(&hash, (const unsigned char *)row, (unsigned long long)length);
    }
    uint8_t digest[SHA256_BYTES];
    crypto_hash_sha256_final(&hash, digest);
    bytes_hex(digest, sizeof digest, ret_hex);
}
