/* That a plain `docker compose up -d` after the rollback is harmless. */
#include "verify/rules/restoration.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

/* The services of the act, one blank in front of each; empty where there is none. */
static struct slice overridden(const struct entry *revert)
{
    static const char act[] = "write override";
    for (size_t i = 0; revert != NULL && i < revert->item_count; i++)
        if (revert->items[i].probe == PROBE_ACT && slice_begins(revert->items[i].subject, act))
            return slice_from(revert->items[i].subject, strlen(act));
    return slice_of("");
}

static bool names_service(struct slice services, const char *service)
{
    size_t length = strlen(service);
    for (size_t i = 0; i + length < services.length; i++)
        if (services.at[i] == ' ' && memcmp(services.at + i + 1, service, length) == 0
            && (i + 1 + length == services.length || services.at[i + 1 + length] == ' '))
            return true;
    return false;
}

bool restoration_is_overridden(const struct entry *revert, const char *service)
{
    return names_service(overridden(revert), service);
}

void restoration_check_plain(const struct audit *audit, const struct entry *after,
                             const struct entry *revert, char *ret_words, size_t room,
                             struct finding *finding)
{
    struct slice services = overridden(revert);
    const struct listing *images = reading_list(
                             entry_item(after, 0, after->item_count, PROBE_COMPOSE_IMAGES, NULL)),
                         *containers = reading_last_list(after);
    const struct item *drift = entry_item(after, 0, after->item_count, PROBE_COMPOSE_DRIFT, NULL);
    if (drift != NULL && slice_is(drift->subject, "override") != (services.length > 0))
        finding_violated(finding, "R-09", after,
                         "configurations are compared with an override that was not written, or "
                         "without the one that was");
    for (size_t i = 0; images != NULL && containers != NULL && i < containers->count; i++) {
        const struct listed *container = &containers->list[i];
        const struct listed *image = reading_service(images, slice_of(container->service));
        if (reading_is_running(container) && !names_service(services, container->service)
            && !services_row(audit, ACTION_REVERT, container->service).off
            && (image == NULL || !reading_is_same_image(container, image)))
            finding_violated(finding, "R-09", after,
                             "a plain up would bring up another image of %s than runs",
                             container->service);
    }
    if (services.length > 0)
        (void)snprintf(ret_words, room, "a plain up would re-create%.*s",
                       SLICE_ARGUMENTS(services));
    else
        (void)snprintf(ret_words, room, "a plain up brings up the same images");
}
