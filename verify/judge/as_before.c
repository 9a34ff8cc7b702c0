#include "verify/judge/as_before.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

static const struct listed *with_id(const struct listing *containers, const char *id)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].id, id) == 0)
            return &containers->list[i];
    return NULL;
}

/* Its own policy restarted it: not where somebody trades. */
static bool restarted_itself(const struct genesis *genesis, const struct listed *was,
                             const struct listed *is)
{
    return reading_is_running(is) && is->restarts > was->restarts
           && !slice_is(genesis->execution, is->service) && !slice_is(genesis->brain, is->service);
}

bool as_before_container(const struct audit *audit, const struct listed *was,
                         const struct listing *is)
{
    const struct listed *now = with_id(is, was->id);
    if (services_may_change(audit, was->service))
        return true;
    return now != NULL && strcmp(was->image, now->image) == 0
           && reading_is_running(was) == reading_is_running(now)
           && ((strcmp(was->started_at, now->started_at) == 0 && was->restarts == now->restarts)
               || restarted_itself(&audit->genesis, was, now));
}

bool as_before_known(const struct audit *audit, const struct listing *was, const struct listed *is)
{
    return services_may_change(audit, is->service) || with_id(was, is->id) != NULL;
}

bool as_before_untouched(const struct audit *audit, const struct entry *entry)
{
    const struct listing *was = deployment_list_before(&audit->deployment),
                         *is = reading_list(entry_first_item(entry, 0, reading_first_act(entry),
                                                             PROBE_COMPOSE_CONTAINERS));
    bool same = was != NULL && is != NULL;
    for (size_t i = 0; same && i < was->count; i++)
        same = as_before_container(audit, &was->list[i], is);
    for (size_t i = 0; same && i < is->count; i++)
        same = as_before_known(audit, was, &is->list[i]);
    return same;
}
