/* procedure: only edges of the standard; every act has its intent before it, every dangling intent
 * its reconciliation; every `done` is earned. */
#include "verify/judge/audit.h"
#include "verify/rules/procedure/procedure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the walk stands. `interrupted`: a reconciliation must come before the open intent is
 * answered. */
struct walk {
    const struct audit *audit;
    struct finding *finding;
    enum state state;
    struct entry *intent; /* open, or NULL */
    enum action action;
    bool interrupted, must_fail, undecided;
    struct entry *repeated; /* closed by `repeat`: the next intent repeats it */
    struct entry *last;     /* of those that the driver writes */
    size_t step;            /* the next of deployment.steps */
    bool ended;
};

static struct slice walk_text(struct entry *entry, const char *key)
{
    return node_text(entry_body(entry), key);
}

static int64_t first_of(struct entry *intent)
{
    return node_number(entry_body(intent), "repeats", intent->seq);
}

static bool key_is_fresh(const struct walk *walk, const struct entry *intent, struct slice key)
{
    const struct entry *other = intent;
    do
        other = record_before_of_key(walk->audit->record, key, (uint64_t)other->seq);
    while (other != NULL
           && (other->type != ENTRY_INTENT || other->deployment != intent->deployment));
    return other == NULL;
}

static void check_repeat(struct walk *walk, struct entry *entry)
{
    int64_t repeats = node_number(entry_body(entry), "repeats", -1);
    bool fresh = key_is_fresh(walk, entry, walk_text(entry, "key"));
    if (walk->repeated == NULL) {
        if (repeats >= 0)
            finding_violated(
                walk->finding, "P-04", entry,
                "the intent says that it repeats one, and no reconciliation asked for that");
        else if (!fresh)
            finding_violated(walk->finding, "P-04", entry, "the key of the intent was used before");
        return;
    }
    if (repeats != first_of(walk->repeated)
        || walk->action != action_by_name(walk_text(walk->repeated, "action")))
        finding_violated(
            walk->finding, "P-04", entry,
            "after a reconciliation that says `repeat` another intent follows than that one");
    else if (walk->action == ACTION_ARM
                 ? !fresh
                 : !slice_equal(walk_text(entry, "key"), walk_text(walk->repeated, "key")))
        finding_violated(walk->finding, "P-04", entry,
                         "a repeated intent does not carry the key that it must");
}

static void walk_intent(struct walk *walk, struct entry *entry)
{
    if (walk->intent != NULL)
        finding_violated(walk->finding, "P-03", entry, "an intent is recorded while %lld is open",
                         (long long)walk->intent->seq);
    walk->intent = entry;
    walk->action = action_by_name(walk_text(entry, "action"));
    walk->interrupted = walk->must_fail = walk->undecided = false;
    if (state_by_name(walk_text(entry, "from")) != walk->state)
        finding_violated(walk->finding, "P-03", entry,
                         "the intent names another state than %s, in which the deployment is",
                         state_name(walk->state));
    else if (!machine_action_belongs(walk->audit->deployment.policy, walk->state, walk->action))
        finding_violated(walk->finding, "P-03", entry,
                         "the action %s does not belong to the state %s", action_name(walk->action),
                         state_name(walk->state));
    check_repeat(walk, entry);
    walk->repeated = NULL;
}

static void walk_reconciliation(struct walk *walk, struct entry *entry)
{
    struct slice then = walk_text(entry, "then");
    if (walk->intent == NULL || node_number(entry_body(entry), "intent", -1) != walk->intent->seq) {
        finding_violated(walk->finding, "P-06", entry,
                         "the reconciliation does not name the open intent");
        return;
    }
    if (slice_is(then, "continue") && slice_is(walk_text(entry, "found"), "unknown"))
        finding_violated(
            walk->finding, "P-27", entry,
            "what was found is unknown, and the act is taken for done: that is a guess");
    walk->interrupted = false;
    walk->must_fail = slice_is(then, "fail");
    walk->undecided = slice_is(then, "ask");
    if (slice_is(then, "repeat")) {
        walk->repeated = walk->intent;
        walk->intent = NULL;
    }
}

static void walk_check_answer(struct walk *walk, const struct step *step)
{
    struct entry *entry = step->transition;
    int64_t named = node_number(entry_body(entry), "intent", -1);
    bool good = step_is_good(step),
         fired = step->event == EVENT_GUARD_FIRED && walk->intent != NULL;
    if (!machine_answers_intent(step->event) && !fired) {
        if (named >= 0 || walk->intent != NULL)
            finding_violated(walk->finding, "P-02", entry,
                             "%s comes from outside: no intent may be open, and it names none",
                             event_name(step->event));
        return;
    }
    if (walk->intent == NULL || named != walk->intent->seq)
        finding_violated(walk->finding, "P-02", entry,
                         "the transition by %s does not answer an open intent",
                         event_name(step->event));
    else if (walk->interrupted)
        finding_violated(
            walk->finding, "P-05", entry,
            "the intent %lld was interrupted, and no reconciliation says what had become of it",
            (long long)walk->intent->seq);
    else if (good && (walk->must_fail || walk->undecided))
        finding_violated(walk->finding, "P-06", entry,
                         "the reconciliation of intent %lld did not say that it may succeed",
                         (long long)walk->intent->seq);
    else if (good
             && (step->event == EVENT_REARMED)
                    != (walk->state == STATE_VERIFIED && walk->action == ACTION_ARM))
        finding_violated(walk->finding, "P-02", entry, "%s is not what the action %s can earn here",
                         event_name(step->event), action_name(walk->action));
}

/* What is to be repeated may have changed a service. */
static void walk_check_abort(struct walk *walk, struct entry *entry)
{
    if (walk->repeated == NULL)
        return;
    enum action action = action_by_name(walk_text(walk->repeated, "action"));
    if (action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_EXECUTION)
        finding_violated(walk->finding, "P-46", entry,
                         "the deployment is aborted, and %s, which was to be repeated, may have "
                         "changed a service",
                         action_name(action));
}

static void walk_transition(struct walk *walk, struct entry *entry)
{
    const struct step *step = &walk->audit->deployment.steps[walk->step++];
    if (step->from != walk->state)
        finding_violated(walk->finding, "P-01", entry,
                         "the transition leaves %s, and the deployment is in %s",
                         state_name(step->from), state_name(walk->state));
    else if (!machine_allows(walk->audit->deployment.policy, step->from, step->event, step->to))
        finding_violated(walk->finding, "P-01", entry,
                         "the standard knows no way from %s by %s to %s", state_name(step->from),
                         event_name(step->event), state_name(step->to));
    walk_check_answer(walk, step);
    if (step->event == EVENT_ABORT)
        walk_check_abort(walk, entry);
    walk->state = step->to;
    walk->intent = NULL;
    walk->repeated = NULL;
    walk->interrupted = walk->must_fail = walk->undecided = false;
    walk->ended = walk->ended || machine_is_end(step->to);
}

static void walk_sample(struct walk *walk, struct entry *entry)
{
    if (walk->intent == NULL || walk->action != ACTION_OBSERVE_WINDOW
        || node_number(entry_body(entry), "intent", -1) != walk->intent->seq)
        finding_violated(walk->finding, "P-08", entry, "the sample belongs to no open observation");
    else if (walk->interrupted)
        finding_violated(
            walk->finding, "P-05", entry,
            "the observation was interrupted, and no reconciliation says that it goes on");
}

static void walk_attestation(struct walk *walk, struct entry *entry)
{
    if (!slice_is(walk_text(entry, "item"), "rollback_failed"))
        return;
    if (walk->state != STATE_ROLLBACK_FAILED || walk->intent != NULL
        || !slice_is(walk_text(entry, "answer"), "accepted"))
        finding_violated(walk->finding, "P-09", entry,
                         "a failed rollback is accepted where there is none");
    walk->ended = true;
}

/* Another boot, or another holder, since the intent: what it did is not known until somebody
 * looked. */
static void note_interruption(struct walk *walk, const struct entry *entry)
{
    bool drives = entry->type == ENTRY_TRANSITION || entry->type == ENTRY_SAMPLE
                  || entry->type == ENTRY_RECONCILIATION || entry->type == ENTRY_INTENT;
    if (walk->intent == NULL || (!drives && entry->type != ENTRY_TAKEOVER))
        return;
    if (entry->type == ENTRY_TAKEOVER
        || (walk->last != NULL && strcmp(walk->last->boot, entry->boot) != 0))
        walk->interrupted = true;
}

static void walk_entry(struct walk *walk, struct entry *entry)
{
    finding_rests_on(walk->finding, entry);
    if (walk->ended)
        finding_violated(walk->finding, "P-09", entry, "the deployment had ended before this %s",
                         entry_type_name(entry->type));
    note_interruption(walk, entry);
    switch (entry->type) {
    case ENTRY_INTENT:
        walk_intent(walk, entry);
        break;
    case ENTRY_TRANSITION:
        walk_transition(walk, entry);
        break;
    case ENTRY_SAMPLE:
        walk_sample(walk, entry);
        break;
    case ENTRY_RECONCILIATION:
        walk_reconciliation(walk, entry);
        break;
    case ENTRY_ATTESTATION:
        walk_attestation(walk, entry);
        return;
    case ENTRY_OPEN:
    case ENTRY_TAKEOVER:
    case ENTRY_REFUSAL:
    case ENTRY_COMMAND:
    case ENTRY_NOTE:
    case ENTRY_ANCHOR:
    case ENTRY_APPROVAL:
        return;
    case ENTRY_INVALID:
    case ENTRY_GENESIS:
    case ENTRY_SETTINGS:
    case ENTRY_ROSTER:
    case ENTRY_TYPES:
        finding_violated(walk->finding, "P-09", entry,
                         "an entry of this type belongs to no deployment");
        return;
    }
    walk->last = entry;
}

void claim_procedure(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct walk walk = {.audit = audit, .finding = finding, .state = STATE_OPENED};
    if (deployment->policy && !audit->genesis.has_policy)
        finding_violated(finding, "P-10", deployment->entries[0],
                         "a policy change is opened where no policy hash is shared");
    for (size_t i = 0; i < deployment->count; i++)
        walk_entry(&walk, deployment->entries[i]);
    const struct entry *last = deployment->entries[deployment->count - 1];
    if (!walk.ended)
        finding_undecidable(finding, "P-09", last, "the deployment is still open, in the state %s",
                            state_name(walk.state));
    commands_check_phases(deployment, finding);
    procedure_check_rows(audit, finding);
    procedure_check_subjects(audit, finding);
    procedure_check_places(audit, finding);
    procedure_check_identity(audit, finding);
    procedure_check_lists(audit, finding);
    procedure_check_state(audit, finding);
    procedure_check_last_look(audit, finding);
    procedure_check_tenancy(audit, finding);
    procedure_check_guard(audit, finding);
    procedure_check_guard_fired(audit, finding);
    procedure_check_reconciled(audit, finding);
    size_t services = procedure_untold(audit);
    if (services > 0)
        finding_undecidable(finding, "P-22", last,
                            "whether %zu services run as they are declared, compose could not tell",
                            services);
    finding_conclude(finding, last,
                     "%zu transitions from opened to %s, each an edge of the %s procedure, "
                     "intended before and with its evidence",
                     deployment->step_count,
                     deployment->accepted ? "an accepted failure" : state_name(walk.state),
                     deployment->policy ? "policy" : "release");
}
