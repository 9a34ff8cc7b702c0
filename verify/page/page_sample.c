/* What a sample says, and where window and rollback lie: for the picture and for the words beside
 * it. */
#include "verify/page/page.h"

#include "verify/judge/healthy.h"

enum page_health page_health(const struct page *page, const struct entry *entry,
                             struct slice endpoint, int64_t *ret_status)
{
    enum page_health health = PAGE_MISSING;
    *ret_status = 0;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe != PROBE_HEALTH || !slice_equal(item->subject, endpoint))
            continue;
        health = healthy_answer(&page->audit.genesis, item) != HEALTHY_BAD ? PAGE_GOOD : PAGE_BAD;
        *ret_status = item->status;
    }
    return health;
}

enum page_health page_policy(const struct page *page, const struct entry *entry)
{
    struct voices voices;
    voices_read(&page->audit.deployment.hearing, &page->audit.genesis, entry, 0, entry->item_count,
                VOICE_RESPONDER, &voices);
    switch (voices.parity) {
    case PARITY_EQUAL:
    case PARITY_ABSENT:
        return PAGE_GOOD;
    case PARITY_UNEQUAL:
        return PAGE_BAD;
    case PARITY_INVALID:
    case PARITY_MISSING:
        return PAGE_MISSING;
    }
    return PAGE_MISSING;
}

bool page_is_sample(struct entry *entry, const struct step *step)
{
    return entry->type == ENTRY_SAMPLE
           && (step == NULL
               || (step->intent != NULL
                   && node_number(entry_body(entry), "intent", -1) == step->intent->seq));
}

bool page_window(const struct page *page, struct page_window *ret_window)
{
    const struct deployment *deployment = &page->audit.deployment;
    const struct step *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW);
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        int64_t first_ns = entry->boottime_ns;
        if (!page_is_sample(deployment->entries[i], observed))
            continue;
        for (size_t k = 0; k < entry->item_count; k++)
            first_ns = entry->items[k].sent_ns >= 0 && entry->items[k].sent_ns < first_ns
                           ? entry->items[k].sent_ns
                           : first_ns;
        *ret_window = (struct page_window){i, (entry->boottime_ns - first_ns) / 1000000};
        return true;
    }
    return false;
}

bool page_rollback(const struct page *page, struct page_rollback *ret_rollback)
{
    const struct deployment *deployment = &page->audit.deployment;
    const struct step *failure = deployment_failure(deployment);
    struct page_rollback rollback = {.end = deployment->count - 1};
    bool started = false;
    for (size_t i = 0; failure != NULL && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry == failure->transition)
            rollback.failure = i;
        if (entry->seq <= failure->transition->seq)
            continue;
        if (!started && entry->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(entry), "action")) == ACTION_MAKE_SAFE) {
            started = true;
            rollback.start = i;
        }
        if (entry->type != ENTRY_TRANSITION)
            continue;
        enum state to = state_by_name(node_text(entry_body(entry), "to"));
        if (to != STATE_ROLLED_BACK && to != STATE_ROLLBACK_FAILED)
            continue;
        rollback.end = i;
        rollback.ended = true;
        rollback.restored = to == STATE_ROLLED_BACK;
    }
    if (!started)
        return false;
    *ret_rollback = rollback;
    return true;
}
