/* One ARM: on parity that is fresh, of one Execution and one Brain, and seen by its own nonce. */
#include "verify/rules/interlock.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"

static const int64_t ARM_FRESH_NS = 30000000000;

/* The time at which the last act of an earlier entry came back, on this entry's boot. */
static int64_t last_act_ns(const struct record *record, const struct entry *until)
{
    for (int64_t seq = until->seq; seq-- > 0;) {
        const struct entry *entry = &record->entries[seq];
        if (strcmp(entry->boot, until->boot) != 0)
            return 0;
        for (size_t i = entry->item_count; i-- > 0;) {
            const struct item *item = &entry->items[i];
            if (item->probe == PROBE_COMPOSE_UP || item->probe == PROBE_ACT
                || item->probe == PROBE_BUS_PUBLISH)
                return item->received_ns;
        }
    }
    return 0;
}

/* When the oldest voice in front of the ARM was asked. */
static int64_t first_voice_ns(const struct arming *arming)
{
    for (size_t i = 0; i < arming->publish; i++) {
        enum probe probe = arming->entry->items[i].probe;
        if (probe == PROBE_BUS_POLICY_HASH || probe == PROBE_LOGS_EXECUTION
            || probe == PROBE_LOGS_BRAIN)
            return arming->entry->items[i].sent_ns;
    }
    return INT64_MAX;
}

static void check_parity(const struct audit *audit, const struct hearing *hearing,
                         const struct arming *arming, struct finding *finding)
{
    struct voices voices;
    voices_read(hearing, &audit->genesis, arming->entry, 0, arming->publish, VOICE_ALL, &voices);
    if (voices.parity == PARITY_UNEQUAL || voices.parity == PARITY_MISSING)
        finding_violated(finding, "L-08", arming->entry,
                         "Execution was armed without parity of the policy hash: %s", voices.why);
    int64_t asked_ns = first_voice_ns(arming);
    if (asked_ns < arming->after_ns)
        finding_violated(
            finding, "L-08", arming->entry,
            "Execution was armed on parity that was looked at before the intent: it is not fresh");
    if (asked_ns < last_act_ns(audit->record, arming->entry))
        finding_violated(finding, "L-08", arming->entry,
                         "Execution was armed on parity that is older than the last act");
}

/* The last list in front of the ARM shows the run that the log is of. */
static bool is_of_last_run(const struct hearing *hearing, const struct log_item *log,
                           const struct listing *last, struct slice service)
{
    const struct listed *container = reading_sole(last, service);
    return log->run == HEARING_NONE || container == NULL
           || (strcmp(hearing->runs[log->run].id, container->id) == 0
               && strcmp(hearing->runs[log->run].started_at, container->started_at) == 0);
}

/* L-08: what it rests on is of this moment, and of those who run now. */
static void check_arm_fresh(const struct audit *audit, const struct hearing *hearing,
                            const struct arming *arming, struct finding *finding)
{
    const struct entry *entry = arming->entry;
    if (arming->publish == entry->item_count)
        return;
    int64_t age_ns = entry->items[arming->publish].sent_ns - entry->items[0].sent_ns;
    if (age_ns > ARM_FRESH_NS)
        finding_violated(finding, "L-08", entry, "an ARM rests on what was seen %lld s before",
                         (long long)(age_ns / 1000000000));
    const struct listing *last = reading_list(
        entry_item(entry, 0, arming->publish, PROBE_COMPOSE_CONTAINERS, NULL));
    for (size_t i = 0; last != NULL && i < arming->publish; i++) {
        const struct log_item *log = hearing_log(hearing, entry, i);
        bool brain = log != NULL && log->probe == PROBE_LOGS_BRAIN;
        if (log != NULL
            && !is_of_last_run(hearing, log, last,
                               brain ? audit->genesis.brain : audit->genesis.execution))
            finding_violated(finding, "L-08", entry,
                             "%s was started anew between its voice and the ARM",
                             brain ? "Brain" : "Execution");
    }
}

/* L-12: each list of the entry. */
static void check_one_each(const struct audit *audit, const struct entry *entry,
                           struct finding *finding)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct listing *containers = entry->items[i].probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(&entry->items[i])
                                               : NULL;
        if (containers != NULL
            && (reading_running(containers, audit->genesis.execution) > 1
                || reading_running(containers, audit->genesis.brain) > 1))
            finding_violated(finding, "L-12", entry,
                             "Execution was armed while two containers of it, or of Brain, ran");
    }
}

/* L-07: armed, by the line with the key and what stands behind it. */
static bool is_observed(const struct hearing *hearing, const struct arming *arming,
                        const char **ret_why)
{
    const struct look *look = hearing_look(hearing, arming->entry, arming->publish,
                                           arming->entry->item_count);
    bool received = false, armed = false, disarmed = false;
    *ret_why = look == NULL ? "nobody looked behind it" : look->why;
    if (look == NULL || look->showing != SHOWING_ARMED)
        return false;
    for (size_t i = 0; i < look->heard_end; i++) {
        const struct heard *heard = &hearing->heard[i];
        if (heard->run != look->run)
            continue;
        if ((heard->matches & HEARD_BIT(PATTERN_ARM_RECEIVED)) != 0
            && slice_is(arming->key, heard->nonce)) {
            received = true;
            armed = disarmed = false;
        }
        armed = armed || (heard->matches & HEARD_BIT(PATTERN_ARMED)) != 0;
        disarmed = disarmed
                   || (heard->matches
                       & (HEARD_BIT(PATTERN_DISARMED) | HEARD_BIT(PATTERN_DISARM_RECEIVED)))
                          != 0;
    }
    *ret_why = "no line says that Execution received this ARM and is armed behind it";
    return received && armed && !disarmed;
}

void interlock_check_arming(const struct audit *audit, const struct hearing *hearing,
                            const struct arming *arming, struct finding *finding)
{
    const char *why = "";
    bool sent = arming->publish < arming->entry->item_count;
    if (!sent && !arming->good)
        return;
    check_parity(audit, hearing, arming, finding);
    check_arm_fresh(audit, hearing, arming, finding);
    check_one_each(audit, arming->entry, finding);
    if (arming->good && !is_observed(hearing, arming, &why))
        finding_violated(finding, "L-07", arming->entry,
                         "Execution is called armed, and its own lines do not show this ARM: %s",
                         why);
}
