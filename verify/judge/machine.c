#include "verify/judge/machine.h"

#include <assert.h>
#include <stddef.h>

static const char *const state_names[STATES] = {NULL,
                                                "opened",
                                                "preflighted",
                                                "connected",
                                                "updated",
                                                "pulled",
                                                "guarded",
                                                "switched",
                                                "verified",
                                                "disarmed",
                                                "execution_deployed",
                                                "execution_verified",
                                                "brain_deployed",
                                                "parity_verified",
                                                "armed",
                                                "observed",
                                                "confirmed",
                                                "completed",
                                                "rolling_back",
                                                "safe",
                                                "reverted",
                                                "redeployed",
                                                "rolled_back",
                                                "rollback_failed",
                                                "aborting",
                                                "aborted"};
static const char *const event_names[EVENTS] = {NULL,      "done",     "rearmed",    "failed",
                                                "unknown", "mismatch", "unhealthy",  "stale",
                                                "abort",   "rollback", "guard_fired"};
static const char *const action_names[ACTIONS] = {NULL,
                                                  "run_preflight",
                                                  "connect",
                                                  "update_code",
                                                  "pull_images",
                                                  "lay_guard",
                                                  "switch_services",
                                                  "verify_release",
                                                  "disarm",
                                                  "deploy_execution",
                                                  "verify_execution",
                                                  "deploy_brain",
                                                  "verify_parity",
                                                  "arm",
                                                  "observe_window",
                                                  "confirm",
                                                  "complete",
                                                  "make_safe",
                                                  "revert",
                                                  "redeploy",
                                                  "verify_restored",
                                                  "restore_code"};

/* The rows of the format, in its order. `armed` stands in the release row too, but is reached by
 * `rearmed` only. */
static const enum state release_row[] = {STATE_OPENED,    STATE_PREFLIGHTED, STATE_CONNECTED,
                                         STATE_UPDATED,   STATE_PULLED,      STATE_GUARDED,
                                         STATE_SWITCHED,  STATE_VERIFIED,    STATE_OBSERVED,
                                         STATE_CONFIRMED, STATE_COMPLETED,   STATE_INVALID};
static const enum state policy_row[] = {STATE_OPENED,
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
                                        STATE_COMPLETED,
                                        STATE_INVALID};
static const enum state rollback_row[] = {STATE_ROLLING_BACK, STATE_SAFE,        STATE_REVERTED,
                                          STATE_REDEPLOYED,   STATE_ROLLED_BACK, STATE_INVALID};
static const enum state abort_row[] = {STATE_ABORTING, STATE_ABORTED, STATE_INVALID};

static unsigned name_index(const char *const *names, unsigned count, struct slice name)
{
    for (unsigned i = 1; i < count; i++)
        if (slice_is(name, names[i]))
            return i;
    return 0;
}

enum state state_by_name(struct slice name)
{
    return (enum state)name_index(state_names, STATES, name);
}

enum event event_by_name(struct slice name)
{
    return (enum event)name_index(event_names, EVENTS, name);
}

enum action action_by_name(struct slice name)
{
    return (enum action)name_index(action_names, ACTIONS, name);
}

const char *state_name(enum state state)
{
    return state > STATE_INVALID && state < STATES ? state_names[state] : "no state of the format";
}

const char *event_name(enum event event)
{
    return event > EVENT_INVALID && event < EVENTS ? event_names[event] : "no event of the format";
}

const char *action_name(enum action action)
{
    return action > ACTION_INVALID && action < ACTIONS ? action_names[action]
                                                       : "no action of the format";
}

static const enum state *row_place(const enum state *row, enum state state)
{
    for (; *row != STATE_INVALID; row++)
        if (*row == state)
            return row;
    return NULL;
}

enum state machine_next(bool policy, enum state from)
{
    const enum state *const rows[] = {policy ? policy_row : release_row, rollback_row, abort_row};
    if (from == STATE_INVALID)
        return STATE_INVALID;
    if (from == STATE_ARMED)
        return STATE_OBSERVED;
    for (unsigned i = 0; i < 3; i++) {
        const enum state *at = row_place(rows[i], from);
        if (at != NULL)
            return at[1];
    }
    return STATE_INVALID;
}

bool machine_is_end(enum state state)
{
    return state == STATE_COMPLETED || state == STATE_ABORTED || state == STATE_ROLLED_BACK;
}

bool machine_is_reverting(enum state state)
{
    return state != STATE_ROLLED_BACK && state != STATE_INVALID
           && row_place(rollback_row, state) != NULL;
}

bool machine_is_changed(bool policy, enum state state)
{
    if (state == STATE_ARMED || state == STATE_OBSERVED || state == STATE_CONFIRMED)
        return true;
    if (!policy)
        return state == STATE_GUARDED || state == STATE_SWITCHED || state == STATE_VERIFIED;
    return state == STATE_DISARMED || state == STATE_EXECUTION_DEPLOYED
           || state == STATE_EXECUTION_VERIFIED || state == STATE_BRAIN_DEPLOYED
           || state == STATE_PARITY_VERIFIED;
}

/* opened to pulled, both included */
static bool is_early(enum state state)
{
    return state >= STATE_OPENED && state <= STATE_PULLED;
}

static bool allows_failure(bool policy, enum state from, enum event event, enum state to)
{
    bool mute = event == EVENT_UNHEALTHY && (from == STATE_GUARDED || from == STATE_DISARMED);
    if (machine_is_changed(policy, from))
        return to == STATE_ROLLING_BACK && !mute;
    if (machine_is_reverting(from))
        return to == STATE_ROLLBACK_FAILED;
    if (event == EVENT_UNHEALTHY)
        return false;
    if (from == STATE_GUARDED) /* of policy: no service is changed before DISARM */
        return to == STATE_ABORTING;
    if (from == STATE_ABORTING)
        return to == STATE_ABORTING && event != EVENT_MISMATCH;
    if (!is_early(from))
        return false;
    if (event == EVENT_UNKNOWN || (event == EVENT_FAILED && from == STATE_OPENED))
        return to == from;
    return to == STATE_ABORTING && from != STATE_OPENED;
}

bool machine_allows(bool policy, enum state from, enum event event, enum state to)
{
    bool changed = machine_is_changed(policy, from);
    if (from == STATE_INVALID || to == STATE_INVALID || machine_is_end(from))
        return false;
    if (!policy && from >= STATE_DISARMED && from <= STATE_PARITY_VERIFIED)
        return false;
    if (policy && (from == STATE_SWITCHED || from == STATE_VERIFIED))
        return false;
    switch (event) {
    case EVENT_INVALID:
        return false;
    case EVENT_DONE:
        return to == machine_next(policy, from);
    case EVENT_REARMED:
        return !policy && from == STATE_VERIFIED && to == STATE_ARMED;
    case EVENT_FAILED:
    case EVENT_UNKNOWN:
    case EVENT_MISMATCH:
    case EVENT_UNHEALTHY:
        return allows_failure(policy, from, event, to);
    case EVENT_STALE:
        return to == STATE_ABORTING && from == (policy ? STATE_DISARMED : STATE_GUARDED);
    case EVENT_ABORT:
        return to == STATE_ABORTING
               && (is_early(from) || from == STATE_GUARDED || from == STATE_DISARMED);
    case EVENT_ROLLBACK:
        return to == STATE_ROLLING_BACK
               && ((changed && from != STATE_GUARDED && from != STATE_DISARMED)
                   || from == STATE_ROLLBACK_FAILED);
    case EVENT_GUARD_FIRED:
        return to == STATE_ROLLING_BACK
               && (from == STATE_GUARDED || (changed && from != STATE_CONFIRMED)
                   || machine_is_reverting(from) || from == STATE_ROLLBACK_FAILED);
    case EVENTS:
        break;
    }
    return false;
}

bool machine_action_belongs(bool policy, enum state from, enum action action)
{
    static const enum action actions[STATES] = {[STATE_OPENED] = ACTION_RUN_PREFLIGHT,
                                                [STATE_PREFLIGHTED] = ACTION_CONNECT,
                                                [STATE_CONNECTED] = ACTION_UPDATE_CODE,
                                                [STATE_UPDATED] = ACTION_PULL_IMAGES,
                                                [STATE_PULLED] = ACTION_LAY_GUARD,
                                                [STATE_SWITCHED] = ACTION_VERIFY_RELEASE,
                                                [STATE_VERIFIED] = ACTION_OBSERVE_WINDOW,
                                                [STATE_ARMED] = ACTION_OBSERVE_WINDOW,
                                                [STATE_OBSERVED] = ACTION_CONFIRM,
                                                [STATE_CONFIRMED] = ACTION_COMPLETE,
                                                [STATE_DISARMED] = ACTION_DEPLOY_EXECUTION,
                                                [STATE_EXECUTION_DEPLOYED] =
                                                    ACTION_VERIFY_EXECUTION,
                                                [STATE_EXECUTION_VERIFIED] = ACTION_DEPLOY_BRAIN,
                                                [STATE_BRAIN_DEPLOYED] = ACTION_VERIFY_PARITY,
                                                [STATE_PARITY_VERIFIED] = ACTION_ARM,
                                                [STATE_ROLLING_BACK] = ACTION_MAKE_SAFE,
                                                [STATE_SAFE] = ACTION_REVERT,
                                                [STATE_REVERTED] = ACTION_REDEPLOY,
                                                [STATE_REDEPLOYED] = ACTION_VERIFY_RESTORED,
                                                [STATE_ABORTING] = ACTION_RESTORE_CODE};
    if (action == ACTION_INVALID || from == STATE_INVALID || from >= STATES)
        return false;
    if (from == STATE_GUARDED)
        return action == (policy ? ACTION_DISARM : ACTION_SWITCH_SERVICES);
    if (from == STATE_VERIFIED && action == ACTION_ARM)
        return !policy;
    return actions[from] == action;
}

bool machine_answers_intent(enum event event)
{
    return event == EVENT_DONE || event == EVENT_REARMED || event == EVENT_FAILED
           || event == EVENT_UNKNOWN || event == EVENT_MISMATCH || event == EVENT_UNHEALTHY
           || event == EVENT_STALE;
}
