#include "fsm/back/restored.h"
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/rolled_back.h"
#include "fsm/back/restored_judge.h"
#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/past/recorded.h"
#include "fsm/steps/await.h"
#include "fsm/steps/window/settling.h"
#include "fsm/terminal/progress.h"
#include "journal/format/names.h"

static const int64_t LOOK_PAUSE_NS = 500000000;

enum error_code restored_keep_declared(struct step *step, struct error *error)
{
    struct containers *containers = &step->seen.before.containers;
    const struct compose_model *model = &step->seen.model;
    size_t kept = 0;
    enum error_code code = compose_render(step->target, &step->evidence, &step->seen.model, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < containers->count; i++)
        for (size_t k = 0; k < model->count; k++)
            if (strcmp(containers->list[i].service, model->services[k].service) == 0) {
                containers->list[kept++] = containers->list[i];
                break;
            }
    containers->count = kept;
    return ERROR_OK;
}

static enum error_code look_at_all(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    struct target *target = step->target;
    enum error_code code = git_look(target, &step->evidence, &seen->git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &seen->containers, error);
    if (code == ERROR_OK)
        code = health_look(target, &seen->containers, &step->evidence, &seen->health, error);
    if (code == ERROR_OK && step_has_policy(step))
        code = interlock_look(target, &(struct interlock_question){0}, &step->evidence,
                              &seen->interlock, error);
    if (code == ERROR_OK && step_has_policy(step))
        code = parity_look(target, &seen->containers, PARITY_BRAIN, seen->before.policy_hash,
                           &step->evidence, &seen->parity, error);
    return code;
}

struct restored_wait {
    struct step *step;
    bool final;       /* a difference that waiting does not mend */
    int64_t until_ns; /* later, only what is still starting is waited for */
    char gone[300];
};

/* What was stopped before is not made again: its container is gone where the release replaced it.
 */
static void name_gone(struct restored_wait *wait)
{
    const struct step_seen *seen = &wait->step->seen;
    wait->gone[0] = '\0';
    for (size_t i = 0; i < seen->before.found.count; i++) {
        const struct container *was = &seen->before.found.list[i];
        size_t used = strlen(wait->gone);
        bool left = container_runs(was);
        for (size_t k = 0; k < seen->containers.count && !left; k++)
            left = strcmp(seen->containers.list[k].id, was->id) == 0;
        if (!left)
            (void)snprintf(wait->gone + used, sizeof wait->gone - used, "%s%s",
                           used > 0 ? ", " : "; stopped before, and its container is gone: ",
                           was->service);
    }
}

/* One look, and what it makes of the step: undecided where everything is as before. */
static enum error_code look_at_restored(void *context, struct error *error)
{
    struct restored_wait *wait = context;
    struct step *step = wait->step;
    step->event = EVENT_INVALID;
    enum error_code code = guarded_keep_turn(step, error);
    if (code == ERROR_OK)
        code = look_at_all(step, error);
    if (code != ERROR_OK)
        return code;
    name_gone(wait);
    wait->final = restored_judge(step);
    return ERROR_OK;
}

static bool is_settled(const void *context)
{
    const struct restored_wait *wait = context;
    return wait->final || wait->step->event == EVENT_INVALID
           || (driver_now_ns(wait->step->driver) > wait->until_ns
               && !settling_any_starts(&wait->step->seen.containers));
}

enum error_code restored_override(struct step *step, struct bytes *ret_path, char *ret_services,
                                  size_t size, struct error *error)
{
    static const char act[] = "write override";
    const struct deployment *deployment = &step->driver->deployment;
    const struct journal_entry *reverted = deployment_transition_to(deployment, STATE_REVERTED);
    const json_t *items = reverted != NULL ? json_object_get(reverted->body, "evidence") : NULL;
    ret_services[0] = '\0';
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *subject = json_string_value(
            json_object_get(json_array_get(items, i), "subject"));
        if (subject != NULL && strncmp(subject, act, strlen(act)) == 0)
            (void)snprintf(ret_services, size, "%s", subject + strlen(act));
    }
    return ret_services[0] != '\0'
               ? compose_override_path(step->target, (int64_t)deployment->number, ret_path, error)
               : ERROR_OK;
}

static bool is_overridden(const char *services, const char *service)
{
    size_t length = strlen(service);
    for (const char *at = services; (at = strstr(at, service)) != NULL; at++)
        if (at > services && at[-1] == ' ' && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* What the restored files come to is not what those of the snapshot came to: the image has another
 * name, or the files are not those that were found. */
static bool may_come_to_another(const struct snapshot *before, const struct container *ran,
                                const struct configuration *was, const char *overridden)
{
    const struct image *image = images_find(&before->images, ran->service);
    return is_overridden(overridden, ran->service) || image == NULL || !image_is_of(image, ran)
           || (before->env_good && strcmp(was->declared, was->running) != 0);
}

enum sameness { SAME_NO, SAME_YES, SAME_UNKNOWN };

/* One that was left alone has the very configuration of before. File and env file are those of
 * before, so that a container that this rollback made again has what they come to now, and that is
 * what they came to then. */
static enum sameness compare_restored(const struct step *step, const struct container *ran,
                                      const char *overridden)
{
    const struct snapshot *before = &step->seen.before;
    const struct configuration *is = configurations_find(&step->seen.configurations, ran->service),
                               *was = configurations_find(&before->configurations, ran->service);
    if (is == NULL || was == NULL)
        return SAME_NO;
    if (is->running[0] != '\0' && strcmp(is->running, was->running) == 0)
        return SAME_YES;
    if (is->declared[0] == '\0' || !restored_has_same_key(step))
        return SAME_UNKNOWN;
    if (strcmp(is->running, is->declared) != 0)
        return SAME_NO;
    if (may_come_to_another(before, ran, was, overridden))
        return SAME_YES;
    return was->declared[0] == '\0'                   ? SAME_UNKNOWN
           : strcmp(is->declared, was->declared) == 0 ? SAME_YES
                                                      : SAME_NO;
}

/* What a plain `up` would do now, in words. A declared name that means another image than the one
 * that runs would be the release again. */
static enum error_code check_plain_up(struct step *step, const char *overridden,
                                      struct error *error)
{
    const struct containers *before = &step->seen.before.containers;
    struct step_seen *seen = &step->seen;
    enum error_code code = compose_images(step->target, &seen->model, &step->evidence,
                                          &seen->images, error);
    for (size_t i = 0; step_goes_on(step, code) && i < before->count; i++) {
        const struct image *image = images_find(&seen->images, before->list[i].service);
        if (!is_overridden(overridden, before->list[i].service)
            && (image == NULL || !image_is_of(image, &before->list[i])))
            return step_is(step, EVENT_MISMATCH,
                           "the declared image of %s is not the one that was restored",
                           before->list[i].service);
    }
    if (overridden[0] != '\0')
        (void)snprintf(step->remark, sizeof step->remark,
                       "; a plain `docker compose up -d` would re-create%s (titan-fsm drift)",
                       overridden);
    else
        (void)snprintf(step->remark, sizeof step->remark,
                       "; a plain `docker compose up -d` brings up the same images");
    return code;
}

/* What was put back may have been changed while the services came back. */
static enum error_code check_put_back(struct step *step, struct error *error)
{
    static const char *const probes[] = {PROBE_HMAC_KEY, PROBE_CONFIG_HMAC, PROBE_ENV_HMAC,
                                         PROBE_ENV_MODE};
    const struct journal_entry *reverted = deployment_transition_to(&step->driver->deployment,
                                                                    STATE_REVERTED);
    enum error_code code = ERROR_OK;
    bool has_key = true;
    for (size_t i = 0; reverted != NULL && code == ERROR_OK && i < sizeof probes / sizeof probes[0];
         i++) {
        CLEANUP_BYTES struct bytes was = {0};
        const struct bytes *is = &evidence_last(&step->evidence, probes[i], NULL)->output;
        code = entry_output(step->driver->journal, reverted, probes[i], &was, error);
        bool same = code == ERROR_OK && was.size == is->size
                    && memcmp(was.data, is->data, was.size) == 0;
        if (i == 0)
            has_key = same;
        else if (code == ERROR_OK && !same && (has_key || strcmp(probes[i], PROBE_ENV_MODE) == 0))
            return step_is(step, EVENT_MISMATCH, "%s is another than when it was put back",
                           probes[i]);
    }
    return code;
}

static enum error_code check_configurations(struct step *step, struct error *error)
{
    CLEANUP_BYTES struct bytes path = {0};
    const struct snapshot *before = &step->seen.before;
    char unknown[STEP_REASON_MAX] = "", services[1024];
    enum error_code code = restored_override(step, &path, services, sizeof services, error);
    if (code == ERROR_OK)
        code = compose_configurations(step->target, &step->seen.model, (const char *)path.data,
                                      COMPOSE_KEY_MAKE, &step->evidence, &step->seen.configurations,
                                      error);
    if (code == ERROR_OK)
        code = check_plain_up(step, services, error);
    if (!step_goes_on(step, code))
        return code;
    for (size_t i = 0; i < before->containers.count; i++) {
        const char *service = before->containers.list[i].service;
        enum sameness same = compare_restored(step, &before->containers.list[i], services);
        if (same == SAME_YES)
            continue;
        if (same == SAME_NO)
            return step_is(step, EVENT_MISMATCH,
                           "service %s runs with another configuration than before", service);
        size_t used = strlen(unknown);
        (void)snprintf(unknown + used, sizeof unknown - used, "%s%s",
                       used > 0 ? ", " : "compose cannot tell the configuration of ", service);
    }
    if (!restored_has_same_key(step))
        progress_word(
            step->driver,
            "the key of the fingerprints was lost on the way: whether env file and "
            "configurations are those of before cannot be compared; look at the env file");
    return unknown[0] != '\0' ? step_fact(step, FACT_DRIFT, unknown, error) : ERROR_OK;
}

/* That it is noted is for the next one to begin: a rollback does not fail for it. */
static void note_rolled_back(struct step *step)
{
    const struct deployment *deployment = &step->driver->deployment;
    const char *commit = deployment_facts(deployment, STATE_UPDATED).commit;
    struct error refusal;
    if (commit[0] == '\0' || strcmp(commit, step->seen.before.commit) == 0)
        return;
    if (rolled_back_add(step->target, step_lease(step), commit, (int64_t)deployment->number,
                        &refusal)
        != ERROR_OK)
        progress_word(step->driver, "%s", refusal.what);
}

static enum error_code leave_guard(struct step *step, struct error *error)
{
    struct tenancy tenancy;
    bool ours = false;
    size_t items = step->evidence.count;
    enum error_code code = keep_tenancy_is_ours(step->driver, step->target, &step->evidence,
                                                &tenancy, &ours, error);
    evidence_cut(&step->evidence, items);
    return code == ERROR_OK ? guarded_leave(step, ours, error) : code;
}

enum error_code step_verify_restored(struct step *step, struct error *error)
{
    int64_t settle_ns = step_settle_ns(step), start_ns = settling_until_ns(step);
    struct restored_wait wait = {.step = step, .until_ns = settle_ns - LOOK_PAUSE_NS};
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = snapshot_load(step->driver, &step->seen.before, error);
    if (step_goes_on(step, code))
        code = restored_keep_declared(step, error);
    if (step_goes_on(step, code))
        code = await(&(struct await){.clock = step->driver->clock,
                                     .evidence = &step->evidence,
                                     .until_ns = start_ns > settle_ns ? start_ns : settle_ns,
                                     .pause_ns = LOOK_PAUSE_NS,
                                     .look = look_at_restored,
                                     .enough = is_settled,
                                     .context = &wait},
                     error);
    if (step_goes_on(step, code))
        code = check_put_back(step, error);
    if (step_goes_on(step, code))
        code = check_configurations(step, error);
    if (step_goes_on(step, code))
        note_rolled_back(step);
    if (step_goes_on(step, code))
        code = leave_guard(step, error);
    if (step_goes_on(step, code))
        code = keep_tenancy_free(step->driver, step->target, &step->evidence, error);
    if (!step_goes_on(step, code))
        return code;
    return step_is(step, EVENT_DONE, "%s%s%s",
                   restored_has_not_run_before(step)
                       ? "Execution does not run, as it did not before"
                       : "Execution stays disarmed until somebody runs titan-fsm arm",
                   wait.gone, step->remark);
}
