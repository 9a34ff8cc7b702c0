#include "verify/judge/hearing.h"

#include <stdlib.h>
#include <string.h>

#include "verify/judge/order.h"
#include "verify/judge/reading.h"
#include "verify/read/memory.h"
#include "verify/read/utc.h"

enum { WALL_STEP_MS = 2000 };

/* Where the walk over the items stands. */
struct walker {
    struct hearing *hearing;
    const struct genesis *genesis;
    const struct entry *entry, *first; /* the first that has a list of containers */
    const struct item *last;           /* the last that has a target's wall clock */
    bool by_hand;                      /* the commands between the deployments */
};

void hearing_free(struct hearing *hearing)
{
    free(hearing->heard);
    free(hearing->runs);
    free(hearing->logs);
    free(hearing->looks);
    *hearing = (struct hearing){0};
}

size_t hearing_end(const struct hearing *hearing, const struct entry *entry)
{
    size_t end = 0;
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].entry == entry && hearing->logs[i].probe == PROBE_LOGS_EXECUTION
            && hearing->logs[i].heard_end > end)
            end = hearing->logs[i].heard_end;
    return end;
}

const char *showing_word(enum showing showing)
{
    switch (showing) {
    case SHOWING_INVALID:
        return "not looked at";
    case SHOWING_UNKNOWN:
        return "unknown";
    case SHOWING_GONE:
        return "gone";
    case SHOWING_STILL:
        return "not running";
    case SHOWING_ARMED:
        return "armed";
    case SHOWING_DISARMED:
        return "disarmed";
    }
    return "invalid";
}

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
    for (int64_t seq = walker->entry->seq; seq-- > 0;) {
        struct entry *entry = &record->entries[seq];
        if (entry->type != ENTRY_INTENT && entry->type != ENTRY_COMMAND)
            continue;
        if (slice_equal(node_text(entry_body(entry), "key"), nonce))
            return strcmp(entry->boot, walker->entry->boot) != 0
                   || entry->boottime_ns <= item->sent_ns;
    }
    return false;
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
                       && heard.time_ns < asked_ns - (int64_t)WALL_STEP_MS * 1000000);
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

static void hear_item(const struct walker *walker, size_t place, const struct listed *container,
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
    if (hearing->step_ms > WALL_STEP_MS && boundary_ns > 0)
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
    bool stepped = hearing->step_ms > WALL_STEP_MS,
         lost = growth.known < lines_to_return(hearing, log->run, &growth);
    log->grew_in_front = log->grew_in_front || ((growth.late || lost) && !stepped);
    hearing->runs[log->run].asked_ns = item->has_wall ? item->target_wall_ms * 1000000 : UTC_NEVER;
}

static void append_look(struct hearing *hearing, const struct look *look)
{
    hearing->looks = memory_grown(hearing->looks, hearing->look_count + 1, sizeof *look);
    hearing->looks[hearing->look_count++] = *look;
}

/* The marker behind a log, in front of the next list; NULL. */
static const struct item *marker_behind(const struct entry *entry, size_t from)
{
    for (size_t i = from; i < entry->item_count; i++) {
        if (entry->items[i].probe == PROBE_INTERLOCK_MARKER)
            return &entry->items[i];
        if (entry->items[i].probe == PROBE_COMPOSE_CONTAINERS)
            return NULL;
    }
    return NULL;
}

static void compare_marker(const struct item *marker, struct look *look)
{
    bool present = marker->status == 0 && slice_is(marker->output, "present\n"),
         absent = marker->status == 0 && slice_is(marker->output, "absent\n"),
         agrees = (look->showing == SHOWING_ARMED && present)
                  || (look->showing == SHOWING_DISARMED && absent);
    look->says_armed = look->says_armed || present;
    look->end = (size_t)(marker - look->entry->items) + 1;
    if (present && look->showing == SHOWING_UNKNOWN)
        look->why = "its marker is there, and no line of its run says that it is armed";
    if (agrees || look->showing == SHOWING_UNKNOWN)
        return;
    look->showing = SHOWING_UNKNOWN;
    look->contradicted = true;
    look->why = "its marker does not agree with its last line";
}

static void look_at(const struct walker *walker, size_t list, const struct log_item *log)
{
    const struct genesis *genesis = walker->genesis;
    struct look look = {.entry = walker->entry,
                        .list = list,
                        .log = log->item,
                        .end = log->item + 1,
                        .showing = SHOWING_UNKNOWN,
                        .run = log->run,
                        .heard_end = log->heard_end,
                        .why = "no line of its run says whether it is armed"};
    const struct heard *last = hearing_last(walker->hearing, log->run, log->heard_end,
                                            HEARD_BIT(PATTERN_ARMED) | HEARD_BIT(PATTERN_DISARMED));
    if (log->run == HEARING_NONE)
        look.why = walker->entry->items[log->item].status != 0
                       ? "its log could not be read"
                       : "not exactly one container of it is running";
    else if (last != NULL && (last->matches & HEARD_BIT(PATTERN_ARMED)) != 0) {
        look.showing = SHOWING_ARMED;
        look.why = "the last line of its run says that it is armed";
    } else if (last != NULL) {
        look.showing = SHOWING_DISARMED;
        look.why = "the last line of its run says that it is disarmed";
    }
    look.says_armed = look.showing == SHOWING_ARMED;
    const struct item *marker = genesis->marker ? marker_behind(walker->entry, log->item + 1)
                                                : NULL;
    if (marker != NULL)
        compare_marker(marker, &look);
    append_look(walker->hearing, &look);
}

/* A list that shows Execution gone, or still, is a look itself. */
static void look_at_list(const struct walker *walker, size_t list)
{
    const struct listing *containers = reading_list(&walker->entry->items[list]);
    if (containers == NULL || reading_running(containers, walker->genesis->execution) > 0)
        return;
    bool gone = reading_service(containers, walker->genesis->execution) == NULL;
    append_look(walker->hearing, &(struct look){.entry = walker->entry,
                                                .list = list,
                                                .log = SIZE_MAX,
                                                .end = list + 1,
                                                .showing = gone ? SHOWING_GONE : SHOWING_STILL,
                                                .run = HEARING_NONE,
                                                .heard_end = walker->hearing->heard_count,
                                                .why = ""});
}

static void note_wall_clock(struct walker *walker, const struct item *item)
{
    if (!item->has_target || !item->has_wall)
        return;
    const struct item *last = walker->last;
    if (last != NULL && strcmp(last->target_boot, item->target_boot) == 0) {
        int64_t moved_ms = (item->target_wall_ms - item->target_before_ms)
                           - (last->target_wall_ms - last->target_before_ms);
        moved_ms = moved_ms < 0 ? -moved_ms : moved_ms;
        if (moved_ms > WALL_STEP_MS && moved_ms > walker->hearing->step_ms)
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
        hear_item(walker, place,
                  reading_sole(containers, execution ? genesis->execution : genesis->brain), &log);
    log.heard_end = hearing->heard_count;
    hearing->logs = memory_grown(hearing->logs, hearing->log_count + 1, sizeof log);
    hearing->logs[hearing->log_count++] = log;
    bool nothing_runs = containers != NULL && reading_running(containers, genesis->execution) == 0;
    if (execution && progress->list != SIZE_MAX && !progress->acted && !nothing_runs)
        look_at(walker, progress->list, &log);
}

static void walk_item(struct walker *walker, struct progress *progress, size_t place)
{
    const struct item *item = &walker->entry->items[place];
    note_wall_clock(walker, item);
    if (item->probe == PROBE_COMPOSE_CONTAINERS) {
        *progress = (struct progress){.list = place};
        look_at_list(walker, place);
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

const struct heard *hearing_last(const struct hearing *hearing, int64_t run, size_t end,
                                 unsigned patterns)
{
    for (size_t i = end < hearing->heard_count ? end : hearing->heard_count; i-- > 0;)
        if (hearing->heard[i].run == run && (hearing->heard[i].matches & patterns) != 0)
            return &hearing->heard[i];
    return NULL;
}

bool hearing_told_to_disarm(const struct hearing *hearing, const struct look *look)
{
    const struct heard *last = hearing_last(hearing, look->run, look->heard_end,
                                            HEARD_BIT(PATTERN_ARMED)
                                                | HEARD_BIT(PATTERN_DISARM_RECEIVED));
    return look->showing == SHOWING_ARMED && last != NULL
           && (last->matches & HEARD_BIT(PATTERN_ARMED)) == 0;
}

const struct look *hearing_look(const struct hearing *hearing, const struct entry *entry,
                                size_t from, size_t to)
{
    for (size_t i = hearing->look_count; i-- > 0;) {
        const struct look *look = &hearing->looks[i];
        if (look->entry == entry && look->list >= from && look->end <= to)
            return look;
    }
    return NULL;
}

const struct log_item *hearing_log(const struct hearing *hearing, const struct entry *entry,
                                   size_t item)
{
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].entry == entry && hearing->logs[i].item == item)
            return &hearing->logs[i];
    return NULL;
}
