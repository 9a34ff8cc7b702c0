/* fsm/machine: the vocabulary of the procedure and the table that holds all of it.
 * Knows:     which edge exists, what earns it, how long it may take; nothing of how an action is
 *            done or where it is recorded.
 * Source:    transitions.def, one row an edge; the deployment standard sections 3, 4 and 6.
 * Zero:      is INVALID in every enum, so that an empty cell can never pass for a value. */
#ifndef FSM_MACHINE_H
#define FSM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"

enum procedure { PROCEDURE_INVALID = 0, PROCEDURE_RELEASE, PROCEDURE_POLICY, PROCEDURE_COUNT };

/*     token               name in the journal    phase     hot */
#define MACHINE_STATES(STATE)                                       \
    STATE(OPENED, "opened", PREPARING, false)                       \
    STATE(PREFLIGHTED, "preflighted", PREPARING, false)             \
    STATE(CONNECTED, "connected", PREPARING, false)                 \
    STATE(UPDATED, "updated", PREPARING, false)                     \
    STATE(PULLED, "pulled", PREPARING, false)                       \
    STATE(GUARDED, "guarded", PREPARING, false)                     \
    STATE(SWITCHED, "switched", CHANGED, true)                      \
    STATE(VERIFIED, "verified", CHANGED, true)                      \
    STATE(DISARMED, "disarmed", CHANGED, false)                     \
    STATE(EXECUTION_DEPLOYED, "execution_deployed", CHANGED, false) \
    STATE(EXECUTION_VERIFIED, "execution_verified", CHANGED, false) \
    STATE(BRAIN_DEPLOYED, "brain_deployed", CHANGED, false)         \
    STATE(PARITY_VERIFIED, "parity_verified", CHANGED, false)       \
    STATE(ARMED, "armed", CHANGED, true)                            \
    STATE(OBSERVED, "observed", CHANGED, true)                      \
    STATE(CONFIRMED, "confirmed", CHANGED, true)                    \
    STATE(COMPLETED, "completed", ENDED, false)                     \
    STATE(ROLLING_BACK, "rolling_back", REVERTING, true)            \
    STATE(SAFE, "safe", REVERTING, true)                            \
    STATE(REVERTED, "reverted", REVERTING, true)                    \
    STATE(REDEPLOYED, "redeployed", REVERTING, true)                \
    STATE(ROLLED_BACK, "rolled_back", ENDED, false)                 \
    STATE(ROLLBACK_FAILED, "rollback_failed", STUCK, false)         \
    STATE(ABORTING, "aborting", REVERTING, true)                    \
    STATE(ABORTED, "aborted", ENDED, false)

#define MACHINE_EVENTS(EVENT)                                                                      \
    EVENT(DONE, "done")       /* the step succeeded, with evidence */                              \
    EVENT(REARMED, "rearmed") /* release: Execution was armed again as it had been */              \
    EVENT(FAILED, "failed")                                                                        \
    EVENT(MISMATCH, "mismatch")   /* what must be equal is not */                                  \
    EVENT(UNHEALTHY, "unhealthy") /* health is bad, or missing */                                  \
    EVENT(UNKNOWN, "unknown")     /* the outcome cannot be known */                                \
    EVENT(STALE, "stale")         /* right before the first change something is not as recorded */ \
    EVENT(ABORT, "abort")         /* the operator gives up before a service changed */             \
    EVENT(ROLLBACK, "rollback")   /* the operator rolls back */                                    \
    EVENT(GUARD_FIRED, "guard_fired") /* the dead-man guard acted on the target */

#define MACHINE_ACTIONS(ACTION)                  \
    ACTION(RUN_PREFLIGHT, "run_preflight")       \
    ACTION(CONNECT, "connect")                   \
    ACTION(UPDATE_CODE, "update_code")           \
    ACTION(PULL_IMAGES, "pull_images")           \
    ACTION(LAY_GUARD, "lay_guard")               \
    ACTION(SWITCH_SERVICES, "switch_services")   \
    ACTION(VERIFY_RELEASE, "verify_release")     \
    ACTION(DISARM, "disarm")                     \
    ACTION(DEPLOY_EXECUTION, "deploy_execution") \
    ACTION(VERIFY_EXECUTION, "verify_execution") \
    ACTION(DEPLOY_BRAIN, "deploy_brain")         \
    ACTION(VERIFY_PARITY, "verify_parity")       \
    ACTION(ARM, "arm")                           \
    ACTION(OBSERVE_WINDOW, "observe_window")     \
    ACTION(CONFIRM, "confirm")                   \
    ACTION(COMPLETE, "complete")                 \
    ACTION(MAKE_SAFE, "make_safe")               \
    ACTION(REVERT, "revert")                     \
    ACTION(REDEPLOY, "redeploy")                 \
    ACTION(VERIFY_RESTORED, "verify_restored")   \
    ACTION(RESTORE_CODE, "restore_code")

#define MACHINE_ENUM_STATE(token, name, phase, hot) STATE_##token,
#define MACHINE_ENUM_EVENT(token, name) EVENT_##token,
#define MACHINE_ENUM_ACTION(token, name) ACTION_##token,
enum state { STATE_INVALID = 0, MACHINE_STATES(MACHINE_ENUM_STATE) STATE_COUNT };
enum event { EVENT_INVALID = 0, MACHINE_EVENTS(MACHINE_ENUM_EVENT) EVENT_COUNT };
enum action { ACTION_INVALID = 0, ACTION_NONE, MACHINE_ACTIONS(MACHINE_ENUM_ACTION) ACTION_COUNT };

enum phase {
    PHASE_INVALID = 0,
    PHASE_PREPARING, /* nothing that runs has changed: abort restores commit and frees the target */
    PHASE_CHANGED,   /* a service may have changed: only forward, or rollback */
    PHASE_REVERTING, /* on the way back */
    PHASE_STUCK,     /* rollback_failed: a person decides */
    PHASE_ENDED,
};

struct transition {
    enum procedure procedure;
    enum state from;
    enum event event;
    enum action action; /* what earns the event; ACTION_NONE where the event only happens */
    enum state to;
    int64_t deadline_ms; /* of the action, on the boot clock */
};

/* The edge, or NULL: not listed is refused. */
const struct transition *machine_transition(enum procedure procedure, enum state from,
                                            enum event event);
/* The edge that `advance` tries from this state: the one by DONE, or by REARMED where `rearm`. NULL
 * where there is none. */
const struct transition *machine_step(enum procedure procedure, enum state from, bool rearm);
/* All edges, in the order of transitions.def. */
const struct transition *machine_transitions(size_t *ret_count);

/* Hot: `advance` goes on from here without a pause, because between two commands nobody would
 * watch. */
bool machine_is_hot(enum state state);
/* While an intent of it is open nobody else watches either: from the first change on. */
bool machine_act_is_hot(enum action action);
enum phase machine_phase(enum state state);

const char *machine_procedure_name(enum procedure procedure);
const char *machine_state_name(enum state state);
const char *machine_event_name(enum event event);
const char *machine_action_name(enum action action);
/* What it does, for people: what an intent says and what `explain` says. "" for NONE. */
const char *machine_action_words(enum action action);
/* INVALID (0) for a name that is none. */
enum procedure machine_procedure_by_name(const char *name);
enum state machine_state_by_name(const char *name);
enum event machine_event_by_name(const char *name);
enum action machine_action_by_name(const char *name);

/* SHA-256 over the rows as text, in order: an `open` carries it, and a deployment goes on only
 * under the table it was begun with. */
void machine_digest(char ret_hex[SHA256_HEX + 1]);

#endif
