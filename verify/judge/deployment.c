#include "verify/judge/audit.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

static struct entry *deployment_entry_at(const struct record *record, int64_t seq,
                                         enum entry_type type)
{
    if (seq < 0 || (uint64_t)seq >= record->count || record->entries[seq].type != type)
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
    step.intent = deployment_entry_at(record, node_number(body, "intent", -1), ENTRY_INTENT);
    if (step.intent != NULL && step.intent->deployment == entry->deployment
        && step.intent->seq < entry->seq)
        step.action = action_by_name(node_text(entry_body(step.intent), "action"));
    else
        step.intent = NULL;
    return step;
}

static void note_reconciliation(const struct deployment *deployment, struct step *step)
{
    for (size_t i = 0; step->intent != NULL && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type != ENTRY_RECONCILIATION || entry->seq > step->transition->seq
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
    } else if (entry->type == ENTRY_ATTESTATION && deployment->state == STATE_ROLLBACK_FAILED
               && slice_is(node_text(entry_body(entry), "item"), "rollback_failed")) {
        deployment->ended = true;
        deployment->accepted = true;
    }
}

void deployment_collect(const struct record *record, uint64_t number,
                        struct deployment *ret_deployment)
{
    struct deployment deployment = {.number = number, .state = STATE_OPENED};
    size_t room = 0, transitions = 0;
    for (size_t seq = number; seq < record->count; seq++) {
        room += record->entries[seq].deployment == (int64_t)number;
        transitions += record->entries[seq].deployment == (int64_t)number
                       && record->entries[seq].type == ENTRY_TRANSITION;
    }
    deployment.entries = memory_zeroed(room, sizeof *deployment.entries);
    deployment.steps = memory_zeroed(transitions, sizeof *deployment.steps);
    deployment.open = entry_body(&record->entries[number]);
    deployment.policy = slice_is(node_text(deployment.open, "procedure"), "policy");
    for (size_t seq = number; seq < record->count; seq++)
        if (record->entries[seq].deployment == (int64_t)number)
            deployment_append(record, &deployment, &record->entries[seq]);
    deployment_free(ret_deployment);
    *ret_deployment = deployment;
}

void deployment_free(struct deployment *deployment)
{
    free(deployment->entries);
    free(deployment->steps);
    *deployment = (struct deployment){0};
}

const struct step *deployment_step(const struct deployment *deployment, enum action action)
{
    for (size_t i = deployment->step_count; i-- > 0;) {
        const struct step *step = &deployment->steps[i];
        if (step->action == action && (step->event == EVENT_DONE || step->event == EVENT_REARMED))
            return step;
    }
    return NULL;
}

const struct step *deployment_failure(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].to == STATE_ROLLING_BACK)
            return &deployment->steps[i];
    return NULL;
}

bool deployment_changed(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++) {
        if (deployment->entries[i]->type != ENTRY_INTENT)
            continue;
        enum action action = action_by_name(
            node_text(entry_body(deployment->entries[i]), "action"));
        if (action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_EXECUTION
            || action == ACTION_DEPLOY_BRAIN)
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
