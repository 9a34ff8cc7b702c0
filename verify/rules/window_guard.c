/* Whether the guard on the target acted in time (W-16), by its own record. */
#include "verify/rules/window.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/guard.h"
#include "verify/read/greater.h"

enum {
    GUARD_LATE_MS = 5000,    /* behind its deadline */
    GUARD_AHEAD_MS = 315000, /* a step, and what is laid on top of a deadline */
    GUARD_UNWATCHED_MS = 300000,
    CLOCK_SLACK_MS = 1000
};

/* The guard's record, and what the journal knew of its plan. */
struct acted {
    const struct deployment *deployment;
    const struct entry *entry; /* the first that has the record */
    const struct guard_line *begin, *end;
    enum guard_cause cause;
    int64_t deadline_ms;      /* as `begin` says it */
    struct guard laid, fired; /* laid: the last in front of the entry */
    const char *boot;         /* of the plan */
    struct entry *open;       /* intent_unanswered_at(), or NULL */
};

/* The target's uptime at an entry on this boot of it, as the driver's clock puts it: by the last
 * item in front of the entry, else the first behind it, of the same boot of the driver. */
static bool uptime_at(const struct deployment *deployment, const struct entry *entry,
                      const char *boot, int64_t *ret_ms, int64_t *ret_slack_ms)
{
    const struct item *best = NULL;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *other = deployment->entries[i];
        for (size_t k = 0; strcmp(other->boot, entry->boot) == 0 && k < other->item_count; k++) {
            const struct item *item = &other->items[k];
            bool front = item->sent_ns <= entry->boottime_ns;
            if (item->has_target && strcmp(item->target_boot, boot) == 0 && (front || best == NULL))
                best = item;
        }
    }
    if (best == NULL)
        return false;
    int64_t span_ms = (entry->boottime_ns - best->sent_ns) / 1000000;
    *ret_ms = best->target_before_ms + span_ms;
    *ret_slack_ms = CLOCK_SLACK_MS + (span_ms < 0 ? -span_ms : span_ms) / 1000;
    return true;
}

/* The last item of the driver in front of the entry that was sent before the guard began. */
static bool last_seen_ms(const struct acted *acted, int64_t *ret_ms)
{
    bool found = false;
    for (size_t i = 0; i < acted->deployment->count; i++) {
        const struct entry *entry = acted->deployment->entries[i];
        for (size_t k = 0; entry->seq < acted->entry->seq && k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            bool counts = item->has_target && strcmp(item->target_boot, acted->boot) == 0
                          && (acted->cause == GUARD_REBOOT
                              || item->target_before_ms < acted->begin->before_ms);
            if (counts && (!found || item->target_after_ms > *ret_ms))
                *ret_ms = item->target_after_ms;
            found = found || counts;
        }
    }
    return found;
}

/* The way back renews nothing. */
static bool is_act_of_way_back(enum action action)
{
    return action == ACTION_MAKE_SAFE || action == ACTION_REVERT || action == ACTION_REDEPLOY
           || action == ACTION_VERIFY_RESTORED || action == ACTION_RESTORE_CODE;
}

static bool is_on_way_back(struct slice to)
{
    return slice_is(to, "safe") || slice_is(to, "reverted") || slice_is(to, "redeployed")
           || slice_is(to, "rolled_back") || slice_is(to, "aborted");
}

/* The last intent on the way forward, where no good transition answers it: what was renewed in it
 * may not be recorded. */
static struct entry *intent_unanswered_at(const struct deployment *deployment,
                                          const struct entry *entry)
{
    struct entry *open = NULL;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < entry->seq; i++) {
        struct entry *other = deployment->entries[i];
        struct slice event = other->type == ENTRY_TRANSITION ? node_text(entry_body(other), "event")
                                                             : (struct slice){0};
        if (other->type == ENTRY_INTENT
            && !is_act_of_way_back(action_by_name(node_text(entry_body(other), "action"))))
            open = other;
        else if (slice_is(event, "rearmed")
                 || (slice_is(event, "done")
                     && !is_on_way_back(node_text(entry_body(other), "to"))))
            open = NULL;
    }
    return open;
}

/* The deadline is the last one that the journal knows, or one that a driver who died set within the
 * intent that it left open. */
static void check_deadline_known(const struct audit *audit, const struct acted *acted,
                                 struct finding *finding)
{
    int64_t opened_ms = 0, slack_ms = 0, seen_ms = 0, deadline_ms = acted->deadline_ms;
    if (acted->fired.state == GUARD_FIRED && deadline_ms != acted->fired.deadline_ms)
        finding_violated(finding, "W-16", acted->entry,
                         "the guard acted on another deadline than that of its plan");
    if (acted->laid.begun && deadline_ms == acted->laid.deadline_ms)
        return;
    if (acted->open == NULL) {
        finding_violated(finding, "W-16", acted->entry,
                         "the guard acted on a deadline that nobody is recorded to have set");
        return;
    }
    bool known = uptime_at(acted->deployment, acted->open, acted->boot, &opened_ms, &slack_ms),
         seen = last_seen_ms(acted, &seen_ms);
    int64_t most_ms = greater_of(known ? opened_ms + slack_ms : seen_ms, seen_ms) + GUARD_AHEAD_MS
                      + greater_of(audit->limits->window_ms, GUARD_UNWATCHED_MS);
    if (!known && !seen)
        finding_undecidable(finding, "W-16", acted->entry,
                            "when the guard had to act is not known: its last renewal is not "
                            "recorded, and nothing says when that can have been");
    else if (deadline_ms > most_ms || (known && deadline_ms < opened_ms - slack_ms))
        finding_violated(finding, "W-16", acted->entry,
                         "the guard acted on a deadline that no driver can have set: uptime %lld "
                         "ms",
                         (long long)deadline_ms);
}

static bool is_safe_intent(struct entry *entry)
{
    return entry->type == ENTRY_INTENT
           && action_by_name(node_text(entry_body(entry), "action")) == ACTION_MAKE_SAFE;
}

/* The last intent of make_safe that the guard can have followed. */
static void check_turn(const struct audit *audit, const struct acted *acted,
                       struct finding *finding)
{
    bool begun = false, known = false;
    int64_t after_ms = -1;
    for (size_t i = 0; i < acted->deployment->count; i++) {
        struct entry *entry = acted->deployment->entries[i];
        int64_t at_ms, slack_ms;
        if (entry->seq >= acted->entry->seq || !is_safe_intent(entry))
            continue;
        begun = true;
        if (!uptime_at(acted->deployment, entry, acted->boot, &at_ms, &slack_ms))
            continue;
        known = true;
        if (acted->begin->before_ms >= at_ms - slack_ms)
            after_ms = greater_of(acted->begin->before_ms - at_ms - slack_ms, 0);
    }
    if (!begun || (known && after_ms < 0))
        finding_violated(finding, "W-16", acted->entry,
                         "the guard took the turn of a driver that had not begun to roll back");
    else if (!known)
        finding_undecidable(finding, "W-16", acted->entry,
                            "how long after the driver the guard began is not known");
    else if (after_ms > audit->limits->rollback_ms)
        finding_violated(finding, "W-16", acted->entry,
                         "the guard took the driver's turn %lld ms after it had begun to roll back",
                         (long long)after_ms);
}

static void check_cause(const struct audit *audit, const struct acted *acted,
                        struct finding *finding)
{
    const struct guard_line *begin = acted->begin;
    bool same = strcmp(begin->boot, acted->boot) == 0;
    int64_t late_ms = begin->before_ms - acted->deadline_ms;
    if (same == (acted->cause == GUARD_REBOOT))
        finding_violated(finding, "W-16", acted->entry,
                         "the guard acted by %.*s, %s boot of the target as its plan",
                         SLICE_ARGUMENTS(slice_word(begin->said)),
                         same ? "in the same" : "in another");
    else if (acted->cause == GUARD_DEADLINE && (late_ms < 0 || late_ms > GUARD_LATE_MS))
        finding_violated(finding, "W-16", acted->entry,
                         "the guard began %lld ms %s its deadline; at most %d ms behind it are "
                         "allowed",
                         (long long)(late_ms < 0 ? -late_ms : late_ms),
                         late_ms < 0 ? "before" : "behind", (int)GUARD_LATE_MS);
    else if (acted->cause == GUARD_TURN)
        check_turn(audit, acted, finding);
}

/* What the guard did not bring up was down until the driver that came back had seen it again. */
static void check_finished(const struct audit *audit, const struct acted *acted,
                           struct finding *finding)
{
    const struct entry *restored = deployment_good_entry(acted->deployment, ACTION_VERIFY_RESTORED);
    const struct item *last = NULL;
    for (size_t i = 0; restored != NULL && i < restored->item_count; i++)
        if (restored->items[i].has_target)
            last = &restored->items[i];
    if (last == NULL)
        return; /* W-14 */
    if (strcmp(last->target_boot, acted->begin->boot) != 0)
        finding_undecidable(finding, "W-16", restored,
                            "the guard did not succeed in all of it, and how long it took until "
                            "that was put right is not known");
    else if (last->target_after_ms - acted->begin->before_ms > audit->limits->rollback_ms)
        finding_violated(finding, "W-16", restored,
                         "the guard did not succeed in all of it, and it was put right %lld ms "
                         "after it began; at most %lld ms are allowed",
                         (long long)(last->target_after_ms - acted->begin->before_ms),
                         (long long)audit->limits->rollback_ms);
}

static void check_length(const struct audit *audit, const struct acted *acted,
                         struct finding *finding)
{
    int64_t took_ms = acted->end != NULL ? acted->end->after_ms - acted->begin->before_ms : 0;
    if (acted->end == NULL)
        finding_undecidable(finding, "W-16", acted->entry,
                            "the guard did not come to its end: how long it took is not known");
    else if (took_ms > audit->limits->rollback_ms)
        finding_violated(finding, "W-16", acted->entry,
                         "the guard took %lld ms; at most %lld ms are allowed", (long long)took_ms,
                         (long long)audit->limits->rollback_ms);
    if (acted->end != NULL && acted->end->status != 0)
        check_finished(audit, acted, finding);
}

/* How long after the failure could be seen (W-12) the guard began, as the driver's clock puts it:
 * by an item of the boot in which it acted. "" where there is none, or nothing was seen before. */
static void describe_failure(const struct audit *audit, const struct acted *acted,
                             const struct step *failure, char *ret_words, size_t room)
{
    const struct entry *seen, *transition = failure->transition;
    int64_t unwatched_ms, seen_ns = window_failure_seen_ns(audit, failure, &seen, &unwatched_ms);
    ret_words[0] = '\0';
    for (size_t i = 0; i < transition->item_count; i++) {
        const struct item *item = &transition->items[i];
        if (!item->has_target || strcmp(item->target_boot, acted->begin->boot) != 0)
            continue;
        int64_t began_ns = item->sent_ns
                           + (acted->begin->before_ms - item->target_before_ms) * 1000000;
        if (began_ns >= seen_ns)
            (void)snprintf(ret_words, room, " (%lld ms after the failure could be seen)",
                           (long long)((began_ns - seen_ns) / 1000000));
        return;
    }
}

static void describe_guard(const struct acted *acted, const char *failed, char *ret_words,
                           size_t room)
{
    int64_t late_ms = acted->begin->before_ms - acted->deadline_ms,
            took_ms = acted->end != NULL ? acted->end->after_ms - acted->begin->before_ms : 0;
    char began[120];
    if (acted->cause == GUARD_DEADLINE)
        (void)snprintf(began, sizeof began, "began %lld.%lld s after its deadline",
                       (long long)(late_ms / 1000), (long long)(late_ms % 1000 / 100));
    else if (acted->cause == GUARD_REBOOT)
        (void)snprintf(began, sizeof began, "began %lld.%lld s after a reboot of the target",
                       (long long)(acted->begin->before_ms / 1000),
                       (long long)(acted->begin->before_ms % 1000 / 100));
    else
        (void)snprintf(began, sizeof began, "followed a driver that said nothing more");
    (void)snprintf(ret_words, room, "the guard on the target %s%s and ended after %lld.%lld s",
                   began, failed, (long long)(took_ms / 1000), (long long)(took_ms % 1000 / 100));
}

const struct entry *window_check_guard(const struct audit *audit, const struct step *failure,
                                       char *ret_words, size_t room, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    struct acted acted = {.deployment = deployment};
    ret_words[0] = '\0';
    if (!guard_fired(deployment, &record, &acted.entry))
        return NULL;
    acted.begin = guard_record_line(&record, "begin");
    acted.end = guard_record_line(&record, "end");
    acted.cause = guard_cause_of(acted.begin, &acted.deadline_ms);
    acted.open = intent_unanswered_at(deployment, acted.entry);
    (void)guard_last(deployment, acted.entry, GUARD_LAID, &acted.laid);
    (void)guard_last(deployment, NULL, GUARD_FIRED, &acted.fired);
    acted.boot = acted.fired.state == GUARD_FIRED ? acted.fired.boot : acted.laid.boot;
    finding_rests_on(finding, acted.entry);
    check_deadline_known(audit, &acted, finding);
    check_cause(audit, &acted, finding);
    check_length(audit, &acted, finding);
    char failed[80] = "";
    if (acted.entry->seq <= failure->transition->seq)
        describe_failure(audit, &acted, failure, failed, sizeof failed);
    describe_guard(&acted, failed, ret_words, room);
    return acted.entry;
}
