/* clocks: boot ids, boot clocks and wall clock consistent; evidence lies between its intent and its
 * entry. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

enum {
    WALL_STEP_MS = 1500,
    TARGET_TOLERANCE_MS = 1000,
    REPEATED_WITHIN = 4,
    CLOCKS_NO_ANSWER = 255 /* the status of a command that never came back */
};

struct boot {
    const char *id;
    int64_t last_ns;
};

/* The boot clock never runs backwards, whichever entries of other boots stand between. */
static void check_boot_clock(const struct record *record, struct finding *finding)
{
    struct boot *boots = NULL;
    size_t count = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        finding_rests_on(finding, entry);
        size_t at = count;
        while (at > 0 && strcmp(boots[at - 1].id, entry->boot) != 0)
            at--;
        if (at == 0) {
            boots = memory_grown(boots, ++count, sizeof *boots);
            boots[count - 1] = (struct boot){entry->boot, entry->boottime_ns};
            continue;
        }
        if (entry->boottime_ns < boots[at - 1].last_ns)
            finding_violated(finding, "C-01", entry,
                             "the boot clock runs backwards within one boot");
        boots[at - 1].last_ns = entry->boottime_ns;
    }
    free(boots);
}

static int64_t intent_time(const struct record *record, struct entry *entry)
{
    const struct entry *intent = entry->type == ENTRY_TRANSITION || entry->type == ENTRY_SAMPLE
                                     ? deployment_intent_of(record, entry)
                                     : NULL;
    return intent != NULL && strcmp(intent->boot, entry->boot) == 0 ? intent->boottime_ns : 0;
}

/* C-10: asked of the bus, of an endpoint, or of the driver's own machine. */
static bool may_run_elsewhere(enum probe probe)
{
    return probe == PROBE_BUS_POLICY_HASH || probe == PROBE_BUS_PUBLISH || probe == PROBE_HEALTH
           || probe == PROBE_PREFLIGHT || probe == PROBE_GUARD || probe == PROBE_COMPOSE_PROJECT;
}

static void check_clock_of_item(const struct entry *entry, const struct item *item,
                                const struct item *before, int64_t earliest_ns,
                                struct finding *finding)
{
    if (item->sent_ns > item->received_ns || item->received_ns > entry->boottime_ns)
        finding_violated(
            finding, "C-02", entry,
            "the evidence `%.*s` came before it was asked for, or after it was recorded",
            SLICE_ARGUMENTS(item->probe_name));
    else if (item->sent_ns < earliest_ns)
        finding_violated(finding, "C-02", entry,
                         "the evidence `%.*s` is older than the intent that it answers",
                         SLICE_ARGUMENTS(item->probe_name));
    else if (before != NULL && item->sent_ns < before->sent_ns)
        finding_violated(finding, "C-03", entry,
                         "the evidence `%.*s` does not stand in the order of its time",
                         SLICE_ARGUMENTS(item->probe_name));
    if (!item->has_target) {
        if (item->status != CLOCKS_NO_ANSWER && !may_run_elsewhere(item->probe))
            finding_violated(finding, "C-10", entry,
                             "the evidence `%.*s` does not say when, and in which boot of the "
                             "target, it was taken",
                             SLICE_ARGUMENTS(item->probe_name));
        return;
    }
    int64_t span_ms = item->target_after_ms - item->target_before_ms,
            most_ms = (item->received_ns - item->sent_ns) / 1000000 + TARGET_TOLERANCE_MS;
    if (span_ms < 0 || span_ms > most_ms)
        finding_violated(finding, "C-04", entry,
                         "the target's uptime around `%.*s` cannot be that of one request",
                         SLICE_ARGUMENTS(item->probe_name));
}

/* The intent of a command: an outcome repeats its items, and the others come behind it. */
static struct entry *intent_of_command(const struct record *record, struct entry *entry)
{
    struct slice key = node_text(entry_body(entry), "key");
    for (int64_t seq = entry->seq; entry->type == ENTRY_COMMAND && seq-- > 0;) {
        struct entry *other = &record->entries[seq];
        if (other->type == ENTRY_COMMAND
            && slice_is(node_text(entry_body(other), "phase"), "intent")
            && slice_equal(node_text(entry_body(other), "key"), key))
            return other;
    }
    return NULL;
}

static void check_evidence(const struct audit *audit, struct entry *entry, struct finding *finding)
{
    int64_t earliest_ns = intent_time(audit->record, entry);
    struct entry *command = intent_of_command(audit->record, entry);
    size_t repeated = command != NULL ? command->item_count : 0;
    if (command != NULL && strcmp(command->boot, entry->boot) == 0)
        earliest_ns = command->boottime_ns;
    for (size_t i = 0; i < entry->item_count; i++)
        check_clock_of_item(entry, &entry->items[i], i > 0 ? &entry->items[i - 1] : NULL,
                            i < repeated ? 0 : earliest_ns, finding);
}

/* What the target's clocks showed last, and which of its boots are over. */
struct target_clock {
    int64_t deployment; /* that is judged; its first item on these boots, and the entry */
    const struct entry *first_entry;
    const struct item *first;
    const struct entry *entry;
    const struct item *item;
    const char **boots;
    size_t count;
};

static bool is_over(const struct target_clock *clock, const char *boot)
{
    for (size_t i = 0; i + 1 < clock->count; i++)
        if (strcmp(clock->boots[i], boot) == 0)
            return true;
    return false;
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
    else if (driver_ms >= 0 && grown_ms > driver_ms + driver_ms / 1000 + TARGET_TOLERANCE_MS)
        finding_violated(finding, "C-05", entry,
                         "the target's uptime grew by %lld ms while the driver's clock grew by "
                         "%lld ms",
                         (long long)grown_ms, (long long)driver_ms);
}

/* C-05: it stood still. Outside of the deployment that is nobody's concern. */
static void check_standstill(struct target_clock *clock, const struct entry *entry,
                             const struct item *item, struct finding *finding)
{
    const struct item *first = clock->first;
    if (entry->deployment != clock->deployment)
        return;
    if (first == NULL || strcmp(clock->first_entry->boot, entry->boot) != 0
        || strcmp(first->target_boot, item->target_boot) != 0) {
        clock->first_entry = entry;
        clock->first = item;
        return;
    }
    int64_t grown_ms = item->target_before_ms - first->target_before_ms,
            driver_ms = (item->sent_ns - first->received_ns) / 1000000;
    if (grown_ms < driver_ms - driver_ms / 1000 - TARGET_TOLERANCE_MS)
        finding_undecidable(finding, "C-05", entry,
                            "the target's uptime grew by %lld ms while at least %lld ms passed on "
                            "the driver's clock: the target stood still, or that clock ran ahead",
                            (long long)grown_ms, (long long)driver_ms);
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
             && item->target_before_ms > driver_ms + TARGET_TOLERANCE_MS)
        finding_violated(finding, "C-06", entry,
                         "a new boot of the target is older than the last look at the one before");
    check_standstill(clock, entry, item, finding);
    if (clock->count == 0 || strcmp(clock->boots[clock->count - 1], item->target_boot) != 0) {
        clock->boots = memory_grown(clock->boots, clock->count + 1, sizeof *clock->boots);
        clock->boots[clock->count++] = item->target_boot;
    }
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

/* C-05 and C-06 over the whole journal; C-08 of this deployment. */
static void clocks_check_target(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct target_clock clock = {
        .deployment = deployment->open != NULL ? (int64_t)deployment->number : ENTRY_NO_DEPLOYMENT};
    for (size_t i = 0; i < audit->record->count; i++) {
        struct entry *entry = &audit->record->entries[i];
        bool may_repeat = entry->type == ENTRY_COMMAND || entry->type == ENTRY_RECONCILIATION;
        for (size_t k = 0; k < entry->item_count; k++)
            if (entry->items[k].has_target
                && !(may_repeat && is_recorded_before(audit->record, entry, &entry->items[k])))
                follow_target(&clock, entry, &entry->items[k], finding);
    }
    free(clock.boots);
    bool with = false, without = false;
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            with = with || (item->has_target && item->has_wall);
            without = without || (item->has_target && !item->has_wall);
            if (with && without)
                finding_violated(finding, "C-08", deployment->entries[i],
                                 "some items carry the target's wall clock and others do not");
        }
}

static bool runs_on(const struct listing *was, const struct listing *is)
{
    for (size_t i = 0; i < is->count; i++)
        for (size_t k = 0; reading_is_running(&is->list[i]) && k < was->count; k++)
            if (strcmp(was->list[k].id, is->list[i].id) == 0
                && strcmp(was->list[k].started_at, is->list[i].started_at) == 0)
                return true;
    return false;
}

/* C-09 */
static void check_runs(const struct deployment *deployment, struct finding *finding)
{
    const struct item *last = NULL;
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            if (item->probe != PROBE_COMPOSE_CONTAINERS || !item->has_target
                || reading_list(item) == NULL)
                continue;
            if (last != NULL && strcmp(last->target_boot, item->target_boot) != 0
                && runs_on(reading_list(last), reading_list(item)))
                finding_violated(finding, "C-09", deployment->entries[i],
                                 "a container runs on through another boot of the target");
            last = item;
        }
}

static bool is_step_note(struct entry *entry)
{
    return entry->type == ENTRY_NOTE
           && slice_is(node_text(entry_body(entry), "kind"), "clock_step");
}

static void check_wall_clock(const struct deployment *deployment, size_t place, unsigned *steps,
                             struct finding *finding)
{
    struct entry *before = deployment->entries[place - 1], *entry = deployment->entries[place];
    if (strcmp(before->boot, entry->boot) != 0)
        return;
    int64_t moved_ms = ((entry->utc_ns - entry->boottime_ns)
                        - (before->utc_ns - before->boottime_ns))
                       / 1000000;
    bool noted = is_step_note(entry) || is_step_note(before);
    *steps += is_step_note(entry);
    if ((moved_ms > WALL_STEP_MS || moved_ms < -WALL_STEP_MS) && !noted)
        finding_violated(
            finding, "C-07", entry,
            "the wall clock was stepped by %lld ms since the entry before, and no note says so",
            (long long)moved_ms);
}

void claim_clocks(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    unsigned steps = 0;
    check_boot_clock(audit->record, finding);
    for (size_t i = 0; i < deployment->count; i++) {
        check_evidence(audit, deployment->entries[i], finding);
        if (i > 0 && deployment->open != NULL)
            check_wall_clock(deployment, i, &steps, finding);
    }
    clocks_check_target(audit, finding);
    check_runs(deployment, finding);
    finding_conclude(finding, NULL,
                     "every boot clock runs forward, evidence lies between its intent and its "
                     "entry, and %u step%s of the wall clock %s noted",
                     steps, steps == 1 ? "" : "s", steps == 1 ? "is" : "are");
}
