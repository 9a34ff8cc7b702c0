#include "verify/whole/clocks.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/kept.h"
#include "verify/read/memory.h"
#include "verify/read/table.h"

enum { REPEATED_WITHIN = 4 };

/* Where the target's uptime began to be followed within one deployment, on one boot of each side,
 * and the first time that it stood still. */
struct standing {
    int64_t deployment;
    const struct entry *first_entry;
    const struct item *first;
    const struct entry *still; /* NULL = never */
    int64_t grown_ms, driver_ms;
    unsigned times;
};

/* What the target's clocks showed last, and which of its boots are over. */
struct target_clock {
    struct clocks *clocks;
    struct table known; /* of `boots`: the place of the first one with this id, plus 1 */
    const char **boots;
    size_t count;
    const struct entry *entry;
    const struct item *item;
};

/* The boot clock never runs backwards, whichever entries of other boots stand between. */
static void follow_boots(const struct record *record, struct finding *finding)
{
    struct table last = {0}; /* of each boot its last entry, plus 1 */
    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        uint64_t *at = table_at(&last, slice_of(entry->boot));
        const struct entry *before = *at > 0 ? &record->entries[*at - 1] : NULL;
        finding_rests_on(finding, entry);
        if (before != NULL && strcmp(before->boot, entry->boot) == 0
            && entry->boottime_ns < before->boottime_ns)
            finding_violated(finding, "C-01", entry,
                             "the boot clock runs backwards within one boot");
        *at = i + 1;
        if (i % KEPT_REST_ENTRIES == 0)
            kept_rest();
    }
    table_free(&last);
}

static bool is_over(const struct target_clock *clock, const char *boot)
{
    uint64_t first = table_find(&clock->known, slice_of(boot));
    return first > 0 && first < clock->count && strcmp(clock->boots[first - 1], boot) == 0;
}

static void note_boot(struct target_clock *clock, const char *boot)
{
    if (clock->count > 0 && strcmp(clock->boots[clock->count - 1], boot) == 0)
        return;
    if ((clock->count & (clock->count - 1)) == 0)
        clock->boots = memory_grown(clock->boots, clock->count > 0 ? clock->count * 2 : 1,
                                    sizeof *clock->boots);
    clock->boots[clock->count++] = boot;
    uint64_t *first = table_at(&clock->known, slice_of(boot));
    if (*first == 0)
        *first = clock->count;
}

static struct slice deployment_text(const int64_t *deployment)
{
    return (struct slice){(const char *)deployment, sizeof *deployment};
}

static struct standing *standing_of(struct clocks *clocks, int64_t deployment)
{
    uint64_t *at = table_at(&clocks->places, deployment_text(&deployment));
    if (*at > 0)
        return &clocks->standings[*at - 1];
    if ((clocks->count & (clocks->count - 1)) == 0)
        clocks->standings = memory_grown(clocks->standings,
                                         clocks->count > 0 ? clocks->count * 2 : 1,
                                         sizeof *clocks->standings);
    *at = clocks->count + 1;
    clocks->standings[clocks->count] = (struct standing){.deployment = deployment};
    return &clocks->standings[clocks->count++];
}

/* C-05, within one boot of the target. */
static void check_uptime(const struct target_clock *clock, const struct entry *entry,
                         const struct item *item, int64_t driver_ms, struct finding *finding)
{
    int64_t grown_ms = item->target_before_ms - clock->item->target_before_ms;
    /* Two requests under way at the same time may be answered in either order. */
    bool overlap = clock->entry != entry && item->sent_ns < clock->item->received_ns
                   && clock->item->sent_ns < item->received_ns;
    if (grown_ms < 0 && overlap)
        return;
    if (grown_ms < 0)
        finding_violated(finding, "C-05", entry,
                         "the target's uptime runs backwards within one boot of it");
    else if (driver_ms >= 0 && grown_ms > driver_ms + driver_ms / 1000 + CLOCKS_TOLERANCE_MS)
        finding_violated(finding, "C-05", entry,
                         "the target's uptime grew by %lld ms while the driver's clock grew by "
                         "%lld ms",
                         (long long)grown_ms, (long long)driver_ms);
}

/* C-05: it stood still. Outside of the deployment that is nobody's concern. */
static void note_standstill(struct target_clock *clock, const struct entry *entry,
                            const struct item *item)
{
    struct standing *standing = standing_of(clock->clocks, entry->deployment);
    const struct item *first = standing->first;
    if (first == NULL || strcmp(standing->first_entry->boot, entry->boot) != 0
        || strcmp(first->target_boot, item->target_boot) != 0) {
        standing->first_entry = entry;
        standing->first = item;
        return;
    }
    int64_t grown_ms = item->target_before_ms - first->target_before_ms,
            driver_ms = (item->sent_ns - first->received_ns) / 1000000;
    if (grown_ms >= driver_ms - driver_ms / 1000 - CLOCKS_TOLERANCE_MS)
        return;
    standing->times++;
    if (standing->still != NULL)
        return;
    standing->still = entry;
    standing->grown_ms = grown_ms;
    standing->driver_ms = driver_ms;
}

/* A `command` beside the running driver is recorded while an item of the driver's next entry, which
 * was sent before, waits for its own; and the other way round. */
static bool is_beside_command(const struct target_clock *clock, const struct entry *entry,
                              const struct item *item)
{
    return clock->entry != NULL
           && (clock->entry->type == ENTRY_COMMAND) != (entry->type == ENTRY_COMMAND)
           && strcmp(clock->entry->boot, entry->boot) == 0 && item->sent_ns < clock->item->sent_ns;
}

static void follow_target(struct target_clock *clock, const struct entry *entry,
                          const struct item *item, struct finding *finding)
{
    if (is_beside_command(clock, entry, item)) {
        struct target_clock earlier = {.entry = entry, .item = item};
        if (strcmp(clock->item->target_boot, item->target_boot) == 0)
            check_uptime(&earlier, clock->entry, clock->item,
                         (clock->item->received_ns - item->sent_ns) / 1000000, finding);
        return;
    }
    bool same_driver = clock->entry != NULL && strcmp(clock->entry->boot, entry->boot) == 0;
    int64_t driver_ms = same_driver ? (item->received_ns - clock->item->sent_ns) / 1000000 : -1;
    if (is_over(clock, item->target_boot))
        finding_violated(finding, "C-06", entry, "a boot of the target returns after another one");
    else if (clock->item != NULL && strcmp(clock->item->target_boot, item->target_boot) == 0)
        check_uptime(clock, entry, item, driver_ms, finding);
    else if (clock->item != NULL && driver_ms >= 0
             && item->target_before_ms > driver_ms + CLOCKS_TOLERANCE_MS)
        finding_violated(finding, "C-06", entry,
                         "a new boot of the target is older than the last look at the one before");
    note_standstill(clock, entry, item);
    note_boot(clock, item->target_boot);
    clock->entry = entry;
    clock->item = item;
}

/* What came of a command has the items of its intent, and a reconciliation those of the command by
 * which it answered: they count once. */
static bool is_recorded_before(const struct record *record, const struct entry *entry,
                               const struct item *item)
{
    for (int64_t seq = entry->seq; seq-- > 0 && entry->seq - seq <= REPEATED_WITHIN;) {
        const struct entry *other = &record->entries[seq];
        for (size_t i = 0; i < other->item_count; i++)
            if (other->items[i].probe == item->probe && other->items[i].sent_ns == item->sent_ns
                && other->items[i].received_ns == item->received_ns
                && memcmp(other->items[i].hash, item->hash, SHA256_BYTES) == 0)
                return true;
    }
    return false;
}

static void follow_targets(const struct record *record, struct clocks *clocks)
{
    struct target_clock clock = {.clocks = clocks};
    for (size_t i = 0; i < record->count; i++) {
        struct entry *entry = &record->entries[i];
        bool may_repeat = entry->type == ENTRY_COMMAND || entry->type == ENTRY_RECONCILIATION;
        for (size_t k = 0; k < entry->item_count; k++)
            if (entry->items[k].has_target
                && !(may_repeat && is_recorded_before(record, entry, &entry->items[k])))
                follow_target(&clock, entry, &entry->items[k], &clocks->target);
        if (i % KEPT_REST_ENTRIES == 0)
            kept_rest();
    }
    free(clock.boots);
    table_free(&clock.known);
}

struct clocks *clocks_follow(const struct record *record)
{
    struct clocks *clocks = memory_zeroed(1, sizeof *clocks);
    finding_init(&clocks->boots);
    finding_init(&clocks->target);
    follow_boots(record, &clocks->boots);
    follow_targets(record, clocks);
    return clocks;
}

void clocks_free(struct clocks *clocks)
{
    if (clocks == NULL)
        return;
    free(clocks->standings);
    table_free(&clocks->places);
    free(clocks);
}

void clocks_tell_target(const struct clocks *clocks, const struct deployment *deployment,
                        struct finding *finding)
{
    int64_t number = deployment->open != NULL ? (int64_t)deployment->number : ENTRY_NO_DEPLOYMENT;
    finding_add(finding, &clocks->target);
    uint64_t place = table_find(&clocks->places, deployment_text(&number));
    const struct standing *standing = place > 0 ? &clocks->standings[place - 1] : NULL;
    for (unsigned i = 0; standing != NULL && i < standing->times; i++)
        finding_undecidable(finding, "C-05", standing->still,
                            "the target's uptime grew by %lld ms while at least %lld ms passed on "
                            "the driver's clock: the target stood still, or that clock ran ahead",
                            (long long)standing->grown_ms, (long long)standing->driver_ms);
}
