/* Rollback: safe first, then the files, then the containers. Identities recorded before are
 * restored, never a tag, never a build. */
#include "fsm/step.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/env_back.h"
#include "fsm/steps/disarm.h"
#include "fsm/steps/restored.h"
#include "fsm/steps/up.h"
#include "journal/format/names.h"

enum error_code step_make_safe(struct step *step, struct error *error)
{
    struct disarm_seen seen;
    if (!step_has_policy(step))
        return step_is(step, EVENT_DONE, "no Execution runs");
    disarm_try(step->driver,
               &(struct disarm_draft){.key = step->key,
                                      .reason = "titan-fsm rollback",
                                      .every_way = true,
                                      .evidence = &step->evidence},
               &seen);
    enum error_code code = step_fact(step, FACT_EXECUTION, seen.observed ? seen.container : "",
                                     error);
    if (code != ERROR_OK)
        return code;
    if (!disarm_is_safe(&seen))
        return error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name, "",
                         "%s; Execution is %s", disarm_words_sent(&seen), disarm_words_seen(&seen));
    return seen.observed ? step_is(step, EVENT_DONE, "%s", "")
                         : step_is(step, EVENT_DONE, "Execution's container was removed%s%.280s",
                                   seen.why[0] != '\0' ? ": " : "", seen.why);
}

/* Services that do not get their declared name back, and why. */
static enum error_code say_pinned(struct step *step, const struct compose_pin *pin)
{
    size_t used = 0;
    for (size_t i = 0; i < pin->before->count; i++) {
        const char *why = compose_pin_obstacle(pin, i);
        if (why != NULL && used < sizeof step->remark)
            used += (size_t)snprintf(step->remark + used, sizeof step->remark - used, "; %s: %s",
                                     pin->before->list[i].service, why);
    }
    return step_is(step, EVENT_DONE, "%zu images pinned%s%.1400s", pin->before->count,
                   used > 0 ? ", and a plain up would re-create what runs from another name" : "",
                   step->remark);
}

enum error_code step_revert(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct snapshot *before = &step->seen.before;
    int status = 0;
    enum error_code code = step_connect_target(step, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, before, error);
    if (code == ERROR_OK)
        code = git_restore(step->target, step_lease(step), before->commit, before->branch,
                           &step->evidence, &status, error);
    if (code == ERROR_OK && status == 0)
        code = git_look(step->target, &step->evidence, &step->seen.git, error);
    if (code == ERROR_OK && status == 0)
        code = env_back_restore(step, &status, error);
    if (code == ERROR_OK && status == 0)
        code = restored_keep_declared(step, error);
    if (code == ERROR_OK && status == 0)
        code = compose_images(step->target, &step->seen.model, &step->evidence, &step->seen.images,
                              error);
    const struct compose_pin pin = {.before = &before->containers,
                                    .addresses = &before->images,
                                    .model = &step->seen.model,
                                    .now = &step->seen.images,
                                    .deployment = (int64_t)driver->deployment.number};
    if (code == ERROR_OK && status == 0)
        code = compose_pin(step->target, step_lease(step), &pin, &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *act = evidence_last(&step->evidence, PROBE_ACT, NULL);
    if (status != 0)
        return step_is(step, EVENT_FAILED, "%s: %.300s", act->subject,
                       (const char *)act->output.data);
    return say_pinned(step, &pin);
}

/* Re-created by this deployment, or not running: a container that was left alone stays as it is.
 * Execution is always recreated. */
static bool is_affected(const struct step *step, const struct container *old)
{
    const struct container *current = containers_find(&step->seen.earlier, old->service);
    return strcmp(old->service, step->driver->config.setup.services.execution) == 0
           || current == NULL || strcmp(current->id, old->id) != 0
           || strcmp(current->state, "running") != 0;
}

/* Anybody on the bus could have armed Execution since it was made safe: it is looked at again in
 * front of each `up`. */
static enum error_code check_safe(struct step *step, struct error *error)
{
    struct interlock_view *view = &step->seen.interlock;
    if (!step_has_policy(step))
        return ERROR_OK;
    enum error_code code = interlock_look(step->target, &(struct interlock_question){0},
                                          &step->evidence, view, error);
    if (code != ERROR_OK || view->running == 0 || view->interlock == INTERLOCK_DISARMED)
        return code;
    return step_is(step, EVENT_MISMATCH, "Execution is %s and must be disarmed",
                   interlock_name(view->interlock));
}

/* Execution first, and its responder there, because Brain asks once and never again. Where this
 * very step recreated it before an interruption, it stays. */
static enum error_code bring_back_execution(struct step *step, const char *override,
                                            struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    const struct container *current = containers_find(&step->seen.earlier, execution);
    const char *at_safe = deployment_facts(&step->driver->deployment, STATE_SAFE).execution;
    bool recreated = current != NULL && strcmp(current->id, at_safe) != 0;
    enum error_code code = check_safe(step, error);
    if (step_goes_on(step, code))
        code = up(step,
                  &(struct compose_up){.override = override,
                                       .services = {execution},
                                       .service_count = 1,
                                       .no_deps = true,
                                       .no_build = true,
                                       .force_recreate = !recreated},
                  error);
    return step_goes_on(step, code) ? step_await_responder(step, error) : code;
}

static enum error_code bring_back(struct step *step, const char *override, struct error *error)
{
    const struct containers *before = &step->seen.before.containers;
    const char *execution = step->driver->config.setup.services.execution;
    struct compose_up rest = {.override = override, .no_deps = true, .no_build = true};
    enum error_code code = ERROR_OK;
    for (size_t i = 0; i < before->count; i++)
        if (strcmp(before->list[i].service, execution) != 0 && is_affected(step, &before->list[i]))
            rest.services[rest.service_count++] = before->list[i].service;
    if (execution[0] != '\0' && containers_find(before, execution) != NULL)
        code = bring_back_execution(step, override, error);
    if (step_goes_on(step, code) && rest.service_count > 0)
        code = check_safe(step, error);
    return step_goes_on(step, code) && rest.service_count > 0 ? up(step, &rest, error) : code;
}

/* Services that the release brought and that were not there before it. */
static enum error_code remove_new(struct step *step, struct error *error)
{
    const struct containers *now = &step->seen.earlier;
    int status = 0;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < now->count; i++)
        if (containers_find(&step->seen.before.containers, now->list[i].service) == NULL)
            code = compose_remove(step->target, step_lease(step), now, now->list[i].service,
                                  &step->evidence, &status, error);
    return code;
}

enum error_code step_redeploy(struct step *step, struct error *error)
{
    CLEANUP_BYTES struct bytes override = {0};
    char services[1024];
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = snapshot_load(step->driver, &step->seen.before, error);
    if (step_goes_on(step, code))
        code = restored_keep_declared(step, error);
    if (step_goes_on(step, code))
        code = restored_override(step, &override, services, sizeof services, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.earlier, error);
    if (step_goes_on(step, code))
        code = bring_back(step, (const char *) override.data, error);
    if (step_goes_on(step, code))
        code = remove_new(step, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", "") : code;
}
