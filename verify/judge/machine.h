/* verify/judge/machine: what may follow what. The section "Machine" of journal/FORMAT.md in the
 * verifier's own form: two rows of states and nine rules, not a table of edges; nothing here comes
 * from the driver.
 * Zero:      is INVALID in every enum; a name that is none is INVALID, and nothing is allowed with
 *            it. */
#ifndef VERIFY_MACHINE_H
#define VERIFY_MACHINE_H

#include <stdbool.h>

#include "verify/read/tree.h"

enum state {
    STATE_INVALID = 0,
    STATE_OPENED,
    STATE_PREFLIGHTED,
    STATE_CONNECTED,
    STATE_UPDATED,
    STATE_PULLED,
    STATE_GUARDED,
    STATE_SWITCHED,
    STATE_VERIFIED,
    STATE_DISARMED,
    STATE_EXECUTION_DEPLOYED,
    STATE_EXECUTION_VERIFIED,
    STATE_BRAIN_DEPLOYED,
    STATE_PARITY_VERIFIED,
    STATE_ARMED,
    STATE_OBSERVED,
    STATE_CONFIRMED,
    STATE_COMPLETED,
    STATE_ROLLING_BACK,
    STATE_SAFE,
    STATE_REVERTED,
    STATE_REDEPLOYED,
    STATE_ROLLED_BACK,
    STATE_ROLLBACK_FAILED,
    STATE_ABORTING,
    STATE_ABORTED,
    STATES,
};

enum event {
    EVENT_INVALID = 0,
    EVENT_DONE,
    EVENT_REARMED,
    EVENT_FAILED,
    EVENT_UNKNOWN,
    EVENT_MISMATCH,
    EVENT_UNHEALTHY,
    EVENT_STALE,
    EVENT_ABORT,
    EVENT_ROLLBACK,
    EVENT_GUARD_FIRED,
    EVENTS,
};

enum action {
    ACTION_INVALID = 0,
    ACTION_RUN_PREFLIGHT,
    ACTION_CONNECT,
    ACTION_UPDATE_CODE,
    ACTION_PULL_IMAGES,
    ACTION_LAY_GUARD,
    ACTION_SWITCH_SERVICES,
    ACTION_VERIFY_RELEASE,
    ACTION_DISARM,
    ACTION_DEPLOY_EXECUTION,
    ACTION_VERIFY_EXECUTION,
    ACTION_DEPLOY_BRAIN,
    ACTION_VERIFY_PARITY,
    ACTION_ARM,
    ACTION_OBSERVE_WINDOW,
    ACTION_CONFIRM,
    ACTION_COMPLETE,
    ACTION_MAKE_SAFE,
    ACTION_REVERT,
    ACTION_REDEPLOY,
    ACTION_VERIFY_RESTORED,
    ACTION_RESTORE_CODE,
    ACTIONS,
};

enum state state_by_name(struct slice name);
enum event event_by_name(struct slice name);
enum action action_by_name(struct slice name);
const char *state_name(enum state state);
const char *event_name(enum event event);
const char *action_name(enum action action);

bool machine_allows(bool policy, enum state from, enum event event, enum state to);
/* The state that follows when the step of `from` succeeds; INVALID where there is no step. */
enum state machine_next(bool policy, enum state from);
bool machine_action_belongs(bool policy, enum state from, enum action action);
bool machine_answers_intent(
    enum event event); /* else it comes from outside, and no intent is open */
bool machine_is_changed(bool policy,
                        enum state state); /* a service may have changed, or is about to */
bool machine_is_end(enum state state);
bool machine_is_reverting(enum state state); /* rolling_back to redeployed */

#endif
