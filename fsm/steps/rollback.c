/* Rollback: safe first, then the files, then the containers, then a look. Identities recorded
 *           before are restored, never a tag, never a build. */
#include "fsm/step.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/drift.h"
#include "actions/git.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "fsm/snapshot.h"
#include "journal/format/names.h"

static const int64_t LOOK_PAUSE_NS = 500000000;

/* The bus is only one way to safety: whatever it answers, the container can still be removed. */
static enum error_code see_disarmed(struct step *step, struct target *target, bool *ret_disarmed,
                                    char *ret_why, size_t room, struct error *error)
{
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    struct error bus;
    bool sent = false;
    *ret_disarmed = false;
    enum error_code code = interlock_send(target, false, step->key, "titan-fsm rollback",
                                          &step->evidence, &sent, &bus);
    if (code != ERROR_OK || !sent) {
        (void)snprintf(ret_why, room, "%s", code != ERROR_OK ? bus.what : "the bus refuses DISARM");
        return ERROR_OK;
    }
    code = interlock_await(target, INTERLOCK_DISARMED, step->key, step_settle_ns(step),
                           &step->evidence, &view, error);
    *ret_disarmed = code == ERROR_OK && view.interlock == INTERLOCK_DISARMED && view.received;
    (void)snprintf(ret_why, room, "DISARM was sent and Execution is seen %s",
                   interlock_name(view.interlock));
    return code;
}

static enum error_code remove_execution(struct step *step, struct target *target, const char *why,
                                        struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    struct containers containers;
    int status = 0;
    enum error_code code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = compose_remove(target, &step->driver->lease, &containers, execution, &step->evidence,
                              &status, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = step_fact(step, "execution", "", error);
    if (code != ERROR_OK)
        return code;
    if (containers_find(&containers, execution) != NULL)
        return step_is(step, EVENT_FAILED, "Execution is neither disarmed (%.200s) nor removed: %d",
                       why, status);
    return step_is(step, EVENT_DONE, "Execution's container was removed: %.300s", why);
}

enum error_code step_make_safe(struct step *step, struct error *error)
{
    const char *service = step->driver->config.setup.services.execution;
    struct target *target;
    struct containers containers;
    bool disarmed = false;
    char why[400] = "";
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code != ERROR_OK)
        return code;
    const struct container *execution = step_has_policy(step)
                                            ? containers_find(&containers, service)
                                            : NULL;
    code = step_fact(step, "execution", execution != NULL ? execution->id : "", error);
    if (code == ERROR_OK && execution == NULL)
        return step_is(step, EVENT_DONE, "no Execution runs");
    bool running = execution != NULL && strcmp(execution->state, "running") == 0;
    if (code == ERROR_OK && running)
        code = see_disarmed(step, target, &disarmed, why, sizeof why, error);
    if (code != ERROR_OK)
        return code;
    return disarmed ? step_is(step, EVENT_DONE, "%s", "")
                    : remove_execution(step, target, running ? why : "it does not run", error);
}

/* What the file of the restored commit declares and ran before: nothing else can be restored. */
static enum error_code keep_declared(struct target *target, struct step *step,
                                     struct containers *containers, struct compose_model *ret_model,
                                     struct error *error)
{
    struct containers kept = {.count = 0};
    enum error_code code = compose_render(target, &step->evidence, ret_model, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < containers->count; i++)
        for (size_t k = 0; k < ret_model->count; k++)
            if (strcmp(containers->list[i].service, ret_model->services[k].service) == 0)
                kept.list[kept.count++] = containers->list[i];
    *containers = kept;
    return ERROR_OK;
}

enum error_code step_revert(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct snapshot before;
    struct compose_model model;
    struct git_state git;
    int status = 0;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, &before, error);
    if (code == ERROR_OK)
        code = git_restore(target, &driver->lease, before.commit, before.branch, &step->evidence,
                           &status, error);
    if (code == ERROR_OK && status == 0)
        code = git_look(target, &step->evidence, &git, error);
    if (code == ERROR_OK && status == 0)
        code = keep_declared(target, step, &before.containers, &model, error);
    if (code == ERROR_OK && status == 0)
        code = compose_pin(target, &driver->lease,
                           &(struct compose_pin){.before = &before.containers,
                                                 .addresses = &before.images,
                                                 .deployment = (int64_t)driver->deployment.number},
                           &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    if (status != 0)
        return step_is(step, EVENT_FAILED, "%s: %.300s",
                       evidence_last(&step->evidence, PROBE_ACT, NULL)->subject,
                       (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
    return step_is(step, EVENT_DONE, "%zu images pinned", before.containers.count);
}

/* Re-created by this deployment, or not running: a container that was left alone stays as it is.
 * Execution is always made anew. */
static bool is_affected(const struct step *step, const struct containers *now,
                        const struct container *old)
{
    const struct container *current = containers_find(now, old->service);
    return strcmp(old->service, step->driver->config.setup.services.execution) == 0
           || current == NULL || strcmp(current->id, old->id) != 0
           || strcmp(current->state, "running") != 0;
}

static enum error_code up(struct step *step, struct target *target, struct compose_up *up,
                          struct error *error)
{
    int status = 0;
    up->deadline_ms = step_remaining_ms(step);
    enum error_code code = compose_up(target, &step->driver->lease, up, &step->evidence, &status,
                                      error);
    if (code == ERROR_OK && status != 0)
        return error_set(
            error, ERROR_REMOTE, status, "compose up",
            "look at the containers and their logs on the target",
            "services cannot be brought up again: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL)->output.data);
    return code;
}

/* Execution first, and its responder there, because Brain asks once and never again. */
static enum error_code bring_back_execution(struct step *step, struct target *target,
                                            const char *override, const struct containers *now,
                                            struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    const struct container *current = containers_find(now, execution);
    const char *at_safe = deployment_fact(&step->driver->deployment, STATE_SAFE, "execution");
    bool anew = current != NULL
                && strcmp(current->id, at_safe)
                       != 0; /* made anew by this very step, before an interruption */
    struct containers containers;
    struct parity_view parity;
    enum error_code code = up(step, target,
                              &(struct compose_up){.override = override,
                                                   .services = {execution},
                                                   .service_count = 1,
                                                   .no_deps = true,
                                                   .no_build = true,
                                                   .force_recreate = !anew},
                              error);
    size_t before = step->evidence.count;
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = parity_await(target, &containers, PARITY_EXECUTION, "", step_settle_ns(step),
                            &step->evidence, &parity, error);
    evidence_cut(&step->evidence, before);
    return code;
}

static enum error_code bring_back(struct step *step, struct target *target, const char *override,
                                  const struct snapshot *before, const struct containers *now,
                                  struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    const char *execution = setup->services.execution;
    struct compose_up rest = {.override = override, .no_deps = true, .no_build = true};
    enum error_code code = ERROR_OK;
    for (size_t i = 0; i < before->containers.count; i++)
        if (execution[0] != '\0' && strcmp(before->containers.list[i].service, execution) == 0)
            code = bring_back_execution(step, target, override, now, error);
    for (size_t i = 0; code == ERROR_OK && i < before->containers.count; i++) {
        const struct container *old = &before->containers.list[i];
        if (strcmp(old->service, execution) != 0 && is_affected(step, now, old))
            rest.services[rest.service_count++] = old->service;
    }
    return code == ERROR_OK && rest.service_count > 0 ? up(step, target, &rest, error) : code;
}

/* Services that the release brought and that were not there before. */
static enum error_code remove_new(struct step *step, struct target *target,
                                  const struct snapshot *before, const struct containers *now,
                                  struct error *error)
{
    int status = 0;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < now->count; i++)
        if (containers_find(&before->containers, now->list[i].service) == NULL)
            code = compose_remove(target, &step->driver->lease, now, now->list[i].service,
                                  &step->evidence, &status, error);
    return code;
}

enum error_code step_redeploy(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct snapshot before;
    struct compose_model model;
    struct containers now;
    CLEANUP_BYTES struct bytes override = {0};
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, &before, error);
    if (code == ERROR_OK)
        code = keep_declared(target, step, &before.containers, &model, error);
    if (code == ERROR_OK)
        code = compose_override_path(target, (int64_t)driver->deployment.number, &override, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &now, error);
    if (code == ERROR_OK)
        code = bring_back(step, target, (const char *) override.data, &before, &now, error);
    if (code == ERROR_OK)
        code = remove_new(step, target, &before, &now, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &now, error);
    return code == ERROR_OK ? step_is(step, EVENT_DONE, "%s", "") : code;
}

struct restored {
    struct git_state git;
    struct containers containers;
    struct health_view health;
    struct parity_view parity;
    struct interlock_view interlock;
};

static enum error_code look(struct step *step, struct target *target, const struct snapshot *before,
                            struct restored *restored, struct error *error)
{
    enum error_code code = git_look(target, &step->evidence, &restored->git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &restored->containers, error);
    if (code == ERROR_OK)
        code = health_look(target, &restored->containers, &step->evidence, &restored->health,
                           error);
    if (code == ERROR_OK && step_has_policy(step))
        code = interlock_look(target, NULL, &step->evidence, &restored->interlock, error);
    if (code == ERROR_OK && step_has_policy(step))
        code = parity_look(target, &restored->containers, PARITY_BRAIN, before->policy_hash,
                           &step->evidence, &restored->parity, error);
    return code;
}

static bool line_is(const struct evidence *evidence, const char *probe, const char *text)
{
    const struct evidence_item *item = evidence_last(evidence, probe, NULL);
    size_t length = strlen(text);
    return item->output.size >= length && memcmp(item->output.data, text, length) == 0;
}

/* Containers as before, each with its identity and none besides. */
static bool same_images(const struct snapshot *before, const struct containers *now, char *ret_text,
                        size_t room)
{
    struct images declared = {.count = 0};
    struct drift drift = {.count = 0};
    for (size_t i = 0; i < before->containers.count; i++) {
        struct image *image = &declared.list[declared.count++];
        *image = (struct image){.name = ""};
        (void)snprintf(image->service, sizeof image->service, "%s",
                       before->containers.list[i].service);
        (void)snprintf(image->id, sizeof image->id, "%s", before->containers.list[i].image);
    }
    drift_services("", now, &declared, NULL, &drift);
    drift_sentence(&drift, ret_text, room);
    return drift.count == 0;
}

/* The override gives every image another name, so a container that this rollback made anew cannot
 * have the configuration of before; it has the one that file, env file and override come to now,
 * and file and env file are those of before. One that was left alone has the very one of before. */
static enum error_code same_configurations(struct step *step, struct target *target,
                                           const struct snapshot *before,
                                           const struct compose_model *model, bool *ret_same,
                                           struct error *error)
{
    CLEANUP_BYTES struct bytes override = {0};
    struct configurations now;
    char unknown[STEP_REASON_MAX] = "";
    enum error_code code = compose_override_path(target, (int64_t)step->driver->deployment.number,
                                                 &override, error);
    if (code == ERROR_OK)
        code = compose_configurations(target, model, (const char *) override.data, COMPOSE_KEY_MAKE,
                                      &step->evidence, &now, error);
    if (code != ERROR_OK)
        return code;
    *ret_same = true;
    for (size_t i = 0; i < before->containers.count; i++) {
        const char *service = before->containers.list[i].service;
        const struct configuration *is = configurations_find(&now, service),
                                   *was = configurations_find(&before->configurations, service);
        bool untouched = is != NULL && was != NULL && is->running[0] != '\0'
                         && strcmp(is->running, was->running) == 0;
        if (untouched
            || (is != NULL && is->running[0] != '\0' && strcmp(is->running, is->declared) == 0))
            continue;
        if (is == NULL || is->declared[0] != '\0') {
            *ret_same = false;
            return step_is(
                step, EVENT_MISMATCH,
                "service %s runs with another configuration than the restored file gives it",
                service);
        }
        size_t used = strlen(unknown);
        (void)snprintf(unknown + used, sizeof unknown - used, "%s%s",
                       used > 0 ? ", " : "compose cannot tell the configuration of ", service);
    }
    return unknown[0] != '\0' ? step_fact(step, "drift", unknown, error) : ERROR_OK;
}

static const struct container *first_sick(const struct containers *containers)
{
    for (size_t i = 0; i < containers->count; i++)
        if (!container_is_good(&containers->list[i]))
            return &containers->list[i];
    return NULL;
}

/* True when everything is as before; else the step's outcome says what is not. `final` differences
 * do not get better by waiting. */
static bool judge_restored(struct step *step, const struct snapshot *before,
                           const struct restored *restored, bool *ret_final)
{
    const struct container *sick;
    char text[300];
    *ret_final = true;
    if (strcmp(restored->git.commit, before->commit) != 0
        || strcmp(restored->git.branch, before->branch) != 0)
        (void)step_is(step, EVENT_MISMATCH, "the tree is at %.12s (%s) and was at %.12s (%s)",
                      restored->git.commit, restored->git.branch, before->commit, before->branch);
    else if (!line_is(&step->evidence, PROBE_CONFIG_HMAC, before->config_hmac)
             || !line_is(&step->evidence, PROBE_ENV_HMAC, before->env_hmac))
        (void)step_is(step, EVENT_MISMATCH,
                      "the rendered configuration or the env file is not what it was before");
    else if (*ret_final = false, !same_images(before, &restored->containers, text, sizeof text))
        (void)step_is(step, EVENT_MISMATCH, "%s", text);
    else if ((sick = first_sick(&restored->containers)) != NULL)
        (void)step_is(step, EVENT_UNHEALTHY, "service %s is %s %s", sick->service, sick->state,
                      sick->health);
    else if (!restored->health.all_good)
        (void)step_is(step, EVENT_UNHEALTHY, "%s", restored->health.text);
    else if (step_has_policy(step) && restored->interlock.interlock != INTERLOCK_DISARMED)
        (void)step_is(step, EVENT_MISMATCH,
                      "Execution is %s after the rollback; it must be disarmed",
                      interlock_name(restored->interlock.interlock));
    else if (step_has_policy(step) && before->policy_hash[0] != '\0'
             && restored->parity.parity != PARITY_EQUAL)
        (void)step_is(step, EVENT_MISMATCH, "the policy hash is not as before: %s",
                      restored->parity.text);
    else
        return true;
    return false;
}

enum error_code step_verify_restored(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct target *target;
    struct snapshot before;
    struct compose_model model;
    int64_t until_ns = step_settle_ns(step);
    bool same = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, &before, error);
    if (code == ERROR_OK)
        code = keep_declared(target, step, &before.containers, &model, error);
    size_t first = step->evidence.count;
    for (;;) {
        struct restored restored = {.parity = {.parity = PARITY_INVALID}};
        bool final;
        if (code == ERROR_OK)
            code = look(step, target, &before, &restored, error);
        if (code != ERROR_OK)
            return code;
        int64_t now = driver_now_ns(driver);
        if (judge_restored(step, &before, &restored, &final))
            break;
        if (final || now + LOOK_PAUSE_NS >= until_ns)
            return ERROR_OK;
        evidence_cut(&step->evidence, first);
        code = driver->clock->sleep_until(driver->clock->context, now + LOOK_PAUSE_NS, error);
    }
    code = same_configurations(step, target, &before, &model, &same, error);
    if (code != ERROR_OK || !same)
        return code;
    code = step_free_target(step, target, error);
    return code == ERROR_OK ? step_is(
               step, EVENT_DONE,
               "Execution stays disarmed; `titan-fsm arm --reason TEXT` is a person's word")
                            : code;
}
