/* Somebody else's DISARM (L-09): it withdraws every earlier permission to arm. */
#include "verify/rules/interlock.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/read/utc.h"

/* The target's wall clock at the `open`; UTC_NEVER where no item has one. */
static int64_t opened_at_ns(const struct deployment *deployment)
{
    const struct entry *open = deployment->entries[0];
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            if (!item->has_target || !item->has_wall)
                continue;
            if (strcmp(entry->boot, open->boot) != 0)
                return open->utc_ns;
            int64_t took_ms = item->target_after_ms - item->target_before_ms;
            return (item->target_wall_ms + took_ms) * 1000000
                   - (item->received_ns - open->boottime_ns);
        }
    }
    return UTC_NEVER;
}

static bool log_has_line(const struct entry *entry, struct slice wanted)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        struct slice rest = entry->items[i].output, line;
        while (entry->items[i].probe == PROBE_LOGS_EXECUTION && slice_line(&rest, &line))
            if (slice_equal(line, wanted))
                return true;
    }
    return false;
}

/* A line that the snapshot has too, and that is not stamped after the `open`, is of before. */
static bool is_line_of_before(const struct deployment *deployment, const struct heard *heard)
{
    const struct entry *snapshot = deployment_good_entry(deployment, ACTION_CONNECT);
    int64_t opened_ns = opened_at_ns(deployment);
    return snapshot != NULL && heard->entry->seq <= snapshot->seq
           && (opened_ns == UTC_NEVER || heard->time_ns <= opened_ns)
           && log_has_line(snapshot, heard->line);
}

/* The entry that shows a DISARM that is not the driver's own; NULL. */
static const struct entry *foreign_disarm(const struct audit *audit, const struct entry *until,
                                          size_t until_item)
{
    const struct deployment *deployment = &audit->deployment;
    const struct hearing *hearing = &deployment->hearing;
    const struct entry *found = NULL;
    for (uint64_t seq = deployment->number; seq < (uint64_t)until->seq; seq++) {
        struct entry *entry = &audit->record->entries[seq];
        if (entry->type == ENTRY_COMMAND
            && slice_is(node_text(entry_body(entry), "command"), "disarm"))
            found = entry;
    }
    for (size_t i = 0; i < hearing->heard_count; i++) {
        const struct heard *heard = &hearing->heard[i];
        bool in_front = heard->entry->seq < until->seq
                        || (heard->entry == until && heard->item < until_item);
        if ((heard->matches & HEARD_BIT(PATTERN_DISARM_RECEIVED)) == 0 || !in_front
            || is_line_of_before(deployment, heard)
            || deployment_is_own(deployment, slice_of(heard->nonce)))
            continue;
        if (found == NULL || found->seq < heard->entry->seq)
            found = heard->entry;
    }
    return found;
}

bool interlock_was_answered(const struct audit *audit, const struct entry *after,
                            const struct entry *until, bool yes)
{
    bool answered = false;
    for (size_t i = 0; i < audit->deployment.count; i++) {
        struct entry *entry = audit->deployment.entries[i];
        if (entry->type != ENTRY_COMMAND || entry->seq >= until->seq
            || (after != NULL && entry->seq <= after->seq)
            || !slice_is(node_text(entry_body(entry), "command"), "answer"))
            continue;
        struct slice outcome = node_text(entry_body(entry), "outcome");
        answered = answered
                   || (yes ? slice_is(outcome, "yes")
                           : slice_is(outcome, "no") || slice_is(outcome, "unanswered"));
    }
    return answered;
}

void interlock_check_foreign(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        const struct entry *entry = step->transition;
        const struct item *arm = NULL;
        for (size_t k = 0; k < entry->item_count && arm == NULL; k++)
            if (reading_is_publish(&entry->items[k], audit->genesis.subject_arm))
                arm = &entry->items[k];
        if (arm == NULL)
            continue;
        const struct entry *foreign = foreign_disarm(audit, entry, (size_t)(arm - entry->items));
        const struct entry *intent = step->intent != NULL ? step->intent : entry;
        if (foreign != NULL && !interlock_was_answered(audit, foreign, intent, true))
            finding_violated(finding, "L-09", entry,
                             "Execution was armed after somebody else had disarmed it (entry "
                             "%lld), and nobody said yes since",
                             (long long)foreign->seq);
    }
}
