/* The first half, the same in both procedures: nothing that runs changes. */
#include "fsm/step.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_project.h"
#include "actions/compose/drift.h"
#include "actions/git.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "actions/rolled_back.h"
#include "actions/secrets/secrets.h"
#include "fsm/env_back.h"
#include "fsm/roster/approval.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "fsm/snapshot.h"
#include "fsm/steps/checklist.h"
#include "journal/format/names.h"

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

/* Takes the tenancy. Until `connected` is recorded, *ret_tenancy is the one to act under. */
static enum error_code take_target(struct step *step, struct target_tenancy *ret_tenancy,
                                   struct error *error)
{
    struct driver *driver = step->driver;
    struct tenancy tenancy;
    struct kept_terms kept;
    enum error_code code = keep_tenancy_terms(driver, &kept, error);
    if (code == ERROR_OK)
        code = tenancy_take(step->target, &kept.terms, &step->evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    *ret_tenancy = (struct target_tenancy){.journal = kept.terms.journal,
                                           .deployment = kept.terms.deployment,
                                           .epoch = tenancy.epoch};
    driver->renewed_ns = driver_now_ns(driver);
    return step_fact_number(step, FACT_EPOCH, tenancy.epoch, error);
}

/* Without the bus there is nothing to go on with: DISARM would not arrive either. */
static enum error_code check_bus_answered(const struct step *step, struct error *error)
{
    const struct setup_bus *bus = &step->driver->config.setup.bus;
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_BUS_POLICY_HASH, NULL);
    char where[300];
    (void)snprintf(where, sizeof where, "nats://%s:%d", bus->host, bus->port);
    return item != NULL && item->status == EVIDENCE_BUS_UNANSWERED
               ? error_set(error, ERROR_UNREACHABLE, 0, where,
                           "check the bus, user and password; nothing has changed yet", "%.400s",
                           (const char *)item->output.data)
               : ERROR_OK;
}

/* Policy hash and interlock as they are found; what a release may not change. */
static enum error_code look_at_policy_before(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    enum error_code code = interlock_look(step->target, &(struct interlock_question){0},
                                          &step->evidence, &seen->interlock, error);
    if (code == ERROR_OK)
        code = parity_look(step->target, &seen->containers, PARITY_BRAIN, "", &step->evidence,
                           &seen->parity, error);
    if (code == ERROR_OK)
        code = check_bus_answered(step, error);
    if (code == ERROR_OK)
        code = step_fact(step, FACT_POLICY_HASH,
                         seen->parity.parity == PARITY_EQUAL || seen->parity.lines_absent
                             ? seen->parity.hash
                             : "",
                         error);
    return code == ERROR_OK
               ? step_fact(step, FACT_INTERLOCK, interlock_name(seen->interlock.interlock), error)
               : code;
}

/* What is not healthy before cannot be asked of a rollback. */
static enum error_code note_health(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    struct step_seen *seen = &step->seen;
    char text[STEP_REASON_MAX - 40] = "";
    enum error_code code = health_look(step->target, &seen->containers, &step->evidence,
                                       &seen->health, error);
    for (size_t i = 0; code == ERROR_OK && i < setup->endpoint_count; i++) {
        size_t used = strlen(text);
        if (!seen->health.good[i])
            (void)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                           setup->endpoints[i].name);
    }
    return code == ERROR_OK ? step_fact(step, FACT_HEALTH, text, error) : code;
}

/* Drift from before is not this deployment's: it is recorded and printed, so that it is not blamed
 * on it later. */
static enum error_code note_drift(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    char text[STEP_REASON_MAX - 40] = "";
    enum error_code code = compose_configurations(step->target, &seen->model, NULL,
                                                  COMPOSE_KEY_MAKE, &step->evidence,
                                                  &seen->configurations, error);
    if (code != ERROR_OK)
        return code;
    drift_services(&(struct drift_terms){.file = step->driver->config.setup.compose.file,
                                         .declared = &seen->model.declared,
                                         .containers = &seen->containers,
                                         .images = &seen->images,
                                         .configurations = &seen->configurations},
                   &seen->drift);
    drift_sentence(&seen->drift, text, sizeof text);
    (void)snprintf(step->remark, sizeof step->remark, "%s%s",
                   text[0] != '\0' ? "drift before this deployment: " : "", text);
    return step_fact(step, FACT_DRIFT, text, error);
}

/* Under another name the new commit would start a second stack beside the one that runs. */
static enum error_code check_project(struct step *step, struct error *error)
{
    char name[PROJECT_NAME_MAX];
    const char *known = step->driver->remembered.project;
    if (step->driver->config.setup.compose.project[0] != '\0')
        return ERROR_OK;
    enum error_code code = compose_find_project(step->target, &step->evidence, name, error);
    if (code != ERROR_OK)
        return code;
    if (known[0] == '\0' || step->edge->action == ACTION_CONNECT)
        target_know_project(step->target, name);
    else if (strcmp(known, name) != 0)
        return step_is(step, EVENT_MISMATCH,
                       "with this commit compose calls the project %s and not %s: a second stack "
                       "would start beside the one that runs; set compose.project in titan.yml, or "
                       "take the new name back",
                       name, known);
    return ERROR_OK;
}

static enum error_code check_policy_files(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    enum error_code code = git_check_paths(step->target, &setup->repository.policy_files, error);
    return code == ERROR_CONFIG
               ? step_is(step, EVENT_MISMATCH, "repository.policy_files names %s: %s (%s)",
                         error->where, error->what, error->next)
               : code;
}

/* The before snapshot (snapshot.h), apart from what is looked at for the policy. */
static enum error_code look_before(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    struct target *target = step->target;
    enum error_code code = git_look(target, &step->evidence, &seen->git, error);
    if (code == ERROR_OK)
        code = check_policy_files(step, error);
    if (step_goes_on(step, code))
        code = check_project(step, error);
    if (step_goes_on(step, code))
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (step_goes_on(step, code))
        code = compose_render(target, &step->evidence, &seen->model, error);
    if (step_goes_on(step, code))
        code = compose_containers(target, &step->evidence, &seen->containers, error);
    if (step_goes_on(step, code))
        code = compose_images(target, &seen->model, &step->evidence, &seen->images, error);
    if (step_goes_on(step, code))
        code = note_drift(step, error);
    if (step_goes_on(step, code))
        code = note_health(step, error);
    if (step_goes_on(step, code))
        code = env_back_note(step, error);
    return step_goes_on(step, code) ? step_fact(step, FACT_COMMIT, seen->git.commit, error) : code;
}

static enum error_code hold_images(struct step *step, const struct target_tenancy *tenancy,
                                   struct error *error)
{
    int status = 0;
    enum error_code code = compose_hold(step->target, tenancy, &step->seen.containers,
                                        tenancy->deployment, &step->evidence, &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(step, EVENT_FAILED, "what runs now cannot be kept for a rollback: %.200s",
                   (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
}

/* Two running containers of one are no basis: nobody knows which of them answers. */
static enum error_code check_one_each_before(struct step *step)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const char *const names[] = {services->execution, services->brain};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t running = containers_running(&step->seen.containers, names[i]);
        char these[240];
        containers_name_running(&step->seen.containers, names[i], these, sizeof these);
        if (running > 1)
            return step_is(step, EVENT_MISMATCH,
                           "%zu containers of %s run (%s); stop all but one of them first", running,
                           names[i], these);
    }
    return ERROR_OK;
}

enum error_code step_connect(struct step *step, struct error *error)
{
    const struct step_seen *seen = &step->seen;
    struct target_tenancy tenancy;
    bool release = step->driver->deployment.procedure == PROCEDURE_RELEASE && step_has_policy(step);
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = take_target(step, &tenancy, error);
    if (step_goes_on(step, code))
        code = look_before(step, error);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = look_at_policy_before(step, error);
    if (step_goes_on(step, code))
        code = hold_images(step, &tenancy, error);
    if (step_goes_on(step, code))
        code = env_back_keep(step, &tenancy, error);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = check_one_each_before(step);
    if (!step_goes_on(step, code))
        return code;
    if (release && seen->parity.parity != PARITY_EQUAL && !seen->parity.lines_absent)
        return step_is(
            step, EVENT_MISMATCH,
            "a release must keep the policy hash, and before it there is none to keep: %s",
            seen->parity.text);
    if (release && seen->interlock.interlock == INTERLOCK_UNKNOWN)
        return step_is(step, EVENT_MISMATCH,
                       "whether Execution is armed cannot be seen; use titan-fsm disarm first");
    return step_is(step, EVENT_DONE, "%s", step->remark);
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
    return code == ERROR_OK ? git_look(step->target, &step->evidence, &step->seen.git, error)
                            : code;
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
    } same[] = {{PROBE_ENV_HMAC, "the env file is"},
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
        code = deployment_evidence(step->driver->journal, connected, same[i].probe, &was, error);
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
        code = check_project(step, error);
    if (step_goes_on(step, code))
        code = compose_render(step->target, &step->evidence, &step->seen.model, error);
    if (step_goes_on(step, code))
        code = note_files(step, error);
    if (step_goes_on(step, code))
        code = pull(step, error);
    if (step_goes_on(step, code))
        code = compose_images(step->target, &step->seen.model, &step->evidence, &step->seen.images,
                              error);
    if (!step_goes_on(step, code))
        return code;
    for (size_t i = 0; i < images->count; i++)
        if (images->list[i].id[0] == '\0')
            return step_is(step, EVENT_FAILED, "the image of %s is not there after the pull",
                           images->list[i].service);
    return step_is(step, EVENT_DONE, "%zu images", images->count);
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
    code = step_note_guard_absent(step, error);
    if (code == ERROR_OK)
        code = step_fact(step, FACT_GUARD, "absent", error);
    return code == ERROR_OK ? step_is(step, EVENT_DONE,
                                      "no guard lies on the target: if this driver dies, nothing "
                                      "rolls back by itself")
                            : code;
}
