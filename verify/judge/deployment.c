#include "verify/judge/audit.h"

#include "verify/judge/healthy.h"
#include "verify/judge/logs/hearing_collect.h"
#include "verify/judge/reading.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

struct entry *deployment_intent_of(const struct record *record, struct entry *entry)
{
    int64_t seq = node_number(entry_body(entry), "intent", -1);
    if (seq < 0 || seq >= entry->seq || record->entries[seq].type != ENTRY_INTENT)
        return NULL;
    return &record->entries[seq];
}

static struct step read_step(const struct record *record, struct entry *entry)
{
    const struct node *body = entry_body(entry);
    struct step step = {.transition = entry,
                        .from = state_by_name(node_text(body, "from")),
                        .to = state_by_name(node_text(body, "to")),
                        .event = event_by_name(node_text(body, "event"))};
    step.intent = deployment_intent_of(record, entry);
    if (step.intent != NULL && step.intent->deployment == entry->deployment)
        step.action = action_by_name(node_text(entry_body(step.intent), "action"));
    else
        step.intent = NULL;
    return step;
}

static void note_reconciliation(const struct deployment *deployment, struct step *step)
{
    for (size_t i = 0; step->intent != NULL && i < deployment->reconciliation_count; i++) {
        struct entry *entry = deployment->reconciliations[i];
        if (entry->seq > step->transition->seq
            || node_number(entry_body(entry), "intent", -1) != step->intent->seq)
            continue;
        step->reconciliation = entry;
        step->adopted = step->adopted || slice_is(node_text(entry_body(entry), "then"), "continue");
    }
}

static void deployment_append(const struct record *record, struct deployment *deployment,
                              struct entry *entry)
{
    deployment->entries[deployment->count++] = entry;
    if (entry->type == ENTRY_TRANSITION) {
        struct step *step = &deployment->steps[deployment->step_count++];
        *step = read_step(record, entry);
        note_reconciliation(deployment, step);
        deployment->state = step->to;
        deployment->ended = deployment->ended || machine_is_end(step->to);
    } else if (entry->type == ENTRY_RECONCILIATION) {
        deployment->reconciliations[deployment->reconciliation_count++] = entry;
    } else if (entry->type == ENTRY_ATTESTATION && deployment->state == STATE_ROLLBACK_FAILED
               && slice_is(node_text(entry_body(entry), "item"), "rollback_failed")) {
        deployment->ended = true;
        deployment->accepted = true;
    }
}

void deployment_collect(const struct record *record, const struct genesis *genesis, uint64_t number,
                        struct deployment *ret_deployment)
{
    struct deployment deployment = {.number = number, .state = STATE_OPENED};
    size_t room = 0, transitions = 0, reconciliations = 0;
    for (uint64_t seq = number; seq != 0; seq = record->entries[seq].next) {
        room++;
        transitions += record->entries[seq].type == ENTRY_TRANSITION;
        reconciliations += record->entries[seq].type == ENTRY_RECONCILIATION;
    }
    deployment.entries = memory_zeroed(room, sizeof *deployment.entries);
    deployment.steps = memory_zeroed(transitions, sizeof *deployment.steps);
    deployment.reconciliations = memory_zeroed(reconciliations, sizeof *deployment.reconciliations);
    deployment.open = entry_body(&record->entries[number]);
    deployment.policy = slice_is(node_text(deployment.open, "procedure"), "policy");
    for (uint64_t seq = number; seq != 0; seq = record->entries[seq].next)
        deployment_append(record, &deployment, &record->entries[seq]);
    hearing_collect(record, genesis, deployment.entries, deployment.count, &deployment.hearing);
    deployment_free(ret_deployment);
    *ret_deployment = deployment;
}

/* All earlier answers of the endpoint had one, and there were some. */
static bool had_status_word(const struct deployment *deployment, const struct entry *until,
                            struct slice endpoint)
{
    bool any = false;
    for (size_t i = 0; i < deployment->count && deployment->entries[i] != until; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            if (item->probe != PROBE_HEALTH || !slice_equal(item->subject, endpoint)
                || !healthy_status(item))
                continue;
            if (!healthy_has_word(item))
                return false;
            any = true;
        }
    return any;
}

bool deployment_health_is_good(const struct audit *audit, const struct entry *entry,
                               const struct item *item)
{
    return healthy_answer(&audit->genesis, item) != HEALTHY_BAD
           && (!healthy_status(item) || healthy_has_word(item)
               || !had_status_word(&audit->deployment, entry, item->subject));
}

void deployment_collect_commands(const struct record *record, const struct genesis *genesis,
                                 struct deployment *ret_commands)
{
    struct deployment commands = {.state = STATE_INVALID};
    commands.entries = memory_zeroed(record->count, sizeof *commands.entries);
    for (size_t seq = 0; seq < record->count; seq++) {
        struct entry *entry = &record->entries[seq];
        if (entry->type == ENTRY_COMMAND && entry->deployment == ENTRY_NO_DEPLOYMENT)
            commands.entries[commands.count++] = entry;
    }
    if (commands.count > 0)
        commands.number = (uint64_t)commands.entries[0]->seq;
    hearing_collect(record, genesis, commands.entries, commands.count, &commands.hearing);
    deployment_free(ret_commands);
    *ret_commands = commands;
}

void deployment_free(struct deployment *deployment)
{
    free(deployment->entries);
    free(deployment->steps);
    free(deployment->reconciliations);
    hearing_free(&deployment->hearing);
    *deployment = (struct deployment){0};
}

bool step_is_good(const struct step *step)
{
    return step->event == EVENT_DONE || step->event == EVENT_REARMED;
}

const struct entry *deployment_good_entry(const struct deployment *deployment, enum action action)
{
    const struct step *step = deployment_step(deployment, action);
    return step != NULL ? step->transition : NULL;
}

const struct listing *deployment_list_before(const struct deployment *deployment)
{
    const struct entry *snapshot = deployment_good_entry(deployment, ACTION_CONNECT);
    return snapshot != NULL ? reading_last_list(snapshot) : NULL;
}

bool deployment_is_own(const struct deployment *deployment, struct slice nonce)
{
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_INTENT && slice_equal(node_text(entry_body(entry), "key"), nonce))
            return true;
        for (size_t k = 0; entry->type == ENTRY_RECONCILIATION && k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            if (item->probe == PROBE_BUS_PUBLISH && item->output.length > nonce.length
                && item->output.at[nonce.length] == ' '
                && slice_equal((struct slice){item->output.at, nonce.length}, nonce))
                return true;
        }
    }
    return false;
}

/* Of the last intent of observe_window. */
bool deployment_is_sample(const struct deployment *deployment, struct entry *entry)
{
    int64_t window = -1;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *intent = deployment->entries[i];
        if (intent->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(intent), "action")) == ACTION_OBSERVE_WINDOW)
            window = intent->seq;
    }
    return window >= 0 && entry->type == ENTRY_SAMPLE
           && node_number(entry_body(entry), "intent", -1) == window;
}

const struct step *deployment_step(const struct deployment *deployment, enum action action)
{
    for (size_t i = deployment->step_count; i-- > 0;) {
        const struct step *step = &deployment->steps[i];
        if (step->action == action && step_is_good(step))
            return step;
    }
    return NULL;
}

const struct step *deployment_step_of(const struct deployment *deployment,
                                      const struct entry *entry)
{
    size_t from = 0, to = deployment->step_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (deployment->steps[middle].transition->seq >= entry->seq)
            to = middle;
        else
            from = middle + 1;
    }
    return from < deployment->step_count ? &deployment->steps[from] : NULL;
}

const struct step *deployment_first_change(const struct deployment *deployment, bool *ret_again)
{
    const struct step *step = deployment_step(deployment, deployment->policy
                                                              ? ACTION_DEPLOY_EXECUTION
                                                              : ACTION_SWITCH_SERVICES);
    *ret_again = step != NULL
                 && (step->adopted
                     || (step->intent != NULL
                         && node_member(entry_body(step->intent), "repeats") != NULL));
    return step;
}

const struct step *deployment_failure(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].to == STATE_ROLLING_BACK)
            return &deployment->steps[i];
    return NULL;
}

static bool was_stale(const struct deployment *deployment, const struct entry *intent)
{
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].intent == intent && deployment->steps[i].event == EVENT_STALE)
            return true;
    return false;
}

bool deployment_changed(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++) {
        if (deployment->entries[i]->type != ENTRY_INTENT)
            continue;
        enum action action = action_by_name(
            node_text(entry_body(deployment->entries[i]), "action"));
        bool changes = action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_EXECUTION
                       || action == ACTION_DEPLOY_BRAIN;
        if (changes && !was_stale(deployment, deployment->entries[i]))
            return true;
    }
    return false;
}

int64_t deployment_boot_span_ms(const struct entry *from, int64_t from_ns, const struct entry *to,
                                int64_t to_ns, bool *ret_same_boot)
{
    *ret_same_boot = strcmp(from->boot, to->boot) == 0;
    int64_t span_ns = to_ns - from_ns;
    return span_ns / 1000000
           + (span_ns % 1000000 > 0); /* rounded up: a limit is not met by rounding */
}

bool deployment_is_answered(const struct deployment *deployment, const struct entry *entry)
{
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *other = deployment->entries[i];
        if (other->seq < entry->seq || other->type == ENTRY_NOTE || other->type == ENTRY_COMMAND)
            continue;
        if (other->type == ENTRY_RECONCILIATION) {
            struct slice then = node_text(entry_body(other), "then");
            return slice_is(then, "fail") || slice_is(then, "ask");
        }
        if (other == entry && other->type == ENTRY_SAMPLE)
            continue;
        if (other->type != ENTRY_TRANSITION)
            return false;
        enum event event = event_by_name(node_text(entry_body(other), "event"));
        return event != EVENT_DONE && event != EVENT_REARMED;
    }
    return false;
}
