/* Whether what a reconciliation says follows from its evidence (P-07, P-27). */
#include "verify/rules/procedure/procedure.h"

#include "verify/rules/interlock.h"

#include <string.h>

#include "verify/judge/reading.h"

/* The identity of the only running container of a service in the last list of an entry; "". */
static const char *identity_in(const struct entry *entry, struct slice service)
{
    const struct listing *containers = entry != NULL ? reading_last_list(entry) : NULL;
    const struct listed *container = containers != NULL ? reading_sole(containers, service) : NULL;
    return container != NULL ? container->id : "";
}

static bool has_samples(const struct deployment *deployment, const struct entry *intent,
                        const struct entry *before)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i]->type == ENTRY_SAMPLE
            && deployment->entries[i]->seq < before->seq
            && node_number(entry_body(deployment->entries[i]), "intent", -1) == intent->seq)
            return true;
    return false;
}

static bool found_follows(const struct audit *audit, struct entry *entry, struct entry *intent,
                          enum action action, bool done)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    if (action == ACTION_DISARM)
        return done
               == interlock_disarm_is_observed(audit, entry, 0,
                                               node_text(entry_body(intent), "key"), NULL);
    if (action == ACTION_OBSERVE_WINDOW)
        return !done && !has_samples(&audit->deployment, intent, entry);
    if (action == ACTION_UPDATE_CODE) {
        struct slice was = snapshot != NULL ? reading_line(snapshot, PROBE_GIT_HEAD) : slice_of(""),
                     is = reading_line(entry, PROBE_GIT_HEAD);
        return was.length > 0 && is.length > 0 && done != slice_equal(was, is);
    }
    if (action == ACTION_DEPLOY_EXECUTION || action == ACTION_DEPLOY_BRAIN) {
        struct slice service = action == ACTION_DEPLOY_EXECUTION ? audit->genesis.execution
                                                                 : audit->genesis.brain;
        const char *was = identity_in(snapshot, service), *is = identity_in(entry, service);
        return is[0] != '\0' && done == (strcmp(was, is) != 0);
    }
    return false;
}

/* While the window may still go on: the gap limit behind the last sample, or the limit for the
 * first one. */
static bool window_goes_on(const struct audit *audit, const struct entry *entry,
                           const struct entry *intent)
{
    const struct deployment *deployment = &audit->deployment;
    int64_t last_ns = intent->boottime_ns, limit_ms = audit->limits->window_start_ms;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < entry->seq; i++) {
        struct entry *sample = deployment->entries[i];
        if (sample->type != ENTRY_SAMPLE
            || node_number(entry_body(sample), "intent", -1) != intent->seq)
            continue;
        last_ns = sample->boottime_ns;
        limit_ms = audit->limits->sample_gap_ms;
    }
    return strcmp(entry->boot, intent->boot) != 0
           || entry->boottime_ns - last_ns <= limit_ms * 1000000;
}

static void check_reconciliation(const struct audit *audit, struct entry *entry,
                                 struct finding *finding)
{
    const size_t item_count = entry->item_count;
    struct entry *intent = deployment_intent_of(audit->record, entry);
    struct slice found = node_text(entry_body(entry), "found"),
                 then = node_text(entry_body(entry), "then");
    if (intent == NULL)
        return; /* P-06 */
    enum action action = action_by_name(node_text(entry_body(intent), "action"));
    bool done = slice_is(found, "done"), not_done = slice_is(found, "not_done");
    if ((done || not_done) && !found_follows(audit, entry, intent, action, done))
        finding_violated(finding, "P-27", entry,
                         "the reconciliation says `%.*s` of %s, and its evidence does not show it",
                         SLICE_ARGUMENTS(found), action_name(action));
    for (size_t i = 0; i < item_count; i++)
        if (strcmp(entry->boot, intent->boot) == 0 && entry->items[i].sent_ns < intent->boottime_ns)
            finding_violated(finding, "P-07", entry,
                             "the evidence of the reconciliation is older than the intent");
    bool goes_on = action == ACTION_OBSERVE_WINDOW && window_goes_on(audit, entry, intent);
    if (slice_is(then, "continue") && !done && !goes_on)
        finding_violated(finding, "P-27", entry,
                         "the reconciliation goes on with %s, which was found `%.*s`",
                         action_name(action), SLICE_ARGUMENTS(found));
    if (action == ACTION_OBSERVE_WINDOW && slice_is(then, "repeat"))
        finding_violated(finding, "P-27", entry,
                         "a window was begun anew, and its samples are left out");
}

void procedure_check_reconciled(const struct audit *audit, struct finding *finding)
{
    for (size_t i = 0; i < audit->deployment.count; i++)
        if (audit->deployment.entries[i]->type == ENTRY_RECONCILIATION)
            check_reconciliation(audit, audit->deployment.entries[i], finding);
}
