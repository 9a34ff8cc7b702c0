/* When the failure could be seen (W-12): the earliest of all evidence. */
#include "verify/rules/window.h"

#include <stdio.h>
#include <string.h>

#include "verify/rules/interlock.h"
#include "verify/judge/healthy.h"
#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/judge/settling.h"
#include "verify/judge/logs/voices.h"
#include "verify/read/greater.h"

/* The earliest moment so far, on the boot of the failing transition. */
struct earliest {
    const struct entry *entry;
    int64_t ns;
};

static void note_moment(struct earliest *earliest, const struct entry *entry, int64_t ns)
{
    if (ns < earliest->ns)
        *earliest = (struct earliest){entry, ns};
}

/* The state that the window starts with, the hash, and how much was heard before it. */
struct window_start {
    enum showing showing;
    char hash[SHA256_HEX + 1];
    size_t heard;
};

/* Of a sample that was added to the tally. A leadership that was lost is contrary only where it is
 * still lost in the next sample (H-12). */
static bool sample_shows_it(const struct audit *audit, const struct entry *entry,
                            const struct tally *tally, struct window_start *start)
{
    struct voices voices;
    char why[200];
    const struct hearing *hearing = &audit->deployment.hearing;
    if (!audit->genesis.has_policy)
        return false;
    voices_read(hearing, &audit->genesis, entry, 0, entry->item_count, 0, &voices);
    bool contrary = voices.parity == PARITY_UNEQUAL || tally->lost_in_a_row > 1
                    || (voices.parity == PARITY_MISSING && !voices.unread
                        && strcmp(voices.rule, "H-13") == 0)
                    || (start->hash[0] != '\0' && voices.hash[0] != '\0'
                        && strcmp(start->hash, voices.hash) != 0),
         otherwise = start->showing != SHOWING_UNKNOWN
                     && interlock_sample_fault(audit, entry, &start->heard, start->showing, why,
                                               sizeof why);
    for (size_t i = 0; i < hearing->log_count; i++)
        contrary = contrary || (hearing->logs[i].entry == entry && hearing->logs[i].grew_in_front);
    return contrary || otherwise;
}

/* As the step before it left them. */
static struct window_start start_of(const struct audit *audit)
{
    const struct deployment *deployment = &audit->deployment;
    const enum action actions[] = {ACTION_ARM, ACTION_VERIFY_RELEASE};
    struct window_start start = {.showing = SHOWING_UNKNOWN,
                                 .heard = interlock_heard_before_window(deployment)};
    for (unsigned i = 0; i < 2; i++) {
        const struct entry *entry = deployment_good_entry(deployment, actions[i]);
        struct voices voices;
        if (entry == NULL)
            continue;
        const struct look *look = hearing_look(&deployment->hearing, entry, 0, entry->item_count);
        voices_read(&deployment->hearing, &audit->genesis, entry, 0, entry->item_count, 0, &voices);
        memcpy(start.hash, voices.hash, sizeof voices.hash);
        start.showing = look != NULL ? look->showing : SHOWING_UNKNOWN;
        return start;
    }
    return start;
}

static bool belongs_to_window(struct entry *entry, const struct entry *intent)
{
    return entry->type == ENTRY_SAMPLE && intent != NULL
           && node_number(entry_body(entry), "intent", -1) == intent->seq;
}

/* The intent of observe_window that was open, or answered, last before the failure. */
static const struct entry *window_intent(const struct deployment *deployment,
                                         const struct entry *before)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < before->seq; i++)
        if (deployment->entries[i]->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(deployment->entries[i]), "action"))
                   == ACTION_OBSERVE_WINDOW)
            found = deployment->entries[i];
    return found;
}

/* Samples that show it, and the silence behind the last one. */
static void look_at_samples(const struct audit *audit, const struct step *failure,
                            struct earliest *earliest, int64_t *ret_unwatched_ms)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *transition = failure->transition,
                       *intent = window_intent(deployment, transition);
    CLEANUP_TALLY struct tally tally = {0};
    struct window_start start = start_of(audit);
    const struct entry *armed = deployment_good_entry(deployment, ACTION_ARM);
    int64_t last_ns = armed != NULL && strcmp(armed->boot, transition->boot) == 0
                          ? window_times(armed).last_received_ns
                          : 0;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < transition->seq;
         i++) {
        struct entry *entry = deployment->entries[i];
        struct window_fault fault;
        if (!belongs_to_window(entry, intent) || strcmp(entry->boot, transition->boot) != 0)
            continue;
        last_ns = window_times(entry).last_received_ns;
        bool faulty = window_add_sample(audit, &tally, entry, &fault);
        if (sample_shows_it(audit, entry, &tally, &start) || faulty)
            note_moment(earliest, entry, last_ns);
    }
    bool watching = failure->from == STATE_ARMED || failure->from == STATE_OBSERVED
                    || (intent != NULL && failure->intent == intent);
    int64_t silent_ns = last_ns + audit->limits->sample_gap_ms * 1000000;
    if (!watching || last_ns == 0)
        return;
    int64_t first_ns = window_times(transition).first_sent_ns;
    *ret_unwatched_ms = first_ns > silent_ns ? (first_ns - last_ns) / 1000000 : 0;
    note_moment(earliest, transition, silent_ns);
}

static bool list_shows_it(const struct audit *audit, const struct entry *entry,
                          const struct item *item)
{
    const struct listing *containers = reading_list(item);
    for (size_t i = 0; containers != NULL && i < containers->count; i++)
        if (!services_row(audit, ACTION_PULL_IMAGES, containers->list[i].service).off
            && !services_is_good(audit, ACTION_PULL_IMAGES, &containers->list[i])
            && !settling_container(audit, entry, item, &containers->list[i]))
            return true;
    return false;
}

/* Whether Execution must not be armed in this look of the failing transition: under policy from its
 * DISARM on, in a release where it was not found armed, or runs anew; before its own ARM. */
static bool must_be_disarmed(const struct audit *audit, const struct step *failure,
                             const struct look *look)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct look *before = snapshot != NULL
                                    ? hearing_look(hearing, snapshot, 0, snapshot->item_count)
                                    : NULL;
    for (size_t i = 0; i < look->log; i++)
        if (reading_is_publish(&look->entry->items[i], audit->genesis.subject_arm))
            return false;
    if (failure->from == STATE_OBSERVED)
        return start_of(audit).showing == SHOWING_DISARMED;
    if (audit->deployment.policy)
        return failure->from >= STATE_DISARMED && failure->from <= STATE_PARITY_VERIFIED;
    return (before != NULL && before->showing != SHOWING_ARMED)
           || (look->run != HEARING_NONE && hearing->runs[look->run].began);
}

static bool look_shows_it(const struct audit *audit, const struct step *failure, size_t place)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    for (size_t i = 0; i < hearing->look_count; i++) {
        const struct look *look = &hearing->looks[i];
        if (look->entry == failure->transition && look->log == place && look->says_armed)
            return must_be_disarmed(audit, failure, look);
    }
    return false;
}

/* An item of the failing transition that shows it. */
static bool item_shows_it(const struct audit *audit, const struct step *failure, size_t place)
{
    const struct entry *entry = failure->transition;
    /* Elsewhere a service may still be starting, and nothing is asked of its health. */
    bool health = failure->from == STATE_SWITCHED || failure->from == STATE_OBSERVED;
    const struct item *item = &entry->items[place];
    bool act = item->probe == PROBE_ACT || item->probe == PROBE_COMPOSE_UP
               || item->probe == PROBE_COMPOSE_PULL || item->probe == PROBE_BUS_PUBLISH
               || item->probe == PROBE_SCRIPT,
         voice = item->probe == PROBE_LOGS_EXECUTION || item->probe == PROBE_LOGS_BRAIN
                 || item->probe == PROBE_BUS_POLICY_HASH;
    struct voices voices;
    if (act)
        return item->status != 0;
    if (item->probe == PROBE_HEALTH)
        return health && healthy_answer(&audit->genesis, item) == HEALTHY_BAD
               && !settling_endpoint(audit, entry, item);
    if (item->probe == PROBE_COMPOSE_CONTAINERS)
        return health && list_shows_it(audit, entry, item);
    if (look_shows_it(audit, failure, place))
        return true;
    if (!voice || !audit->genesis.has_policy)
        return false;
    voices_read(&audit->deployment.hearing, &audit->genesis, entry, 0, place + 1, 0, &voices);
    return voices.parity == PARITY_UNEQUAL;
}

static void look_at_transition(const struct audit *audit, const struct step *failure,
                               struct earliest *earliest)
{
    const struct entry *entry = failure->transition;
    if (entry->item_count == 0 || !machine_answers_intent(failure->event)) {
        note_moment(earliest, entry, entry->boottime_ns);
        return;
    }
    for (size_t i = 0; i < entry->item_count; i++)
        if (item_shows_it(audit, failure, i)) {
            note_moment(earliest, entry, entry->items[i].received_ns);
            return;
        }
    note_moment(earliest, entry, window_times(entry).last_received_ns);
}

int64_t window_failure_seen_ns(const struct audit *audit, const struct step *failure,
                               const struct entry **ret_entry, int64_t *ret_unwatched_ms)
{
    struct earliest earliest = {failure->transition, INT64_MAX};
    *ret_unwatched_ms = 0;
    look_at_transition(audit, failure, &earliest);
    look_at_samples(audit, failure, &earliest, ret_unwatched_ms);
    *ret_entry = earliest.entry;
    return earliest.ns;
}

void window_describe_failed(const struct audit *audit, const struct step *failure, char *ret_text,
                            size_t room)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *intent = window_intent(deployment, failure->transition);
    CLEANUP_TALLY struct tally tally = {0};
    char failed[300];
    struct window_start start = start_of(audit);
    int64_t samples = 0, contrary = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct window_fault fault = {.rule = ""};
        if (!belongs_to_window(entry, intent) || entry->seq > failure->transition->seq)
            continue;
        int64_t changed = tally.changed;
        (void)window_add_sample(audit, &tally, entry, &fault);
        contrary += sample_shows_it(audit, entry, &tally, &start) + (tally.changed > changed);
        samples++;
    }
    tally_describe(&tally, failed, sizeof failed);
    if (samples > 0)
        (void)snprintf(ret_text, room,
                       "; %lld samples were taken%s; something contrary was seen %lld times",
                       (long long)samples, failed, (long long)contrary);
}

static bool is_later(const struct entry *from, int64_t from_ns, int64_t limit_ms,
                     const struct entry *transition)
{
    return strcmp(from->boot, transition->boot) != 0
           || transition->boottime_ns - from_ns > limit_ms * 1000000;
}

/* W-03: no sample was taken, because the window would have begun too late. */
static bool is_begun_late(const struct audit *audit, const struct step *failure)
{
    const struct limits *limits = audit->limits;
    const struct deployment *deployment = &audit->deployment;
    const struct entry *arm = deployment_good_entry(deployment, ACTION_ARM),
                       *switched = deployment_good_entry(deployment, ACTION_SWITCH_SERVICES);
    const struct item *up = switched != NULL ? entry_item(switched, 0, switched->item_count,
                                                          PROBE_COMPOSE_UP, NULL)
                                             : NULL;
    int64_t armed_ms = smaller_of(limits->window_start_armed_ms, limits->sample_gap_ms);
    return (arm != NULL && failure->from == STATE_ARMED
            && is_later(arm, window_times(arm).last_received_ns, armed_ms, failure->transition))
           || (up != NULL
               && is_later(switched, up->received_ns, limits->window_start_ms,
                           failure->transition));
}

/* Whether a failing transition by unhealthy or mismatch needs no sample that shows it: nobody
 * watched for too long, or the driver was started anew. */
static bool is_excused(const struct audit *audit, const struct entry *intent,
                       const struct entry *last, const struct step *failure)
{
    if (last != NULL)
        return is_later(last, window_times(last).last_received_ns, audit->limits->sample_gap_ms,
                        failure->transition);
    return is_later(intent, intent->boottime_ns, audit->limits->window_start_armed_ms,
                    failure->transition)
           || is_begun_late(audit, failure);
}

const struct entry *window_unreasonable(const struct audit *audit, const struct step *failure,
                                        char *ret_why, size_t room)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *intent = window_intent(deployment, failure->transition), *last = NULL;
    CLEANUP_TALLY struct tally tally = {0};
    struct window_start start = start_of(audit);
    bool shown = false;
    for (size_t i = 0; intent != NULL && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct window_fault fault;
        if (!belongs_to_window(entry, intent) || entry->seq > failure->transition->seq)
            continue;
        if (shown) {
            (void)snprintf(ret_why, room, "the window went on after a sample that fails it");
            return entry;
        }
        shown = window_add_sample(audit, &tally, entry, &fault)
                || sample_shows_it(audit, entry, &tally, &start);
        last = entry;
    }
    bool by_sample = failure->intent == intent && intent != NULL
                     && (failure->event == EVENT_UNHEALTHY || failure->event == EVENT_MISMATCH);
    if (!by_sample || shown || is_excused(audit, intent, last, failure))
        return NULL;
    (void)snprintf(ret_why, room, "the window was failed by %s, and no sample shows why",
                   event_name(failure->event));
    return failure->transition;
}
