/* interlock: no service changed under the policy procedure without observed DISARM; nothing armed
 * without fresh parity; never armed after a rollback; a release leaves the interlock as it found
 * it. Decided from Execution's own log lines, never from a publish or a receipt. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

#include <string.h>

static const char ARM_SUBJECT[] = "titan.cmd.operator.arm.v1";

static size_t first_place(const struct entry *entry, enum probe probe)
{
    const struct item *item = entry_first_item(entry, 0, entry->item_count, probe);
    return item != NULL ? (size_t)(item - entry->items) : entry->item_count;
}

static size_t behind_last(const struct entry *entry, enum probe probe)
{
    const struct item *item = entry_item(entry, 0, entry->item_count, probe, NULL);
    return item != NULL ? (size_t)(item - entry->items) + 1 : 0;
}

static bool is_good(const struct step *step)
{
    return step->event == EVENT_DONE || step->event == EVENT_REARMED;
}

/* The key of the step's intent: the nonce of what was sent. */
static void key_of(const struct step *step, char ret_key[FORMAT_KEY_HEX + 1])
{
    ret_key[0] = '\0';
    if (step->intent != NULL)
        (void)slice_copy(node_text(entry_body(step->intent), "key"), ret_key, FORMAT_KEY_HEX + 1);
}

static void check_disarm(const struct audit *audit, const struct step *step,
                         struct finding *finding)
{
    struct interlock_reading reading;
    char key[FORMAT_KEY_HEX + 1];
    key_of(step, key);
    size_t publish = first_place(step->transition, PROBE_BUS_PUBLISH),
           behind_act = behind_last(step->transition, PROBE_ACT);
    if (step->action == ACTION_MAKE_SAFE
        && behind_act > 0) { /* DISARM was not seen, so the container was taken away: what was
                                looked at behind that decides */
        reading_interlock(&audit->genesis, step->transition, behind_act,
                          step->transition->item_count, key, &reading);
        if (reading.absent)
            return;
    }
    reading_interlock(&audit->genesis, step->transition,
                      publish < step->transition->item_count ? publish : 0,
                      step->transition->item_count, key, &reading);
    if (step->action == ACTION_MAKE_SAFE && reading.absent)
        return;
    if (reading.interlock != INTERLOCK_DISARMED)
        finding_violated(finding, step->transition,
                         "%s says that Execution is disarmed, and its own lines show it %s: %s",
                         action_name(step->action), interlock_word(reading.interlock), reading.why);
    else if (!reading.received)
        finding_violated(
            finding, step->transition,
            "%s: no line says that Execution received this DISARM; what was sent is no evidence",
            action_name(step->action));
}

static void check_deploy(const struct audit *audit, const struct step *step,
                         struct finding *finding)
{
    const struct entry *entry = step->transition;
    size_t first = first_place(entry, PROBE_COMPOSE_UP),
           behind = behind_last(entry, PROBE_COMPOSE_UP);
    struct interlock_reading reading;
    if (behind > 0) {
        reading_interlock(&audit->genesis, entry, 0, first, NULL, &reading);
        int64_t age_ms = (entry->items[first].sent_ns - reading.sent_ns) / 1000000;
        if (reading.interlock != INTERLOCK_DISARMED)
            finding_violated(
                finding, entry,
                "%s changed a service while Execution was not seen disarmed before: %s",
                action_name(step->action), reading.why);
        else if (age_ms > audit->limits->disarm_fresh_ms)
            finding_violated(
                finding, entry,
                "%s changed a service %lld ms after DISARM was last observed; the limit is %lld",
                action_name(step->action), (long long)age_ms,
                (long long)audit->limits->disarm_fresh_ms);
    }
    if (!is_good(step))
        return;
    reading_interlock(&audit->genesis, entry, behind, entry->item_count, NULL, &reading);
    if (reading.interlock != INTERLOCK_DISARMED)
        finding_violated(finding, entry, "Execution was not seen disarmed after %s: it is %s, %s",
                         action_name(step->action), interlock_word(reading.interlock), reading.why);
}

/* The time at which the last command that changes a service returned, before this step. */
static int64_t last_change_ns(const struct audit *audit, const struct step *until)
{
    int64_t last_ns = 0;
    for (const struct step *step = audit->deployment.steps; step < until; step++) {
        const struct item *item = entry_item(step->transition, 0, step->transition->item_count,
                                             PROBE_COMPOSE_UP, NULL);
        if (item != NULL && strcmp(step->transition->boot, until->transition->boot) == 0)
            last_ns = item->received_ns;
    }
    return last_ns;
}

static void check_arm(const struct audit *audit, const struct step *step, struct finding *finding)
{
    const struct entry *entry = step->transition;
    size_t publish = first_place(entry, PROBE_BUS_PUBLISH);
    struct parity_reading parity;
    struct interlock_reading reading;
    if (publish == entry->item_count && !is_good(step))
        return;
    reading_parity(&audit->genesis, entry, 0, publish,
                   PARITY_RESPONDER | PARITY_EXECUTION | PARITY_BRAIN, &parity);
    if (parity.parity != PARITY_EQUAL) {
        finding_violated(finding, entry,
                         "Execution was armed without parity of the policy hash: %s", parity.why);
        return;
    }
    if (step->intent != NULL && strcmp(step->intent->boot, entry->boot) == 0
        && parity.sent_ns < step->intent->boottime_ns)
        finding_violated(
            finding, entry,
            "Execution was armed on parity that was looked at before the intent: it is not fresh");
    if (parity.sent_ns < last_change_ns(audit, step))
        finding_violated(
            finding, entry,
            "Execution was armed on parity that is older than the last change of a service");
    if (!is_good(step))
        return;
    reading_interlock(&audit->genesis, entry, publish < entry->item_count ? publish + 1 : 0,
                      entry->item_count, NULL, &reading);
    if (reading.interlock != INTERLOCK_ARMED)
        finding_violated(finding, entry,
                         "Execution is called armed, and its own lines show it %s: %s",
                         interlock_word(reading.interlock), reading.why);
}

/* What was sent carries the key of its intent, and ARM is sent by the step `arm` alone. */
static void check_publishes(const struct step *step, struct slice arm_subject,
                            struct finding *finding)
{
    char key[FORMAT_KEY_HEX + 1];
    key_of(step, key);
    for (size_t i = 0; i < step->transition->item_count; i++) {
        const struct item *item = &step->transition->items[i];
        if (item->probe != PROBE_BUS_PUBLISH)
            continue;
        bool arms = slice_is(item->subject, ARM_SUBJECT)
                    || (arm_subject.length > 0 && slice_equal(item->subject, arm_subject));
        if (arms && step->action != ACTION_ARM)
            finding_violated(finding, step->transition, "ARM was sent in the step %s",
                             action_name(step->action));
        if (step->intent != NULL && !slice_begins(item->output, key))
            finding_violated(finding, step->transition,
                             "what was sent does not carry the key of its intent");
    }
}

static struct slice subject_of_arm(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        const struct item *item = step->action == ACTION_ARM
                                      ? entry_first_item(step->transition, 0,
                                                         step->transition->item_count,
                                                         PROBE_BUS_PUBLISH)
                                      : NULL;
        if (item != NULL)
            return item->subject;
    }
    return (struct slice){"", 0};
}

static void check_steps(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct slice arm_subject = subject_of_arm(deployment);
    bool safe = false;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        struct interlock_reading reading;
        check_publishes(step, arm_subject, finding);
        if (behind_last(step->transition, PROBE_LOGS_EXECUTION)
                + behind_last(step->transition, PROBE_BUS_PUBLISH)
                + behind_last(step->transition, PROBE_COMPOSE_UP)
            > 0)
            finding_rests_on(finding, step->transition);
        if ((step->action == ACTION_DISARM || step->action == ACTION_MAKE_SAFE) && is_good(step))
            check_disarm(audit, step, finding);
        else if (step->action == ACTION_DEPLOY_EXECUTION || step->action == ACTION_DEPLOY_BRAIN)
            check_deploy(audit, step, finding);
        else if (step->action == ACTION_ARM)
            check_arm(audit, step, finding);
        else if (deployment->policy && !machine_is_reverting(step->from)
                 && behind_last(step->transition, PROBE_COMPOSE_UP) > 0)
            finding_violated(finding, step->transition, "a service was changed in the step %s",
                             action_name(step->action));
        if (step->action == ACTION_REDEPLOY && !safe)
            finding_violated(
                finding, step->transition,
                "services were re-created by a rollback that had not made Execution safe");
        safe = step->to == STATE_SAFE
               || (safe && machine_is_reverting(step->from) && step->from != STATE_ROLLING_BACK);
        reading_interlock(&audit->genesis, step->transition, 0, step->transition->item_count, NULL,
                          &reading);
        if (machine_is_reverting(step->from) && is_good(step)
            && step->action != ACTION_VERIFY_RESTORED && reading.looked
            && reading.interlock == INTERLOCK_ARMED)
            finding_violated(finding, step->transition,
                             "Execution is armed in the middle of a rollback");
    }
}

/* Others in the span of the deployment: an ARM by hand, and the answer to a dangling ARM. */
static void check_others(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    uint64_t last = (uint64_t)deployment->entries[deployment->count - 1]->seq;
    for (uint64_t seq = deployment->number; seq <= last; seq++) {
        struct entry *entry = &audit->record->entries[seq];
        struct interlock_reading reading;
        if (entry->type == ENTRY_COMMAND
            && slice_is(node_text(entry_body(entry), "command"), "arm"))
            finding_violated(finding, entry,
                             "Execution was armed by hand while a deployment was open");
        if (entry->type != ENTRY_RECONCILIATION || entry->deployment != (int64_t)deployment->number)
            continue;
        int64_t intent = node_number(entry_body(entry), "intent", -1);
        struct slice then = node_text(entry_body(entry), "then");
        if (intent < 0 || intent >= entry->seq
            || audit->record->entries[intent].type != ENTRY_INTENT
            || action_by_name(node_text(entry_body(&audit->record->entries[intent]), "action"))
                   != ACTION_ARM
            || slice_is(then, "fail") || slice_is(then, "ask"))
            continue;
        finding_rests_on(finding, entry);
        reading_interlock(&audit->genesis, entry, 0, entry->item_count, NULL, &reading);
        if (slice_is(then, "continue") || reading.interlock != INTERLOCK_DISARMED)
            finding_violated(finding, entry,
                             "a dangling ARM was not answered with DISARM, observed");
    }
}

static bool was_answered(const struct audit *audit, const struct entry *until, bool yes,
                         struct finding *finding)
{
    for (size_t i = 0;
         i < audit->deployment.count && audit->deployment.entries[i]->seq < until->seq; i++) {
        struct entry *entry = audit->deployment.entries[i];
        if (entry->type != ENTRY_COMMAND
            || !slice_is(node_text(entry_body(entry), "command"), "answer"))
            continue;
        struct slice outcome = node_text(entry_body(entry), "outcome");
        finding_rests_on(finding, entry);
        if (yes ? slice_is(outcome, "yes")
                : slice_is(outcome, "no") || slice_is(outcome, "unanswered"))
            return true;
    }
    return false;
}

/* The interlock that a release must show from `verified` on. */
static enum interlock check_release(const struct audit *audit, struct finding *finding)
{
    const struct step *connected = deployment_step(&audit->deployment, ACTION_CONNECT),
                      *verified = deployment_step(&audit->deployment, ACTION_VERIFY_RELEASE),
                      *rearmed = deployment_step(&audit->deployment, ACTION_ARM),
                      *observed = deployment_step(&audit->deployment, ACTION_OBSERVE_WINDOW);
    struct interlock_reading before = {0}, after;
    if (verified == NULL || connected == NULL)
        return INTERLOCK_UNKNOWN;
    reading_interlock(&audit->genesis, connected->transition, 0, connected->transition->item_count,
                      NULL, &before);
    reading_interlock(&audit->genesis, verified->transition, 0, verified->transition->item_count,
                      NULL, &after);
    if (after.interlock == INTERLOCK_UNKNOWN)
        finding_violated(finding, verified->transition,
                         "after the switch it is not known whether Execution is armed: %s",
                         after.why);
    else if (after.interlock == INTERLOCK_ARMED && before.interlock != INTERLOCK_ARMED)
        finding_violated(finding, verified->transition,
                         "Execution came up armed, and before it was %s",
                         interlock_word(before.interlock));
    else if (rearmed != NULL && before.interlock != INTERLOCK_ARMED)
        finding_violated(finding, rearmed->transition,
                         "Execution was armed by a release, and before it was %s",
                         interlock_word(before.interlock));
    else if (rearmed != NULL
             && !was_answered(audit,
                              rearmed->intent != NULL ? rearmed->intent : rearmed->transition, true,
                              finding))
        finding_violated(finding, rearmed->transition,
                         "Execution was armed again, and nobody is recorded to have said yes");
    else if (rearmed == NULL && observed != NULL && before.interlock == INTERLOCK_ARMED
             && after.interlock == INTERLOCK_DISARMED
             && !was_answered(audit, observed->transition, false, finding))
        finding_violated(finding, verified->transition,
                         "Execution had been armed and stays disarmed, and nobody was asked");
    return rearmed != NULL ? INTERLOCK_ARMED : after.interlock;
}

static void check_look(const struct audit *audit, const struct entry *entry,
                       enum interlock expected, struct finding *finding)
{
    struct interlock_reading reading;
    finding_rests_on(finding, entry);
    reading_interlock(&audit->genesis, entry, 0, entry->item_count, NULL, &reading);
    /* it can do nothing then; whether that fails the window is the claim `window` */
    if (reading.stopped)
        return;
    if (reading.interlock != expected)
        finding_violated(finding, entry, "Execution is %s where it must be %s%s%s",
                         interlock_word(reading.interlock), interlock_word(expected),
                         reading.interlock == INTERLOCK_UNKNOWN ? ": " : "",
                         reading.interlock == INTERLOCK_UNKNOWN ? reading.why : "");
}

static void check_looks(const struct audit *audit, enum interlock expected, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW),
                      *confirmed = deployment_step(deployment, ACTION_CONFIRM);
    for (size_t i = 0; observed != NULL && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_SAMPLE && observed->intent != NULL
            && node_number(entry_body(entry), "intent", -1) == observed->intent->seq)
            check_look(audit, entry, expected, finding);
    }
    if (confirmed != NULL)
        check_look(audit, confirmed->transition, expected, finding);
}

static void check_restored(const struct audit *audit, struct finding *finding)
{
    const struct step *restored = deployment_step(&audit->deployment, ACTION_VERIFY_RESTORED);
    struct interlock_reading reading;
    if (restored == NULL)
        return;
    reading_interlock(&audit->genesis, restored->transition, 0, restored->transition->item_count,
                      NULL, &reading);
    if (!reading.absent && reading.interlock != INTERLOCK_DISARMED)
        finding_violated(finding, restored->transition,
                         "after the rollback Execution is %s, and it must stay disarmed: %s",
                         interlock_word(reading.interlock), reading.why);
}

void claim_interlock(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    if (!audit->genesis.has_policy) {
        finding_not_applicable(finding, "there is no Execution with an interlock here");
        return;
    }
    check_steps(audit, finding);
    check_others(audit, finding);
    check_looks(audit, deployment->policy ? INTERLOCK_ARMED : check_release(audit, finding),
                finding);
    check_restored(audit, finding);
    if (!deployment->ended)
        finding_undecidable(finding, NULL,
                            "the deployment is still open; up to here nothing speaks against it");
    else if (deployment_failure(deployment) == NULL && !deployment_changed(deployment)
             && deployment_step(deployment, ACTION_DISARM) == NULL)
        finding_not_applicable(finding, "the deployment ended before Execution was touched");
    else if (deployment->accepted && deployment_step(deployment, ACTION_MAKE_SAFE) == NULL)
        finding_violated(finding, NULL, "the rollback failed before Execution was safe");
    finding_conclude(
        finding, NULL, "Execution's own lines show %s",
        deployment->state == STATE_COMPLETED
            ? "the interlock as it must be before and after each change, and in every sample"
            : "it disarmed before services were restored, and it stayed so");
}
