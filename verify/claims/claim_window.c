/* window: the samples cover the whole window without a gap; on failure the rollback started and
 * ended within its limits. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

#include <string.h>

enum { NAMES_MAX = 256 };

/* Consecutive failures of each endpoint and each service. */
struct tally {
    struct {
        struct slice name;
        char copy[64];
        int64_t failures;
    } rows[NAMES_MAX];
    size_t count;
};

struct sample_times {
    int64_t first_sent_ns, last_received_ns;
};

static struct sample_times times_of(const struct entry *entry)
{
    struct sample_times times = {entry->boottime_ns, 0};
    for (size_t i = 0; i < entry->item_count; i++) {
        if (entry->items[i].sent_ns < times.first_sent_ns)
            times.first_sent_ns = entry->items[i].sent_ns;
        if (entry->items[i].received_ns > times.last_received_ns)
            times.last_received_ns = entry->items[i].received_ns;
    }
    return times;
}

static int64_t count_failure(struct tally *tally, struct slice name, bool good)
{
    size_t at = 0;
    while (at < tally->count && !slice_is(name, tally->rows[at].copy))
        at++;
    if (at == NAMES_MAX || !slice_copy(name, tally->rows[at].copy, sizeof tally->rows[at].copy))
        return good ? 0 : NAMES_MAX;
    if (at == tally->count)
        tally->rows[tally->count++].failures = 0;
    tally->rows[at].failures = good ? 0 : tally->rows[at].failures + 1;
    return tally->rows[at].failures;
}

static int64_t count_service(struct tally *tally, const char *service, bool good)
{
    char name[64 + 1] = "."; /* a service and an endpoint may have the same name */
    memcpy(name + 1, service, sizeof name - 2);
    return count_failure(tally, slice_of(name), good);
}

/* Every container that is there, and every service that was pulled and has none. */
static bool services_fail(const struct audit *audit, const struct containers *containers,
                          struct tally *tally)
{
    const struct step *pulled = deployment_step(&audit->deployment, ACTION_PULL_IMAGES);
    struct containers declared = {.count = 0};
    int64_t most = 0;
    if (pulled != NULL
        && !reading_images(entry_item(pulled->transition, 0, pulled->transition->item_count,
                                      PROBE_COMPOSE_IMAGES, NULL),
                           &declared))
        declared.count = 0;
    for (size_t i = 0; i < containers->count; i++) {
        int64_t failures = count_service(tally, containers->list[i].service,
                                         reading_container_is_good(&containers->list[i]));
        most = failures > most ? failures : most;
    }
    for (size_t i = 0; i < declared.count; i++) {
        if (reading_container(containers, slice_of(declared.list[i].service)) != NULL)
            continue;
        int64_t failures = count_service(tally, declared.list[i].service, false);
        most = failures > most ? failures : most;
    }
    return most >= audit->limits->failures;
}

/* NULL when the sample leaves the window good; else what fails it. `ret_name` is of whom. */
static const char *sample_fault(const struct audit *audit, const struct entry *entry,
                                struct tally *tally, struct slice *ret_name)
{
    const char *fault = NULL;
    struct containers containers;
    *ret_name = slice_of(probe_name(PROBE_COMPOSE_CONTAINERS));
    if (!reading_containers(entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS),
                            &containers)) /* a second belongs to the interlock */
        return "there is no readable list of the containers:";
    for (const struct node *endpoint = audit->genesis.endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        const struct item *item = entry_item(entry, 0, entry->item_count, PROBE_HEALTH, NULL);
        for (size_t i = entry->item_count; i-- > 0;) {
            item = &entry->items[i];
            if (item->probe == PROBE_HEALTH && slice_equal(item->subject, endpoint->text))
                break;
            item = NULL;
        }
        if (item == NULL) {
            *ret_name = endpoint->text;
            return "the endpoint was not asked, and missing is never healthy:";
        }
        if (count_failure(tally, endpoint->text, reading_health_is_good(item))
            >= audit->limits->failures) {
            *ret_name = endpoint->text;
            fault = "it fails too many times in a row:";
        }
    }
    if (services_fail(audit, &containers, tally)) {
        *ret_name = slice_of(probe_name(PROBE_COMPOSE_CONTAINERS));
        fault = "a service is not running and healthy too many times in a row:";
    }
    return fault;
}

static bool window_has_sample(struct entry *entry, const struct entry *intent)
{
    return entry->type == ENTRY_SAMPLE && intent != NULL
           && node_number(entry_body(entry), "intent", -1) == intent->seq;
}

/* The window starts in time after the last command that switched something, or after ARM was
 * observed. */
static void check_start(const struct audit *audit, const struct step *observed,
                        const struct entry *sample, struct finding *finding)
{
    const struct entry *entry = NULL;
    const char *what = "the last switching command returned";
    int64_t from_ns = 0, limit_ms = audit->limits->window_start_ms;
    bool same_boot, exact = true;
    for (const struct step *step = audit->deployment.steps; step < observed; step++) {
        const struct entry *transition = step->transition;
        const struct item *item = entry_item(transition, 0, transition->item_count,
                                             step->action == ACTION_ARM ? PROBE_LOGS_EXECUTION
                                                                        : PROBE_COMPOSE_UP,
                                             NULL);
        bool switches = step->action == ACTION_SWITCH_SERVICES
                        || step->action == ACTION_DEPLOY_EXECUTION
                        || step->action == ACTION_DEPLOY_BRAIN || step->action == ACTION_ARM;
        if (!switches || (step->event != EVENT_DONE && step->event != EVENT_REARMED))
            continue;
        exact = item != NULL;
        entry = exact ? transition
                      : step->intent; /* an adopted act returned at some time after its intent */
        from_ns = exact ? item->received_ns : step->intent != NULL ? step->intent->boottime_ns : 0;
        limit_ms = step->action == ACTION_ARM ? audit->limits->window_start_armed_ms
                                              : audit->limits->window_start_ms;
        what = step->action == ACTION_ARM ? "ARM was observed"
                                          : "the last switching command returned";
    }
    finding_rests_on(finding, entry);
    if (entry == NULL) {
        finding_undecidable(finding, sample, "the record does not say when services were switched");
        return;
    }
    int64_t span_ms = deployment_boot_span_ms(entry, from_ns, sample,
                                              times_of(sample).first_sent_ns, &same_boot);
    if (!same_boot)
        finding_undecidable(finding, sample,
                            "the driver's machine was rebooted between the switch and the first "
                            "sample: the time between is not known");
    else if (span_ms > limit_ms && exact)
        finding_violated(finding, sample, "the window starts %lld ms after %s; the limit is %lld",
                         (long long)span_ms, what, (long long)limit_ms);
    else if (span_ms > limit_ms)
        finding_undecidable(
            finding, sample,
            "when %s is not known, and it may be more than %lld ms before the window", what,
            (long long)limit_ms);
}

static void check_gap(const struct audit *audit, const struct entry *before,
                      const struct entry *sample, struct finding *finding)
{
    bool same_boot;
    int64_t gap_ms = deployment_boot_span_ms(before, times_of(before).first_sent_ns, sample,
                                             times_of(sample).first_sent_ns, &same_boot);
    if (!same_boot)
        finding_undecidable(
            finding, sample,
            "the driver's machine was rebooted within the window: the gap is not known");
    else if (gap_ms > audit->limits->sample_gap_ms)
        finding_violated(finding, sample,
                         "there is a gap of %lld ms in the window; the limit is %lld",
                         (long long)gap_ms, (long long)audit->limits->sample_gap_ms);
}

static void check_covered(const struct audit *audit, const struct step *observed,
                          struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct entry *first = NULL, *last = NULL;
    struct tally tally = {.count = 0};
    int64_t number = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct slice name;
        if (!window_has_sample(entry, observed->intent))
            continue;
        finding_rests_on(finding, entry);
        if (node_number(entry_body(entry), "n", 0) != ++number)
            finding_violated(finding, entry, "sample %lld of the window is missing",
                             (long long)number);
        const char *fault = sample_fault(audit, entry, &tally, &name);
        if (fault != NULL)
            finding_violated(finding, entry, "the window is called good, and %s %.*s", fault,
                             SLICE_ARGUMENTS(name));
        if (last != NULL)
            check_gap(audit, last, entry, finding);
        first = first != NULL ? first : entry;
        last = entry;
    }
    if (first == NULL) {
        finding_violated(finding, observed->transition,
                         "the window is called good without a single sample");
        return;
    }
    check_start(audit, observed, first, finding);
    bool same_boot;
    int64_t length_ms = deployment_boot_span_ms(first, times_of(first).first_sent_ns, last,
                                                times_of(last).last_received_ns, &same_boot);
    if (same_boot && length_ms < audit->limits->window_ms)
        finding_violated(finding, last, "the window is %lld ms long; the limit is %lld",
                         (long long)length_ms, (long long)audit->limits->window_ms);
    finding_conclude(finding, last,
                     "%lld samples cover %lld ms without a gap, with every endpoint in each",
                     (long long)number, (long long)length_ms);
}

/* When the failure could be seen: in the first sample that fails the window, else in what the
 * failing transition rests on. */
static int64_t failure_seen_ns(const struct audit *audit, const struct step *failure,
                               const struct entry **ret_entry)
{
    const struct deployment *deployment = &audit->deployment;
    struct tally tally = {.count = 0};
    const struct entry *transition = failure->transition;
    struct sample_times times = times_of(transition);
    struct slice name;
    *ret_entry = transition;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < transition->seq;
         i++) {
        struct entry *entry = deployment->entries[i];
        if (window_has_sample(entry, failure->intent)
            && sample_fault(audit, entry, &tally, &name) != NULL) {
            *ret_entry = entry;
            return times_of(entry).last_received_ns;
        }
    }
    return machine_answers_intent(failure->event) && times.last_received_ns > 0
               ? times.last_received_ns
               : transition->boottime_ns;
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

static void window_check_rollback(const struct audit *audit, const struct step *failure,
                                  struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *seen, *started = first_safe_intent(deployment, failure->transition),
                              *ended = deployment->entries[deployment->count - 1];
    int64_t seen_ns = failure_seen_ns(audit, failure, &seen), start_ms = 0, took_ms = 0;
    bool same_boot;
    finding_rests_on(finding, failure->transition);
    finding_rests_on(finding, seen);
    finding_rests_on(finding, started);
    if (started == NULL) {
        finding_violated(finding, failure->transition,
                         "the deployment failed, and no rollback was begun");
        return;
    }
    start_ms = deployment_boot_span_ms(seen, seen_ns, started, started->boottime_ns, &same_boot);
    if (!same_boot)
        finding_undecidable(finding, started,
                            "the driver's machine was rebooted between the failure and the "
                            "rollback: the time between is not known");
    else if (start_ms > audit->limits->rollback_start_ms)
        finding_violated(
            finding, started,
            "the rollback was begun %lld ms after the failure could be seen; the limit is %lld",
            (long long)start_ms, (long long)audit->limits->rollback_start_ms);
    if (deployment->state != STATE_ROLLED_BACK) {
        finding_violated(finding, ended, "the rollback failed: what ran before was not restored");
        return;
    }
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].to == STATE_ROLLED_BACK)
            ended = deployment->steps[i].transition;
    finding_rests_on(finding, ended);
    took_ms = deployment_boot_span_ms(started, started->boottime_ns, ended, ended->boottime_ns,
                                      &same_boot);
    if (!same_boot)
        finding_undecidable(
            finding, ended,
            "the driver's machine was rebooted within the rollback: how long it took is not known");
    else if (took_ms > audit->limits->rollback_ms)
        finding_violated(finding, ended, "the rollback took %lld ms; the limit is %lld",
                         (long long)took_ms, (long long)audit->limits->rollback_ms);
    finding_conclude(finding, ended,
                     "the rollback was begun %lld ms after the failure could be seen (%s) and "
                     "ended %lld ms later",
                     (long long)start_ms, event_name(failure->event), (long long)took_ms);
}

void claim_window(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW),
                      *failure = deployment_failure(deployment);
    if (!deployment->ended)
        finding_undecidable(finding, NULL, "the deployment is still open, in the state %s",
                            state_name(deployment->state));
    else if (failure != NULL)
        window_check_rollback(audit, failure, finding);
    else if (observed != NULL && deployment->state == STATE_COMPLETED)
        check_covered(audit, observed, finding);
    else if (deployment->state == STATE_COMPLETED)
        finding_violated(finding, NULL, "the deployment was completed without a window");
    else
        finding_not_applicable(finding, "the deployment ended before a service was changed");
}
