#include "fsm/steps/window/window_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/logs.h"
#include "fsm/steps/withdrawn.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

/* A sample whose list could not be asked for begins nothing. */
static bool has_list(const struct journal_entry *sample)
{
    const json_t *evidence = json_object_get(sample->body, "evidence"), *item;
    bool listed = false;
    size_t i;
    json_array_foreach (evidence, i, item) {
        if (strcmp(json_string_value(json_object_get(item, "probe")), PROBE_COMPOSE_CONTAINERS)
            != 0)
            continue;
        if (json_integer_value(json_object_get(item, "status")) != 0)
            return false;
        listed = true;
    }
    return listed;
}

/* The first that has one. */
static const struct journal_entry *first_sample(const struct deployment *deployment,
                                                uint64_t intent)
{
    const struct journal_entry *first = NULL;
    json_int_t of = (json_int_t)intent;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (strcmp(entry->type, ENTRY_SAMPLE) != 0)
            continue;
        json_int_t names = json_integer_value(json_object_get(entry->body, "intent"));
        if (intent == 0 && names != of) {
            first = NULL; /* a later window */
            of = names;
        }
        if (first == NULL && names == of && has_list(entry))
            first = entry;
    }
    return first;
}

enum error_code window_origin_load(struct driver *driver, uint64_t intent,
                                   struct window_origin *ret_origin, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    const struct journal_entry *first = first_sample(&driver->deployment, intent);
    ret_origin->known = false;
    if (first == NULL)
        return ERROR_OK;
    const json_t *item = json_array_get(json_object_get(first->body, "evidence"), 0);
    const char *boot = json_string_value(json_object_get(json_object_get(item, "target"), "boot"));
    (void)snprintf(ret_origin->target_boot, sizeof ret_origin->target_boot, "%s",
                   boot != NULL ? boot : "");
    enum error_code code = entry_output(driver->journal, first, PROBE_COMPOSE_CONTAINERS, &lines,
                                        error);
    if (code == ERROR_OK)
        code = containers_read(&lines, &ret_origin->containers, error);
    ret_origin->known = code == ERROR_OK;
    return code;
}

static const char *boot_of(const struct step *step)
{
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_COMPOSE_CONTAINERS,
                                                     NULL);
    return item != NULL ? item->target.boot : "";
}

void window_origin_note(const struct step *step, struct window_origin *origin)
{
    origin->containers = step->seen.containers;
    (void)snprintf(origin->target_boot, sizeof origin->target_boot, "%s", boot_of(step));
    origin->known = true;
}

static bool is_same_run(const struct container *a, const struct container *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->image, b->image) == 0
           && strcmp(a->started_at, b->started_at) == 0 && a->restarts == b->restarts;
}

/* Services that restart by design, and one-shots that have ended well. */
static bool is_compared(const struct step *step, const struct containers *containers,
                        const char *service)
{
    const struct setup_list *allowed = &step->driver->config.setup.services.restarts_allowed;
    bool ended = true;
    if (declared_find(step_declared(step), service)->off)
        return false;
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->items[i], service) == 0)
            return false;
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (strcmp(container->service, service) == 0)
            ended = ended && container_ended_well(container);
    }
    return !ended;
}

/* The first container of `these` that `those` do not have in the same run; NULL = none. */
static const struct container *first_other(const struct step *step, const struct containers *these,
                                           const struct containers *those)
{
    for (size_t i = 0; i < these->count; i++) {
        bool found = false;
        for (size_t j = 0; j < those->count && !found; j++)
            found = is_same_run(&these->list[i], &those->list[j]);
        if (!found && is_compared(step, these, these->list[i].service))
            return &these->list[i];
    }
    return NULL;
}

bool window_origin_differs(const struct step *step, const struct window_origin *origin,
                           char *ret_text, size_t size)
{
    const struct containers *now = &step->seen.containers;
    if (!origin->known)
        return false;
    if (strcmp(boot_of(step), origin->target_boot) != 0) {
        (void)snprintf(ret_text, size, "the target was restarted during the health window");
        return true;
    }
    const struct container *other = first_other(step, now, &origin->containers);
    if (other != NULL) {
        (void)snprintf(ret_text, size, "%s was restarted or recreated during the health window",
                       other->service);
        return true;
    }
    other = first_other(step, &origin->containers, now);
    if (other != NULL)
        (void)snprintf(ret_text, size, "the container of %s is gone", other->service);
    return other != NULL;
}

static bool is_remembered_run(const struct driver *driver, const struct interlock_view *view)
{
    const struct interlock_memory *last = &driver->interlock;
    return last->container[0] != '\0' && strcmp(last->container, view->container) == 0
           && strcmp(last->started_at, view->started_at) == 0;
}

enum interlock window_interlock(const struct driver *driver, const struct interlock_view *view)
{
    const struct interlock_memory *last = &driver->interlock;
    bool has_marker = driver->config.setup.services.marker[0] != '\0';
    if (view->interlock != INTERLOCK_UNKNOWN || view->armed_lines + view->disarmed_lines > 0
        || !is_remembered_run(driver, view))
        return view->interlock;
    bool agrees = !has_marker || view->says_armed == (last->shown == INTERLOCK_ARMED);
    return agrees ? last->shown : INTERLOCK_UNKNOWN;
}

bool window_interlock_changed(const struct driver *driver, const struct interlock_view *view,
                              enum interlock expected)
{
    const struct interlock_memory *last = &driver->interlock;
    unsigned now = expected == INTERLOCK_ARMED ? view->disarmed_lines : view->armed_lines;
    unsigned before = expected == INTERLOCK_ARMED ? last->disarmed_lines : last->armed_lines;
    /* Nobody but others sends DISARM in the window. */
    bool disarms = expected == INTERLOCK_ARMED && view->heard_count > last->heard_count;
    return is_remembered_run(driver, view) && (now > before || disarms);
}

void window_interlock_note(struct driver *driver, const struct interlock_view *view)
{
    struct interlock_memory *last = &driver->interlock;
    last->shown = window_interlock(driver, view);
    memcpy(last->container, view->container, sizeof last->container);
    memcpy(driver->execution, view->container, sizeof driver->execution);
    memcpy(last->started_at, view->started_at, sizeof last->started_at);
    last->armed_lines = view->armed_lines;
    last->disarmed_lines = view->disarmed_lines;
    last->heard_count = view->heard_count;
}

void window_interlock_mismatch(struct step *step, enum interlock expected, char *text, size_t size)
{
    char by[280] = "";
    if (text[0] != '\0')
        return;
    if (expected == INTERLOCK_ARMED)
        withdrawn_describe(step, by, sizeof by);
    (void)snprintf(text, size, "Execution was %s in the health window%s",
                   expected == INTERLOCK_ARMED ? "disarmed" : "armed", by);
}

/* One look that an entry recorded; nothing where it has none, or Execution did not run. */
static enum error_code recall_look(struct driver *driver, const struct journal_entry *entry,
                                   struct containers *containers, struct error *error)
{
    const struct setup_services *services = &driver->config.setup.services;
    CLEANUP_BYTES struct bytes lines = {0}, list = {0}, marker = {0};
    struct journal *journal = driver->journal;
    char word[16];
    enum error_code code = entry_output(journal, entry, PROBE_LOGS_EXECUTION, &lines, error);
    if (code == ERROR_OK)
        code = entry_output(journal, entry, PROBE_COMPOSE_CONTAINERS, &list, error);
    if (code == ERROR_OK)
        code = entry_output(journal, entry, PROBE_INTERLOCK_MARKER, &marker, error);
    if (code == ERROR_OK && lines.size > 0 && containers_read(&list, containers, error) != ERROR_OK)
        return ERROR_OK; /* a list that could not be asked for is no look */
    if (code != ERROR_OK || lines.size == 0
        || containers_running(containers, services->execution) != 1)
        return code;
    const struct container *execution = containers_find(containers, services->execution);
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    text_cut(view.container, sizeof view.container, execution->id);
    text_cut(view.started_at, sizeof view.started_at, execution->started_at);
    (void)snprintf(word, sizeof word, "%.*s",
                   marker.size > 0 ? (int)strcspn((const char *)marker.data, "\n") : 0,
                   marker.size > 0 ? (const char *)marker.data : "");
    interlock_read(services, &lines, logs_boundary(execution), &(struct interlock_question){0},
                   word, &view);
    window_interlock_note(driver, &view);
    return ERROR_OK;
}

enum error_code window_interlock_recall(struct driver *driver, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    if (driver->interlock.container[0] != '\0'
        || driver->config.setup.services.execution[0] == '\0')
        return ERROR_OK;
    struct containers *containers = calloc(1, sizeof *containers); /* too large for the stack */
    if (containers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "interlock", "", "out of memory");
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < deployment->count; i++)
        code = recall_look(driver, &deployment->entries[i], containers, error);
    free(containers);
    return code;
}
