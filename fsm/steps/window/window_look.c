#include "fsm/steps/window/window_look.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/parity.h"
#include "fsm/steps/window/settling.h"
#include "fsm/steps/window/window_identity.h"
#include "journal/format/names.h"

bool look_names(const char *failing, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = failing; *at != '\0'; at += strcspn(at, ",") + 1)
        if (strcspn(at, ",") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

static void add_failing(struct look *look, const char *name, const char *text)
{
    size_t used = strlen(look->failing);
    if (!look_names(look->failing, name))
        (void)snprintf(look->failing + used, sizeof look->failing - used, "%s,", name);
    if (look->text[0] == '\0')
        (void)snprintf(look->text, sizeof look->text, "%s", text);
}

/* Neither good nor failing yet. */
static void add_settling(struct look *look, const char *name)
{
    size_t used = strlen(look->settling);
    if (!look_names(look->settling, name))
        (void)snprintf(look->settling + used, sizeof look->settling - used, "%s,", name);
}

static void add_mismatch(struct look *look, const char *text)
{
    if (look->mismatch[0] == '\0')
        (void)snprintf(look->mismatch, sizeof look->mismatch, "%s", text);
}

static void judge_containers(const struct step *step, const struct window_origin *origin,
                             struct look *look)
{
    const struct containers *containers = &step->seen.containers;
    const struct declared *declared = step_declared(step);
    char text[300];
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (settling_has(step, container))
            add_settling(look, container->service);
        else if (!declared_is_good(declared, container))
            add_failing(look, container->service, "a service does not run well");
    }
    for (size_t i = 0; i < declared->count; i++)
        if ((int64_t)declared_present(declared, containers, declared->list[i].service)
            < declared->list[i].replicas)
            add_failing(look, declared->list[i].service, "a container of a service is missing");
    if (window_origin_differs(step, origin, text, sizeof text))
        add_mismatch(look, text);
}

/* A probe of this look failed: that is a failure of the sample, and nothing else is. */
static void add_unanswered(struct look *look, const char *text)
{
    look->unanswered = true;
    add_failing(look, LOOK_PROBE, text);
}

/* What was being asked when *error came. A probe that answered with a failure has its item. */
static enum error_code record_unanswered(struct step *step, struct look *look, const char *probe,
                                         const char *subject, struct error *error)
{
    struct evidence *evidence = &step->evidence;
    const struct evidence_item *last = evidence->count > 0 ? &evidence->items[evidence->count - 1]
                                                           : NULL;
    int64_t now_ns = driver_now_ns(step->driver),
            sent_ns = last != NULL ? last->received_ns : look->sent_ns;
    add_unanswered(look, error->what);
    if (error->code == ERROR_UNREACHABLE) { /* the next sample finds a new way, or none */
        driver_disconnect(step->driver);
        step->target = NULL;
    }
    if (last != NULL && last->status != 0 && strcmp(last->probe, probe) == 0)
        return ERROR_OK;
    return evidence_add_unanswered(
        evidence,
        &(struct evidence_unanswered){probe, subject, EVIDENCE_UNANSWERED, sent_ns, now_ns}, error);
}

/* A service whose list failed fails. */
static void fail_services(const struct step *step, struct look *look, const char *text)
{
    for (size_t i = 0; step->origin.known && i < step->origin.containers.count; i++)
        add_failing(look, step->origin.containers.list[i].service, text);
}

/* Without the list nothing else can be told: every endpoint, every service and the policy hash
 * count as failed. */
static enum error_code fail_whole_look(struct step *step, struct look *look, struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    struct error cause = *error;
    enum error_code code = record_unanswered(step, look, PROBE_COMPOSE_CONTAINERS, "", error);
    for (size_t i = 0; code == ERROR_OK && i < setup->endpoint_count; i++) {
        *error = cause;
        add_failing(look, setup->endpoints[i].name, cause.what);
        /* Not asked at all: its time is that of the entry, behind the list (C-03). */
        code = health_unanswered(step->driver->clock, setup->endpoints[i].name,
                                 driver_now_ns(step->driver), &step->evidence, error);
    }
    fail_services(step, look, cause.what);
    if (step_has_policy(step))
        add_failing(look, "policy_hash", cause.what);
    return code;
}

/* The probe of a look at the voices, or at the interlock, behind the one that was answered last. */
static const char *next_probe(const struct evidence *evidence, bool interlock)
{
    const char *last = evidence->items[evidence->count - 1].probe;
    if (!interlock)
        return strcmp(last, PROBE_LOGS_EXECUTION) == 0 ? PROBE_LOGS_BRAIN : PROBE_LOGS_EXECUTION;
    return strcmp(last, PROBE_LOGS_EXECUTION) == 0       ? PROBE_INTERLOCK_MARKER
           : strcmp(last, PROBE_COMPOSE_CONTAINERS) == 0 ? PROBE_LOGS_EXECUTION
                                                         : PROBE_COMPOSE_CONTAINERS;
}

static const char *subject_of(const struct step *step, const char *probe)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const struct container *execution = containers_find(&step->seen.containers,
                                                        services->execution);
    return strcmp(probe, PROBE_LOGS_EXECUTION) == 0                          ? services->execution
           : strcmp(probe, PROBE_LOGS_BRAIN) == 0                            ? services->brain
           : strcmp(probe, PROBE_INTERLOCK_MARKER) == 0 && execution != NULL ? execution->name
                                                                             : "";
}

/* An answer whose status says that it is none, of the items from `first` on. */
static const struct evidence_item *failed_item(const struct evidence *evidence, size_t first)
{
    for (size_t i = first; i < evidence->count; i++) {
        const struct evidence_item *item = &evidence->items[i];
        if (item->status != 0 && strcmp(item->probe, PROBE_HEALTH) != 0
            && strcmp(item->probe, PROBE_BUS_POLICY_HASH) != 0)
            return item;
    }
    return NULL;
}

/* A line once heard stays heard; a handshake that failed since the last look is contrary whatever
 * came behind it, and so is what a run that began in this deployment says otherwise. */
static void judge_parity_view(const struct step *step, struct look *look)
{
    const struct parity_view *parity = &step->seen.parity;
    const char *contrary = step_contrary_line(step);
    char text[200];
    if (parity->parity == PARITY_UNEQUAL) {
        add_mismatch(look, parity->text);
    } else if (parity->brain_failed[0] != '\0') {
        (void)snprintf(text, sizeof text, "Brain says: %s", parity->brain_failed);
        add_mismatch(look, text);
    } else if (contrary[0] != '\0') {
        add_mismatch(look, contrary);
    } else if (parity->parity == PARITY_MISSING) {
        add_failing(look, "policy_hash", parity->text);
    }
    if (parity->lost)
        add_failing(look, LOOK_LEADERSHIP, "Brain lost its leadership");
}

static void judge_interlock_view(struct step *step, enum interlock expected, struct look *look)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const struct interlock_view *view = &step->seen.interlock;
    enum interlock shown = window_interlock(step->driver, view);
    bool runs = containers_running(&step->seen.containers, services->execution) > 0;
    if (containers_running(&step->seen.containers, services->brain) > 1)
        add_mismatch(look, "more than one container of Brain runs");
    if (view->running > 1)
        add_mismatch(look, "more than one container of Execution runs");
    else if (runs && shown == INTERLOCK_UNKNOWN)
        add_mismatch(look, "Execution does not show whether it is armed or disarmed");
    else if (runs && (shown != expected || window_interlock_changed(step->driver, view, expected)))
        window_interlock_mismatch(step, expected, look->mismatch, sizeof look->mismatch);
    window_interlock_note(step->driver, view);
}

/* *error is what failed. */
static enum error_code fail_policy_look(struct step *step, bool interlock, struct look *look,
                                        struct error *error)
{
    const char *probe = next_probe(&step->evidence, interlock);
    return record_unanswered(step, look, probe, subject_of(step, probe), error);
}

static enum error_code watch_policy(struct step *step, const struct expectation *expected,
                                    struct look *look, struct error *error)
{
    struct step_seen *seen = &step->seen;
    size_t first = step->evidence.count;
    enum error_code code = parity_look(step->target, &seen->containers, PARITY_SAMPLE,
                                       expected->policy_hash, &step->evidence, &seen->parity,
                                       error);
    if (code != ERROR_OK)
        return fail_policy_look(step, false, look, error);
    const struct evidence_item *failed = failed_item(&step->evidence, first);
    if (failed == NULL || seen->parity.parity == PARITY_UNEQUAL)
        judge_parity_view(step, look);
    if (failed != NULL)
        add_unanswered(look, (const char *)failed->output.data);
    first = step->evidence.count;
    code = interlock_look(step->target, &(struct interlock_question){0}, &step->evidence,
                          &seen->interlock, error);
    if (code != ERROR_OK)
        return fail_policy_look(step, true, look, error);
    failed = failed_item(&step->evidence, first);
    if (failed != NULL)
        add_unanswered(look, (const char *)failed->output.data);
    else
        judge_interlock_view(step, expected->interlock, look);
    return ERROR_OK;
}

/* The list with which the look at Execution began is the last of the sample: what has gone since
 * the first one is seen now, and not one sample later. */
static enum error_code judge_last_list(struct step *step, const struct window_origin *origin,
                                       struct look *look, struct error *error)
{
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_COMPOSE_CONTAINERS,
                                                     NULL);
    if (item->status != 0) {
        fail_services(step, look, (const char *)item->output.data);
        return ERROR_OK;
    }
    enum error_code code = containers_read(&item->output, &step->seen.containers, error);
    if (code == ERROR_OK)
        judge_containers(step, origin, look);
    return code;
}

/* P-30, between the last list that was recorded and those of this look. */
static enum error_code judge_changes(const struct step *step, struct look *look,
                                     struct error *error)
{
    char service[64], text[200];
    enum error_code code = step_changed_service(step, service, error);
    (void)snprintf(text, sizeof text, "the containers of %s changed", service);
    if (code == ERROR_OK && service[0] != '\0')
        add_mismatch(look, text);
    return code;
}

/* A sample that lasts longer than the gap limit is none, so that its commands have less. */
static enum error_code list_containers(struct step *step, const struct look *look,
                                       struct error *error)
{
    int64_t limit_ns = step->driver->config.limits.sample_gap_ms * 1000000 / 10 * 6;
    enum error_code code = step->target != NULL ? ERROR_OK : step_connect_target(step, error);
    if (code != ERROR_OK)
        return code;
    target_limit(step->target, look->sent_ns + limit_ns);
    return compose_containers(step->target, &step->evidence, &step->seen.containers, error);
}

static enum error_code look_at_watched(struct step *step, const struct expectation *expected,
                                       struct look *look, struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    struct step_seen *seen = &step->seen;
    struct window_origin *origin = &step->origin;
    enum error_code code = list_containers(step, look, error);
    if (code != ERROR_OK)
        return fail_whole_look(step, look, error);
    if (!origin->known)
        window_origin_note(step, origin);
    code = health_look(step->target, &seen->containers, &step->evidence, &seen->health, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < setup->endpoint_count; i++)
        if (!seen->health.good[i] && settling_has_endpoint(step, i))
            add_settling(look, setup->endpoints[i].name);
        else if (!seen->health.good[i])
            add_failing(look, setup->endpoints[i].name, seen->health.text);
    judge_containers(step, origin, look);
    if (expected->interlock == INTERLOCK_INVALID)
        return ERROR_OK;
    code = watch_policy(step, expected, look, error);
    if (code == ERROR_OK)
        code = judge_last_list(step, origin, look, error);
    return code == ERROR_OK ? judge_changes(step, look, error) : code;
}

enum error_code window_look(struct step *step, const struct expectation *expected,
                            struct look *look, struct error *error)
{
    *look = (struct look){.sent_ns = driver_now_ns(step->driver)};
    enum error_code code = look_at_watched(step, expected, look, error);
    look->received_ns = driver_now_ns(step->driver);
    if (step->target != NULL)
        target_limit(step->target, 0);
    return code;
}
