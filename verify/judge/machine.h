/* verify/judge/machine: what may follow what. The section "Machine" of journal/FORMAT.md in the
 * verifier's own form: two rows of states and nine rules, not a table of edges; nothing here comes
 * from the driver.
 * Zero:      is INVALID in every enum; a name that is none is INVALID, and nothing is allowed with
 *            it. */
#ifndef VERIFY_MACHINE_H
#define VERIFY_MACHINE_H

#include <stdbool.h>

#include "verify/read/tree.h"

enum stage {
    STAGE_INVALID = 0,
    STAGE_OPENED,
    STAGE_PREFLIGHTED,
    STAGE_CONNECTED,
    STAGE_UPDATED,
    STAGE_PULLED,
    STAGE_GUARDED,
    STAGE_SWITCHED,
    STAGE_VERIFIED,
    STAGE_DISARMED,
    STAGE_EXECUTION_DEPLOYED,
    STAGE_EXECUTION_VERIFIED,
    STAGE_BRAIN_DEPLOYED,
    STAGE_PARITY_VERIFIED,
    STAGE_ARMED,
    STAGE_OBSERVED,
    STAGE_CONFIRMED,
    STAGE_COMPLETED,
    STAGE_ROLLING_BACK,
    STAGE_SAFE,
    STAGE_REVERTED,
    STAGE_REDEPLOYED,
    STAGE_ROLLED_BACK,
    STAGE_ROLLBACK_FAILED,
    STAGE_ABORTING,
    STAGE_ABORTED,
    STAGES,
};

enum event {
    EVENT_INVALID = 0,
    EVENT_DONE,
    EVENT_REARMED,
    EVENT_FAILED,
    EVENT_UNKNOWN,
    EVENT_MISMATCH,
    EVENT_UNHEALTHY,
    EVENT_ABORT,
    EVENT_ROLLBACK,
    EVENT_GUARD_FIRED,
    EVENTS,
};

enum act {
    ACT_INVALID = 0,
    ACT_RUN_PREFLIGHT,
    ACT_CONNECT,
    ACT_UPDATE_CODE,
    ACT_PULL_IMAGES,
    ACT_LAY_GUARD,
    ACT_SWITCH_SERVICES,
    ACT_VERIFY_RELEASE,
    ACT_DISARM,
    ACT_DEPLOY_EXECUTION,
    ACT_VERIFY_EXECUTION,
    ACT_DEPLOY_BRAIN,
    ACT_VERIFY_PARITY,
    ACT_ARM,
    ACT_OBSERVE_WINDOW,
    ACT_CONFIRM,
    ACT_COMPLETE,
    ACT_MAKE_SAFE,
    ACT_REVERT,
    ACT_REDEPLOY,
    ACT_VERIFY_RESTORED,
    ACT_RESTORE_CODE,
    ACTS,
};

enum stage stage_by_name(struct text name);
enum event event_by_name(struct text name);
enum act act_by_name(struct text name);
const char *stage_name(enum stage stage);
const char *event_name(enum event event);
const char *act_name(enum act act);

bool machine_allows(bool policy, enum stage from, enum event event, enum stage to);
/* The state that follows when the step of `from` succeeds; INVALID where there is no step. */
enum stage machine_next(bool policy, enum stage from);
bool machine_act_belongs(bool policy, enum stage from, enum act act);
bool machine_answers_intent(
    enum event event); /* else it comes from outside, and no intent is open */
bool machine_is_changed(bool policy,
                        enum stage stage); /* a service may have changed, or is about to */
bool machine_is_end(enum stage stage);
bool machine_is_reverting(enum stage stage); /* rolling_back to redeployed */

#endif
