/* The end of a deployment: confirmed and completed, or given up before a service changed. */
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/git.h"
#include "actions/rolled_back.h"
#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/past/snapshot.h"
#include "fsm/terminal/progress.h"
#include "fsm/steps/window/window.h"
#include "journal/format/names.h"

enum error_code step_confirm(struct step *step, struct error *error)
{
    struct expectation expected;
    struct guard_view laid;
    enum error_code code = guarded_find(step->driver, &laid, error);
    if (code == ERROR_OK)
        code = laid.state == GUARD_INVALID ? step_note_guard_absent(step, error)
                                           : step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = guarded_withdraw(step, false, error);
    if (step_goes_on(step, code))
        code = window_expectation(step->driver, &expected, error);
    return step_goes_on(step, code) ? window_look_once(step, &expected, error) : code;
}

/* A commit that was rolled back once and went well now is like any other. */
static void forget_rolled_back(struct step *step)
{
    const struct deployment *deployment = &step->driver->deployment;
    struct error refusal;
    if (!json_is_true(json_object_get(deployment->entries[0].body, "again")))
        return;
    if (rolled_back_add(step->target, step_lease(step),
                        deployment_facts(deployment, STATE_UPDATED).commit, 0, &refusal)
        != ERROR_OK)
        progress_word(step->driver, "%s", refusal.what);
}

enum error_code step_complete(struct step *step, struct error *error)
{
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        forget_rolled_back(step);
    if (step_goes_on(step, code))
        code = keep_tenancy_free(step->driver, step->target, &step->evidence, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", "") : code;
}

/* The tree as it was before, while the target is ours: where it is free already, this was done
 * before an interruption. */
static enum error_code restore_commit(struct step *step, bool ours, struct error *error)
{
    const struct snapshot *before = &step->seen.before;
    int status = 0;
    enum error_code code = snapshot_load(step->driver, &step->seen.before, error);
    if (code == ERROR_OK && ours)
        code = git_restore(step->target, step_lease(step), before->commit, before->branch,
                           &step->evidence, &status, error);
    if (code == ERROR_OK && status != 0)
        return step_is(step, EVENT_FAILED, "the commit cannot be restored: %.300s",
                       (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
    if (code == ERROR_OK)
        code = git_look(step->target, &step->evidence, &step->seen.git, error);
    if (code == ERROR_OK && strcmp(step->seen.git.commit, before->commit) != 0)
        return step_is(step, EVENT_FAILED, "HEAD is %.12s and not %.12s after it was restored",
                       step->seen.git.commit, before->commit);
    if (code == ERROR_OK && strcmp(step->seen.git.branch, before->branch) != 0)
        return step_is(step, EVENT_FAILED,
                       "the tree is on %.60s and not on %.60s after it was "
                       "restored",
                       step->seen.git.branch, before->branch);
    return code;
}

/* A pull, also one that failed halfway, has moved names: they mean again what they meant. */
static enum error_code restore_names(struct step *step, struct error *error)
{
    const struct images *before = &step->seen.before.images;
    struct compose_model *names = &step->seen.model;
    int status = 0;
    if (!deployment_has_intent(&step->driver->deployment, ACTION_PULL_IMAGES))
        return ERROR_OK;
    enum error_code code = compose_give_names_back(step->target, step_lease(step), before,
                                                   &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *act = evidence_last(&step->evidence, PROBE_ACT, NULL);
    if (status != 0)
        return step_is(step, EVENT_FAILED, "the names of the images cannot be restored: %.300s",
                       (const char *)act->output.data);
    for (size_t i = 0; i < before->count; i++) {
        memcpy(names->services[i].service, before->list[i].service,
               sizeof names->services[i].service);
        memcpy(names->services[i].image, before->list[i].name, sizeof names->services[i].image);
    }
    names->count = before->count;
    code = compose_images(step->target, names, &step->evidence, &step->seen.images, error);
    for (size_t i = 0; code == ERROR_OK && i < before->count; i++) {
        const struct image *was = &before->list[i], *is = &step->seen.images.list[i];
        size_t used = strlen(step->remark);
        if (was->id[0] != '\0' && strcmp(was->id, is->id) != 0)
            (void)snprintf(step->remark + used, sizeof step->remark - used,
                           "%sthe image name of %s means another image than before (%.19s)",
                           used > 0 ? "; " : "", was->service, was->id);
    }
    return code;
}

enum error_code step_restore_code(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct tenancy tenancy;
    bool ours = false;
    if (!deployment_has_touched(&driver->deployment))
        return step_is(step, EVENT_DONE, "the target had not been touched");
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = keep_tenancy_is_ours(driver, step->target, &step->evidence, &tenancy, &ours, error);
    if (step_goes_on(step, code)
        && deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL)
        code = restore_commit(step, ours, error);
    if (step_goes_on(step, code) && ours
        && deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL)
        code = restore_names(step, error);
    if (step_goes_on(step, code))
        code = guarded_leave(step, ours, error);
    if (step_goes_on(step, code) && ours)
        code = keep_tenancy_free(driver, step->target, &step->evidence, error);
    if (!step_goes_on(step, code))
        return code;
    bool disarmed = deployment_transition_to(&driver->deployment, STATE_DISARMED) != NULL
                    && !deployment_facts(&driver->deployment, STATE_CONNECTED).down;
    return step_is(step, EVENT_DONE, "%s%s%s",
                   disarmed ? "Execution stays disarmed until somebody runs titan-fsm arm" : "",
                   disarmed && step->remark[0] != '\0' ? "; " : "", step->remark);
}
