#include "fsm/fate.h"
#include "fsm/steps/first_change.h"

#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/secrets/secrets.h"
#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/last_look.h"
#include "fsm/steps/checklist.h"
#include "fsm/steps/withdrawn.h"
#include "journal/format/names.h"

static bool may_have_begun(const struct step *step)
{
    return step->repeated || step->adopted;
}

static enum event outcome_of(const struct step *step)
{
    return may_have_begun(step) ? EVENT_MISMATCH : EVENT_STALE;
}

/* A command of an earlier driver may still run on the target, under the lock: whoever gets the lock
 * comes after it. */
static enum error_code wait_for_lock(struct step *step, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    return target_run(step->target,
                      &(struct target_command){.script = ":", .tenancy = step_lease(step)}, &result,
                      error);
}

static enum error_code probe_again(struct step *step, struct error *error)
{
    struct checklist_result list;
    enum error_code code = checklist_run(step, &list, error);
    if (code != ERROR_OK || list.failing[0] == '\0')
        return code;
    return step_is(step, outcome_of(step), "the checklist, run again before the first change: %s",
                   list.failing);
}

static enum error_code look_and_compare(struct step *step, struct last_look *look,
                                        struct error *error)
{
    struct step_seen *seen = &step->seen;
    const struct deployment_facts before = deployment_facts(&step->driver->deployment,
                                                            STATE_CONNECTED);
    bool found = step->edge->from == STATE_GUARDED; /* else it was disarmed since */
    const struct last_look_terms terms = {.first = !may_have_begun(step),
                                          .interlock = found || before.down ? before.interlock
                                                                            : INTERLOCK_DISARMED,
                                          .until_ns = step_settle_ns(step)};
    enum error_code code = look_for_the_last_time(step->driver, step->target, &terms,
                                                  &step->evidence, look, error);
    if (code != ERROR_OK)
        return code;
    seen->model = look->model;
    seen->containers = look->containers;
    seen->images = look->images;
    seen->interlock = look->interlock;
    seen->parity = look->parity;
    if (look->differs[0] != '\0')
        return step_is(step, outcome_of(step), "not as it was recorded or approved: %s",
                       look->differs);
    return secrets_check(target_secrets(step->target), error);
}

static enum error_code look_at_everything(struct step *step, struct last_look *look,
                                          struct error *error)
{
    enum error_code code = wait_for_lock(step, error);
    if (code == ERROR_OK && !may_have_begun(step) && checklist_is_old(step))
        code = probe_again(step, error);
    /* In front of the look: between that and the first change nothing else is asked for. */
    if (step_goes_on(step, code))
        code = guarded_renew(step, GUARDED_STEP, error);
    if (step_goes_on(step, code))
        code = look_and_compare(step, look, error);
    /* With its container Execution's log is gone: what somebody else sent to it is heard now or
     * never. */
    return code == ERROR_OK && step_has_policy(step) && step->event == EVENT_INVALID
               ? withdrawn_note(step, error)
               : code;
}

enum error_code first_change(struct step *step, struct error *error)
{
    enum error_code code = driver_target(step->driver, &step->target, error);
    if (code != ERROR_OK)
        return code;
    struct last_look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return error_set(error, ERROR_MEMORY, 0, "last look", "", "out of memory");
    code = look_at_everything(step, look, error);
    free(look);
    if (code != ERROR_OK && fate_of(step->edge->action, code) == ERROR_FATE_F)
        return step_is(step, outcome_of(step),
                       "nothing was changed, because it could not be "
                       "looked at first: %s%s%s",
                       error->what, error->where[0] != '\0' ? ": " : "", error->where);
    return code;
}

enum error_code first_change_remove_stopped(struct step *step, struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    struct containers *now = &step->seen.containers;
    int status = 0;
    if (!step_has_policy(step) || containers_find(now, execution) == NULL
        || containers_running(now, execution) > 0)
        return ERROR_OK;
    enum error_code code = compose_remove(step->target, step_lease(step), now, execution,
                                          &step->evidence, &status, error);
    if (code == ERROR_OK && status != 0)
        return step_is(
            step, EVENT_FAILED,
            "the stopped container of Execution cannot be removed: %.300s; it would come "
            "up with what it kept, so remove it by hand",
            (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
    if (code == ERROR_OK)
        code = compose_containers(step->target, &step->evidence, now, error);
    return code == ERROR_OK && containers_find(now, execution) != NULL
               ? step_is(step, EVENT_FAILED, "%s",
                         "Execution has a container again after its stopped one was removed")
               : code;
}
