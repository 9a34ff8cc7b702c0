#include "fsm/commands/command.h"

#include <string.h>

/*  name, arguments, summary, help, words_min, words_max, run */
static const struct command commands[] = {
    {"keygen", "FILE [--comment TEXT]", "make an operator's key file and print its public line",
     "Makes an Ed25519 key, sealed under a passphrase, and prints the allowed_signers line that "
     "goes into the roster and to the\n"
     "auditor. An existing file is never overwritten. An SSH key in an agent serves as well: see "
     "`operator` in titan.yml.",
     1, 1, command_keygen},
    {"init", "[--succeed JOURNAL --reason WHY]", "begin a journal for the target",
     "Checks the target's host key, pins target, services, limits, roster and checklist in a "
     "genesis entry signed by the\n"
     "operator, and makes the journal directory. Nothing changes on the target.\n"
     "--succeed: where the journal that the target belongs to (its id, as deployment.json there "
     "names it) is gone for good. For\n"
     "an operator who is an administrator too, when no holder is alive: Execution is disarmed and "
     "seen so, what runs is recorded, and\n"
     "the target, freed, belongs to the new journal, whose genesis names the old one's head. The "
     "same command again finishes one that was cut short.",
     0, 0, command_init},
    {"config", "check [--json]", "say whether titan.yml is good",
     "Reads titan.yml alone and says that it is good and what it came to, or its first error with "
     "line and column. --json: every key with the\n"
     "value that holds, defaults and all. No secret is in it: the file names where they lie. Needs "
     "no key, no journal and no target.",
     1, 1, command_config},
    {"preflight", "[--json]", "run the checklist without opening a deployment",
     "Asks the target each item of the checklist and says what was found, with the line to change. "
     "Nothing is recorded and nothing\n"
     "changes. Exit status 0 when every mandatory item passed, 21 when one failed, 13 when only a "
     "person can answer what is left.",
     0, 0, command_preflight},
    {"roster", "[add|remove ROLE LINE|PRINCIPAL|FINGERPRINT --reason WHY] [--json]",
     "show or change who may do what",
     "Without words: the roster in force, and the entry that made it. `add` and `remove` make an "
     "entry signed by an administrator of it with his\n"
     "own key; ROLE is operator, approver or administrator, LINE one quoted line of "
     "allowed_signers, without a date: a right ends by an entry.\n"
     "Possible beside a running driver. Whoever drives and is removed may only disarm, abort and "
     "roll back from that entry on.",
     0, 3, command_roster},
    {"begin",
     "release|policy --reason TEXT [--commit SHA] [--expect HASH] [--approvals N] [--check "
     "ITEM]...",
     "open a deployment",
     "Opens a deployment in the journal, signed by the operator's own key, with a fresh session "
     "key for its further entries.\n"
     "--commit asks for one commit of the branch instead of its head; --expect names the policy "
     "hash that must come out.\n"
     "--approvals asks for N other persons' approvals in all, --check makes an item of the "
     "checklist mandatory: both only add to genesis.",
     1, 1, command_begin},
    {"request", "FILE", "write what an approver is to see",
     "Once the images are pulled: a small file for the approver. It holds no secret. It goes to "
     "him by mail, or as he likes.",
     1, 1, command_request},
    {"approve",
     "REQUEST [--key FILE|--agent LINE --principal NAME --out FILE] [--statement FILE] [--reason "
     "WHY]",
     "approve somebody else's deployment",
     "On the approver's own machine; needs neither titan.yml nor a journal. Shows what is asked "
     "for, and where a key is given signs exactly that.\n"
     "--agent names the public key that an ssh-agent holds. With OpenSSH alone: `--statement FILE` "
     "writes the bytes that are signed, then\n"
     "`ssh-keygen -Y sign -f KEY -n titan-approval-v1 FILE`; the FILE.sig that it makes is taken "
     "by `titan-fsm accept` as well.",
     1, 1, command_approve},
    {"accept", "FILE [--principal NAME]", "take an approval into the journal",
     "Checks an approval against this deployment and the roster, at its opening and now, and "
     "records it; a wrong one is refused, and the refusal\n"
     "recorded. FILE is what `approve` or `ssh-keygen -Y sign` wrote; the latter names nobody, so "
     "the roster or --principal does.",
     1, 1, command_accept},
    {"advance", "[--rearm yes|no|ask] [--confirm NAME]",
     "take exactly one step (and go on through hot states)",
     "Takes the one edge that follows from the present state: intent, act, transition. In a hot "
     "state it goes on, because\n"
     "nobody would watch between two commands. An interrupted intent is settled first, as by "
     "`resume`.\n"
     "Before the first step that touches a running service it says what will change and asks for "
     "the target's name; --confirm NAME gives it beforehand.",
     0, 0, command_advance},
    {"run", "[--rearm yes|no|ask] [--confirm NAME]",
     "advance until the end, or until a person is needed",
     "Advances until the deployment has ended, a step failed and was rolled back, or a person is "
     "needed. Before the first step that\n"
     "touches a running service it says what will change and asks for the target's name; --confirm "
     "NAME gives it beforehand.",
     0, 0, command_run},
    {"resume", "[--rearm yes|no|ask] [--confirm NAME]",
     "settle what an interruption left open, then run",
     "Probes the target (commit, containers, interlock), records a reconciliation that names what "
     "was found, and goes on. No\n"
     "act that is not idempotent is done twice. A health window left alone longer than its gap is "
     "rolled back.",
     0, 0, command_resume},
    {"status", "[--watch] [--json] [--prometheus]", "say where the deployment stands",
     "Reads the journal only. Prints the state, the open intent and the next step.\n"
     "--watch: what the driver's own terminal shows, live, from another one, until the deployment "
     "ends or SIGINT. --prometheus: as metrics for\n"
     "node_exporter's textfile collector; the file is put in place by a rename, as "
     "fsm/examples/titan-metrics does.",
     0, 0, command_status},
    {"explain", "[STATE]", "say what the present state means and what can be done from it",
     "In words, out of the machine's table: what the state of the last deployment means, which "
     "command leads where, what is refused and why.\n"
     "With STATE, of any state, without titan.yml or a journal.",
     0, 1, command_explain},
    {"attest", "ITEM --reason TEXT", "answer a checklist item that no probe can decide",
     "Records an answer signed by the operator's own key. ITEM is an id of the checklist, or "
     "rollback_failed to accept by\n"
     "signature that a failed rollback is over. Refused where a probe decided the item.",
     1, 1, command_attest},
    {"takeover", "--reason TEXT", "go on with a deployment whose holder is gone",
     "For an operator of the roster with a copy of the journal (without its session-*.key: those "
     "are the holder's), when the holder's\n"
     "time on the target is over: a fresh session key, a signed entry with the reason, and the "
     "target's epoch raised, so that the\n"
     "old holder's driver can do nothing any more. Only whoever took over last drives from then "
     "on, in the same directory too.\n"
     "Refused while the holder is alive. Whoever approved the deployment and takes it over before "
     "it is guarded counts as one\n"
     "person. The same command again finishes one that was cut short. Then `titan-fsm resume` "
     "looks at the target and goes on.",
     0, 0, command_takeover},
    {"rollback", "--reason TEXT", "go back to what ran before",
     "From any state in which a service may have changed: Execution made safe, commit and images "
     "as recorded before,\n"
     "re-created, looked at again. Also tries a failed rollback once more.",
     0, 0, command_rollback},
    {"abort", "--reason TEXT", "give up before a service has changed",
     "Restores the commit and frees the target.", 0, 0, command_abort},
    {"arm", "--reason TEXT", "arm Execution, on fresh parity, outside a deployment",
     "Compares the policy hash of Execution and Brain, sends ARM, and succeeds only when Execution "
     "is seen armed.",
     0, 0, command_arm},
    {"disarm", "--reason TEXT", "disarm Execution now",
     "Possible at any time, beside a running driver too: needs neither lock nor tenancy. Succeeds "
     "only when Execution is seen\n"
     "disarmed. It is sent even where the journal cannot be written, and says so.",
     0, 0, command_disarm},
    {"drift", "[--json]", "compare what runs with its source",
     "Services, images, configurations, commit, tree and env file against the compose file of the "
     "commit on the target, the branch as\n"
     "last fetched, and the last completed deployment. One line a difference: what, where, what to "
     "do. Reads only, needs no key, is\n"
     "possible while a deployment is open, and is not recorded. Status 0: no drift; 22: drift, or "
     "something that cannot be compared.",
     0, 0, command_drift},
    {"log", "[--json]", "print the journal's entries",
     "One line an entry, or with --json one object a line.", 0, 0, command_log},
    {"graph", "svg|dot [--path]", "draw the machine, or the path of the last deployment through it",
     "Prints the transition table as a picture: SVG, or the DOT language of Graphviz. With --path "
     "the last deployment of the journal is\n"
     "marked: states with the time at which they were reached, and the edges that were taken.",
     1, 1, command_graph},
    {"export", "FILE [--checkpoint FILE]", "write the bundle for an auditor",
     "Writes all entries, blobs and a signed checkpoint as one file, and the checkpoint alone "
     "where asked: give that one to\n"
     "somebody else, because every prefix of a journal is a journal.",
     1, 1, command_export},
};

const struct command *command_list(size_t *ret_count)
{
    *ret_count = sizeof commands / sizeof commands[0];
    return commands;
}

const struct command *command_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

void command_print_help(FILE *stream, const struct command *command)
{
    fprintf(stream, "titan-fsm %s %s\n\n%s\n", command->name, command->arguments, command->help);
    fputs("\nOptions of every command:\n"
          "  --config FILE            the target's configuration (else $TITAN_CONFIG, else "
          "titan.yml)\n"
          "  --passphrase-file FILE   the first line unlocks the operator's key (else it is asked "
          "for on the terminal)\n"
          "  --passphrase-fd N        the same from an open descriptor\n"
          "  --json                   where a command prints something, as JSON; of a command that "
          "drives, an event a line\n"
          "  --quiet                  a command that drives says nothing on its way; errors are "
          "said all the same\n"
          "  --help                   this text\n"
          "NO_COLOR in the environment, not empty: no colour on the terminal.\n",
          stream);
}

void command_print_overview(FILE *stream)
{
    size_t count;
    const struct exit_row *row = exit_status_list(&count);
    fputs("titan-fsm drives one production deployment, step by step, and keeps a signed journal of "
          "it.\n\n",
          stream);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fputs("\nExit status:\n", stream);
    for (; count > 0; count--, row++)
        fprintf(stream, "  %2d  %s\n", (int)row->status, row->meaning);
    fputs("\n`titan-fsm COMMAND --help` says more. What happened is judged by titan-verify, a "
          "program of its own.\n",
          stream);
}
