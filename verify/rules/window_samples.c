/* What the samples of a window show, one after the other. */
#include "verify/rules/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/judge/settling.h"
#include "verify/judge/logs/voices.h"
#include "verify/read/memory.h"
#include "verify/read/greater.h"

struct sample_times window_times(const struct entry *entry)
{
    struct sample_times times = {entry->boottime_ns, 0};
    for (size_t i = 0; i < entry->item_count; i++) {
        times.first_sent_ns = smaller_of(times.first_sent_ns, entry->items[i].sent_ns);
        times.last_received_ns = greater_of(times.last_received_ns, entry->items[i].received_ns);
    }
    return times;
}

void tally_free(struct tally *tally)
{
    free(tally->rows);
    *tally = (struct tally){0};
}

void tally_describe(const struct tally *tally, char *ret_text, size_t room)
{
    size_t used;
    ret_text[0] = '\0';
    if (tally->failed == 0)
        return;
    (void)snprintf(ret_text, room, "; %lld of them had a failure", (long long)tally->failed);
    for (size_t i = 0; i < tally->count; i++) {
        used = strlen(ret_text);
        if (tally->rows[i].failed > 0)
            (void)snprintf(ret_text + used, room - used, ", %.*s %lld",
                           SLICE_ARGUMENTS(tally->rows[i].name), (long long)tally->rows[i].failed);
    }
}

static int64_t count_in_a_row(struct tally *tally, struct slice name, bool endpoint, bool good)
{
    size_t at = 0;
    while (at < tally->count
           && (tally->rows[at].endpoint != endpoint || !slice_equal(tally->rows[at].name, name)))
        at++;
    if (at == tally->count) {
        tally->rows = memory_grown(tally->rows, ++tally->count, sizeof *tally->rows);
        tally->rows[at] = (struct tally_row){.name = name, .endpoint = endpoint};
    }
    tally->rows[at].failed += !good;
    tally->rows[at].in_a_row = good ? 0 : tally->rows[at].in_a_row + 1;
    return tally->rows[at].in_a_row;
}

/* What a sample comes to: whether anything of it failed, and the longest row of failures. */
struct outcome {
    bool failed, settles;
    int64_t most;
    char blame[120]; /* the first that failed */
};

static void note_outcome(struct outcome *outcome, struct slice name, bool good, int64_t in_a_row)
{
    if (!good && !outcome->failed)
        (void)snprintf(outcome->blame, sizeof outcome->blame, "%.*s", SLICE_ARGUMENTS(name));
    outcome->failed = outcome->failed || !good;
    if (in_a_row > outcome->most) {
        outcome->most = in_a_row;
        (void)snprintf(outcome->blame, sizeof outcome->blame, "%.*s", SLICE_ARGUMENTS(name));
    }
}

static void add_endpoints(const struct audit *audit, struct tally *tally, const struct entry *entry,
                          struct outcome *outcome)
{
    for (const struct node *endpoint = audit->genesis.endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        bool good = true, asked = false;
        for (size_t i = 0; i < entry->item_count; i++) {
            const struct item *item = &entry->items[i];
            if (item->probe != PROBE_HEALTH || !slice_equal(item->subject, endpoint->text))
                continue;
            asked = true;
            if (deployment_health_is_good(audit, entry, item))
                continue;
            bool settles = settling_endpoint(audit, entry, item);
            outcome->settles = outcome->settles || settles;
            good = good && settles;
        }
        good = good && asked;
        note_outcome(outcome, endpoint->text, good,
                     count_in_a_row(tally, endpoint->text, true, good));
    }
}

/* As many containers as it is to have, and each of them good, or settling. */
static bool service_is_good(const struct audit *audit, const struct entry *entry,
                            const struct item *list, const char *service, bool *settles)
{
    const struct listing *containers = reading_list(list);
    int64_t count = 0;
    for (size_t i = 0; i < containers->count; i++) {
        if (strcmp(containers->list[i].service, service) != 0)
            continue;
        count++;
        if (services_is_good(audit, ACTION_OBSERVE_WINDOW, &containers->list[i]))
            continue;
        if (!settling_container(audit, entry, list, &containers->list[i]))
            return false;
        *settles = true;
    }
    return count >= services_row(audit, ACTION_OBSERVE_WINDOW, service).replicas;
}

static void samples_add_services(const struct audit *audit, struct tally *tally,
                                 const struct entry *entry, struct outcome *outcome)
{
    const struct entry *pull = deployment_good_entry(&audit->deployment, ACTION_PULL_IMAGES);
    const struct listing *pulled = pull != NULL
                                       ? reading_list(entry_item(pull, 0, pull->item_count,
                                                                 PROBE_COMPOSE_IMAGES, NULL))
                                       : NULL;
    for (size_t i = 0; pulled != NULL && i < pulled->count; i++) {
        const char *service = pulled->list[i].service;
        bool good = true;
        for (size_t k = 0; k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            if (item->probe == PROBE_COMPOSE_CONTAINERS)
                good = good && reading_list(item) != NULL
                       && service_is_good(audit, entry, item, service, &outcome->settles);
        }
        note_outcome(outcome, slice_of(service), good,
                     count_in_a_row(tally, slice_of(service), false, good));
    }
}

static void add_policy(const struct audit *audit, struct tally *tally, const struct entry *entry,
                       struct outcome *outcome)
{
    struct voices voices;
    if (!audit->genesis.has_policy)
        return;
    voices_read(&audit->deployment.hearing, &audit->genesis, entry, 0, entry->item_count,
                VOICE_RESPONDER, &voices);
    bool good = voices.replies > 0 && !voices.lost;
    tally->policy_in_a_row = good ? 0 : tally->policy_in_a_row + 1;
    tally->lost_in_a_row = voices.lost ? tally->lost_in_a_row + 1 : 0;
    struct slice name = slice_of(voices.lost ? "Brain's leadership" : "policy_hash");
    if (!good)
        (void)count_in_a_row(tally, name, false, false);
    note_outcome(outcome, name, good, tally->policy_in_a_row);
}

bool window_has_failed_item(const struct entry *entry)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        enum probe probe = entry->items[i].probe;
        if (entry->items[i].status != 0 && probe != PROBE_HEALTH && probe != PROBE_BUS_POLICY_HASH)
            return true;
    }
    return false;
}

/* An item with another status than 0 (P-13). */
static void add_items(struct tally *tally, const struct entry *entry, struct outcome *outcome)
{
    bool good = !window_has_failed_item(entry);
    tally->items_in_a_row = good ? 0 : tally->items_in_a_row + 1;
    if (!good)
        (void)count_in_a_row(tally, slice_of("a probe"), false, false);
    note_outcome(outcome, slice_of("a probe"), good, tally->items_in_a_row);
}

static struct outcome samples_outcome_of(const struct audit *audit, struct tally *tally,
                                         const struct entry *entry)
{
    struct outcome outcome = {.failed = false};
    add_endpoints(audit, tally, entry, &outcome);
    samples_add_services(audit, tally, entry, &outcome);
    add_policy(audit, tally, entry, &outcome);
    add_items(tally, entry, &outcome);
    return outcome;
}

static bool is_finished(const struct listing *containers, const char *service)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].service, service) == 0
            && (strcmp(containers->list[i].state, "exited") != 0
                || containers->list[i].exit_code != 0))
            return false;
    return true;
}

static bool is_listed(const struct listing *containers, const struct listed *container)
{
    for (size_t i = 0; i < containers->count; i++) {
        const struct listed *other = &containers->list[i];
        if (strcmp(other->service, container->service) == 0 && strcmp(other->id, container->id) == 0
            && strcmp(other->image, container->image) == 0
            && strcmp(other->started_at, container->started_at) == 0
            && other->restarts == container->restarts)
            return true;
    }
    return false;
}

/* W-09: a service whose set of containers differs between two lists; NULL. */
static const char *differing_service(const struct audit *audit, const struct listing *left,
                                     const struct listing *right)
{
    for (size_t i = 0; i < left->count; i++) {
        const struct listed *container = &left->list[i];
        if (!is_listed(right, container) && !services_may_change(audit, container->service)
            && !(is_finished(left, container->service) && is_finished(right, container->service)))
            return container->service;
    }
    return NULL;
}

/* Restarts by itself after an exit count as started anew: they all stand in the lists. */
static const char *changed_service(const struct audit *audit, const struct entry *first,
                                   const struct entry *entry)
{
    const struct listing *was = reading_list(
        entry_first_item(first, 0, first->item_count, PROBE_COMPOSE_CONTAINERS));
    for (size_t i = 0; was != NULL && i < entry->item_count; i++) {
        const struct listing *is = entry->items[i].probe == PROBE_COMPOSE_CONTAINERS
                                       ? reading_list(&entry->items[i])
                                       : NULL;
        const char *service = is != NULL ? differing_service(audit, was, is) : NULL;
        if (service == NULL && is != NULL)
            service = differing_service(audit, is, was);
        if (service != NULL)
            return service;
    }
    return NULL;
}

static bool boot_changed(const struct entry *first, const struct entry *entry)
{
    const char *boot = NULL;
    const struct entry *both[] = {first, entry};
    for (unsigned k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->item_count; i++) {
            const struct item *item = &both[k]->items[i];
            if (!item->has_target)
                continue;
            if (boot != NULL && strcmp(boot, item->target_boot) != 0)
                return true;
            boot = item->target_boot;
        }
    return false;
}

static bool fault_is(struct window_fault *ret_fault, const char *rule, const char *what,
                     const char *of)
{
    ret_fault->rule = rule;
    (void)snprintf(ret_fault->why, sizeof ret_fault->why, "%s%s", what, of);
    return true;
}

bool window_add_sample(const struct audit *audit, struct tally *tally, const struct entry *entry,
                       struct window_fault *ret_fault)
{
    struct outcome outcome = samples_outcome_of(audit, tally, entry);
    /* The first that has a list: before it nobody knows what ran. */
    if (tally->first == NULL
        && reading_list(entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS))
               != NULL)
        tally->first = entry;
    tally->failed += outcome.failed;
    tally->settles = outcome.settles;
    tally->settling += outcome.settles;
    if (outcome.failed)
        (void)snprintf(tally->blame, sizeof tally->blame, "%s", outcome.blame);
    bool booted = tally->first != NULL && boot_changed(tally->first, entry);
    const char *changed = tally->first != NULL ? changed_service(audit, tally->first, entry) : NULL;
    tally->changed += changed != NULL || booted;
    if (outcome.most >= audit->limits->failures)
        return fault_is(ret_fault, "W-07", "too many failures in a row of ", outcome.blame);
    if (tally->failed > audit->limits->failures_total)
        return fault_is(ret_fault, "W-08", "too many samples failed; the last one by ",
                        outcome.blame);
    if (changed != NULL)
        return fault_is(ret_fault, "W-09",
                        "other containers than at the start of the window, or restarted ones, of ",
                        changed);
    if (booted)
        return fault_is(ret_fault, "W-10", "the target was rebooted within the window", "");
    return false;
}
