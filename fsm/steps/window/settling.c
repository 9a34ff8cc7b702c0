#include "fsm/steps/window/settling.h"

#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/declared.h"
#include "actions/health.h"
#include "fsm/past/recorded.h"
#include "fsm/steps/await.h"
#include "journal/format/names.h"

static bool is_starting(const struct container *container)
{
    return strcmp(container->state, "running") == 0 && strcmp(container->health, "starting") == 0;
}

bool settling_any_starts(const struct containers *containers)
{
    for (size_t i = 0; i < containers->count; i++)
        if (is_starting(&containers->list[i]))
            return true;
    return false;
}

/* Behind the last switching command, on the boot in which it returned. */
static bool is_soon_enough(const struct step *step)
{
    const struct driver *driver = step->driver;
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *switched = deployment_transition_to(deployment, STATE_SWITCHED);
    const struct evidence_item *list = evidence_last(&step->evidence, PROBE_COMPOSE_CONTAINERS,
                                                     NULL);
    int64_t up_ns = switched != NULL ? entry_received_ns(switched, PROBE_COMPOSE_UP) : 0;
    struct clock_reading now;
    struct error ignored;
    return up_ns > 0 && list != NULL
           && list->received_ns - up_ns <= driver->config.limits.service_start_ms * 1000000
           && driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK
           && strcmp(now.boot, switched->boot) == 0;
}

/* The two steps in which somebody watches what starts. */
static bool step_may_settle(const struct step *step)
{
    return step->driver->deployment.procedure == PROCEDURE_RELEASE
           && (step->edge->action == ACTION_VERIFY_RELEASE
               || step->edge->action == ACTION_OBSERVE_WINDOW);
}

bool settling_has(const struct step *step, const struct container *container)
{
    return is_starting(container) && step_may_settle(step) && is_soon_enough(step);
}

bool settling_has_endpoint(const struct step *step, size_t endpoint)
{
    const struct containers *containers = &step->seen.containers;
    const char *service;
    size_t length = health_service(&step->driver->config.setup.endpoints[endpoint], &service);
    for (size_t i = 0; length > 0 && i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (strlen(container->service) == length && memcmp(container->service, service, length) == 0
            && settling_has(step, container))
            return true;
    }
    return false;
}

const struct container *settling_first_sick(const struct step *step)
{
    const struct containers *containers = &step->seen.containers;
    for (size_t i = 0; i < containers->count; i++)
        if (!declared_is_good(step_declared(step), &containers->list[i])
            && !settling_has(step, &containers->list[i]))
            return &containers->list[i];
    return NULL;
}

int64_t settling_until_ns(const struct step *step)
{
    const struct driver *driver = step->driver;
    return driver_now_ns(driver) + driver->config.limits.service_start_ms * 1000000;
}

static enum error_code list_again(void *context, struct error *error)
{
    struct step *step = context;
    return compose_containers(step->target, &step->evidence, &step->seen.containers, error);
}

static bool is_started(const void *context)
{
    const struct step *step = context;
    return !settling_any_starts(&step->seen.containers);
}

enum error_code settling_await(struct step *step, struct error *error)
{
    static const int64_t PAUSE_NS = 1000000000;
    size_t before = step->evidence.count;
    enum error_code code = await(&(struct await){.clock = step->driver->clock,
                                                 .evidence = &step->evidence,
                                                 .until_ns = settling_until_ns(step),
                                                 .pause_ns = PAUSE_NS,
                                                 .look = list_again,
                                                 .enough = is_started,
                                                 .context = step},
                                 error);
    evidence_cut(&step->evidence, before);
    return code;
}
