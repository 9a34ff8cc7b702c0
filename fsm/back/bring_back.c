#include "fsm/back/bring_back.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/steps/disarm.h"
#include "journal/format/names.h"

/* Services, in one `up`. */
struct group {
    const char *names[SETUP_NAMES_MAX];
    int64_t scales[SETUP_NAMES_MAX]; /* 0 = as the file declares */
    size_t count;
    bool untold; /* of one of them nobody could tell which image its container is of */
};

/* As many containers as ran, whatever number the file declares. */
static void add_to_group(const struct step *step, struct group *group, const struct container *old)
{
    const char *service = old->service;
    const struct container *current = containers_find(&step->seen.earlier, service);
    int64_t ran = (int64_t)containers_running(&step->seen.before.ran, service);
    bool declared = declared_find(&step->seen.model.declared, service)->replicas == ran;
    group->scales[group->count] = declared ? 0 : ran;
    group->names[group->count++] = service;
    group->untold = group->untold
                    || (current != NULL && step_has_manifests(step)
                        && strcmp(current->image, old->image) != 0
                        && (current->manifest[0] == '\0' || old->manifest[0] == '\0'));
}

/* Re-created by this deployment, or not running: a container that was left alone stays as it is.
 * Execution is always recreated. */
static bool is_affected(const struct step *step, const struct container *old)
{
    const struct containers *now = &step->seen.earlier, *ran = &step->seen.before.ran;
    const char *service = old->service;
    bool same = containers_running(now, service) == containers_running(ran, service);
    for (size_t i = 0; i < now->count && same; i++) {
        const struct container *current = &now->list[i];
        bool found = strcmp(current->service, service) != 0 || !container_runs(current);
        for (size_t k = 0; k < ran->count && !found; k++)
            found = strcmp(current->id, ran->list[k].id) == 0
                    && strcmp(current->state, "running") == 0;
        same = found;
    }
    return strcmp(service, step->driver->config.setup.services.execution) == 0 || !same;
}

/* Anybody on the bus could have armed Execution since it was made safe. */
static enum error_code keep_safe(struct step *step, struct error *error)
{
    struct interlock_view *view = &step->seen.interlock;
    struct disarm_seen seen;
    if (!step_has_policy(step))
        return ERROR_OK;
    enum error_code code = interlock_look(step->target, &(struct interlock_question){0},
                                          &step->evidence, view, error);
    if (code != ERROR_OK || view->running == 0 || view->interlock == INTERLOCK_DISARMED)
        return code;
    disarm_try(step->driver,
               &(struct disarm_draft){.key = step->key,
                                      .reason = "titan-fsm rollback",
                                      .every_way = true,
                                      .evidence = &step->evidence},
               &seen);
    if (disarm_is_safe(&seen))
        return step_connect_target(step, error); /* a lost way was closed */
    return error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name, "",
                     "Execution was %s again; %s; it is %s", interlock_name(view->interlock),
                     disarm_words_sent(&seen), disarm_words_seen(&seen));
}

/* *ret_good: it came up. */
static enum error_code up_safely(struct step *step, const struct compose_up *draft, bool *ret_good,
                                 struct error *error)
{
    struct compose_up whole = *draft;
    int status = 0;
    enum error_code code = keep_safe(step, error);
    whole.deadline_ms = step_remaining_ms(step);
    if (code == ERROR_OK)
        code = compose_up(step->target, step_lease(step), &whole, &step->evidence, &status, error);
    if (code == ERROR_OK)
        *ret_good = status == 0;
    return code;
}

static void note_missing(struct step *step, const char *service)
{
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL);
    size_t used = strlen(step->remark);
    (void)snprintf(step->remark + used, sizeof step->remark - used, "%s%s: %.160s",
                   used > 0 ? "; " : "could not be brought back: ", service,
                   item != NULL ? (const char *)item->output.data : "");
}

static enum error_code up_group(struct step *step, const char *override, const struct group *group,
                                struct error *error)
{
    struct compose_up all = {.override = override,
                             .no_deps = true,
                             .no_build = true,
                             .force_recreate = group->untold},
                      one = all;
    bool good = true;
    if (group->count == 0)
        return ERROR_OK;
    memcpy(all.services, group->names, sizeof all.services);
    memcpy(all.scales, group->scales, sizeof all.scales);
    all.service_count = group->count;
    enum error_code code = up_safely(step, &all, &good, error);
    if (code == ERROR_OK && !good && group->count == 1)
        note_missing(step, group->names[0]);
    if (good || group->count == 1)
        return code;
    one.service_count = 1;
    for (size_t i = 0; code == ERROR_OK && i < group->count; i++) {
        one.services[0] = group->names[i];
        one.scales[0] = group->scales[i];
        code = up_safely(step, &one, &good, error);
        if (code == ERROR_OK && !good)
            note_missing(step, group->names[i]);
    }
    return code;
}

/* Its responder is waited for there, because Brain asks once and never again. Where this very step
 * recreated it before an interruption, it stays. */
static enum error_code bring_back_execution(struct step *step, const char *override, bool *ret_made,
                                            struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    const struct container *current = containers_find(&step->seen.earlier, execution);
    const char *at_safe = deployment_facts(&step->driver->deployment, STATE_SAFE).execution;
    bool recreated = current != NULL && strcmp(current->id, at_safe) != 0, good = false;
    if (execution[0] == '\0' || containers_find(&step->seen.before.containers, execution) == NULL)
        return ERROR_OK;
    enum error_code code = up_safely(step,
                                     &(struct compose_up){.override = override,
                                                          .services = {execution},
                                                          .service_count = 1,
                                                          .no_deps = true,
                                                          .no_build = true,
                                                          .force_recreate = !recreated},
                                     &good, error);
    if (code == ERROR_OK && !good)
        note_missing(step, execution);
    *ret_made = good && !recreated;
    return code == ERROR_OK && good ? step_await_responder(step, error) : code;
}

/* A way back before this one brought Brain up without an Execution to answer it: it asks once, so
 * only another container of it asks again. */
static enum error_code make_brain_ask_again(struct step *step, const char *override,
                                            struct error *error)
{
    const char *brain = step->driver->config.setup.services.brain;
    const struct container *old = containers_find(&step->seen.before.containers, brain),
                           *current = containers_find(&step->seen.earlier, brain);
    bool good = true;
    if (brain[0] == '\0' || old == NULL || current == NULL || strcmp(current->id, old->id) == 0
        || !containers_share_image(current, old))
        return ERROR_OK;
    enum error_code code = up_safely(step,
                                     &(struct compose_up){.override = override,
                                                          .services = {brain},
                                                          .service_count = 1,
                                                          .no_deps = true,
                                                          .no_build = true,
                                                          .force_recreate = true},
                                     &good, error);
    if (code == ERROR_OK && !good)
        note_missing(step, brain);
    return code;
}

/* It comes up in front of Execution. */
static bool is_before_execution(const struct setup *setup, const char *service)
{
    const struct setup_list *order = &setup->compose.order;
    for (size_t i = 0; i < order->count && strcmp(order->items[i], setup->services.execution) != 0;
         i++)
        if (strcmp(order->items[i], service) == 0)
            return true;
    return false;
}

enum error_code bring_back(struct step *step, const char *override, struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    const struct containers *before = &step->seen.before.containers;
    struct group first = {.count = 0}, rest = {.count = 0};
    bool made = false; /* Execution, here and now */
    for (size_t i = 0; i < before->count; i++) {
        const char *service = before->list[i].service;
        struct group *group = is_before_execution(setup, service) ? &first : &rest;
        bool doubled = group->count > 0 && strcmp(group->names[group->count - 1], service) == 0;
        if (strcmp(service, setup->services.execution) != 0 && !doubled
            && is_affected(step, &before->list[i]))
            add_to_group(step, group, &before->list[i]);
    }
    enum error_code code = up_group(step, override, &first, error);
    if (code == ERROR_OK)
        code = bring_back_execution(step, override, &made, error);
    if (code == ERROR_OK && made)
        code = make_brain_ask_again(step, override, error);
    return code == ERROR_OK ? up_group(step, override, &rest, error) : code;
}
