#include "fsm/steps/window/window_past.h"

#include <string.h>

#include "fsm/past/recorded.h"
#include "journal/format/names.h"

int64_t window_watched_ns(const struct deployment *deployment)
{
    int64_t last_ns = 0;
    for (size_t i = 0; i < deployment->count; i++)
        if (strcmp(deployment->entries[i].type, ENTRY_SAMPLE) == 0)
            last_ns = entry_received_ns(&deployment->entries[i], NULL);
    return last_ns;
}

bool window_watched_in(const struct deployment *deployment, const char *boot)
{
    const struct journal_entry *last = deployment_last_of_type(deployment, ENTRY_SAMPLE);
    return last == NULL || strcmp(last->boot, boot) == 0;
}

bool window_has_sample(const struct journal_entry *entry, uint64_t intent)
{
    return strcmp(entry->type, ENTRY_SAMPLE) == 0
           && (uint64_t)json_integer_value(json_object_get(entry->body, "intent")) == intent;
}

struct window_past window_past(const struct deployment *deployment, uint64_t intent,
                               const char *boot)
{
    struct window_past past = {.same_boot = true};
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (!window_has_sample(entry, intent))
            continue;
        past.same_boot = past.same_boot && strcmp(entry->boot, boot) == 0;
        bool settles = entry_settles(entry);
        past.last_ns = entry_sent_ns(entry);
        if (past.count++ == 0 || settles || past.settling)
            past.first_ns = past.last_ns;
        past.settling = settles;
    }
    return past;
}

bool window_begins_too_late(const struct deployment *deployment, uint64_t intent,
                            const struct clock_reading *now, int64_t limit_ms)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i].seq == intent)
            return strcmp(deployment->entries[i].boot, now->boot) == 0
                   && now->boottime_ns - deployment->entries[i].boottime_ns > limit_ms * 1000000;
    return false;
}

/* Behind the last switching command; where it was adopted, nobody knows when it returned, and it
 * counts from the state that followed. */
static int64_t latest_after_switch_ns(const struct deployment *deployment, const char *boot,
                                      int64_t limit_ms)
{
    const struct journal_entry *last = deployment_transition_to(deployment, STATE_SWITCHED);
    int64_t last_ns = last != NULL ? last->boottime_ns : 0;
    for (size_t i = 0; i < deployment->count; i++) {
        int64_t received_ns = entry_received_ns(&deployment->entries[i], PROBE_COMPOSE_UP);
        if (received_ns == 0)
            continue;
        last = &deployment->entries[i];
        last_ns = received_ns;
    }
    return last != NULL && strcmp(last->boot, boot) == 0 ? last_ns + limit_ms * 1000000 : 0;
}

static int64_t latest_after_arm_ns(const struct deployment *deployment, const char *boot,
                                   const struct limits *limits)
{
    const struct journal_entry *armed = deployment_transition_to(deployment, STATE_ARMED);
    int64_t limit_ms = limits->window_start_armed_ms < limits->sample_gap_ms
                           ? limits->window_start_armed_ms
                           : limits->sample_gap_ms;
    return strcmp(armed->boot, boot) == 0 ? entry_received_ns(armed, NULL) + limit_ms * 1000000 : 0;
}

int64_t window_latest_start_ns(const struct step *step, const char *boot)
{
    const struct deployment *deployment = &step->driver->deployment;
    const struct limits *limits = &step->driver->config.limits;
    int64_t switch_ns = deployment->procedure == PROCEDURE_RELEASE
                            ? latest_after_switch_ns(deployment, boot, limits->window_start_ms)
                            : INT64_MAX,
            arm_ns = step->edge->from == STATE_ARMED ? latest_after_arm_ns(deployment, boot, limits)
                                                     : INT64_MAX;
    return switch_ns < arm_ns ? switch_ns : arm_ns;
}

enum error_code window_check_in_time(struct step *step, struct error *error)
{
    struct clock_reading now;
    const struct clock *clock = step->driver->clock;
    enum error_code code = clock->read(clock->context, &now, error);
    if (code != ERROR_OK || now.boottime_ns <= window_latest_start_ns(step, now.boot))
        return code;
    return step_is(step, EVENT_FAILED,
                   "the health window would begin too late after the last change, and nobody "
                   "watched since");
}
