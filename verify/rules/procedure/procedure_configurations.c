/* A container keeps its configuration (P-38). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"

/* An entry with configurations, and the containers whose they are. */
struct told {
    const struct entry *entry;
    const struct listing *drift, *containers;
};

static bool read_told(const struct entry *entry, struct told *ret_told)
{
    *ret_told = (struct told){.entry = entry,
                              .drift = reading_list(entry_item(entry, 0, entry->item_count,
                                                               PROBE_COMPOSE_DRIFT, NULL)),
                              .containers = reading_last_list(entry)};
    return ret_told->drift != NULL && ret_told->containers != NULL;
}

static bool has_same_key(const struct told *one, const struct told *other)
{
    struct slice key = reading_line(one->entry, PROBE_HMAC_KEY);
    return key.length > 0 && slice_equal(key, reading_line(other->entry, PROBE_HMAC_KEY));
}

static void compare_told(const struct told *was, const struct told *is, struct finding *finding)
{
    for (size_t i = 0; i < is->drift->count; i++) {
        struct slice service = slice_of(is->drift->list[i].service);
        const struct listed *before = reading_sole(was->containers, service),
                            *now = reading_sole(is->containers, service),
                            *old = reading_service(was->drift, service);
        if (before != NULL && now != NULL && old != NULL && strcmp(before->id, now->id) == 0
            && strcmp(old->running, is->drift->list[i].running) != 0)
            finding_violated(finding, "P-38", is->entry,
                             "the container of %s is the one of before, and is said to have been "
                             "created from another configuration",
                             is->drift->list[i].service);
    }
}

void procedure_check_configurations(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->step_count; i++)
        for (size_t k = 0; k < i; k++) {
            struct told was, is;
            if (step_is_good(&deployment->steps[i]) && step_is_good(&deployment->steps[k])
                && read_told(deployment->steps[i].transition, &is)
                && read_told(deployment->steps[k].transition, &was) && has_same_key(&was, &is))
                compare_told(&was, &is, finding);
        }
}
