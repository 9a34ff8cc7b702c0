#include "verify/report/named.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/guard.h"
#include "verify/judge/healthy.h"
#include "verify/judge/missing.h"
#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"
#include "verify/report/named_open.h"
#include "verify/report/named_restarts.h"
#include "verify/report/named_settings.h"
#include "verify/rules/procedure/procedure.h"

/* The wall clock of the target moved by more than this. */
enum { NAMED_STEP_MS = 2000 };

static void add_word(char *words, size_t size, const char *word)
{
    size_t used = strlen(words);
    if (used < size)
        (void)snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "", word);
}

/* The limits that genesis, or the last settings, pins: looser ones are named. */
static void name_limits(const struct genesis *genesis, char *ret_looser, size_t size)
{
    struct limits pinned;
    limits_default(&pinned);
#define NAMED_LIMIT(name) pinned.name = node_number(genesis->limits, #name, pinned.name);
    NAMES_LIMITS(NAMED_LIMIT)
    if (!limits_looser(&pinned, ret_looser, size))
        ret_looser[0] = '\0';
}

/* The texts of a list, shortened to a name's length; NULL list: none. */
static void name_texts(const struct node *list, char *ret_names, size_t size)
{
    const struct node *node = list != NULL ? list->first : NULL;
    for (; node != NULL; node = node->next) {
        char name[64];
        if (slice_copy(node->text, name, sizeof name))
            add_word(ret_names, size, name);
    }
}

static void name_degraded(const struct audit *audit, char *ret_names, size_t size)
{
    const struct entry *before = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    for (const struct node *endpoint = audit->genesis.endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        bool degraded = false;
        char name[64];
        for (size_t i = 0; i < audit->deployment.count; i++)
            for (size_t k = 0; k < audit->deployment.entries[i]->item_count; k++) {
                const struct item *item = &audit->deployment.entries[i]->items[k];
                degraded = degraded
                           || (item->probe == PROBE_HEALTH
                               && slice_equal(item->subject, endpoint->text)
                               && healthy_answer(&audit->genesis, item) == HEALTHY_DEGRADED);
            }
        degraded = degraded || reading_was_sick(&audit->genesis, before, endpoint->text);
        if (degraded && slice_copy(endpoint->text, name, sizeof name))
            add_word(ret_names, size, name);
    }
}

/* Services of which a container that ran was not good before anything was changed. */
static void name_bad_before(const struct audit *audit, char *ret_names, size_t size)
{
    const struct entry *before = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *was = before != NULL ? reading_last_list(before) : NULL;
    for (size_t i = 0; was != NULL && i < was->count; i++)
        if (reading_is_running(&was->list[i]) && !reading_is_good(&was->list[i])
            && !reading_has_word(slice_of(ret_names), was->list[i].service))
            add_word(ret_names, size, was->list[i].service);
}

/* The last item of a probe in the entries of the deployment before this one; NULL. */
static const struct item *last_of_before(const struct audit *audit, enum probe probe)
{
    int64_t before = ENTRY_NO_DEPLOYMENT;
    for (uint64_t seq = audit->deployment.number; seq-- > 0;) {
        const struct entry *entry = &audit->record->entries[seq];
        if (entry->deployment == ENTRY_NO_DEPLOYMENT)
            continue;
        before = before == ENTRY_NO_DEPLOYMENT ? entry->deployment : before;
        if (entry->deployment != before)
            return NULL;
        const struct item *item = entry_item(entry, 0, entry->item_count, probe, NULL);
        if (item != NULL)
            return item;
    }
    return NULL;
}

static void named_compare_line(const struct audit *audit, const struct entry *snapshot,
                               enum probe probe, const char *word, char *changed, size_t size)
{
    struct slice was = reading_item_line(last_of_before(audit, probe)),
                 is = reading_line(snapshot, probe);
    if (was.length > 0 && is.length > 0 && !slice_equal(was, is))
        add_word(changed, size, word);
}

static void named_compare_hashes(const struct audit *audit, const struct entry *snapshot,
                                 char *changed, size_t size)
{
    const struct item *was = last_of_before(audit, PROBE_BUS_POLICY_HASH),
                      *is = entry_item(snapshot, 0, snapshot->item_count, PROBE_BUS_POLICY_HASH,
                                       NULL);
    if (was == NULL || is == NULL || was->status != 0 || is->status != 0)
        return;
    struct naming before = voices_of_reply(was), now = voices_of_reply(is);
    if (strcmp(before.hash, now.hash) != 0)
        add_word(changed, size, "the policy hash");
}

/* Whether the deployment before kept its env file, as the last that completed. */
static bool kept_as_good(const struct audit *audit)
{
    const struct item *last = last_of_before(audit, PROBE_TENANCY);
    for (uint64_t seq = audit->deployment.number; last != NULL && seq-- > 0;) {
        const struct entry *entry = &audit->record->entries[seq];
        if (entry_item(entry, 0, entry->item_count, PROBE_TENANCY, NULL) != last)
            continue;
        const struct item *act = entry_first_item(entry, 0, entry->item_count, PROBE_ACT);
        return act != NULL && act->status == 0 && slice_is(act->subject, "keep as good");
    }
    return false;
}

/* Only what is fingerprinted under one key can be compared. */
static void named_compare_good(const struct audit *audit, const struct entry *snapshot,
                               char *changed, size_t size)
{
    struct slice good = reading_line(snapshot, PROBE_ENV_GOOD);
    if (!kept_as_good(audit) || slice_is(good, "none")
        || !slice_equal(reading_line(snapshot, PROBE_HMAC_KEY),
                        reading_item_line(last_of_before(audit, PROBE_HMAC_KEY))))
        return;
    if (!slice_equal(good, reading_item_line(last_of_before(audit, PROBE_ENV_HMAC))))
        add_word(changed, size, "the env file that was kept");
}

static bool ran_before(const struct listing *was, const struct listed *container)
{
    for (size_t i = 0; i < was->count; i++)
        if (strcmp(was->list[i].service, container->service) == 0
            && strcmp(was->list[i].id, container->id) == 0
            && strcmp(was->list[i].started_at, container->started_at) == 0)
            return true;
    return false;
}

static void named_compare_containers(const struct audit *audit, const struct entry *snapshot,
                                     char *changed, size_t size)
{
    const struct listing *was = reading_list(last_of_before(audit, PROBE_COMPOSE_CONTAINERS)),
                         *is = reading_last_list(snapshot);
    for (size_t i = 0; was != NULL && is != NULL && i < is->count; i++) {
        char word[96];
        if (!reading_is_running(&is->list[i]) || ran_before(was, &is->list[i]))
            continue;
        (void)snprintf(word, sizeof word, "the containers of %.64s", is->list[i].service);
        add_word(changed, size, word);
    }
}

/* N-05 of the commands between the deployments: against the entry with a list before each. */
static void name_command_lists(const struct audit *audit, const struct entry *entry, char *changed,
                               size_t size)
{
    const struct listing *was = NULL, *is = reading_last_list(entry);
    for (int64_t seq = entry->seq; is != NULL && was == NULL && seq-- > 0;)
        was = reading_last_list(&audit->record->entries[seq]);
    const struct listing *both[] = {was, is};
    for (unsigned k = 0; was != NULL && is != NULL && k < 2; k++)
        for (size_t i = 0; i < both[k]->count; i++) {
            char word[96];
            const struct listed *container = &both[k]->list[i];
            if (!reading_is_running(container) || ran_before(both[1 - k], container))
                continue;
            (void)snprintf(word, sizeof word, "the containers of %.64s (entry %lld)",
                           container->service, (long long)entry->seq);
            add_word(changed, size, word);
        }
}

void named_collect_commands(const struct audit *audit, struct deployment_report *report)
{
    const struct deployment *commands = &audit->deployment;
    const struct heard *last = NULL;
    for (size_t i = 0; i < commands->count; i++)
        name_command_lists(audit, commands->entries[i], report->changed, sizeof report->changed);
    for (size_t i = 0; i < commands->hearing.heard_count; i++) {
        const struct heard *heard = &commands->hearing.heard[i];
        if ((heard->matches & HEARD_BIT(PATTERN_POLICY_LOADED)) == 0)
            continue;
        if (last != NULL && strcmp(last->naming.hash, heard->naming.hash) != 0)
            add_word(report->changed, sizeof report->changed, "the policy hash");
        last = heard;
    }
}

/* N-05 between the snapshot and the update. */
static void name_moved(const struct audit *audit, const struct entry *snapshot, char *changed,
                       size_t size)
{
    const struct step *step = deployment_step(&audit->deployment, ACTION_UPDATE_CODE);
    const enum probe probes[] = {PROBE_GIT_HEAD, PROBE_GIT_BRANCH};
    if (step == NULL || step->adopted)
        return;
    for (unsigned i = 0; i < 2; i++) {
        const struct entry *entry = step->transition;
        struct slice is = reading_item_line(
            entry_first_item(entry, 0, entry->item_count, probes[i]));
        if (!slice_equal(reading_line(snapshot, probes[i]), is))
            add_word(changed, size,
                     i == 0 ? "the commit, between the snapshot and the update"
                            : "the branch, between the snapshot and the update");
    }
}

/* The last good look at the tree in front of this entry; on a way back only behind `revert`. */
static const struct step *tree_known_before(const struct deployment *deployment,
                                            const struct entry *found)
{
    const struct step *known = NULL;
    for (size_t i = 0;
         i < deployment->step_count && deployment->steps[i].transition->seq < found->seq; i++) {
        const struct step *step = &deployment->steps[i];
        if (step->to == STATE_ROLLING_BACK || step->to == STATE_ABORTING)
            known = NULL;
        else if (step_is_good(step)
                 && (step->action == ACTION_CONNECT || step->action == ACTION_UPDATE_CODE
                     || step->action == ACTION_REVERT))
            known = step;
    }
    return known;
}

/* N-05 of a reconciliation: against the last good look at the tree. */
static void name_found_tree(const struct audit *audit, struct entry *found, char *changed,
                            size_t size)
{
    const struct step *step = tree_known_before(&audit->deployment, found);
    const struct entry *known = step != NULL ? step->transition : NULL;
    const struct item *status = entry_item(found, 0, found->item_count, PROBE_GIT_STATUS, NULL);
    if (known == NULL || status == NULL)
        return;
    bool done = step->action == ACTION_CONNECT
                && slice_is(node_text(entry_body(found), "found"), "done"),
         moved = (!done
                  && !slice_equal(reading_line(known, PROBE_GIT_HEAD),
                                  reading_line(found, PROBE_GIT_HEAD)))
                 || !slice_equal(reading_line(known, PROBE_GIT_BRANCH),
                                 reading_line(found, PROBE_GIT_BRANCH))
                 || status->output.length > 0;
    char word[64];
    (void)snprintf(word, sizeof word, "the tree (entry %lld)", (long long)found->seq);
    if (moved)
        add_word(changed, size, word);
}

static void name_changes(const struct audit *audit, char *changed, size_t size)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    if (snapshot == NULL)
        return;
    named_compare_line(audit, snapshot, PROBE_GIT_HEAD, "the commit", changed, size);
    named_compare_line(audit, snapshot, PROBE_CONFIG_HMAC, "the configuration", changed, size);
    named_compare_line(audit, snapshot, PROBE_ENV_HMAC, "the env file", changed, size);
    named_compare_line(audit, snapshot, PROBE_INTERLOCK_MARKER, "the interlock", changed, size);
    named_compare_hashes(audit, snapshot, changed, size);
    named_compare_good(audit, snapshot, changed, size);
    named_compare_containers(audit, snapshot, changed, size);
    name_moved(audit, snapshot, changed, size);
    for (size_t i = 0; i < audit->deployment.count; i++)
        if (audit->deployment.entries[i]->type == ENTRY_RECONCILIATION)
            name_found_tree(audit, audit->deployment.entries[i], changed, size);
}

static bool rests_on_words(const struct deployment *deployment)
{
    const struct entry *entry = deployment_good_entry(deployment, ACTION_RUN_PREFLIGHT);
    for (size_t i = 0; entry != NULL && i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_PREFLIGHT && entry->items[i].status == 2)
            return true;
    return false;
}

static bool has_untold(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        const struct listing *drift = reading_list(
            entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_DRIFT, NULL));
        for (size_t k = 0; drift != NULL && k < drift->count; k++)
            if (drift->list[k].declared[0] == '\0')
                return true;
    }
    return false;
}

/* In an entry of the way forward or back that succeeded, or in a sample. */
static bool has_weak_voice(const struct audit *audit)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; audit->genesis.has_policy && i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        struct voices voices;
        if (entry_item(entry, 0, entry->item_count, PROBE_LOGS_BRAIN, NULL) == NULL)
            continue;
        voices_read(&deployment->hearing, &audit->genesis, entry, 0, entry->item_count, 0, &voices);
        if (voices.absent || voices.without_hash)
            return true;
    }
    return false;
}

static bool is_act(const struct item *item)
{
    return item->probe == PROBE_ACT || item->probe == PROBE_COMPOSE_UP
           || item->probe == PROBE_BUS_PUBLISH;
}

/* N-09 */
static void name_way_back(const struct audit *audit, char *back, size_t size)
{
    const struct deployment *deployment = &audit->deployment;
    procedure_name_changes(audit, back, size);
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        bool counts = step->action == ACTION_MAKE_SAFE || step->action == ACTION_REVERT
                      || step->action == ACTION_REDEPLOY;
        for (size_t k = 0; counts && step_is_good(step) && k < step->transition->item_count; k++) {
            const struct item *item = &step->transition->items[k];
            char word[160];
            if (item->status == 0 || !is_act(item))
                continue;
            int subject = item->subject.length < 80 ? (int)item->subject.length : 80;
            (void)snprintf(word, sizeof word, "`%.*s` of '%.*s' failed (entry %lld)",
                           SLICE_ARGUMENTS(item->probe_name), subject, item->subject.at,
                           (long long)step->transition->seq);
            add_word(back, size, word);
        }
    }
}

/* N-08 */
static bool has_no_wall_clock(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++)
            if (deployment->entries[i]->items[k].has_target)
                return !deployment->entries[i]->items[k].has_wall;
    return false;
}

/* N-04, and how the guard stands. */
static void name_guard(const struct deployment *deployment, struct deployment_report *report)
{
    (void)slice_copy(slice_of(guard_state_name(guard_fate(deployment))), report->guard,
                     sizeof report->guard);
    for (size_t i = 0; i < deployment->count; i++) {
        struct guard guard;
        const struct entry *entry = deployment->entries[i];
        if (guard_of_entry(entry, entry->item_count, &guard) != NULL)
            report->guard_process = report->guard_process || guard.process;
    }
}

void named_collect(const struct audit *audit, struct deployment_report *report)
{
    const struct genesis *genesis = &audit->genesis;
    name_limits(genesis, report->looser, sizeof report->looser);
    genesis_differing(genesis, report->patterns, sizeof report->patterns);
    name_texts(genesis->restarts_allowed, report->restarts, sizeof report->restarts);
    name_texts(genesis->health_words, report->words, sizeof report->words);
    name_degraded(audit, report->degraded, sizeof report->degraded);
    name_bad_before(audit, report->bad, sizeof report->bad);
    name_changes(audit, report->changed, sizeof report->changed);
    name_guard(&audit->deployment, report);
    procedure_name_guard(audit, report->guard_failed, sizeof report->guard_failed);
    named_collect_open(audit, report);
    named_collect_restarts(audit, report->restarted, sizeof report->restarted);
    named_collect_settings(audit, report->taken_away, sizeof report->taken_away);
    missing_words(audit, report->missing, sizeof report->missing);
    report->no_endpoints = genesis->endpoints->count == 0;
    report->no_checklist = genesis->checklist->count == 0;
    report->by_word = rests_on_words(&audit->deployment);
    report->untold = has_untold(&audit->deployment);
    report->voice_absent = has_weak_voice(audit);
    name_way_back(audit, report->back, sizeof report->back);
    procedure_name_differences(audit, report->given_up, sizeof report->given_up);
    if (has_no_wall_clock(&audit->deployment))
        (void)snprintf(report->stepped, sizeof report->stepped,
                       "the target's wall clock is not recorded, so that no step of it is known");
    if (audit->deployment.hearing.step_ms > NAMED_STEP_MS)
        (void)snprintf(report->stepped, sizeof report->stepped,
                       "the target's wall clock was stepped by up to %lld ms",
                       (long long)audit->deployment.hearing.step_ms);
}
