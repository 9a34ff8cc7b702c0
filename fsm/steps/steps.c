#include "fsm/steps/steps.h"

#include <assert.h>

#include "fsm/fate.h"
#include "fsm/guarded.h"
#include "fsm/steps/present.h"

static enum error_code run_action(struct step *step, struct error *error)
{
    switch (step->edge->action) {
    case ACTION_RUN_PREFLIGHT:
        return step_run_preflight(step, error);
    case ACTION_CONNECT:
        return step_connect(step, error);
    case ACTION_UPDATE_CODE:
        return step_update_code(step, error);
    case ACTION_PULL_IMAGES:
        return step_pull_images(step, error);
    case ACTION_LAY_GUARD:
        return step_lay_guard(step, error);
    case ACTION_SWITCH_SERVICES:
        return step_switch_services(step, error);
    case ACTION_VERIFY_RELEASE:
        return step_verify_release(step, error);
    case ACTION_DISARM:
        return step_disarm(step, error);
    case ACTION_DEPLOY_EXECUTION:
        return step_deploy_execution(step, error);
    case ACTION_VERIFY_EXECUTION:
        return step_verify_execution(step, error);
    case ACTION_DEPLOY_BRAIN:
        return step_deploy_brain(step, error);
    case ACTION_VERIFY_PARITY:
        return step_verify_parity(step, error);
    case ACTION_ARM:
        return step_arm(step, error);
    case ACTION_OBSERVE_WINDOW:
        return step_observe_window(step, error);
    case ACTION_CONFIRM:
        return step_confirm(step, error);
    case ACTION_COMPLETE:
        return step_complete(step, error);
    case ACTION_MAKE_SAFE:
        return step_make_safe(step, error);
    case ACTION_REVERT:
        return step_revert(step, error);
    case ACTION_REDEPLOY:
        return step_redeploy(step, error);
    case ACTION_VERIFY_RESTORED:
        return step_verify_restored(step, error);
    case ACTION_RESTORE_CODE:
        return step_restore_code(step, error);
    case ACTION_INVALID:
    case ACTION_NONE:
    case ACTION_COUNT:
        break;
    }
    return error_set(error, ERROR_REFUSED, 0, machine_state_name(step->edge->from),
                     "titan-fsm status", "the table names no action for this state");
}

/* P-30: nobody else changes containers while a deployment does. What others started before is made
 * safe and put right on the way back. P-21: all of them are there. */
static enum error_code check_changes(struct step *step, struct error *error)
{
    char service[64] = "", missing[200];
    if (step->event != EVENT_DONE && step->event != EVENT_REARMED)
        return ERROR_OK;
    enum error_code code = step_changed_service(step, service, error);
    if (code != ERROR_OK)
        return code;
    if (service[0] != '\0')
        return step_is(step, EVENT_MISMATCH,
                       "the containers of %s changed, and no command of this deployment changed "
                       "them",
                       service);
    code = present_missing(step_declared(step), step->edge->action, &step->evidence, missing,
                           sizeof missing, error);
    return code == ERROR_OK && missing[0] != '\0' ? step_is(step, EVENT_MISMATCH, "%s", missing)
                                                  : code;
}

enum error_code step_run(struct step *step, struct error *error)
{
    /* The way to safety does not wait for what the journal says. */
    enum error_code code = step->edge->action != ACTION_MAKE_SAFE
                               ? driver_remember(step->driver, error)
                               : ERROR_OK;
    if (code == ERROR_OK)
        code = guarded_begin_step(step, error);
    if (step_goes_on(step, code))
        code = run_action(step, error);
    if (code == ERROR_OK)
        code = check_changes(step, error);
    if (code == ERROR_OK && step->event == EVENT_DONE)
        code = guarded_end_step(step, error);
    if (code != ERROR_OK && fate_of(step->edge->action, code) == ERROR_FATE_F)
        code = step_is(step, EVENT_FAILED, "%s%s%s", error->what,
                       error->where[0] != '\0' ? ": " : "", error->where);
    assert(code != ERROR_OK || step->event != EVENT_INVALID);
    return guarded_answer(step, code);
}
