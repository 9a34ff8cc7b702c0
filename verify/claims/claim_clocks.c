/* clocks: boot ids, boot clocks and wall clock consistent; evidence lies between its intent and its
 * entry. */
#include "verify/judge/audit.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

enum { WALL_STEP_MS = 1500, TARGET_TOLERANCE_MS = 1000 };

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
            finding_violated(finding, entry, "the boot clock runs backwards within one boot");
        boots[at - 1].last_ns = entry->boottime_ns;
    }
    free(boots);
}

static int64_t intent_time(const struct record *record, struct entry *entry)
{
    int64_t intent = entry->type == ENTRY_TRANSITION || entry->type == ENTRY_SAMPLE
                         ? node_number(entry_body(entry), "intent", -1)
                         : -1;
    if (intent < 0 || intent >= entry->seq
        || strcmp(record->entries[intent].boot, entry->boot) != 0)
        return 0;
    return record->entries[intent].boottime_ns;
}

static void clocks_check_item(const struct entry *entry, const struct item *item,
                              const struct item *before, int64_t earliest_ns,
                              struct finding *finding)
{
    if (item->sent_ns > item->received_ns || item->received_ns > entry->boottime_ns)
        finding_violated(
            finding, entry,
            "the evidence `%.*s` came before it was asked for, or after it was recorded",
            SLICE_ARGUMENTS(item->probe_name));
    else if (item->sent_ns < earliest_ns)
        finding_violated(finding, entry,
                         "the evidence `%.*s` is older than the intent that it answers",
                         SLICE_ARGUMENTS(item->probe_name));
    else if (before != NULL && item->sent_ns < before->sent_ns)
        finding_violated(finding, entry,
                         "the evidence `%.*s` does not stand in the order of its time",
                         SLICE_ARGUMENTS(item->probe_name));
    if (!item->has_target)
        return;
    int64_t span_ms = item->target_after_ms - item->target_before_ms,
            most_ms = (item->received_ns - item->sent_ns) / 1000000 + TARGET_TOLERANCE_MS;
    if (span_ms < 0 || span_ms > most_ms)
        finding_violated(finding, entry,
                         "the target's uptime around `%.*s` cannot be that of one request",
                         SLICE_ARGUMENTS(item->probe_name));
}

static void check_evidence(const struct audit *audit, struct entry *entry, struct finding *finding)
{
    int64_t earliest_ns = intent_time(audit->record, entry);
    const struct item *span = NULL;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        clocks_check_item(entry, item, i > 0 ? item - 1 : NULL, earliest_ns, finding);
        if (!item->has_target)
            continue;
        if (span != NULL && strcmp(span->target_boot, item->target_boot) == 0
            && item->target_before_ms < span->target_before_ms)
            finding_violated(finding, entry,
                             "the target's uptime runs backwards within one boot of it");
        span = item;
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
            finding, entry,
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
        if (i > 0)
            check_wall_clock(deployment, i, &steps, finding);
    }
    finding_conclude(finding, NULL,
                     "every boot clock runs forward, evidence lies between its intent and its "
                     "entry, and %u step%s of the wall clock %s noted",
                     steps, steps == 1 ? "" : "s", steps == 1 ? "is" : "are");
}
