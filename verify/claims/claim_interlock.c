/* interlock: no service changed under the policy procedure without observed DISARM; nothing armed
 * without fresh parity; nobody else armed or disarmed; never armed after a rollback; a release
 * leaves the interlock as it found it. */
#include "verify/rules/interlock.h"

#include <string.h>

#include "verify/judge/reading.h"

static struct slice key_of(const struct step *step)
{
    return step->intent != NULL ? node_text(entry_body(step->intent), "key") : slice_of("");
}

/* Behind the DISARM that the step sent, where it is in the record. */
static size_t behind_publish(const struct audit *audit, const struct entry *entry)
{
    for (size_t i = 0; i < entry->item_count; i++)
        if (reading_is_publish(&entry->items[i], audit->genesis.subject_disarm))
            return i + 1;
    return 0;
}

/* A container of Execution that a list before this entry had, and one behind it has again. */
static bool comes_back(const struct audit *audit, const struct entry *entry)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->count && deployment->entries[i] != entry; i++) {
        const struct listing *before = reading_last_list(deployment->entries[i]);
        const struct listed *was = before != NULL
                                       ? reading_service(before, audit->genesis.execution)
                                       : NULL;
        for (size_t k = 0; was != NULL && k < deployment->count; k++)
            if (deployment->entries[k]->seq > entry->seq
                && reading_lists_container(deployment->entries[k], was->id))
                return true;
    }
    return false;
}

/* A list that shows it gone, with nothing sent; and it does not come back by itself. */
static bool was_gone(const struct audit *audit, const struct entry *entry)
{
    const struct look *look = hearing_look(&audit->deployment.hearing, entry, 0, entry->item_count);
    return look != NULL && look->showing == SHOWING_GONE && behind_publish(audit, entry) == 0
           && !comes_back(audit, entry);
}

/* L-01: nothing ran that could be disarmed, and nothing was sent. */
static bool is_safe_by_absence(const struct audit *audit, const struct step *step)
{
    const struct entry *entry = step->transition;
    const struct listing *before = deployment_list_before(&audit->deployment);
    const struct item *up = entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP);
    bool deploys = step->action == ACTION_DEPLOY_EXECUTION;
    if (before == NULL || reading_running(before, audit->genesis.execution) > 0
        || behind_publish(audit, entry) > 0 || (!deploys && step->action != ACTION_DISARM)
        || (deploys && up == NULL))
        return false;
    const struct look *look = hearing_look(&audit->deployment.hearing, entry, 0,
                                           deploys ? (size_t)(up - entry->items)
                                                   : entry->item_count);
    return look != NULL
           && (look->showing == SHOWING_GONE || (!deploys && look->showing == SHOWING_STILL));
}

static void check_disarm(const struct audit *audit, const struct step *step,
                         struct finding *finding)
{
    const struct entry *entry = step->transition;
    const char *why = "";
    bool safe = step->action == ACTION_MAKE_SAFE;
    if (is_safe_by_absence(audit, step))
        return;
    if (safe && (interlock_is_removed(audit, entry) || was_gone(audit, entry)))
        return;
    if (!interlock_disarm_is_observed(audit, entry, behind_publish(audit, entry), key_of(step),
                                      &why))
        finding_violated(finding, safe ? "L-02" : "L-01", entry,
                         "%s says that Execution is disarmed, and its own lines do not show it: %s",
                         action_name(step->action), why);
}

static bool is_harmless(enum showing showing)
{
    return showing == SHOWING_DISARMED || showing == SHOWING_GONE || showing == SHOWING_STILL;
}

/* L-03, for each compose.up. */
static void check_ups(const struct audit *audit, const struct step *step, struct finding *finding)
{
    const struct entry *entry = step->transition;
    size_t from = 0; /* a look counts for the next `compose.up` only */
    for (size_t i = 0; i < entry->item_count; i++) {
        if (entry->items[i].probe != PROBE_COMPOSE_UP)
            continue;
        const struct look *look = hearing_look(&audit->deployment.hearing, entry, from, i);
        from = i + 1;
        int64_t age_ms = look != NULL ? (entry->items[i].sent_ns - entry->items[look->list].sent_ns)
                                            / 1000000
                                      : 0;
        if (look == NULL || !is_harmless(look->showing))
            finding_violated(
                finding, "L-03", entry,
                "%s changed a service while Execution was not seen disarmed before: %s",
                action_name(step->action),
                look == NULL                       ? "nobody looked"
                : look->showing == SHOWING_UNKNOWN ? look->why
                                                   : "it is armed");
        else if (age_ms > audit->limits->disarm_fresh_ms)
            finding_violated(finding, "L-03", entry,
                             "%s changed a service %lld ms after Execution was last seen disarmed; "
                             "at most %lld ms are allowed",
                             action_name(step->action), (long long)age_ms,
                             (long long)audit->limits->disarm_fresh_ms);
    }
}

/* L-04 */
static void check_last_look(const struct audit *audit, const struct step *step, size_t to,
                            struct finding *finding)
{
    const struct look *look = hearing_look(&audit->deployment.hearing, step->transition, 0, to);
    if (look == NULL || look->showing != SHOWING_DISARMED)
        finding_violated(finding, "L-04", step->transition,
                         "Execution was not seen disarmed in %s: it is %s%s%s",
                         action_name(step->action),
                         showing_word(look != NULL ? look->showing : SHOWING_INVALID),
                         look != NULL && look->showing == SHOWING_UNKNOWN ? ", " : "",
                         look != NULL && look->showing == SHOWING_UNKNOWN ? look->why : "");
}

/* L-04 of redeploy. */
static void check_redeployed(const struct audit *audit, const struct step *step,
                             struct finding *finding)
{
    const struct look *look = hearing_look(&audit->deployment.hearing, step->transition, 0,
                                           step->transition->item_count);
    if (look != NULL && !is_harmless(look->showing))
        finding_violated(finding, "L-04", step->transition,
                         "Execution is %s while services are restored",
                         showing_word(look->showing));
}

static size_t first_arm(const struct audit *audit, const struct entry *entry)
{
    size_t at = 0;
    while (at < entry->item_count
           && !reading_is_publish(&entry->items[at], audit->genesis.subject_arm))
        at++;
    return at;
}

static void check_arm(const struct audit *audit, const struct step *step, struct finding *finding)
{
    struct entry *entry = step->transition;
    bool same_boot = step->intent != NULL && strcmp(step->intent->boot, entry->boot) == 0;
    struct arming arming = {.entry = entry,
                            .publish = first_arm(audit, entry),
                            .key = key_of(step),
                            .after_ns = same_boot ? step->intent->boottime_ns : 0,
                            .good = step_is_good(step)};
    interlock_check_arming(audit, &audit->deployment.hearing, &arming, finding);
    if (arming.publish < entry->item_count)
        check_last_look(audit, step, arming.publish, finding);
}

/* L-06 */
static void check_publishes(const struct audit *audit, const struct step *step,
                            struct finding *finding)
{
    struct slice key = key_of(step);
    size_t arms = 0;
    for (size_t i = 0; i < step->transition->item_count; i++) {
        const struct item *item = &step->transition->items[i];
        arms += reading_is_publish(item, audit->genesis.subject_arm);
        bool carries = item->output.length > key.length && key.length > 0
                       && memcmp(item->output.at, key.at, key.length) == 0
                       && item->output.at[key.length] == ' ';
        if (item->probe == PROBE_BUS_PUBLISH && step->intent != NULL && !carries)
            finding_violated(finding, "L-06", step->transition,
                             "what was sent does not carry the key of its intent");
    }
    if (arms > 1)
        finding_violated(finding, "L-06", step->transition, "ARM was sent %zu times", arms);
}

/* L-19: by the last list in front of the first `up`. */
static void check_not_started(const struct audit *audit, const struct step *step,
                              struct finding *finding)
{
    const struct entry *entry = step->transition;
    const struct item *up = entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP);
    const struct listing *containers = up != NULL ? reading_list(
                                           entry_item(entry, 0, (size_t)(up - entry->items),
                                                      PROBE_COMPOSE_CONTAINERS, NULL))
                                                  : NULL;
    if (containers != NULL && reading_service(containers, audit->genesis.execution) != NULL
        && reading_running(containers, audit->genesis.execution) == 0)
        finding_violated(finding, "L-19", entry,
                         "services were started while a stopped container of Execution was there: "
                         "its armed marker survives a start");
}

/* L-20, of the snapshot. */
static void check_replies_run(const struct audit *audit, const struct step *step,
                              struct finding *finding)
{
    const struct entry *entry = step->transition;
    bool replied = false, absent = false;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(item)
                                               : NULL;
        replied = replied || (item->probe == PROBE_BUS_POLICY_HASH && item->status == 0);
        absent = absent
                 || (containers != NULL
                     && reading_running(containers, audit->genesis.execution) == 0);
    }
    if (audit->genesis.has_policy && replied && absent)
        finding_violated(finding, "L-20", entry,
                         "somebody replied for the policy hash, and a list of the containers shows "
                         "no running Execution");
}

static void check_step(const struct audit *audit, const struct step *step, struct finding *finding)
{
    bool deploys = step->action == ACTION_DEPLOY_EXECUTION || step->action == ACTION_DEPLOY_BRAIN,
         good = step_is_good(step);
    check_publishes(audit, step, finding);
    if (step->action == ACTION_SWITCH_SERVICES || step->action == ACTION_DEPLOY_EXECUTION)
        check_not_started(audit, step, finding);
    if (good && step->action == ACTION_CONNECT)
        check_replies_run(audit, step, finding);
    if (good && (step->action == ACTION_DISARM || step->action == ACTION_MAKE_SAFE || deploys))
        check_disarm(audit, step, finding);
    if (deploys || step->action == ACTION_REDEPLOY)
        check_ups(audit, step, finding);
    if (good && step->action == ACTION_REDEPLOY)
        check_redeployed(audit, step, finding);
    if (good
        && (deploys || step->action == ACTION_VERIFY_EXECUTION
            || step->action == ACTION_VERIFY_PARITY))
        check_last_look(audit, step, step->transition->item_count, finding);
    if (step->action == ACTION_ARM)
        check_arm(audit, step, finding);
}

/* L-15: the way back begins at safe. */
static void check_way_back(const struct audit *audit, struct finding *finding)
{
    bool safe = false;
    for (size_t i = 0; i < audit->deployment.step_count; i++) {
        const struct step *step = &audit->deployment.steps[i];
        safe = safe || (step->action == ACTION_MAKE_SAFE && step_is_good(step));
        bool back = step->to == STATE_REVERTED || step->to == STATE_REDEPLOYED
                    || step->to == STATE_ROLLED_BACK;
        if (back && !safe)
            finding_violated(finding, "L-15", step->transition,
                             "the rollback went on before Execution was safe");
        safe = safe && step->to != STATE_ROLLBACK_FAILED && step->to != STATE_ROLLING_BACK;
    }
    const struct entry *restored = deployment_good_entry(&audit->deployment,
                                                         ACTION_VERIFY_RESTORED);
    const struct look *look = restored != NULL ? hearing_look(&audit->deployment.hearing, restored,
                                                              0, restored->item_count)
                                               : NULL;
    if (restored != NULL && (look == NULL || !is_harmless(look->showing)))
        finding_violated(finding, "L-15", restored,
                         "after the rollback Execution is %s, and it must stay disarmed",
                         showing_word(look != NULL ? look->showing : SHOWING_INVALID));
}

/* L-12 of the snapshot; H-04 of Execution's log. */
static void check_basis(const struct audit *audit, struct finding *finding)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *containers = snapshot != NULL ? reading_last_list(snapshot) : NULL;
    if (containers != NULL
        && (reading_running(containers, audit->genesis.execution) > 1
            || reading_running(containers, audit->genesis.brain) > 1))
        finding_violated(finding, "L-12", snapshot,
                         "two containers of Execution, or of Brain, ran at the beginning");
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].probe == PROBE_LOGS_EXECUTION && hearing->logs[i].grew_in_front
            && !deployment_is_answered(&audit->deployment, hearing->logs[i].entry))
            finding_violated(finding, "H-04", hearing->logs[i].entry,
                             "Execution's log lost a line, or got one in front of older ones");
}

/* L-16 */
static void check_commands(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        const char *why = "";
        if (entry->type == ENTRY_COMMAND)
            commands_check_publishes(entry, finding);
        if (entry->type == ENTRY_COMMAND
            && slice_is(node_text(entry_body(entry), "command"), "disarm")
            && slice_is(node_text(entry_body(entry), "outcome"), "observed")
            && !interlock_disarm_is_observed(audit, entry, 0, node_text(entry_body(entry), "key"),
                                             &why))
            finding_violated(finding, "L-16", entry,
                             "a disarm by hand says that it was observed, and no line shows it: %s",
                             why);
    }
}

static void check_window(const struct audit *audit, enum showing expected, struct finding *finding)
{
    char why[200];
    bool window = deployment_step(&audit->deployment, ACTION_OBSERVE_WINDOW) != NULL;
    const struct entry *fault = window && expected != SHOWING_UNKNOWN
                                    ? interlock_window_fault(audit, expected, why, sizeof why)
                                    : NULL;
    if (fault != NULL)
        finding_violated(finding, "L-11", fault, "%s", why);
}

static void rest_on_looks(const struct audit *audit, struct finding *finding)
{
    for (size_t i = 0; i < audit->deployment.hearing.look_count; i++)
        finding_rests_on(finding, audit->deployment.hearing.looks[i].entry);
}

void claim_interlock(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    if (!audit->genesis.has_policy) {
        finding_not_applicable(finding, "there is no Execution with an interlock here");
        return;
    }
    rest_on_looks(audit, finding);
    for (size_t i = 0; i < deployment->step_count; i++)
        check_step(audit, &deployment->steps[i], finding);
    check_basis(audit, finding);
    interlock_check_others(audit, finding);
    check_window(audit,
                 deployment->policy ? SHOWING_ARMED : interlock_check_release(audit, finding),
                 finding);
    check_way_back(audit, finding);
    check_commands(audit, finding);
    if (deployment->accepted && deployment_step(deployment, ACTION_MAKE_SAFE) == NULL)
        finding_violated(finding, "L-15", NULL, "the rollback failed before Execution was safe");
    if (!deployment->ended)
        finding_undecidable(finding, "P-09", NULL,
                            "the deployment is still open; up to here nothing speaks against it");
    else if (deployment_failure(deployment) == NULL && !deployment_changed(deployment)
             && deployment_step(deployment, ACTION_DISARM) == NULL)
        finding_not_applicable(finding, "the deployment ended before Execution was touched");
    finding_conclude(
        finding, NULL, "Execution's own lines show %s",
        deployment->state == STATE_COMPLETED
            ? "the interlock as it must be before and after each change, and in every sample"
            : "it disarmed before services were restored, and it stayed so");
}
