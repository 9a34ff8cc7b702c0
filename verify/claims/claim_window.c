/* window: the samples cover the whole window without a gap; on failure the rollback started and
 * ended within its limits. */
#include "verify/rules/window.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/read/greater.h"

/* One limit for the start of the window (W-03), from a moment in the transition. */
static void check_start_from(const struct audit *audit, const struct entry *transition, bool arm,
                             const struct entry *sample, struct finding *finding)
{
    const struct limits *limits = audit->limits;
    const struct item *up = entry_item(transition, 0, transition->item_count, PROBE_COMPOSE_UP,
                                       NULL);
    bool same_boot;
    int64_t limit_ms = arm ? smaller_of(limits->window_start_armed_ms, limits->sample_gap_ms)
                           : limits->window_start_ms;
    if (!arm && up == NULL) {
        finding_undecidable(finding, "W-03", sample,
                            "the record does not say when services were switched");
        return;
    }
    int64_t from_ns = arm ? window_times(transition).last_received_ns : up->received_ns;
    int64_t span_ms = deployment_boot_span_ms(transition, from_ns, sample,
                                              window_times(sample).first_sent_ns, &same_boot);
    finding_rests_on(finding, transition);
    if (!same_boot)
        finding_undecidable(finding, "W-03", sample,
                            "the driver's machine was rebooted between the switch and the first "
                            "sample: the time between is not known");
    else if (span_ms > limit_ms)
        finding_violated(finding, "W-03", sample,
                         "The window starts %lld ms after %s; at most %lld ms are allowed",
                         (long long)span_ms,
                         arm ? "ARM was observed" : "the last switching command returned",
                         (long long)limit_ms);
}

static void check_start(const struct audit *audit, const struct step *observed,
                        const struct entry *sample, struct finding *finding)
{
    const struct entry *switched = deployment_good_entry(&audit->deployment,
                                                         ACTION_SWITCH_SERVICES);
    bool release = !audit->deployment.policy, armed = false;
    if (release && switched != NULL)
        check_start_from(audit, switched, false, sample, finding);
    for (const struct step *step = audit->deployment.steps; step < observed; step++) {
        if (step->action != ACTION_ARM || !step_is_good(step))
            continue;
        armed = true;
        check_start_from(audit, step->transition, true, sample, finding);
    }
    if (release ? switched == NULL : !armed)
        finding_undecidable(finding, "W-03", sample,
                            "the record does not say when services were switched, or Execution "
                            "was armed");
}

static void check_gap_between(const struct audit *audit, const struct entry *before,
                              int64_t before_ns, const struct entry *after, int64_t after_ns,
                              const char *what, struct finding *finding)
{
    bool same_boot;
    int64_t gap_ms = deployment_boot_span_ms(before, before_ns, after, after_ns, &same_boot);
    if (!same_boot)
        finding_undecidable(
            finding, "W-04", after,
            "the driver's machine was rebooted within the window: the gap is not known");
    else if (gap_ms > audit->limits->sample_gap_ms)
        finding_violated(finding, "W-04", after, "%s took %lld ms; at most %lld ms are allowed",
                         what, (long long)gap_ms, (long long)audit->limits->sample_gap_ms);
}

/* From the item of an endpoint to the next one of it. */
static void check_endpoint_gaps(const struct audit *audit, const struct entry *before,
                                const struct entry *after, struct finding *finding)
{
    for (size_t i = 0; i < after->item_count; i++) {
        const struct item *item = &after->items[i];
        char subject[256];
        if (item->probe != PROBE_HEALTH || !slice_copy(item->subject, subject, sizeof subject))
            continue;
        const struct item *last = entry_item(before, 0, before->item_count, PROBE_HEALTH, subject);
        if (last != NULL)
            check_gap_between(audit, before, last->sent_ns, after, item->sent_ns,
                              "from one answer of an endpoint to the next it", finding);
    }
}

static void check_between(const struct audit *audit, const struct entry *before,
                          const struct entry *sample, struct finding *finding)
{
    check_gap_between(audit, before, window_times(before).first_sent_ns, sample,
                      window_times(sample).first_sent_ns, "from one sample to the next it",
                      finding);
    check_endpoint_gaps(audit, before, sample, finding);
    if (strcmp(before->boot, sample->boot) == 0
        && window_times(sample).first_sent_ns < before->boottime_ns)
        finding_violated(finding, "W-05", sample,
                         "a sample has evidence that is older than the sample before it");
}

/* W-02 to W-10 of one sample. */
static void check_sample(const struct audit *audit, struct entry *entry, const struct entry *last,
                         int64_t number, struct tally *tally, struct finding *finding)
{
    struct window_fault fault;
    struct sample_times times = window_times(entry);
    finding_rests_on(finding, entry);
    if (node_number(entry_body(entry), "n", 0) != number)
        finding_violated(finding, "W-02", entry, "sample %lld of the window is missing",
                         (long long)number);
    struct slice missing = reading_missing_endpoint(&audit->genesis, entry);
    if (missing.length > 0)
        finding_violated(finding, "W-02", entry,
                         "the endpoint was not asked, and missing is never healthy: %.*s",
                         SLICE_ARGUMENTS(missing));
    if (reading_last_list(entry) == NULL && !window_has_failed_item(entry))
        finding_violated(finding, "W-02", entry, "there is no readable list of the containers");
    if (times.last_received_ns > 0)
        check_gap_between(audit, entry, times.first_sent_ns, entry, times.last_received_ns,
                          "a sample", finding);
    if (last != NULL)
        check_between(audit, last, entry, finding);
    if (window_add_sample(audit, tally, entry, &fault))
        finding_violated(finding, fault.rule, entry, "The window is called good, and there are %s",
                         fault.why);
}

static void check_confirm(const struct audit *audit, const struct entry *last, struct tally *tally,
                          struct finding *finding)
{
    const struct entry *confirm = deployment_good_entry(&audit->deployment, ACTION_CONFIRM);
    struct window_fault fault;
    int64_t failed = tally->failed;
    if (confirm == NULL)
        return;
    finding_rests_on(finding, confirm);
    check_gap_between(audit, last, window_times(last).last_received_ns, confirm,
                      window_times(confirm).first_sent_ns,
                      "from the last sample to the look of confirm it", finding);
    if (window_add_sample(audit, tally, confirm, &fault))
        finding_violated(finding, fault.rule, confirm,
                         "The window is called good, and there are %s", fault.why);
    if (tally->failed > failed)
        finding_violated(finding, "W-08", confirm, "the look of confirm has a failure: %s",
                         tally->blame);
}

static void describe_window(const struct audit *audit, const struct tally *tally, int64_t number,
                            int64_t length_ms, const struct entry *last, struct finding *finding)
{
    char failed[400], settling[80] = "";
    tally_describe(tally, failed, sizeof failed);
    if (tally->settling > 0)
        (void)snprintf(settling, sizeof settling, "; in %lld of them something was still starting",
                       (long long)tally->settling);
    finding_conclude(finding, last, "%lld samples cover %lld ms without a gap, %s%s%s",
                     (long long)number, (long long)length_ms,
                     audit->genesis.endpoints->count > 0
                         ? "with every endpoint in each"
                         : "and no endpoint is pinned: health was not asked of any",
                     settling, failed);
}

static void check_covered(const struct audit *audit, const struct step *observed,
                          struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct entry *first = NULL, *settled = NULL, *last = NULL;
    CLEANUP_TALLY struct tally tally = {0};
    int64_t number = 0;
    bool same_boot;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (!deployment_is_sample(deployment, entry))
            continue;
        int64_t failed = tally.failed;
        check_sample(audit, entry, last, ++number, &tally, finding);
        first = first != NULL ? first : entry;
        settled = tally.settles ? NULL : settled != NULL ? settled : entry;
        last = entry;
        if (tally.failed > failed && i + 1 < deployment->count
            && !deployment_is_sample(deployment, deployment->entries[i + 1]))
            finding_violated(finding, "W-08", entry, "the last sample has a failure: %s",
                             tally.blame);
    }
    if (first == NULL) {
        finding_violated(finding, "W-02", observed->transition,
                         "the window is called good without a single sample");
        return;
    }
    check_start(audit, observed, first, finding);
    settled = settled != NULL ? settled : last;
    int64_t length_ms = deployment_boot_span_ms(settled, window_times(settled).first_sent_ns, last,
                                                window_times(last).first_sent_ns, &same_boot);
    if (same_boot && length_ms < audit->limits->window_ms)
        finding_violated(finding, "W-06", last,
                         "The window lasted %lld.%lld s%s; at least %lld s are required",
                         (long long)(length_ms / 1000), (long long)(length_ms % 1000 / 100),
                         tally.settling > 0 ? " after everything had settled" : "",
                         (long long)((audit->limits->window_ms + 999) / 1000));
    check_confirm(audit, last, &tally, finding);
    describe_window(audit, &tally, number, length_ms, last, finding);
}

static const struct entry *first_safe_intent(const struct deployment *deployment,
                                             const struct entry *behind)
{
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->seq > behind->seq && entry->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(entry), "action")) == ACTION_MAKE_SAFE)
            return entry;
    }
    return NULL;
}

/* W-12; returns how many milliseconds passed. */
static int64_t check_begun(const struct audit *audit, const struct step *failure,
                           const struct entry *started, char *ret_unwatched, size_t room,
                           struct finding *finding)
{
    const struct entry *seen;
    int64_t unwatched_ms;
    bool same_boot;
    int64_t seen_ns = window_failure_seen_ns(audit, failure, &seen, &unwatched_ms);
    int64_t start_ms = deployment_boot_span_ms(failure->transition, seen_ns, started,
                                               started->boottime_ns, &same_boot);
    finding_rests_on(finding, failure->transition);
    finding_rests_on(finding, seen);
    finding_rests_on(finding, started);
    ret_unwatched[0] = '\0';
    if (unwatched_ms > 0)
        (void)snprintf(ret_unwatched, room, "; nobody watched for %lld ms before it",
                       (long long)unwatched_ms);
    if (!same_boot)
        finding_undecidable(finding, "W-12", started,
                            "the driver's machine was rebooted between the failure and the "
                            "rollback: the time between is not known");
    else if (start_ms > audit->limits->rollback_start_ms)
        finding_violated(finding, "W-12", started,
                         "the rollback was begun %lld ms after the failure could be seen; at most "
                         "%lld ms are allowed%s",
                         (long long)start_ms, (long long)audit->limits->rollback_start_ms,
                         ret_unwatched);
    return start_ms;
}

/* How a rollback began. */
struct begun {
    char who[360], more[80];
};

/* W-12, or W-16 where the guard had begun before the driver. Who began, in words, and what there is
 * to say of that. */
static void check_who_began(const struct audit *audit, const struct step *failure,
                            const struct entry *started, struct begun *ret_begun,
                            struct finding *finding)
{
    char guard[200], unwatched[80];
    const struct entry *acted = window_check_guard(audit, failure, guard, sizeof guard, finding);
    if (acted != NULL && acted->seq < started->seq) {
        finding_rests_on(finding, failure->transition);
        finding_rests_on(finding, started);
        (void)snprintf(ret_begun->who, sizeof ret_begun->who,
                       "%s; the driver's own rollback was begun behind that", guard);
        ret_begun->more[0] = '\0';
        return;
    }
    int64_t start_ms = check_begun(audit, failure, started, unwatched, sizeof unwatched, finding);
    (void)snprintf(ret_begun->who, sizeof ret_begun->who,
                   "the rollback was begun %lld ms after the failure could be seen (%s)",
                   (long long)greater_of(start_ms, 0), event_name(failure->event));
    size_t used = strlen(ret_begun->who);
    if (acted != NULL)
        (void)snprintf(ret_begun->who + used, sizeof ret_begun->who - used,
                       "; %s; the driver's own was begun anew behind that", guard);
    (void)snprintf(ret_begun->more, sizeof ret_begun->more, "%s", unwatched);
}

/* W-02 and W-15 of a window that failed. */
static void check_failed_window(const struct audit *audit, const struct step *failure,
                                struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    char why[120];
    int64_t number = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (!deployment_is_sample(deployment, entry))
            continue;
        if (node_number(entry_body(entry), "n", 0) != ++number)
            finding_violated(finding, "W-02", entry, "sample %lld of the window is missing",
                             (long long)number);
        struct slice missing = reading_missing_endpoint(&audit->genesis, entry);
        if (missing.length > 0)
            finding_violated(finding, "W-02", entry, "the endpoint %.*s was not asked",
                             SLICE_ARGUMENTS(missing));
        if (reading_last_list(entry) == NULL && !window_has_failed_item(entry))
            finding_violated(finding, "W-02", entry, "there is no readable list of the containers");
    }
    const struct entry *fault = window_unreasonable(audit, failure, why, sizeof why);
    if (fault != NULL)
        finding_violated(finding, "W-15", fault, "%s", why);
}

/* W-13: what was started again and is slow may take longer, where `redeploy` was in time. */
static int64_t rollback_limit_ms(const struct audit *audit, const struct entry *started)
{
    const struct limits *limits = audit->limits;
    const struct entry *redeployed = deployment_good_entry(&audit->deployment, ACTION_REDEPLOY);
    const struct listing *list = redeployed != NULL ? reading_last_list(redeployed) : NULL;
    bool slow = false, same_boot;
    for (size_t i = 0; list != NULL && i < list->count; i++)
        slow = slow || strcmp(list->list[i].health, "starting") == 0;
    if (!slow)
        return limits->rollback_ms;
    int64_t span_ms = deployment_boot_span_ms(started, started->boottime_ns, redeployed,
                                              redeployed->boottime_ns, &same_boot);
    int64_t slow_ms = span_ms + limits->service_start_ms;
    return same_boot && span_ms <= limits->rollback_ms && slow_ms > limits->rollback_ms
               ? slow_ms
               : limits->rollback_ms;
}

/* W-13: behind a guard that acted it is the rollback of the driver that came back. */
static const struct entry *rollback_begin(const struct deployment *deployment,
                                          const struct entry *started)
{
    const struct entry *begin = started;
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].event == EVENT_GUARD_FIRED)
            begin = first_safe_intent(deployment, deployment->steps[i].transition);
    return begin != NULL ? begin : started;
}

static void check_rollback(const struct audit *audit, const struct step *failure,
                           struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *started = first_safe_intent(deployment, failure->transition),
                       *ended = deployment->entries[deployment->count - 1];
    struct begun begun;
    char failed[400];
    bool same_boot;
    if (started == NULL) {
        finding_violated(finding, "W-12", failure->transition,
                         "the deployment failed, and no rollback was begun");
        return;
    }
    check_failed_window(audit, failure, finding);
    check_who_began(audit, failure, started, &begun, finding);
    started = rollback_begin(deployment, started);
    if (deployment->state != STATE_ROLLED_BACK) {
        finding_violated(finding, "W-14", ended,
                         "the rollback failed: what ran before was not restored");
        return;
    }
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].to == STATE_ROLLED_BACK)
            ended = deployment->steps[i].transition;
    finding_rests_on(finding, ended);
    int64_t took_ms = deployment_boot_span_ms(started, started->boottime_ns, ended,
                                              ended->boottime_ns, &same_boot);
    if (!same_boot)
        finding_undecidable(
            finding, "W-13", ended,
            "the driver's machine was rebooted within the rollback: how long it took is not known");
    else if (took_ms > rollback_limit_ms(audit, started))
        finding_violated(finding, "W-13", ended,
                         "the rollback took %lld ms; at most %lld ms are allowed",
                         (long long)took_ms, (long long)rollback_limit_ms(audit, started));
    window_describe_failed(audit, failure, failed, sizeof failed);
    finding_conclude(finding, ended, "%s and ended %lld ms later%s%s", begun.who,
                     (long long)took_ms, begun.more, failed);
}

void claim_window(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW),
                      *failure = deployment_failure(deployment);
    if (!deployment->ended)
        finding_undecidable(finding, "P-09", NULL, "the deployment is still open, in the state %s",
                            state_name(deployment->state));
    else if (failure != NULL)
        check_rollback(audit, failure, finding);
    else if (observed != NULL && deployment->state == STATE_COMPLETED)
        check_covered(audit, observed, finding);
    else if (deployment->state == STATE_COMPLETED)
        finding_violated(finding, "W-11", NULL, "the deployment was completed without a window");
    else
        finding_not_applicable(finding, "the deployment ended before a service was changed");
}
