#include "fsm/terminal/explain.h"

#include <stdio.h>

/* `switch` without default: -Wswitch-enum refuses a state that is not here. */
const char *explain_meaning(enum state state)
{
    switch (state) {
    case STATE_OPENED:
        return "The deployment is opened in the journal, signed by the operator's own key. The "
               "target has not been touched. The checklist comes next: what a probe\n"
               "cannot decide, a person answers with `titan-fsm attest ITEM --reason TEXT`. It is "
               "run again until it passes.";
    case STATE_PREFLIGHTED:
        return "Every mandatory item of the checklist passed, by a probe or by a person's signed "
               "word. The target is not yet ours.";
    case STATE_CONNECTED:
        return "The target is held by this deployment, and what ran before is recorded: commit, "
               "tree, images, configuration, policy hash, interlock. Nothing has changed\n"
               "there.";
    case STATE_UPDATED:
        return "The repository on the target stands on the new commit. What runs is still what ran "
               "before.";
    case STATE_PULLED:
        return "The new images are on the target and their identities recorded. What runs is still "
               "what ran before. Where approvals are required they are given now:\n"
               "`titan-fsm request FILE`, the approver's `titan-fsm approve FILE`, then `titan-fsm "
               "accept FILE`.";
    case STATE_GUARDED:
        return "Everything is ready for the change: approvals and room in the journal. No dead-man "
               "guard lies on the target yet: had this driver died, nothing rolls back by\n"
               "itself. It is the last state in which giving up costs nothing.";
    case STATE_SWITCHED:
        return "The services run from the new images, and what runs agrees with the rendered "
               "compose file. Nobody has looked yet whether they work.";
    case STATE_VERIFIED:
        return "The new services run, their logs show no error pattern, health, parity and "
               "interlock are as they must be. A re-created Execution is disarmed: where it was\n"
               "armed before, it is armed again only after `--rearm yes` or an answer; otherwise "
               "it stays disarmed.";
    case STATE_DISARMED:
        return "Execution was seen disarmed: its own log names the nonce of our command. No "
               "service has changed yet. After an abort from here it stays disarmed.";
    case STATE_EXECUTION_DEPLOYED:
        return "Execution was re-created from the new image, disarmed. Brain still runs with the "
               "old policy, so that the two do not match now.";
    case STATE_EXECUTION_VERIFIED:
        return "Execution's start-up line and its responder name the same new policy hash. Brain "
               "still runs with the old one.";
    case STATE_BRAIN_DEPLOYED:
        return "Brain was re-created as well, Execution seen disarmed before and after. Whether "
               "the two agree is not yet known.";
    case STATE_PARITY_VERIFIED:
        return "Execution and Brain name the same policy hash, byte for byte, each since its own "
               "start. Execution is disarmed and may be armed now.";
    case STATE_ARMED:
        return "Execution was seen armed, on parity looked at in the same step. The health window "
               "begins at once.";
    case STATE_OBSERVED:
        return "The whole health window was good: every endpoint, parity, interlock. The way back "
               "is still there.";
    case STATE_CONFIRMED:
        return "One more sample was good. What is left is to free the target.";
    case STATE_COMPLETED:
        return "The deployment went well and is over. The target is free.";
    case STATE_ROLLING_BACK:
        return "Something failed once a service may have changed, or somebody said so: what ran "
               "before is to run again. First Execution is made safe.";
    case STATE_SAFE:
        return "Execution is safe: it was seen disarmed, or its container is gone.";
    case STATE_REVERTED:
        return "The commit is that from before, and the images from before are pinned by identity. "
               "What runs is not yet restored.";
    case STATE_REDEPLOYED:
        return "The services were re-created from the images that ran before. It is still to be "
               "seen whether what runs is what ran.";
    case STATE_ROLLED_BACK:
        return "What ran before runs again, looked at anew, and Execution is disarmed: a person "
               "arms it. The deployment is over and the target is free.";
    case STATE_ROLLBACK_FAILED:
        return "The target is not as it was before, and a person must act now. Look at it, mend "
               "what stands in the way, and roll back again; or, once it is known to be\n"
               "good, say so by signature: `titan-fsm attest rollback_failed --reason TEXT`. The "
               "target stays held until then.";
    case STATE_ABORTING:
        return "It was given up before a service changed: the commit from before is to be restored "
               "and the target freed. That is tried until it succeeds.";
    case STATE_ABORTED:
        return "It was given up before a service changed. The commit is that from before and the "
               "target is free.";
    case STATE_INVALID:
    case STATE_COUNT:
        break;
    }
    return "";
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
        return "a dead-man guard (none lies on the target yet)";
    case EVENT_FAILED:
    case EVENT_MISMATCH:
    case EVENT_UNHEALTHY:
    case EVENT_UNKNOWN:
        return ""; /* outcomes of the step: nobody gives them as a command */
    case EVENT_INVALID:
    case EVENT_COUNT:
        break;
    }
    return "";
}

static enum error_code line(struct bytes *text, const char *command, const char *what,
                            enum state to, struct error *error)
{
    return bytes_append_format(text, error, "    %-52s%s%s-> %s\n", command, what,
                               what[0] != '\0' ? "  " : "", machine_state_name(to));
}

/* "failed, unknown", as many outcomes of the step as lead to `to`; false where none does. */
static bool outcomes_to(enum procedure procedure, enum state state, enum state to, char *ret_words,
                        size_t room)
{
    size_t used = 0;
    ret_words[0] = '\0';
    for (unsigned event = 1; event < EVENT_COUNT; event++) {
        const struct transition *edge = machine_transition(procedure, state, (enum event)event);
        if (edge == NULL || edge->to != to || command_of(edge->event)[0] != '\0' || used >= room)
            continue;
        int length = snprintf(ret_words + used, room - used, "%s%s",
                              used > 0 ? ", " : "if the step is ", machine_event_name(edge->event));
        used += length > 0 ? (size_t)length : 0;
    }
    return used > 0;
}

static enum error_code possible(enum procedure procedure, enum state state, struct bytes *text,
                                struct error *error)
{
    enum error_code code = ERROR_OK;
    for (unsigned event = 1; code == ERROR_OK && event < EVENT_COUNT; event++) {
        const struct transition *edge = machine_transition(procedure, state, (enum event)event);
        char what[160] = "";
        if (edge == NULL || command_of(edge->event)[0] == '\0')
            continue;
        if (edge->action != ACTION_NONE)
            (void)snprintf(what, sizeof what, "%s, within %lld s",
                           machine_action_words(edge->action), (long long)edge->deadline_ms / 1000);
        code = line(text, command_of(edge->event), what, edge->to, error);
    }
    for (unsigned to = 1; code == ERROR_OK && to < STATE_COUNT; to++) {
        char words[96];
        if (outcomes_to(procedure, state, (enum state)to, words, sizeof words))
            code = line(text, words, "", (enum state)to, error);
    }
    return code;
}

/* Why a word of the operator has no edge here; told by the edges that there are. */
static const char *refusal(enum procedure procedure, enum state state, enum event event)
{
    if (machine_phase(state) == PHASE_ENDED)
        return "the deployment is over";
    if (event == EVENT_ROLLBACK && machine_transition(procedure, state, EVENT_ABORT) != NULL)
        return "no service has changed: abort";
    if (event != EVENT_ROLLBACK && machine_transition(procedure, state, EVENT_ROLLBACK) != NULL)
        return event == EVENT_DONE ? "there is no way forward: rollback"
                                   : "a service may have changed: rollback";
    return "it is on its way back: advance goes on with it";
}

static enum error_code explain_refused(enum procedure procedure, enum state state,
                                       struct bytes *text, struct error *error)
{
    static const enum event words[] = {EVENT_DONE, EVENT_ABORT, EVENT_ROLLBACK};
    enum error_code code = bytes_append_format(text, error, "  Refused:\n");
    for (size_t i = 0; code == ERROR_OK && i < sizeof words / sizeof words[0]; i++)
        if (machine_transition(procedure, state, words[i]) == NULL)
            code = bytes_append_format(text, error, "    %-52s%s\n", command_of(words[i]),
                                       refusal(procedure, state, words[i]));
    if (code == ERROR_OK && machine_phase(state) != PHASE_ENDED)
        code = bytes_append_format(text, error, "    %-52s%s\n", "titan-fsm begin, titan-fsm arm",
                                   "a deployment is open");
    return code;
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

static bool agree(enum state state)
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

static enum error_code from_here(const char *name, enum procedure procedure, enum state state,
                                 struct bytes *text, struct error *error)
{
    enum error_code code = bytes_append_format(text, error, "\nUnder %s, from here:\n", name);
    if (code == ERROR_OK && machine_phase(state) == PHASE_ENDED)
        code = bytes_append_format(text, error, "    %-52s%s\n    %-52s%s\n",
                                   "titan-fsm begin release|policy --reason TEXT",
                                   "the next deployment", "titan-fsm arm --reason TEXT",
                                   machine_action_words(ACTION_ARM));
    if (code == ERROR_OK)
        code = possible(procedure, state, text, error);
    return code == ERROR_OK ? explain_refused(procedure, state, text, error) : code;
}

enum error_code explain_state(enum state state, enum procedure procedure, struct bytes *ret_text,
                              struct error *error)
{
    static const char hot[] = "`advance` goes on from here without a pause, because between two "
                              "commands nobody would watch.\n";
    enum error_code code = bytes_append_format(ret_text, error, "%s\n\n%s\n%s",
                                               machine_state_name(state), explain_meaning(state),
                                               machine_is_hot(state) ? hot : "");
    bool together = procedure == PROCEDURE_INVALID && agree(state);
    if (code == ERROR_OK && together)
        code = from_here("release and policy", PROCEDURE_RELEASE, state, ret_text, error);
    for (unsigned each = 1; code == ERROR_OK && !together && each < PROCEDURE_COUNT; each++)
        if ((procedure == PROCEDURE_INVALID || procedure == each)
            && is_state_of((enum procedure)each, state))
            code = from_here(machine_procedure_name((enum procedure)each), (enum procedure)each,
                             state, ret_text, error);
    return code == ERROR_OK
               ? bytes_append_format(ret_text, error,
                                     "  Always:\n    titan-fsm disarm --reason TEXT, and what only "
                                     "looks: status, explain, log, drift, graph, export\n")
               : code;
}
