/* The end of a deployment: confirmed and completed, or given up before a service changed. */
#include "fsm/step.h"

#include <string.h>

#include "actions/compose/compose.h"
#include "actions/git.h"
#include "fsm/hold.h"
#include "fsm/snapshot.h"
#include "fsm/steps/window.h"
#include "journal/format/names.h"

static enum error_code give_back(struct step *step, struct target *target,
                                 const struct tenancy *tenancy, struct error *error)
{
    struct driver *driver = step->driver;
    struct hold hold;
    bool connected = deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL;
    struct target_tenancy lease = {.journal = journal_id(driver->journal),
                                   .deployment = (int64_t)driver->deployment.number,
                                   .epoch = connected ? driver->lease.epoch : tenancy->epoch};
    enum error_code code = compose_release(target, &lease, lease.deployment, &step->evidence,
                                           error);
    if (code == ERROR_OK)
        code = hold_claim(driver, &hold, error);
    if (code != ERROR_OK)
        return code;
    hold.claim.holder = "";
    hold.claim.tenancy_ms = 0;
    return tenancy_free(target, &hold.claim, &step->evidence, error);
}

static enum error_code is_ours(struct step *step, struct target *target,
                               struct tenancy *ret_tenancy, bool *ret_ours, struct error *error)
{
    enum error_code code = tenancy_read(target, &step->evidence, ret_tenancy, error);
    if (code == ERROR_OK)
        *ret_ours = ret_tenancy->deployment == (int64_t)step->driver->deployment.number
                    && strcmp(ret_tenancy->journal, journal_id(step->driver->journal)) == 0;
    return code;
}

/* Repeated after an interruption, it finds the target free and leaves it so. */
enum error_code step_free_target(struct step *step, struct target *target, struct error *error)
{
    struct tenancy tenancy;
    bool ours = false;
    enum error_code code = is_ours(step, target, &tenancy, &ours, error);
    return code == ERROR_OK && ours ? give_back(step, target, &tenancy, error) : code;
}

/* Without a guard on the target there is nothing to withdraw; its absence is recorded as at
 * `guarded`. */
static enum error_code guard_is_gone(struct step *step, struct error *error)
{
    struct bytes absent = {0};
    int64_t now = driver_now_ns(step->driver);
    enum error_code code = bytes_append(&absent, "absent\n", 7, error);
    if (code == ERROR_OK)
        code = evidence_add(&step->evidence,
                            &(struct evidence_draft){.probe = PROBE_GUARD,
                                                     .subject = "",
                                                     .output = &absent,
                                                     .sent_ns = now,
                                                     .received_ns = now},
                            error);
    bytes_free(&absent);
    return code;
}

enum error_code step_confirm(struct step *step, struct error *error)
{
    struct target *target;
    struct expectation expected;
    struct look look;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = guard_is_gone(step, error);
    if (code == ERROR_OK)
        code = window_expectation(step->driver, &expected, error);
    if (code == ERROR_OK)
        code = window_look(step->driver, target, &expected, NULL, &step->evidence, &look, error);
    if (code != ERROR_OK)
        return code;
    if (look.mismatch[0] != '\0')
        return step_is(step, EVENT_MISMATCH, "%s", look.mismatch);
    return look.failing[0] != '\0' ? step_is(step, EVENT_UNHEALTHY, "%s", look.text)
                                   : step_is(step, EVENT_DONE, "%s", "");
}

enum error_code step_complete(struct step *step, struct error *error)
{
    struct target *target;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = step_free_target(step, target, error);
    return code == ERROR_OK ? step_is(step, EVENT_DONE, "%s", "") : code;
}

/* An intent to connect exists, or a takeover: the target may have been taken, even where
 * `connected` was never reached. */
static bool has_touched(const struct deployment *deployment)
{
    if (deployment_last_of_type(deployment, ENTRY_TAKEOVER) != NULL)
        return true;
    for (size_t i = 0; i < deployment->count; i++) {
        const char *action = json_string_value(
            json_object_get(deployment->entries[i].body, "action"));
        if (strcmp(deployment->entries[i].type, ENTRY_INTENT) == 0 && action != NULL
            && strcmp(action, machine_action_name(ACTION_CONNECT)) == 0)
            return true;
    }
    return false;
}

enum error_code step_restore_code(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct snapshot before;
    struct git_state git;
    struct tenancy tenancy;
    int status = 0;
    bool ours = false;
    if (!has_touched(&driver->deployment))
        return step_is(step, EVENT_DONE, "the target had not been touched");
    bool connected = deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = is_ours(step, target, &tenancy, &ours, error);
    if (code == ERROR_OK && connected)
        code = snapshot_load(driver, &before, error);
    if (code == ERROR_OK && connected
        && ours) /* where it is free already, this was done before an interruption */
        code = git_restore(target, &driver->lease, before.commit, before.branch, &step->evidence,
                           &status, error);
    if (code == ERROR_OK && status != 0)
        return step_is(step, EVENT_FAILED, "the commit cannot be restored: %.300s",
                       (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
    if (code == ERROR_OK && connected)
        code = git_look(target, &step->evidence, &git, error);
    if (code == ERROR_OK && connected && strcmp(git.commit, before.commit) != 0)
        return step_is(step, EVENT_FAILED, "HEAD is %.12s and not %.12s after it was restored",
                       git.commit, before.commit);
    if (code == ERROR_OK)
        code = step_free_target(step, target, error);
    if (code != ERROR_OK)
        return code;
    bool disarmed = deployment_transition_to(&driver->deployment, STATE_DISARMED) != NULL;
    return step_is(
        step, EVENT_DONE,
        disarmed ? "Execution stays disarmed; `titan-fsm arm --reason TEXT` is a person's word"
                 : "");
}
