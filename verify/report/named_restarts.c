#include "verify/report/named_restarts.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

static const struct listed *find_started(const struct listing *containers, const char *id)
{
    for (size_t i = 0; containers != NULL && i < containers->count; i++)
        if (strcmp(containers->list[i].id, id) == 0 && reading_is_running(&containers->list[i]))
            return &containers->list[i];
    return NULL;
}

/* Where a list of the deployment first has this container running; NULL. */
static const struct listed *first_seen(const struct deployment *deployment, const char *id)
{
    const struct listed *seen = NULL;
    for (size_t i = 0; seen == NULL && i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; seen == NULL && k < entry->item_count; k++)
            if (entry->items[k].probe == PROBE_COMPOSE_CONTAINERS)
                seen = find_started(reading_list(&entry->items[k]), id);
    }
    return seen;
}

/* The first list of the window, or the last of what was restored; NULL. */
static const struct listing *settled_list(const struct deployment *deployment)
{
    const struct entry *restored = deployment_good_entry(deployment, ACTION_VERIFY_RESTORED);
    if (restored != NULL)
        return reading_last_list(restored);
    const struct listing *first = NULL;
    for (size_t i = 0; first == NULL && i < deployment->count; i++)
        if (deployment->entries[i]->type == ENTRY_SAMPLE)
            first = reading_last_list(deployment->entries[i]);
    return first;
}

static void name_restarts(const struct listed *is, const struct listed *was, bool made, char *words,
                          size_t size)
{
    size_t used = strlen(words);
    long long more = (long long)(is->restarts - (made || was->restarts < 0 ? 0 : was->restarts));
    if (used >= size)
        return;
    if (more > 0)
        (void)snprintf(words + used, size - used, "%s%.64s (%lld)", used > 0 ? ", " : "",
                       is->service, more);
    else if (strcmp(is->started_at, was->started_at) != 0)
        (void)snprintf(words + used, size - used, "%s%.64s", used > 0 ? ", " : "", is->service);
}

void named_collect_restarts(const struct audit *audit, char *ret_words, size_t size)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *snapshot = deployment_good_entry(deployment, ACTION_CONNECT);
    const struct listing *settled = settled_list(deployment);
    for (size_t i = 0; snapshot != NULL && settled != NULL && i < settled->count; i++) {
        const struct listed *is = &settled->list[i];
        const struct listed *was = first_seen(deployment, is->id);
        if (was != NULL && reading_is_running(is) && !services_may_change(audit, is->service))
            name_restarts(is, was, !reading_lists_container(snapshot, is->id), ret_words, size);
    }
}
