/* clocks: boot ids, boot clocks and wall clock consistent; evidence lies between its intent and its
 * entry. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"
#include "verify/whole/clocks.h"

#include <string.h>

enum {
    WALL_STEP_MS = 1500,
    CLOCKS_NO_ANSWER = 255 /* the status of a command that never came back */
};

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
            most_ms = (item->received_ns - item->sent_ns) / 1000000 + CLOCKS_TOLERANCE_MS;
    if (span_ms < 0 || span_ms > most_ms)
        finding_violated(finding, "C-04", entry,
                         "the target's uptime around `%.*s` cannot be that of one request",
                         SLICE_ARGUMENTS(item->probe_name));
}

/* The intent of a command: an outcome repeats its items, and the others come behind it. */
static struct entry *intent_of_command(const struct record *record, struct entry *entry)
{
    struct slice key = node_text(entry_body(entry), "key");
    struct entry *other = entry->type == ENTRY_COMMAND
                              ? record_before_of_key(record, key, (uint64_t)entry->seq)
                              : NULL;
    while (other != NULL
           && (other->type != ENTRY_COMMAND
               || !slice_is(node_text(entry_body(other), "phase"), "intent")))
        other = record_before_of_key(record, key, (uint64_t)other->seq);
    return other;
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

/* C-08 */
static void check_wall_clocks_told(const struct deployment *deployment, struct finding *finding)
{
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
    *finding = audit->clocks->boots;
    for (size_t i = 0; i < deployment->count; i++) {
        check_evidence(audit, deployment->entries[i], finding);
        if (i > 0 && deployment->open != NULL)
            check_wall_clock(deployment, i, &steps, finding);
    }
    clocks_tell_target(audit->clocks, deployment, finding);
    check_wall_clocks_told(deployment, finding);
    check_runs(deployment, finding);
    finding_conclude(finding, NULL,
                     "every boot clock runs forward, evidence lies between its intent and its "
                     "entry, and %u step%s of the wall clock %s noted",
                     steps, steps == 1 ? "" : "s", steps == 1 ? "is" : "are");
}
