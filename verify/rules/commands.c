/* The commands between the deployments: each ARM by hand is judged like any other (L-06 to L-08,
 * L-12, parity), each DISARM by what was seen (L-16). */
#include "verify/rules/interlock.h"
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"

static bool commands_is_word(struct entry *entry, const char *key, const char *word)
{
    return slice_is(node_text(entry_body(entry), key), word);
}

/* P-11: what came of a command, or the intent of what came; NULL. */
static struct entry *other_phase(const struct deployment *commands, struct entry *entry,
                                 const char *phase)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct entry *other = commands->entries[i];
        if (other != entry && other->type == ENTRY_COMMAND
            && commands_is_word(other, "phase", phase)
            && slice_equal(node_text(entry_body(other), "key"), node_text(entry_body(entry), "key"))
            && slice_equal(node_text(entry_body(other), "command"),
                           node_text(entry_body(entry), "command")))
            return other;
    }
    return NULL;
}

/* The items of the intent, in front of the others. */
static bool begins_with(const struct entry *outcome, const struct entry *intent)
{
    if (outcome->item_count < intent->item_count)
        return false;
    for (size_t i = 0; i < intent->item_count; i++) {
        const struct item *left = &outcome->items[i], *right = &intent->items[i];
        if (left->probe != right->probe || !slice_equal(left->subject, right->subject)
            || left->sent_ns != right->sent_ns || left->received_ns != right->received_ns
            || left->status != right->status || left->has_target != right->has_target
            || strcmp(left->target_boot, right->target_boot) != 0
            || left->target_before_ms != right->target_before_ms
            || left->target_after_ms != right->target_after_ms
            || memcmp(left->hash, right->hash, SHA256_BYTES) != 0)
            return false;
    }
    return true;
}

/* P-11: what stands behind the items of the intent is the act, and what came of it. */
static bool sends_next(const struct entry *outcome, const struct entry *intent)
{
    const struct item *first = entry_first_item(outcome, 0, outcome->item_count, PROBE_BUS_PUBLISH);
    return first == NULL || first == &outcome->items[intent->item_count]
           || commands_is_word((struct entry *)outcome, "command", "succeed");
}

static void check_outcome(struct entry *entry, const struct entry *intent,
                          const struct entry *another, struct finding *finding)
{
    if (intent == NULL || intent->seq > entry->seq)
        finding_violated(finding, "P-11", entry,
                         "a command has an outcome, and no intent with its key before it");
    else if (!begins_with(entry, intent) || !sends_next(entry, intent))
        finding_violated(finding, "P-11", entry,
                         "what came of a command does not begin with the evidence of its intent, "
                         "and then the act");
    else if (another != NULL)
        finding_violated(finding, "P-11", entry, "a command has two outcomes");
}

/* P-36 */
static void check_preceded(struct entry *entry, const struct node *preceded,
                           const struct entry *another, struct finding *finding)
{
    bool sent = entry_first_item(entry, 0, entry->item_count, PROBE_BUS_PUBLISH) != NULL
                || entry_first_item(entry, 0, entry->item_count, PROBE_ACT) != NULL;
    const char *why = !node_is(preceded, NODE_TRUE) ? "it does not say `true`"
                      : !commands_is_word(entry, "command", "disarm")
                          ? "only a DISARM goes before its record"
                      : !commands_is_word(entry, "phase", "outcome")
                          ? "what is only intended was not sent"
                      : another != NULL ? "another entry has its key"
                      : !sent           ? "nothing was sent"
                                        : NULL;
    if (why != NULL)
        finding_violated(finding, "P-36", entry, "a command says that it preceded its record: %s",
                         why);
}

void commands_check_phases(const struct deployment *commands, struct finding *finding)
{
    for (size_t i = 0; i < commands->count; i++) {
        struct entry *entry = commands->entries[i];
        if (entry->type != ENTRY_COMMAND || commands_is_word(entry, "command", "answer"))
            continue;
        const struct entry *intent = other_phase(commands, entry, "intent"),
                           *outcome = other_phase(commands, entry, "outcome");
        const struct node *preceded = node_member(entry_body(entry), "preceded");
        if (preceded != NULL)
            check_preceded(entry, preceded, intent != NULL ? intent : outcome, finding);
        else if (commands_is_word(entry, "phase", "outcome"))
            check_outcome(entry, intent, outcome, finding);
        else if (intent != NULL)
            finding_violated(finding, "P-11", entry, "a command has two intents");
        else if (commands_is_word(entry, "phase", "intent")
                 && commands_is_word(entry, "command", "arm") && outcome == NULL)
            finding_undecidable(finding, "P-11", entry,
                                "an ARM by hand was intended, and what came of it is not recorded");
    }
}

/* When the command before it was recorded: what an ARM rests on was asked later. */
static int64_t time_of_previous(const struct deployment *commands, struct entry *entry)
{
    int64_t last_ns = 0;
    for (size_t i = 0; i < commands->count && commands->entries[i] != entry; i++) {
        struct entry *other = commands->entries[i];
        if (other->type == ENTRY_COMMAND && strcmp(other->boot, entry->boot) == 0
            && !slice_equal(node_text(entry_body(other), "key"),
                            node_text(entry_body(entry), "key")))
            last_ns = other->boottime_ns;
    }
    return last_ns;
}

static void check_arm_by_hand(const struct audit *audit, struct entry *entry,
                              struct finding *interlock, struct finding *parity)
{
    const struct deployment *commands = &audit->deployment;
    struct arming arming = {.entry = entry,
                            .key = node_text(entry_body(entry), "key"),
                            .after_ns = time_of_previous(commands, entry),
                            .good = commands_is_word(entry, "outcome", "observed")};
    while (arming.publish < entry->item_count
           && !reading_is_publish(&entry->items[arming.publish], audit->genesis.subject_arm))
        arming.publish++;
    interlock_check_arming(audit, &commands->hearing, &arming, interlock);
    const struct look *look = hearing_look(&commands->hearing, entry, 0, arming.publish);
    if (look != NULL && look->contradicted)
        finding_violated(interlock, "L-04", entry, "in front of an ARM by hand Execution is %s: %s",
                         showing_word(look->showing), look->why);
    if (arming.publish == entry->item_count)
        return;
    struct voices voices;
    voices_read(&commands->hearing, &audit->genesis, entry, 0, entry->item_count, VOICE_ALL,
                &voices);
    if (voices.parity == PARITY_UNEQUAL || voices.parity == PARITY_MISSING)
        finding_violated(parity, voices.rule, entry, "an ARM by hand: %s", voices.why);
    else if (voices.parity == PARITY_ABSENT || voices.absent)
        finding_undecidable(parity, "H-13", entry, "an ARM by hand: a voice was absent");
}

/* L-06 */
void commands_check_publishes(struct entry *entry, struct finding *finding)
{
    struct slice key = node_text(entry_body(entry), "key");
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        bool carries = key.length > 0 && item->output.length > key.length
                       && memcmp(item->output.at, key.at, key.length) == 0
                       && item->output.at[key.length] == ' ';
        if (item->probe == PROBE_BUS_PUBLISH && !carries)
            finding_violated(finding, "L-06", entry,
                             "what was sent does not carry the key of its command");
    }
}

/* H-04 */
static void check_command_logs(const struct hearing *hearing, struct finding *finding)
{
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].grew_in_front)
            finding_violated(finding, "H-04", hearing->logs[i].entry,
                             "a log lost a line, or got one in front of older ones");
}

unsigned commands_judge(const struct audit *audit, struct finding *interlock,
                        struct finding *parity)
{
    const struct deployment *commands = &audit->deployment;
    unsigned judged = 0;
    commands_check_phases(commands, interlock);
    procedure_check_lists(audit, interlock);
    procedure_check_subjects(audit, interlock);
    check_command_logs(&commands->hearing, interlock);
    for (size_t i = 0; i < commands->count; i++) {
        struct entry *entry = commands->entries[i];
        const char *why = "";
        bool outcome = commands_is_word(entry, "phase", "outcome");
        finding_rests_on(interlock, entry);
        procedure_check_command_row(audit, entry, interlock);
        commands_check_publishes(entry, interlock);
        if (outcome && commands_is_word(entry, "command", "arm")) {
            judged++;
            finding_rests_on(parity, entry);
            check_arm_by_hand(audit, entry, interlock, parity);
        } else if (outcome && commands_is_word(entry, "command", "disarm")) {
            judged++;
            if (commands_is_word(entry, "outcome", "observed")
                && !interlock_disarm_is_observed(audit, entry, 0,
                                                 node_text(entry_body(entry), "key"), &why))
                finding_violated(
                    interlock, "L-16", entry,
                    "a disarm by hand says that it was observed, and no line shows it: %s", why);
        }
    }
    return judged;
}
