/* The first half, the same in both procedures, but for `connect` (connect.c): nothing that runs
 * changes. */
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/git.h"
#include "actions/rolled_back.h"
#include "actions/secrets/secrets.h"
#include "fsm/roster/approval.h"
#include "fsm/guarded.h"
#include "fsm/terminal/progress.h"
#include "fsm/past/snapshot.h"
#include "fsm/steps/checklist.h"
#include "fsm/steps/connect.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

enum { RESERVE_BYTES = 16 << 20 }; /* a window of samples, and a rollback with all its evidence */

/* Never in silence: on the terminal, and in the journal. */
static enum error_code say_what_is_not_redacted(struct step *step, const char *note,
                                                struct error *error)
{
    if (note[0] == '\0')
        return ERROR_OK;
    progress_word(step->driver, "not redacted from the record: %s", note);
    return step_fact(step, FACT_NOT_REDACTED, note, error);
}

enum error_code step_run_preflight(struct step *step, struct error *error)
{
    struct error refusal;
    struct checklist_result list = {.failing = ""};
    enum error_code code = step_connect_target(step, error);
    if (code != ERROR_OK)
        return code;
    struct target *target = step->target;
    bool kept = secrets_check(target_secrets(target), &refusal) == ERROR_OK;
    if (!secrets_are_known(target_secrets(target))) /* what the probes find could not be redacted */
        return step_is(step, EVENT_FAILED, "%s (%s)", refusal.what, refusal.next);
    code = say_what_is_not_redacted(step, secrets_note(target_secrets(target)), error);
    if (code == ERROR_OK)
        code = checklist_run(step, &list, error);
    if (code != ERROR_OK)
        return code;
    if (list.failing[0] == '\0' && !kept)
        return step_is(step, EVENT_FAILED, "%s (%s)", refusal.what, refusal.next);
    return list.failing[0] == '\0' ? step_is(step, EVENT_DONE, "%s", list.attested)
                                   : step_is(step, EVENT_FAILED, "%s", list.failing);
}

static enum error_code update_tree(struct step *step, struct error *error)
{
    const char *commit = deployment_open_string(&step->driver->deployment, "commit");
    int status = 0;
    enum error_code code = git_look(step->target, &step->evidence, &step->seen.git, error);
    if (code == ERROR_OK && !step->seen.git.clean)
        return step_is(step, EVENT_MISMATCH,
                       "the tree on the target has changes that no commit holds");
    if (code == ERROR_OK)
        code = git_update(step->target, step_lease(step), commit, &step->evidence, &status, error);
    if (code == ERROR_OK && status != 0)
        return step_is(
            step, status == 3 ? EVENT_FAILED : EVENT_MISMATCH,
            "the repository cannot be updated: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_ACT, "update")->output.data);
    if (code == ERROR_OK)
        code = git_look(step->target, &step->evidence, &step->seen.git, error);
    const char *branch = step->driver->config.setup.repository.branch;
    if (code == ERROR_OK && (!step->seen.git.clean || strcmp(step->seen.git.branch, branch) != 0))
        return step_is(step, EVENT_MISMATCH,
                       "behind the update the tree is on %.60s%s, and %.60s was asked for",
                       step->seen.git.branch,
                       step->seen.git.clean ? "" : ", with changes that no commit holds", branch);
    return code;
}

/* A commit that went badly is not gone to again by accident. */
static enum error_code check_rolled_back_before(struct step *step, struct error *error)
{
    const struct deployment *deployment = &step->driver->deployment;
    const char *now = step->seen.git.commit;
    int64_t by = 0;
    enum error_code code = rolled_back_find(step->target, now, &by, error);
    if (code != ERROR_OK || by == 0 || strcmp(now, step->seen.before.commit) == 0
        || json_is_true(json_object_get(deployment->entries[0].body, "again")))
        return code;
    return step_is(step, EVENT_MISMATCH,
                   "deployment %lld went to commit %.12s and was rolled back; if it is meant, "
                   "titan-fsm begin %s --again --reason TEXT",
                   (long long)by, now, machine_procedure_name(deployment->procedure));
}

enum error_code step_update_code(struct step *step, struct error *error)
{
    const struct setup_repository *repository = &step->driver->config.setup.repository;
    const char *now = step->seen.git.commit, *before = step->seen.before.commit;
    bool touches = false;
    char subject[200];
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = snapshot_load(step->driver, &step->seen.before, error);
    if (step_goes_on(step, code))
        code = update_tree(step, error);
    if (step_goes_on(step, code))
        code = check_rolled_back_before(step, error);
    if (step_goes_on(step, code))
        code = git_changed(step->target, before, now, &repository->policy_files, &step->evidence,
                           &touches, error);
    if (step_goes_on(step, code))
        code = step_fact(step, FACT_COMMIT, now, error);
    if (step_goes_on(step, code))
        code = step_fact(step, FACT_POLICY_CHANGED, touches ? "yes" : "no", error);
    if (step_goes_on(step, code))
        code = git_subject(step->target, now, &step->evidence, subject, sizeof subject, error);
    if (step_goes_on(step, code))
        code = step_fact(step, FACT_SUBJECT, subject, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%.12s -> %.12s", before, now)
                                    : code;
}

static void show_pull_line(void *context, const char *line)
{
    progress_pull(context, line);
}

/* As they are approved. An env file that was edited since `connect` is not what the containers from
 * before run with, and nobody has seen it. */
static enum error_code note_files(struct step *step, struct error *error)
{
    static const struct {
        const char *probe, *name;
    } same[] = {{PROBE_HMAC_KEY, "the key of the fingerprints in the state directory is"},
                {PROBE_ENV_HMAC, "the env file is"},
                {PROBE_ENV_MODE, "mode, owner or group of the env file are"}};
    const struct journal_entry *connected = deployment_transition_to(&step->driver->deployment,
                                                                     STATE_CONNECTED);
    enum error_code code = compose_fingerprints(step->target, COMPOSE_KEY_MAKE, &step->evidence,
                                                error);
    if (code == ERROR_OK)
        code = compose_policy_fingerprint(step->target, &step->evidence, error);
    for (size_t i = 0; step_goes_on(step, code) && i < sizeof same / sizeof same[0]; i++) {
        CLEANUP_BYTES struct bytes was = {0};
        const struct bytes *is = &evidence_last(&step->evidence, same[i].probe, NULL)->output;
        code = entry_output(step->driver->journal, connected, same[i].probe, &was, error);
        if (code == ERROR_OK && (was.size != is->size || memcmp(was.data, is->data, was.size) != 0))
            code = step_is(step, EVENT_MISMATCH,
                           "%s not as `connect` found it; put it back, or begin again",
                           same[i].name);
    }
    return code;
}

static enum error_code pull(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    const struct target_watch watch = {.line = show_pull_line, .context = driver};
    int status = 0;
    enum error_code code =
        compose_pull(step->target, step_lease(step),
                     &(struct compose_pull){.model = &step->seen.model,
                                            .deadline_ms = step_remaining_ms(step),
                                            .watch = driver->screen != NULL ? &watch : NULL},
                     &step->evidence, &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(
        step, EVENT_FAILED, "the images cannot be pulled: %.300s",
        (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_PULL, NULL)->output.data);
}

/* The pull moved names, and in some stores an image goes with its last one: better found out while
 * nothing runs differently. */
static enum error_code hold_again(struct step *step, struct error *error)
{
    struct snapshot *before = &step->seen.before;
    int status = 0;
    enum error_code code = snapshot_load(step->driver, before, error);
    if (code != ERROR_OK)
        return code;
    const struct compose_hold hold = {.containers = &before->found,
                                      .images = &before->images,
                                      .model = &step->seen.model,
                                      .deployment = (int64_t)step->driver->deployment.number};
    code = compose_hold(step->target, step_lease(step), &hold, &step->evidence, &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(step, EVENT_FAILED,
                   "behind the pull what runs could not be brought back any more: %.600s",
                   (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
}

enum error_code step_pull_images(struct step *step, struct error *error)
{
    const struct deployment *deployment = &step->driver->deployment;
    const struct images *images = &step->seen.images;
    if (deployment->procedure == PROCEDURE_RELEASE
        && deployment_facts(deployment, STATE_UPDATED).policy_changed)
        return step_is(step, EVENT_MISMATCH,
                       "this commit changes the policy file; use titan-fsm begin policy --reason "
                       "TEXT");
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = connect_check_project(step, error);
    if (step_goes_on(step, code))
        code = connect_render(step, error);
    if (step_goes_on(step, code))
        code = note_files(step, error);
    if (step_goes_on(step, code))
        code = pull(step, error);
    if (step_goes_on(step, code))
        code = hold_again(step, error);
    if (step_goes_on(step, code))
        code = compose_images(step->target, &step->seen.model, &step->evidence, &step->seen.images,
                              error);
    if (step_goes_on(step, code))
        code = compose_registry(step->target, &step->seen.images, &step->seen.model,
                                &step->evidence, error);
    if (!step_goes_on(step, code))
        return code;
    for (size_t i = 0; i < images->count; i++)
        if (images->list[i].id[0] == '\0')
            return step_is(step, EVENT_FAILED, "the image of %s is not there after the pull",
                           images->list[i].service);
    return step_is(step, EVENT_DONE, "%zu image%s", images->count, text_many(images->count));
}

enum error_code step_lay_guard(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct approval_tally approvals;
    char text[400];
    enum error_code code = approval_count(driver, &approvals, error);
    if (code != ERROR_OK)
        return code;
    approval_describe(&approvals, text, sizeof text);
    if (approvals.count < approvals.required)
        return step_is(step, EVENT_UNKNOWN,
                       "%s; `titan-fsm request FILE` makes what the next approver needs, "
                       "`titan-fsm accept FILE` takes the answer",
                       text);
    code = journal_reserve(driver->journal, RESERVE_BYTES, error);
    if (code != ERROR_OK)
        return code;
    code = guarded_lay(step, error);
    if (!step_goes_on(step, code))
        return code;
    const char *start = json_string_value(json_object_get(step->facts, FACT_GUARD));
    return strcmp(start, "absent") == 0
               ? step_is(step, EVENT_DONE,
                         "no guard lies on the target: if this driver dies, nothing rolls back by "
                         "itself")
               : step_is(step, EVENT_DONE,
                         "a guard lies on the target (%s): if this driver dies, it rolls back%s",
                         start,
                         strcmp(start, "process") == 0 ? "; a reboot of the target would end it"
                                                       : "");
}
