/* The first half, the same in both procedures: nothing that runs changes. */
#include "fsm/step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/drift.h"
#include "actions/git.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "actions/checklist/preflight.h"
#include "actions/secrets/secrets.h"
#include "fsm/roster/approval.h"
#include "fsm/hold.h"
#include "fsm/terminal/progress.h"
#include "fsm/snapshot.h"
#include "journal/format/names.h"

enum { RESERVE_BYTES = 16 << 20 }; /* a window of samples, and a rollback with all its evidence */

/* Of the configuration, or added by `begin --check`. */
static bool is_mandatory(const struct deployment *deployment, const struct setup_check *check)
{
    const json_t *added = json_object_get(deployment->entries[0].body, "checklist");
    bool mandatory = check->mandatory;
    for (size_t i = 0; i < json_array_size(added); i++)
        mandatory = mandatory
                    || strcmp(json_string_value(json_array_get(added, i)), check->id) == 0;
    return mandatory;
}

/* Who attested an item of this deployment, NULL = nobody. */
static const char *attested_by(const struct deployment *deployment, const char *item)
{
    for (size_t i = deployment->count; i-- > 0;) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *named = json_string_value(json_object_get(entry->body, "item"));
        if (strcmp(entry->type, ENTRY_ATTESTATION) == 0 && named != NULL
            && strcmp(named, item) == 0)
            return json_string_value(json_object_get(entry->body, "operator"));
    }
    return NULL;
}

/* "a; b; c" */
static void list_words(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void list_words(char *text, size_t room, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    if (used > 0 && used + 2 < room)
        (void)memcpy(text + used, "; ", 3);
    used = strlen(text);
    va_start(arguments, format);
    (void)vsnprintf(text + used, room - used, format, arguments);
    va_end(arguments);
}

/* Never in silence: on the terminal, and in the journal. */
static enum error_code say_what_is_not_redacted(struct step *step, const char *note,
                                                struct error *error)
{
    if (note[0] == '\0')
        return ERROR_OK;
    progress_word(step->driver, "not redacted from the record: %s", note);
    return step_fact(step, "not_redacted", note, error);
}

enum error_code step_run_preflight(struct step *step, struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    struct target *target;
    struct error refusal;
    enum preflight_status statuses[SETUP_CHECKS_MAX];
    char failing[STEP_REASON_MAX] = "", attested[STEP_REASON_MAX] = "";
    enum error_code code = step_target(step, &target, error);
    if (code != ERROR_OK)
        return code;
    bool kept = secrets_check(target_secrets(target), &refusal) == ERROR_OK;
    if (!secrets_are_known(target_secrets(target))) /* what the probes find could not be redacted */
        return step_is(step, EVENT_FAILED, "%s (%s)", refusal.what, refusal.next);
    code = say_what_is_not_redacted(step, secrets_note(target_secrets(target)), error);
    if (code == ERROR_OK)
        code = preflight_run(target, &step->evidence, statuses, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < setup->check_count; i++) {
        const struct setup_check *check = &setup->checks[i];
        const char *by = statuses[i] == PREFLIGHT_UNDECIDED
                             ? attested_by(&step->driver->deployment, check->id)
                             : NULL;
        bool mandatory = is_mandatory(&step->driver->deployment, check);
        if (by != NULL)
            list_words(attested, sizeof attested, "%s attested by %s", check->id, by);
        else if (mandatory && statuses[i] == PREFLIGHT_UNDECIDED)
            list_words(failing, sizeof failing, "%s needs `titan-fsm attest %s --reason TEXT` (%s)",
                       check->id, check->id, check->advice);
        else if (mandatory && statuses[i] != PREFLIGHT_PASSED)
            list_words(failing, sizeof failing, "%s failed: %.200s (%s)", check->id,
                       (const char *)evidence_last(&step->evidence, PROBE_PREFLIGHT, check->id)
                           ->output.data,
                       check->advice);
    }
    if (failing[0] == '\0' && !kept)
        return step_is(step, EVENT_FAILED, "%s (%s)", refusal.what, refusal.next);
    return failing[0] == '\0' ? step_is(step, EVENT_DONE, "%s", attested)
                              : step_is(step, EVENT_FAILED, "%s", failing);
}

static enum error_code take_target(struct step *step, struct target *target,
                                   struct target_tenancy *ret_lease, struct error *error)
{
    struct driver *driver = step->driver;
    struct tenancy tenancy;
    struct hold hold;
    enum error_code code = hold_claim(driver, &hold, error);
    if (code == ERROR_OK)
        code = tenancy_take(target, &hold.claim, &step->evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    *ret_lease = (struct target_tenancy){.journal = hold.claim.journal,
                                         .deployment = hold.claim.deployment,
                                         .epoch = tenancy.epoch};
    driver->renewed_ns = driver_now_ns(driver);
    step->facts = step->facts != NULL ? step->facts : json_object();
    if (step->facts == NULL
        || json_object_set_new(step->facts, "epoch", json_integer(tenancy.epoch)) != 0)
        return error_set(error, ERROR_MEMORY, 0, "tenancy", "", "out of memory");
    return ERROR_OK;
}

/* Policy hash and interlock as they are found; what a release may not change. */
static enum error_code look_at_policy(struct step *step, struct target *target,
                                      const struct containers *containers,
                                      struct parity_view *ret_parity,
                                      struct interlock_view *ret_interlock, struct error *error)
{
    enum error_code code = interlock_look(target, NULL, &step->evidence, ret_interlock, error);
    if (code == ERROR_OK)
        code = parity_look(target, containers, PARITY_BRAIN, "", &step->evidence, ret_parity,
                           error);
    if (code == ERROR_OK)
        code = step_fact(step, "policy_hash",
                         ret_parity->parity == PARITY_EQUAL ? ret_parity->hash : "", error);
    return code == ERROR_OK
               ? step_fact(step, "interlock", interlock_name(ret_interlock->interlock), error)
               : code;
}

/* What had drifted before is no fault of this deployment: it is recorded and said, so that nobody
 * takes it for one later. */
static enum error_code note_drift(struct step *step, struct target *target,
                                  const struct compose_model *model,
                                  const struct containers *containers, const struct images *images,
                                  char *ret_text, size_t room, struct error *error)
{
    struct configurations configurations;
    struct drift drift = {.count = 0};
    enum error_code code = compose_configurations(target, model, NULL, COMPOSE_KEY_MAKE,
                                                  &step->evidence, &configurations, error);
    if (code != ERROR_OK)
        return code;
    drift_services(step->driver->config.setup.compose.file, containers, images, &configurations,
                   &drift);
    drift_sentence(&drift, ret_text, room);
    return step_fact(step, "drift", ret_text, error);
}

enum error_code step_connect(struct step *step, struct error *error)
{
    struct target *target;
    struct target_tenancy lease;
    struct git_state git;
    struct compose_model model;
    struct containers containers;
    struct images images;
    char drift[STEP_REASON_MAX - 40] = "";
    int held = 0;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = take_target(step, target, &lease, error);
    if (code == ERROR_OK)
        code = git_look(target, &step->evidence, &git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code == ERROR_OK)
        code = compose_render(target, &step->evidence, &model, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = compose_images(target, &model, &step->evidence, &images, error);
    if (code == ERROR_OK)
        code = note_drift(step, target, &model, &containers, &images, drift, sizeof drift, error);
    if (code == ERROR_OK)
        code = step_fact(step, "commit", git.commit, error);
    if (code != ERROR_OK)
        return code;
    struct parity_view parity = {.parity = PARITY_INVALID};
    struct interlock_view interlock = {.interlock = INTERLOCK_UNKNOWN};
    if (step_has_policy(step))
        code = look_at_policy(step, target, &containers, &parity, &interlock, error);
    if (code == ERROR_OK)
        code = compose_hold(target, &lease, &containers, lease.deployment, &step->evidence, &held,
                            error);
    if (code != ERROR_OK)
        return code;
    if (held != 0)
        return step_is(step, EVENT_FAILED, "what runs now cannot be kept for a rollback: %.200s",
                       (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
    bool release = step->driver->deployment.procedure == PROCEDURE_RELEASE && step_has_policy(step);
    if (release && parity.parity != PARITY_EQUAL)
        return step_is(
            step, EVENT_MISMATCH,
            "a release must keep the policy hash, and before it there is none to keep: %s",
            parity.text);
    if (release && interlock.interlock == INTERLOCK_UNKNOWN)
        return step_is(
            step, EVENT_MISMATCH,
            "Execution's interlock cannot be told from what it shows; `titan-fsm disarm` first");
    return step_is(step, EVENT_DONE, "%s%s",
                   drift[0] != '\0' ? "drift before this deployment: " : "", drift);
}

enum error_code step_update_code(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct snapshot before;
    struct git_state git;
    int status = 0;
    bool touches = false;
    char subject[200];
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, &before, error);
    if (code == ERROR_OK)
        code = git_look(target, &step->evidence, &git, error);
    if (code != ERROR_OK)
        return code;
    if (!git.clean)
        return step_is(step, EVENT_MISMATCH,
                       "the tree on the target has changes that no commit holds");
    code = git_update(target, &driver->lease, deployment_open_string(&driver->deployment, "commit"),
                      &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    if (status != 0)
        return step_is(
            step, status == 3 ? EVENT_FAILED : EVENT_MISMATCH,
            "the repository cannot be updated: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_ACT, "update")->output.data);
    code = git_look(target, &step->evidence, &git, error);
    if (code == ERROR_OK)
        code = git_changed(target, before.commit, git.commit,
                           &driver->config.setup.repository.policy_files, &step->evidence, &touches,
                           error);
    if (code == ERROR_OK)
        code = step_fact(step, "commit", git.commit, error);
    if (code == ERROR_OK)
        code = step_fact(step, "policy_changed", touches ? "yes" : "no", error);
    if (code == ERROR_OK)
        code = git_subject(target, git.commit, &step->evidence, subject, sizeof subject, error);
    if (code == ERROR_OK)
        code = step_fact(step, "subject", subject, error);
    return code == ERROR_OK ? step_is(step, EVENT_DONE, "%.12s -> %.12s", before.commit, git.commit)
                            : code;
}

static void tell_pull(void *context, const char *line)
{
    progress_pull(context, line);
}

enum error_code step_pull_images(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct compose_model model;
    struct images images;
    const struct target_watch watch = {.line = tell_pull, .context = driver};
    int status = 0;
    if (driver->deployment.procedure == PROCEDURE_RELEASE
        && strcmp(deployment_fact(&driver->deployment, STATE_UPDATED, "policy_changed"), "yes")
               == 0)
        return step_is(step, EVENT_MISMATCH,
                       "the policy file of the repository changed, which is no release: titan-fsm "
                       "begin policy");
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_render(target, &step->evidence, &model, error);
    if (code == ERROR_OK)
        code = compose_pull(target, &driver->lease,
                            &(struct compose_pull){.model = &model,
                                                   .deadline_ms = step_remaining_ms(step),
                                                   .watch = driver->screen != NULL ? &watch : NULL},
                            &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    if (status != 0)
        return step_is(
            step, EVENT_FAILED, "the images cannot be pulled: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_PULL, NULL)->output.data);
    code = compose_images(target, &model, &step->evidence, &images, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < images.count; i++)
        if (images.list[i].id[0] == '\0')
            return step_is(step, EVENT_FAILED, "the image of %s is not there after the pull",
                           images.list[i].service);
    return step_is(step, EVENT_DONE, "%zu images", images.count);
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
                       "`titan-fsm accept FILE` takes his answer",
                       text);
    code = journal_reserve(driver->journal, RESERVE_BYTES, error);
    if (code != ERROR_OK)
        return code;
    struct bytes absent = {0};
    int64_t now = driver_now_ns(driver);
    code = bytes_append(&absent, "absent\n", 7, error);
    if (code == ERROR_OK)
        code = evidence_add(&step->evidence,
                            &(struct evidence_draft){.probe = PROBE_GUARD,
                                                     .subject = "",
                                                     .output = &absent,
                                                     .sent_ns = now,
                                                     .received_ns = now},
                            error);
    bytes_free(&absent);
    if (code == ERROR_OK)
        code = step_fact(step, "guard", "absent", error);
    return code == ERROR_OK ? step_is(step, EVENT_DONE, "%s", "") : code;
}
