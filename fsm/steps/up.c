#include "fsm/steps/up.h"

#include <string.h>

#include "fsm/steps/await.h"
#include "fsm/steps/remaining.h"
#include "journal/format/names.h"

static const int64_t COMPLETION_PAUSE_NS = 1000000000;

enum error_code up(struct step *step, const struct compose_up *draft, struct error *error)
{
    struct compose_up whole = *draft;
    int status = 0;
    whole.deadline_ms = step_remaining_ms(step);
    enum error_code code = compose_up(step->target, step_lease(step), &whole, &step->evidence,
                                      &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(
        step, EVENT_FAILED,
        "services cannot be brought up: %.300s; look at the containers and their logs",
        (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL)->output.data);
}

/* The run is one of before this deployment. */
static bool is_run_of_before(const struct step *step, const struct container *container)
{
    const struct containers *found = &step->seen.before.found;
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->list[i].id, container->id) == 0
            && strcmp(found->list[i].started_at, container->started_at) == 0)
            return true;
    return false;
}

/* A one-shot that ended well, or still runs, in a run of this deployment: it is not run again. */
static bool has_its_run(const struct step *step, const char *service)
{
    const struct containers *now = &step->seen.containers;
    if (!declared_is_one_shot(declared_find(step_declared(step), service)))
        return false;
    for (size_t i = 0; i < now->count; i++)
        if (strcmp(now->list[i].service, service) == 0
            && (container_ended_well(&now->list[i]) || container_runs(&now->list[i]))
            && !is_run_of_before(step, &now->list[i]))
            return true;
    return false;
}

static enum error_code look_at_one_shots(struct step *step, struct error *error)
{
    enum error_code code = snapshot_load(step->driver, &step->seen.before, error);
    return code == ERROR_OK
               ? compose_containers(step->target, &step->evidence, &step->seen.containers, error)
               : code;
}

struct completion {
    struct step *step;
    const char *service;
};

static enum error_code look_at_completion(void *context, struct error *error)
{
    struct step *step = ((struct completion *)context)->step;
    return compose_containers(step->target, &step->evidence, &step->seen.containers, error);
}

static bool is_at_its_end(const void *context)
{
    const struct completion *completion = context;
    return containers_running(&completion->step->seen.containers, completion->service) == 0;
}

/* What comes after it in the order may need what it does. */
static enum error_code await_completion(struct step *step, const char *service, struct error *error)
{
    struct completion completion = {step, service};
    enum error_code code = await(&(struct await){.clock = step->driver->clock,
                                                 .evidence = &step->evidence,
                                                 .until_ns = step->deadline_ns,
                                                 .pause_ns = COMPLETION_PAUSE_NS,
                                                 .look = look_at_completion,
                                                 .enough = is_at_its_end,
                                                 .context = &completion},
                                 error);
    const struct container *container = containers_find(&step->seen.containers, service);
    if (code != ERROR_OK || (container != NULL && container_ended_well(container)))
        return code;
    return step_is(step, EVENT_FAILED,
                   container == NULL           ? "%s has no container"
                   : container_runs(container) ? "%s did not end in time; read its log"
                                               : "%s ended with another status than 0; read its "
                                                 "log",
                   service);
}

/* compose compares what Docker may not tell: it could leave a container of another image alone, and
 * nobody could see it. */
static bool is_untold(const struct step *step, const char *service)
{
    const struct image *image = images_find(&step->seen.images, service);
    const struct containers *now = &step->seen.containers;
    bool untold = false;
    for (size_t i = 0; image != NULL && i < now->count; i++)
        untold = untold
                 || (strcmp(now->list[i].service, service) == 0 && container_runs(&now->list[i])
                     && image_is_untold(image, &now->list[i]));
    return untold && !declared_is_one_shot(declared_find(step_declared(step), service));
}

enum error_code up_one(struct step *step, const char *service, struct error *error)
{
    const struct declared_row *row = declared_find(step_declared(step), service);
    enum error_code code = declared_is_one_shot(row) ? look_at_one_shots(step, error) : ERROR_OK;
    if (code == ERROR_OK && !has_its_run(step, service))
        code = up(step,
                  &(struct compose_up){.services = {service},
                                       .service_count = 1,
                                       .no_deps = true,
                                       .force_recreate = step_has_manifests(step)
                                                         && is_untold(step, service)},
                  error);
    return step_goes_on(step, code) && row->once ? await_completion(step, service, error) : code;
}

enum error_code up_untold(struct step *step, bool *ret_done, struct error *error)
{
    const struct declared *declared = step_declared(step);
    struct compose_up untold = {.no_deps = true, .force_recreate = true};
    enum error_code code = ERROR_OK;
    *ret_done = false;
    if (!step_has_manifests(step))
        return ERROR_OK;
    code = remaining_pulled(step, &step->seen.images, error);
    if (code == ERROR_OK)
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    for (size_t i = 0; code == ERROR_OK && i < declared->count; i++)
        if (!declared->list[i].off && is_untold(step, declared->list[i].service))
            untold.services[untold.service_count++] = declared->list[i].service;
    *ret_done = untold.service_count > 0;
    return code == ERROR_OK && *ret_done ? up(step, &untold, error) : code;
}

static bool has_one_shots(const struct declared *declared)
{
    for (size_t i = 0; i < declared->count; i++)
        if (declared_is_one_shot(&declared->list[i]))
            return true;
    return false;
}

/* What has completed would be started again: compose starts whatever does not run. Among the others
 * the order of depends_on holds under --no-deps too. */
enum error_code up_all(struct step *step, struct error *error)
{
    const struct declared *declared = step_declared(step);
    struct compose_up all = {.remove_orphans = true, .no_deps = true};
    size_t left_out = 0;
    enum error_code code = has_one_shots(declared) ? look_at_one_shots(step, error) : ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < declared->count; i++)
        if (!declared->list[i].off && has_its_run(step, declared->list[i].service))
            left_out++;
        else if (!declared->list[i].off)
            all.services[all.service_count++] = declared->list[i].service;
    if (code == ERROR_OK && left_out == 0)
        all = (struct compose_up){.remove_orphans = true};
    return code == ERROR_OK ? up(step, &all, error) : code;
}

static bool is_in_order(const struct setup_list *order, const char *service)
{
    for (size_t i = 0; i < order->count; i++)
        if (strcmp(order->items[i], service) == 0)
            return true;
    return false;
}

enum error_code up_others(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    const struct declared *declared = step_declared(step);
    const struct containers *now = &step->seen.containers;
    struct compose_up others = {.no_deps = true};
    if (!step_has_policy(step)
        || (containers_running(now, setup->services.execution) > 0
            && containers_running(now, setup->services.brain) > 0))
        return ERROR_OK;
    enum error_code code = has_one_shots(declared) ? look_at_one_shots(step, error) : ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < declared->count; i++) {
        const struct declared_row *row = &declared->list[i];
        if (!row->off && row->replicas > 0 && !is_in_order(&setup->compose.order, row->service)
            && containers_running(now, row->service) == 0 && !has_its_run(step, row->service))
            others.services[others.service_count++] = row->service;
    }
    return code == ERROR_OK && others.service_count > 0 ? up(step, &others, error) : code;
}
