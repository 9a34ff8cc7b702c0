#include "verify/judge/logs/hearing_lines.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/read/memory.h"
#include "verify/read/utc.h"

/* "boundary of a run": the end of the container's previous run, or its creation. */
static bool boundary_of(const struct listed *container, int64_t *ret_ns)
{
    int64_t created_ns, finished_ns;
    if (container->created_at[0] == '\0' && container->finished_at[0] == '\0')
        return utc_read(slice_of(container->started_at), ret_ns);
    if (!utc_read(slice_of(container->created_at), &created_ns))
        return utc_read(slice_of(container->finished_at), ret_ns);
    *ret_ns = created_ns;
    if (utc_read(slice_of(container->finished_at), &finished_ns) && finished_ns >= created_ns)
        *ret_ns = finished_ns;
    return true;
}

/* Whether the first entry that has a list shows this run in one of them. Commands by hand have no
 * beginning: of each of their runs lines may be gone. */
static bool was_there(const struct walker *walker, const struct listed *container)
{
    const struct entry *first = walker->first;
    if (walker->by_hand)
        return true;
    for (size_t i = 0; i < first->item_count; i++) {
        const struct listing *containers = first->items[i].probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(&first->items[i])
                                               : NULL;
        for (size_t k = 0; containers != NULL && k < containers->count; k++)
            if (strcmp(containers->list[k].id, container->id) == 0
                && strcmp(containers->list[k].started_at, container->started_at) == 0)
                return true;
    }
    return false;
}

static int64_t run_of(const struct walker *walker, enum probe probe, const struct listed *container)
{
    struct hearing *hearing = walker->hearing;
    for (size_t i = 0; i < hearing->run_count; i++)
        if (hearing->runs[i].probe == probe && strcmp(hearing->runs[i].id, container->id) == 0
            && strcmp(hearing->runs[i].started_at, container->started_at) == 0)
            return (int64_t)i;
    hearing->runs = memory_grown(hearing->runs, hearing->run_count + 1, sizeof *hearing->runs);
    hearing->runs[hearing->run_count] = (struct log_run){.probe = probe,
                                                         .id = container->id,
                                                         .started_at = container->started_at,
                                                         .asked_ns = UTC_NEVER,
                                                         .began = !was_there(walker, container)};
    return (int64_t)hearing->run_count++;
}

/* H-02: a key of this journal, of something that was sent before the item was asked for. */
static bool is_key_before(const struct walker *walker, struct slice nonce, const struct item *item)
{
    const struct record *record = walker->hearing->record;
    if (nonce.length != FORMAT_KEY_HEX)
        return false;
    const struct entry *entry = record_before_of_key(record, nonce, (uint64_t)walker->entry->seq);
    return entry != NULL
           && (strcmp(entry->boot, walker->entry->boot) != 0
               || entry->boottime_ns <= item->sent_ns);
}

static unsigned match_line(const struct walker *walker, enum probe probe, struct slice message,
                           struct heard *heard)
{
    static const enum pattern execution[] = {PATTERN_POLICY_LOADED, PATTERN_DISARM_RECEIVED,
                                             PATTERN_ARM_RECEIVED, PATTERN_DISARMED, PATTERN_ARMED},
                              brain[] = {PATTERN_HANDSHAKE_FAILED, PATTERN_HANDSHAKE_LOST,
                                         PATTERN_HANDSHAKE_NONE, PATTERN_HANDSHAKE_OK};
    bool of_execution = probe == PROBE_LOGS_EXECUTION;
    const enum pattern *patterns = of_execution ? execution : brain;
    size_t count = of_execution ? sizeof execution / sizeof execution[0]
                                : sizeof brain / sizeof brain[0];
    unsigned matches = 0;
    for (size_t i = 0; i < count; i++) {
        struct naming naming;
        struct slice nonce;
        if (!pattern_matches(message, walker->genesis->patterns[patterns[i]], &naming, &nonce))
            continue;
        matches |= HEARD_BIT(patterns[i]);
        if (patterns[i] == PATTERN_POLICY_LOADED || patterns[i] == PATTERN_HANDSHAKE_OK)
            heard->naming = naming;
        if (patterns[i] == PATTERN_DISARM_RECEIVED || patterns[i] == PATTERN_ARM_RECEIVED)
            (void)slice_copy(nonce, heard->nonce, sizeof heard->nonce);
    }
    return matches;
}

static int64_t place_of(const struct hearing *hearing, int64_t run, struct slice line)
{
    for (size_t i = 0; i < hearing->heard_count; i++)
        if (hearing->heard[i].run == run && slice_equal(hearing->heard[i].line, line))
            return (int64_t)i;
    return HEARING_NONE;
}

static void append_heard(struct hearing *hearing, const struct heard *heard)
{
    hearing->heard = memory_grown(hearing->heard, hearing->heard_count + 1, sizeof *heard);
    hearing->heard[hearing->heard_count++] = *heard;
}

/* What one item shows of how its log grew (H-04). */
struct growth {
    int64_t last_before; /* the last line heard before this item */
    size_t known;        /* lines that were heard before */
    bool last_is_there, fresh, fresh_in_front, late;
    int64_t first_ns;
};

static void hear_line(const struct walker *walker, size_t place, int64_t run, int64_t boundary_ns,
                      struct slice line, bool *counts, struct growth *growth)
{
    const struct item *item = &walker->entry->items[place];
    CLEANUP_TREE struct tree tree = {0};
    struct heard heard = {.entry = walker->entry, .item = place, .run = run, .line = line};
    const char *space = memchr(line.at, ' ', line.length);
    if (space == NULL
        || !utc_read((struct slice){line.at, (size_t)(space - line.at)}, &heard.time_ns))
        return;
    if (growth->first_ns == UTC_NEVER)
        growth->first_ns = heard.time_ns;
    int64_t known = place_of(walker->hearing, run, line);
    if (known != HEARING_NONE) {
        growth->known += known <= growth->last_before;
        growth->last_is_there = growth->last_is_there || known == growth->last_before;
        growth->fresh_in_front = growth->fresh_in_front
                                 || (growth->fresh && known <= growth->last_before);
        *counts = *counts || walker->hearing->heard[known].time_ns < boundary_ns;
        return;
    }
    struct slice message = pattern_message(slice_from(line, (size_t)(space - line.at) + 1), &tree);
    heard.matches = match_line(walker, item->probe, message, &heard);
    *counts = *counts
              || (heard.nonce[0] != '\0' && is_key_before(walker, slice_of(heard.nonce), item));
    if (heard.matches == 0 || (!*counts && heard.time_ns < boundary_ns))
        return;
    /* The item before would have had it. */
    int64_t asked_ns = walker->hearing->runs[run].asked_ns;
    growth->late = growth->late
                   || (asked_ns != UTC_NEVER
                       && heard.time_ns < asked_ns - (int64_t)HEARING_WALL_STEP_MS * 1000000);
    growth->fresh = true;
    append_heard(walker->hearing, &heard);
}

/* How many of the lines heard of a run before an item are not stamped before its first line: no
 * rotation takes those. */
static size_t lines_to_return(const struct hearing *hearing, int64_t run,
                              const struct growth *growth)
{
    size_t count = 0;
    for (int64_t i = 0; i <= growth->last_before; i++)
        count += hearing->heard[i].run == run && hearing->heard[i].time_ns >= growth->first_ns;
    return growth->first_ns != UTC_NEVER ? count : 0;
}

void hearing_hear_item(const struct walker *walker, size_t place, const struct listed *container,
                       struct log_item *log)
{
    struct hearing *hearing = walker->hearing;
    const struct item *item = &walker->entry->items[place];
    struct growth growth = {.last_before = HEARING_NONE, .first_ns = UTC_NEVER};
    struct slice rest = item->output, line;
    int64_t boundary_ns;
    bool counts = false;
    if (item->status != 0 || container == NULL || !boundary_of(container, &boundary_ns))
        return;
    if (hearing->step_ms > HEARING_WALL_STEP_MS && boundary_ns > 0)
        boundary_ns += hearing->step_ms * 1000000; /* H-03 */
    log->run = run_of(walker, item->probe, container);
    for (size_t i = hearing->heard_count; i-- > 0 && growth.last_before == HEARING_NONE;)
        if (hearing->heard[i].run == log->run)
            growth.last_before = (int64_t)i;
    while (slice_line(&rest, &line))
        if (line.length > 0)
            hear_line(walker, place, log->run, boundary_ns, line, &counts, &growth);
    bool rotated = growth.last_before != HEARING_NONE && growth.first_ns != UTC_NEVER
                   && growth.first_ns > hearing->heard[growth.last_before].time_ns;
    log->grew_in_front = growth.last_before != HEARING_NONE
                         && (growth.fresh_in_front || (!growth.last_is_there && !rotated));
    bool stepped = hearing->step_ms > HEARING_WALL_STEP_MS,
         lost = growth.known < lines_to_return(hearing, log->run, &growth);
    log->grew_in_front = log->grew_in_front || ((growth.late || lost) && !stepped);
    hearing->runs[log->run].asked_ns = item->has_wall ? item->target_wall_ms * 1000000 : UTC_NEVER;
}
