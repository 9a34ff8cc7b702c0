#include "fsm/commands/look/explain.h"

/* `switch` without default: -Wswitch-enum refuses a state that is not here. */
const char *explain_meaning(enum state state)
{
    switch (state) {
    case STATE_OPENED:
        return "The deployment is opened in the journal, signed by the operator's own key. The "
               "target has not been touched. Next is the checklist. A person answers\n"
               "what no probe can decide: `titan-fsm attest ITEM --reason TEXT`. The checklist is "
               "run again until it passes.";
    case STATE_PREFLIGHTED:
        return "Every mandatory item of the checklist passed, by a probe or by a signed "
               "attestation. The target is not held yet.";
    case STATE_CONNECTED:
        return "This deployment holds the target, and its state before is recorded: commit, tree, "
               "images, configuration, policy hash, interlock. Nothing has changed\n"
               "there.";
    case STATE_UPDATED:
        return "The repository on the target is at the new commit. The services still run as "
               "before.";
    case STATE_PULLED:
        return "The new images are on the target and their identities are recorded. The services "
               "still run as before. Approvals, where required, are given now:\n"
               "`titan-fsm request FILE`, the approver's `titan-fsm approve FILE`, then `titan-fsm "
               "accept FILE`.";
    case STATE_GUARDED:
        return "The approvals are given and the journal has enough reserved space. Unless "
               "guard.start is none, a guard runs on the target: from the first change on it puts "
               "back\nwhat ran before when this program dies. Started by systemd or cron it "
               "survives a reboot of the target, as a process it does not.\n"
               "This is the last state in which an abort costs nothing.";
    case STATE_SWITCHED:
        return "The services run from the new images and match the rendered compose file. Whether "
               "they work has not been checked yet.";
    case STATE_VERIFIED:
        return "The new services run, their logs show no error pattern, and health, parity and "
               "interlock are as required. A re-created Execution is disarmed. If it was armed\n"
               "before, it is armed again only after `--rearm yes` or the answer yes; otherwise it "
               "stays disarmed.";
    case STATE_DISARMED:
        return "Execution was seen disarmed: its own log names the nonce of our command. No "
               "service has changed yet. After an abort from here it stays disarmed.";
    case STATE_EXECUTION_DEPLOYED:
        return "Execution was re-created from the new image and is disarmed. Brain still runs with "
               "the old policy, so the two do not match now.";
    case STATE_EXECUTION_VERIFIED:
        return "Execution's start-up line and its responder name the same new policy hash. Brain "
               "still runs with the old one.";
    case STATE_BRAIN_DEPLOYED:
        return "Brain was re-created too; Execution was seen disarmed before and after. Whether "
               "the "
               "two agree has not been checked yet.";
    case STATE_PARITY_VERIFIED:
        return "Execution and Brain name the same policy hash, byte for byte, each since its own "
               "start. Execution is disarmed and may be armed now.";
    case STATE_ARMED:
        return "Execution was seen armed, and parity was checked in the same step. The health "
               "window begins at once.";
    case STATE_OBSERVED:
        return "The whole health window was good: every endpoint, parity, interlock. A rollback is "
               "still possible.";
    case STATE_CONFIRMED:
        return "One more sample was good. The last step frees the target.";
    case STATE_COMPLETED:
        return "The deployment succeeded and is over. The target is free.";
    case STATE_ROLLING_BACK:
        return "A step failed after a service may have changed, or somebody asked for a rollback. "
               "The state from before is restored; first, Execution is made safe.";
    case STATE_SAFE:
        return "Execution is safe: it was seen disarmed, or its container is gone.";
    case STATE_REVERTED:
        return "The commit from before is checked out, and the images from before are pinned by "
               "identity. The services are not restored yet.";
    case STATE_REDEPLOYED:
        return "The services were re-created from the images that ran before. The next step checks "
               "that everything is as it was.";
    case STATE_ROLLED_BACK:
        return "The state from before is restored and was checked. Execution stays disarmed until "
               "somebody runs titan-fsm arm. The deployment is over and the target is free.";
    case STATE_ROLLBACK_FAILED:
        return "The target is not as it was before, and a person must act now. Look at it, fix "
               "what "
               "prevents the rollback, and roll back again. Or, once the target is\n"
               "good, sign that: `titan-fsm attest rollback_failed --reason TEXT`. The target "
               "stays "
               "held until then.";
    case STATE_ABORTING:
        return "The deployment was aborted before a service changed. The commit from before is "
               "restored and the target freed; this is tried until it succeeds.";
    case STATE_ABORTED:
        return "The deployment was aborted before a service changed. The commit from before is "
               "checked out and the target is free.";
    case STATE_INVALID:
    case STATE_COUNT:
        break;
    }
    return "";
}

const char *explain_begin(const struct config *config)
{
    return config->setup.services.execution[0] == '\0'
               ? "titan-fsm begin release --reason TEXT"
               : "titan-fsm begin release --reason TEXT, or titan-fsm begin policy --reason TEXT";
}

static const char *command_of(enum event event)
{
    switch (event) {
    case EVENT_DONE:
        return "titan-fsm advance";
    case EVENT_REARMED:
        return "titan-fsm advance --rearm yes";
    case EVENT_ABORT:
        return "titan-fsm abort --reason TEXT";
    case EVENT_ROLLBACK:
        return "titan-fsm rollback --reason TEXT";
    case EVENT_GUARD_FIRED:
        return "the guard on the target";
    case EVENT_FAILED:
    case EVENT_MISMATCH:
    case EVENT_UNHEALTHY:
    case EVENT_STALE:
    case EVENT_UNKNOWN:
        return ""; /* outcomes of the step, never a command */
    case EVENT_INVALID:
    case EVENT_COUNT:
        break;
    }
    return "";
}

static void add_edge(struct text *text, const char *command, const char *what, enum state to)
{
    text_add_format(text, "    %-52s%s%s-> %s\n", command, what, what[0] != '\0' ? "  " : "",
                    machine_state_name(to));
}

/* "if the step is failed, unknown": the outcomes of the step that lead to `to`; "" for none. */
static void add_outcomes(enum procedure procedure, enum state state, enum state to,
                         struct text *words)
{
    for (unsigned event = 1; event < EVENT_COUNT; event++) {
        const struct transition *edge = machine_transition(procedure, state, (enum event)event);
        if (edge != NULL && edge->to == to && command_of(edge->event)[0] == '\0')
            text_add_format(words, "%s%s", words->bytes.size > 0 ? ", " : "if the step is ",
                            machine_event_name(edge->event));
    }
}

static void add_possible(enum procedure procedure, enum state state, struct text *text)
{
    for (unsigned event = 1; event < EVENT_COUNT; event++) {
        const struct transition *edge = machine_transition(procedure, state, (enum event)event);
        CLEANUP_TEXT struct text what = {0};
        if (edge == NULL || command_of(edge->event)[0] == '\0')
            continue;
        if (edge->action != ACTION_NONE)
            text_add_format(&what, "%s, within %lld s", machine_action_words(edge->action),
                            (long long)edge->deadline_ms / 1000);
        add_edge(text, command_of(edge->event), text_string(&what), edge->to);
    }
    for (unsigned to = 1; to < STATE_COUNT; to++) {
        CLEANUP_TEXT struct text words = {0};
        add_outcomes(procedure, state, (enum state)to, &words);
        if (words.bytes.size > 0)
            add_edge(text, text_string(&words), "", (enum state)to);
    }
}

/* Why a command of the operator has no edge here, found from the edges that exist. */
static const char *refusal_reason(enum procedure procedure, enum state state, enum event event)
{
    if (machine_phase(state) == PHASE_ENDED)
        return "the deployment is over";
    if (event == EVENT_ROLLBACK && machine_transition(procedure, state, EVENT_ABORT) != NULL)
        return "no service has changed: abort";
    if (event != EVENT_ROLLBACK && machine_transition(procedure, state, EVENT_ROLLBACK) != NULL)
        return event == EVENT_DONE ? "there is no way forward: rollback"
                                   : "a service may have changed: rollback";
    return "a service may have changed: rollback";
}

/* A command without an edge that is understood all the same: on the way back it continues that,
 * and while a step is open it goes back from there. */
static bool is_understood(enum procedure procedure, const struct explained *explained,
                          enum event event)
{
    const struct transition *failed = machine_transition(procedure, explained->state, EVENT_FAILED);
    return machine_transition(procedure, explained->state, event) != NULL
           || machine_phase(explained->state) == PHASE_REVERTING
           || (explained->step_is_open && event != EVENT_DONE && failed != NULL
               && failed->to == STATE_ROLLING_BACK);
}

static void add_understood(enum procedure procedure, const struct explained *explained,
                           struct text *text)
{
    static const enum event words[] = {EVENT_ABORT, EVENT_ROLLBACK};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (is_understood(procedure, explained, words[i])
            && machine_transition(procedure, explained->state, words[i]) == NULL)
            text_add_format(text, "    %-52s%s\n", command_of(words[i]),
                            machine_phase(explained->state) == PHASE_REVERTING
                                ? "continues the way back"
                                : "goes back from the open step, as that allows");
}

static void add_refused(enum procedure procedure, const struct explained *explained,
                        struct text *text)
{
    static const enum event words[] = {EVENT_DONE, EVENT_ABORT, EVENT_ROLLBACK};
    enum state state = explained->state;
    text_add(text, "  Refused:\n");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!is_understood(procedure, explained, words[i]))
            text_add_format(text, "    %-52s%s\n", command_of(words[i]),
                            refusal_reason(procedure, state, words[i]));
    if (machine_phase(state) != PHASE_ENDED)
        text_add_format(text, "    %-52s%s\n", "titan-fsm begin, titan-fsm arm",
                        "a deployment is open");
}

static bool is_state_of(enum procedure procedure, enum state state)
{
    size_t count;
    const struct transition *edge = machine_transitions(&count);
    for (; count > 0; count--, edge++)
        if (edge->procedure == procedure && (edge->from == state || edge->to == state))
            return true;
    return false;
}

/* Both procedures have the same edges from this state. */
static bool procedures_agree(enum state state)
{
    for (unsigned event = 1; event < EVENT_COUNT; event++) {
        const struct transition *one = machine_transition(PROCEDURE_RELEASE, state,
                                                          (enum event)event),
                                *two = machine_transition(PROCEDURE_POLICY, state,
                                                          (enum event)event);
        if ((one == NULL) != (two == NULL)
            || (one != NULL
                && (one->to != two->to || one->action != two->action
                    || one->deadline_ms != two->deadline_ms)))
            return false;
    }
    return is_state_of(PROCEDURE_RELEASE, state) == is_state_of(PROCEDURE_POLICY, state);
}

static void add_procedure(const char *name, enum procedure procedure,
                          const struct explained *explained, struct text *text)
{
    enum state state = explained->state;
    text_add_format(text, "\nUnder %s, from here:\n", name);
    if (machine_phase(state) == PHASE_ENDED) {
        text_add_format(text, "    %-52s%s\n", "titan-fsm begin release --reason TEXT",
                        "the next deployment");
    }
    if (machine_phase(state) == PHASE_ENDED && !explained->no_interlock) {
        text_add_format(text, "    %-52s%s\n", "titan-fsm begin policy --reason TEXT",
                        "the next deployment");
        text_add_format(text, "    %-52s%s\n", "titan-fsm arm --reason TEXT",
                        machine_action_words(ACTION_ARM));
    }
    add_possible(procedure, state, text);
    add_understood(procedure, explained, text);
    add_refused(procedure, explained, text);
}

void explain_state(const struct explained *explained, struct text *text)
{
    enum state state = explained->state;
    enum procedure procedure = explained->procedure;
    static const char hot[] = "This state is hot: `advance` continues from here without a pause, "
                              "because between two commands nothing would be watched.\n";
    bool together = procedure == PROCEDURE_INVALID && procedures_agree(state);
    text_add_format(text, "%s\n\n%s\n%s", machine_state_name(state), explain_meaning(state),
                    machine_is_hot(state) ? hot : "");
    if (together)
        add_procedure("release and policy", PROCEDURE_RELEASE, explained, text);
    for (unsigned each = 1; !together && each < PROCEDURE_COUNT; each++)
        if ((procedure == PROCEDURE_INVALID || procedure == each)
            && is_state_of((enum procedure)each, state))
            add_procedure(machine_procedure_name((enum procedure)each), (enum procedure)each,
                          explained, text);
    text_add_format(text,
                    "  Always:\n    %sthe commands that only read: "
                    "status, explain, log, drift, graph, export\n",
                    explained->no_interlock ? "" : "titan-fsm disarm --reason TEXT, and ");
}
