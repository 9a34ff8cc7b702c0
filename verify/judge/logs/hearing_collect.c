#include "verify/judge/logs/hearing_collect.h"

#include <stdlib.h>
#include <string.h>

#include "verify/judge/logs/hearing_lines.h"
#include "verify/judge/logs/hearing_looks.h"
#include "verify/judge/order.h"
#include "verify/judge/reading.h"
#include "verify/read/memory.h"
#include "verify/read/greater.h"

static void note_wall_clock(struct walker *walker, const struct item *item)
{
    if (!item->has_target || !item->has_wall)
        return;
    const struct item *last = walker->last;
    if (last != NULL && strcmp(last->target_boot, item->target_boot) == 0) {
        int64_t moved_ms = (item->target_wall_ms - item->target_before_ms)
                           - (last->target_wall_ms - last->target_before_ms);
        moved_ms = greater_of(moved_ms, -moved_ms);
        if (moved_ms > HEARING_WALL_STEP_MS && moved_ms > walker->hearing->step_ms)
            walker->hearing->step_ms = moved_ms;
    }
    walker->last = item;
}

/* How far the walk has come in one entry. */
struct progress {
    size_t list; /* the last one, SIZE_MAX = none yet */
    bool acted;  /* since then */
};

static void walk_log(struct walker *walker, const struct progress *progress, size_t place)
{
    struct hearing *hearing = walker->hearing;
    const struct genesis *genesis = walker->genesis;
    const struct entry *entry = walker->entry;
    const struct item *item = &entry->items[place];
    bool execution = item->probe == PROBE_LOGS_EXECUTION;
    struct log_item log = {.entry = entry,
                           .item = place,
                           .probe = item->probe,
                           .run = HEARING_NONE};
    const struct listing *containers = progress->list != SIZE_MAX
                                           ? reading_list(&entry->items[progress->list])
                                           : NULL;
    if (containers != NULL)
        hearing_hear_item(walker, place,
                          reading_sole(containers, execution ? genesis->execution : genesis->brain),
                          &log);
    log.heard_end = hearing->heard_count;
    hearing->logs = memory_grown(hearing->logs, hearing->log_count + 1, sizeof log);
    hearing->logs[hearing->log_count++] = log;
    bool nothing_runs = containers != NULL && reading_running(containers, genesis->execution) == 0;
    if (execution && progress->list != SIZE_MAX && !progress->acted && !nothing_runs)
        hearing_look_at(hearing, genesis, progress->list, &log);
}

static void walk_item(struct walker *walker, struct progress *progress, size_t place)
{
    const struct item *item = &walker->entry->items[place];
    note_wall_clock(walker, item);
    if (item->probe == PROBE_COMPOSE_CONTAINERS) {
        *progress = (struct progress){.list = place};
        hearing_look_at_list(walker->hearing, walker->genesis, walker->entry, place);
    } else if (item->probe == PROBE_COMPOSE_UP || item->probe == PROBE_ACT) {
        progress->acted = true;
    } else if (item->probe == PROBE_LOGS_EXECUTION || item->probe == PROBE_LOGS_BRAIN) {
        walk_log(walker, progress, place);
    }
}

void hearing_collect(const struct record *record, const struct genesis *genesis,
                     struct entry *const *entries, size_t count, struct hearing *ret_hearing)
{
    CLEANUP_ORDER struct order order = {0};
    struct hearing hearing = {.record = record};
    struct walker walker = {.hearing = &hearing,
                            .genesis = genesis,
                            .by_hand = count > 0 && entries[0]->type != ENTRY_OPEN};
    struct progress *progress = memory_zeroed(count, sizeof *progress);
    for (size_t i = 0; i < count; i++) {
        progress[i].list = SIZE_MAX;
        if (walker.first == NULL && reading_last_list(entries[i]) != NULL)
            walker.first = entries[i];
    }
    order_make(entries, genesis->has_policy ? count : 0, &order);
    for (size_t i = 0; i < order.count; i++) {
        walker.entry = order.places[i].entry;
        walk_item(&walker, &progress[order.places[i].number], order.places[i].item);
    }
    free(progress);
    hearing_free(ret_hearing);
    *ret_hearing = hearing;
}
