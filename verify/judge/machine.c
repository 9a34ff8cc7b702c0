#include "verify/judge/machine.h"

#include <assert.h>
#include <stddef.h>

static const char *const stage_names[STAGES] = {NULL,
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
static const char *const event_names[EVENTS] = {NULL,       "done",       "rearmed",   "failed",
                                                "unknown",  "mismatch",   "unhealthy", "abort",
                                                "rollback", "guard_fired"};
static const char *const act_names[ACTS] = {NULL,
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
static const enum stage release_row[] = {STAGE_OPENED,    STAGE_PREFLIGHTED, STAGE_CONNECTED,
                                         STAGE_UPDATED,   STAGE_PULLED,      STAGE_GUARDED,
                                         STAGE_SWITCHED,  STAGE_VERIFIED,    STAGE_OBSERVED,
                                         STAGE_CONFIRMED, STAGE_COMPLETED,   STAGE_INVALID};
static const enum stage policy_row[] = {STAGE_OPENED,
                                        STAGE_PREFLIGHTED,
                                        STAGE_CONNECTED,
                                        STAGE_UPDATED,
                                        STAGE_PULLED,
                                        STAGE_GUARDED,
                                        STAGE_DISARMED,
                                        STAGE_EXECUTION_DEPLOYED,
                                        STAGE_EXECUTION_VERIFIED,
                                        STAGE_BRAIN_DEPLOYED,
                                        STAGE_PARITY_VERIFIED,
                                        STAGE_ARMED,
                                        STAGE_OBSERVED,
                                        STAGE_CONFIRMED,
                                        STAGE_COMPLETED,
                                        STAGE_INVALID};
static const enum stage rollback_row[] = {STAGE_ROLLING_BACK, STAGE_SAFE,        STAGE_REVERTED,
                                          STAGE_REDEPLOYED,   STAGE_ROLLED_BACK, STAGE_INVALID};
static const enum stage abort_row[] = {STAGE_ABORTING, STAGE_ABORTED, STAGE_INVALID};

static unsigned index_of(const char *const *names, unsigned count, struct text name)
{
    for (unsigned i = 1; i < count; i++)
        if (text_is(name, names[i]))
            return i;
    return 0;
}

enum stage stage_by_name(struct text name)
{
    return (enum stage)index_of(stage_names, STAGES, name);
}

enum event event_by_name(struct text name)
{
    return (enum event)index_of(event_names, EVENTS, name);
}

enum act act_by_name(struct text name)
{
    return (enum act)index_of(act_names, ACTS, name);
}

const char *stage_name(enum stage stage)
{
    return stage > STAGE_INVALID && stage < STAGES ? stage_names[stage] : "no state of the format";
}

const char *event_name(enum event event)
{
    return event > EVENT_INVALID && event < EVENTS ? event_names[event] : "no event of the format";
}

const char *act_name(enum act act)
{
    return act > ACT_INVALID && act < ACTS ? act_names[act] : "no action of the format";
}

static const enum stage *place(const enum stage *row, enum stage stage)
{
    for (; *row != STAGE_INVALID; row++)
        if (*row == stage)
            return row;
    return NULL;
}

enum stage machine_next(bool policy, enum stage from)
{
    const enum stage *const rows[] = {policy ? policy_row : release_row, rollback_row, abort_row};
    if (from == STAGE_INVALID)
        return STAGE_INVALID;
    if (from == STAGE_ARMED)
        return STAGE_OBSERVED;
    for (unsigned i = 0; i < 3; i++) {
        const enum stage *at = place(rows[i], from);
        if (at != NULL)
            return at[1];
    }
    return STAGE_INVALID;
}

bool machine_is_end(enum stage stage)
{
    return stage == STAGE_COMPLETED || stage == STAGE_ABORTED || stage == STAGE_ROLLED_BACK;
}

bool machine_is_reverting(enum stage stage)
{
    return stage != STAGE_ROLLED_BACK && stage != STAGE_INVALID
           && place(rollback_row, stage) != NULL;
}

bool machine_is_changed(bool policy, enum stage stage)
{
    if (stage == STAGE_ARMED || stage == STAGE_OBSERVED || stage == STAGE_CONFIRMED)
        return true;
    if (!policy)
        return stage == STAGE_GUARDED || stage == STAGE_SWITCHED || stage == STAGE_VERIFIED;
    return stage == STAGE_DISARMED || stage == STAGE_EXECUTION_DEPLOYED
           || stage == STAGE_EXECUTION_VERIFIED || stage == STAGE_BRAIN_DEPLOYED
           || stage == STAGE_PARITY_VERIFIED;
}

/* opened to pulled, both included */
static bool is_early(enum stage stage)
{
    return stage >= STAGE_OPENED && stage <= STAGE_PULLED;
}

static bool allows_failure(bool policy, enum stage from, enum event event, enum stage to)
{
    bool mute = event == EVENT_UNHEALTHY && (from == STAGE_GUARDED || from == STAGE_DISARMED);
    if (machine_is_changed(policy, from))
        return to == STAGE_ROLLING_BACK && !mute;
    if (machine_is_reverting(from))
        return to == STAGE_ROLLBACK_FAILED;
    if (event == EVENT_UNHEALTHY)
        return false;
    if (from == STAGE_GUARDED) /* of policy: no service is changed before DISARM */
        return to == STAGE_ABORTING;
    if (from == STAGE_ABORTING)
        return to == STAGE_ABORTING && event != EVENT_MISMATCH;
    if (!is_early(from))
        return false;
    if (event == EVENT_UNKNOWN || (event == EVENT_FAILED && from == STAGE_OPENED))
        return to == from;
    return to == STAGE_ABORTING && from != STAGE_OPENED;
}

bool machine_allows(bool policy, enum stage from, enum event event, enum stage to)
{
    bool changed = machine_is_changed(policy, from);
    if (from == STAGE_INVALID || to == STAGE_INVALID || machine_is_end(from))
        return false;
    if (!policy && from >= STAGE_DISARMED && from <= STAGE_PARITY_VERIFIED)
        return false;
    if (policy && (from == STAGE_SWITCHED || from == STAGE_VERIFIED))
        return false;
    switch (event) {
    case EVENT_INVALID:
        return false;
    case EVENT_DONE:
        return to == machine_next(policy, from);
    case EVENT_REARMED:
        return !policy && from == STAGE_VERIFIED && to == STAGE_ARMED;
    case EVENT_FAILED:
    case EVENT_UNKNOWN:
    case EVENT_MISMATCH:
    case EVENT_UNHEALTHY:
        return allows_failure(policy, from, event, to);
    case EVENT_ABORT:
        return to == STAGE_ABORTING
               && (is_early(from) || from == STAGE_GUARDED || from == STAGE_DISARMED);
    case EVENT_ROLLBACK:
        return to == STAGE_ROLLING_BACK
               && ((changed && from != STAGE_GUARDED && from != STAGE_DISARMED)
                   || from == STAGE_ROLLBACK_FAILED);
    case EVENT_GUARD_FIRED:
        return to == STAGE_ROLLING_BACK
               && (from == STAGE_GUARDED || (changed && from != STAGE_CONFIRMED)
                   || machine_is_reverting(from) || from == STAGE_ROLLBACK_FAILED);
    case EVENTS:
        break;
    }
    return false;
}

bool machine_act_belongs(bool policy, enum stage from, enum act act)
{
    static const enum act acts[STAGES] = {[STAGE_OPENED] = ACT_RUN_PREFLIGHT,
                                          [STAGE_PREFLIGHTED] = ACT_CONNECT,
                                          [STAGE_CONNECTED] = ACT_UPDATE_CODE,
                                          [STAGE_UPDATED] = ACT_PULL_IMAGES,
                                          [STAGE_PULLED] = ACT_LAY_GUARD,
                                          [STAGE_SWITCHED] = ACT_VERIFY_RELEASE,
                                          [STAGE_VERIFIED] = ACT_OBSERVE_WINDOW,
                                          [STAGE_ARMED] = ACT_OBSERVE_WINDOW,
                                          [STAGE_OBSERVED] = ACT_CONFIRM,
                                          [STAGE_CONFIRMED] = ACT_COMPLETE,
                                          [STAGE_DISARMED] = ACT_DEPLOY_EXECUTION,
                                          [STAGE_EXECUTION_DEPLOYED] = ACT_VERIFY_EXECUTION,
                                          [STAGE_EXECUTION_VERIFIED] = ACT_DEPLOY_BRAIN,
                                          [STAGE_BRAIN_DEPLOYED] = ACT_VERIFY_PARITY,
                                          [STAGE_PARITY_VERIFIED] = ACT_ARM,
                                          [STAGE_ROLLING_BACK] = ACT_MAKE_SAFE,
                                          [STAGE_SAFE] = ACT_REVERT,
                                          [STAGE_REVERTED] = ACT_REDEPLOY,
                                          [STAGE_REDEPLOYED] = ACT_VERIFY_RESTORED,
                                          [STAGE_ABORTING] = ACT_RESTORE_CODE};
    if (act == ACT_INVALID || from == STAGE_INVALID || from >= STAGES)
        return false;
    if (from == STAGE_GUARDED)
        return act == (policy ? ACT_DISARM : ACT_SWITCH_SERVICES);
    if (from == STAGE_VERIFIED && act == ACT_ARM)
        return !policy;
    return acts[from] == act;
}

bool machine_answers_intent(enum event event)
{
    return event == EVENT_DONE || event == EVENT_REARMED || event == EVENT_FAILED
           || event == EVENT_UNKNOWN || event == EVENT_MISMATCH || event == EVENT_UNHEALTHY;
}
