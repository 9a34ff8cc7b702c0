#include "verify/judge/settling.h"

#include <string.h>

#include "verify/judge/reading.h"

/* A sample, or the entry that answers verify_release. */
static bool may_settle(const struct audit *audit, const struct entry *entry)
{
    if (audit->deployment.policy)
        return false;
    if (entry->type == ENTRY_SAMPLE)
        return true;
    for (size_t i = 0; i < audit->deployment.step_count; i++)
        if (audit->deployment.steps[i].transition == entry)
            return audit->deployment.steps[i].action == ACTION_VERIFY_RELEASE;
    return false;
}

/* The last `compose.up` of the switch, which is in *ret_entry; NULL. */
static const struct item *last_up(const struct audit *audit, const struct entry **ret_entry)
{
    const struct item *up = NULL;
    *ret_entry = deployment_good_entry(&audit->deployment, ACTION_SWITCH_SERVICES);
    for (size_t i = 0; *ret_entry != NULL && i < (*ret_entry)->item_count; i++)
        if ((*ret_entry)->items[i].probe == PROBE_COMPOSE_UP)
            up = &(*ret_entry)->items[i];
    return up;
}

bool settling_container(const struct audit *audit, const struct entry *entry,
                        const struct item *list, const struct listed *container)
{
    const struct entry *switched;
    bool same_boot;
    if (strcmp(container->state, "running") != 0 || strcmp(container->health, "starting") != 0
        || !may_settle(audit, entry))
        return false;
    const struct item *up = last_up(audit, &switched);
    return up != NULL
           && deployment_boot_span_ms(switched, up->received_ns, entry, list->received_ns,
                                      &same_boot)
                  <= audit->limits->service_start_ms
           && same_boot;
}

static bool is_answered_by(const struct audit *audit, struct slice endpoint, const char *service)
{
    const struct node *node = audit->genesis.endpoint_services;
    for (node = node != NULL ? node->first : NULL; node != NULL; node = node->next) {
        const char *space = memchr(node->text.at, ' ', node->text.length);
        size_t length = space != NULL ? (size_t)(space - node->text.at) : 0;
        if (space != NULL && slice_equal((struct slice){node->text.at, length}, endpoint)
            && slice_is(slice_from(node->text, length + 1), service))
            return true;
    }
    return false;
}

bool settling_endpoint(const struct audit *audit, const struct entry *entry,
                       const struct item *health)
{
    const struct item *list = NULL;
    for (size_t i = 0; i < entry->item_count && &entry->items[i] != health; i++)
        if (entry->items[i].probe == PROBE_COMPOSE_CONTAINERS)
            list = &entry->items[i];
    const struct listing *containers = list != NULL ? reading_list(list) : NULL;
    for (size_t i = 0; containers != NULL && i < containers->count; i++)
        if (is_answered_by(audit, health->subject, containers->list[i].service)
            && settling_container(audit, entry, list, &containers->list[i]))
            return true;
    return false;
}
