#include "fsm/commands/command.h"

#include <string.h>

/*  name, arguments, summary, help, words_min, words_max, run */
static const struct command commands[] = {
    {"keygen", "FILE [--comment TEXT]", "make an operator's key file and print its public line",
     "Makes an Ed25519 key, sealed with a passphrase, and prints the allowed_signers line for the "
     "roster\n"
     "and the auditor. An existing file is never overwritten. An SSH key in an agent can be used "
     "instead:\n"
     "see `operator` in titan.yml.",
     1, 1, command_keygen},
    {"init", "[--succeed JOURNAL --reason WHY]", "begin a journal for the target",
     "Checks the target's host key, pins target, services, limits, roster and checklist in a "
     "genesis entry\n"
     "signed by the operator, and makes the journal directory. Nothing changes on the target.\n"
     "--succeed: for a target whose journal is lost; JOURNAL is the id in deployment.json on the "
     "target.\n"
     "Requires an operator who is also an administrator, and that no holder is alive. Execution is "
     "disarmed\n"
     "and seen disarmed, what runs is recorded, and the freed target belongs to the new journal, "
     "whose\n"
     "genesis names the old one's head. After an interruption, run the same command again.",
     0, 0, command_init},
    {"config", "check [--json]", "check titan.yml",
     "Reads titan.yml alone and prints a summary, or its first error with line and column. --json: "
     "every\n"
     "key with the value in force, defaults included. It holds no secrets: the file only names "
     "where they\n"
     "are kept. Needs no key, no journal and no target.",
     1, 1, command_config},
    {"preflight", "[--json]", "run the checklist without opening a deployment",
     "Runs each item of the checklist on the target and prints what was found and what to change. "
     "Records\n"
     "nothing and changes nothing. Exit status 0: every mandatory item passed; 21: one failed; 13: "
     "only a\n"
     "person can answer the rest.",
     0, 0, command_preflight, true},
    {"roster", "[add/remove ROLE WHO --reason WHY] [--json]", "show or change who may do what",
     "Without words: the roster in force, and the entry that made it. `add` and `remove` append an "
     "entry\n"
     "that an administrator of that roster signs with their own key. ROLE is operator, approver "
     "or\n"
     "administrator; WHO is, for add, one quoted line of allowed_signers without a date (a "
     "right\n"
     "ends by an entry), and for remove a principal or a fingerprint.\n"
     "Can run beside a running driver. An operator who drives and is removed may only disarm, "
     "abort and\n"
     "roll back from that entry on.",
     0, 3, command_roster, true},
    {"settings", "[--reason WHY]", "show or change what the journal pins besides the roster",
     "Services, endpoints, patterns, limits, checklist and approvals are pinned when a journal "
     "begins, so\n"
     "that a verdict does not depend on a file. Without words: whether titan.yml still says the "
     "same. With\n"
     "--reason: appends an entry, signed by an administrator with their own key, that replaces "
     "them for\n"
     "deployments opened from then on. Refused while a deployment is open.",
     0, 0, command_settings, true},
    {"begin",
     "release/policy --reason TEXT [--commit SHA] [--expect HASH] [--approvals N] [--check "
     "ITEM]... [--again]",
     "open a deployment",
     "Opens a deployment in the journal, signed by the operator's own key, with a fresh session "
     "key for its\n"
     "further entries. --commit selects one commit of the branch instead of its head; --expect "
     "names the\n"
     "policy hash that must result. --approvals requires N approvals by other persons, --check "
     "makes an item\n"
     "of the checklist mandatory: both can only add to what genesis pins. --again goes to a commit "
     "that was\n"
     "rolled back before, which is refused else.",
     1, 1, command_begin},
    {"request", "FILE", "write what an approver must see",
     "After the images are pulled: writes a small file for the approver, without secrets. Send it "
     "by mail or\n"
     "any other way.",
     1, 1, command_request},
    {"approve",
     "REQUEST [--key FILE] [--agent LINE] [--principal NAME] [--out FILE] [--statement FILE] "
     "[--reason "
     "WHY]",
     "approve somebody else's deployment",
     "Runs on the approver's own machine; needs neither titan.yml nor a journal. Prints the "
     "request, and with\n"
     "a key signs exactly what it printed. --agent names the public key of a key in an ssh-agent. "
     "With OpenSSH\n"
     "alone: `--statement FILE` writes the bytes to sign, then run\n"
     "`ssh-keygen -Y sign -f KEY -n titan-approval-v1 FILE`; `titan-fsm accept` also takes its "
     "FILE.sig.",
     1, 1, command_approve},
    {"accept", "FILE [--principal NAME]", "record an approval",
     "Checks an approval against this deployment and the roster, both as it was at the opening and "
     "now, and\n"
     "records it. A wrong one is refused, and the refusal recorded. FILE comes from `approve` or "
     "from\n"
     "`ssh-keygen -Y sign`; the latter names no principal, so the roster or --principal does.",
     1, 1, command_accept},
    {"advance", "[--rearm yes/no/ask] [--confirm NAME]",
     "take exactly one step (and continue through hot states)",
     "Takes the one edge that follows from the present state: intent, act, transition. In a hot "
     "state it\n"
     "continues, because nothing would be watched between two commands. An interrupted intent is "
     "settled\n"
     "first, as by `resume`. Before the first step that changes a running service it prints what "
     "will change\n"
     "and asks for the target's name; --confirm NAME answers in advance.",
     0, 0, command_advance},
    {"run", "[--rearm yes/no/ask] [--confirm NAME]",
     "advance until the end, or until a person is needed",
     "Advances until the deployment has ended, a step failed and was rolled back, or a person is "
     "needed.\n"
     "Before the first step that changes a running service it prints what will change and asks for "
     "the\n"
     "target's name; --confirm NAME answers in advance.",
     0, 0, command_run},
    {"resume", "[--rearm yes/no/ask] [--confirm NAME]",
     "settle what an interruption left open, then run",
     "Probes the target (commit, containers, interlock), records a reconciliation that says what "
     "was found,\n"
     "and continues. No act is done twice unless it is idempotent. A health window that was "
     "unwatched for\n"
     "longer than its gap limit is rolled back.",
     0, 0, command_resume},
    {"status", "[--watch] [--json] [--prometheus]", "print where the deployment stands",
     "Reads the journal only. Prints the state, the open intent and the next step. --watch: shows "
     "live what\n"
     "the driver's own terminal shows, until the deployment ends or Ctrl-C. --prometheus: prints "
     "metrics for\n"
     "node_exporter's textfile collector; write them to a file and rename it, as "
     "fsm/examples/titan-metrics\n"
     "does.",
     0, 0, command_status, true},
    {"explain", "[STATE]", "explain the present state and what can be done from it",
     "Explains the state of the last deployment in words, from the machine's table: which command "
     "leads\n"
     "where, what is refused and why. With STATE: explains any state, without titan.yml or a "
     "journal.",
     0, 1, command_explain, true},
    {"attest", "ITEM --reason TEXT", "answer a checklist item that no probe can decide",
     "Records an answer signed by the operator's own key. ITEM is an id of the checklist, or "
     "rollback_failed\n"
     "to sign that a failed rollback is over. Refused for an item that a probe decided.",
     1, 1, command_attest},
    {"takeover", "--reason TEXT", "take over a deployment whose holder is gone",
     "For an operator of the roster with a copy of the journal (without its session-*.key files, "
     "which belong\n"
     "to the holder), after the holder's tenancy of the target has expired. Makes a fresh session "
     "key, appends\n"
     "a signed entry with the reason, and raises the target's epoch, so that the old holder's "
     "driver can do\n"
     "nothing any more. From then on only the operator who took over last drives, in this "
     "directory too.\n"
     "Refused while the holder is alive. An approver who takes the deployment over before it is "
     "guarded counts\n"
     "as one person. After an interruption, run the same command again. Then run `titan-fsm "
     "resume`.",
     0, 0, command_takeover},
    {"rollback", "--reason TEXT", "restore what ran before",
     "From any state in which a service may have changed: makes Execution safe, restores commit "
     "and images\n"
     "as recorded before, re-creates the services and checks them. Also retries a failed rollback.",
     0, 0, command_rollback},
    {"abort", "--reason TEXT", "abort before a service has changed",
     "Restores the commit and frees the target.", 0, 0, command_abort},
    {"arm", "--reason TEXT", "arm Execution, on fresh parity, outside a deployment",
     "Compares the policy hash of Execution and Brain, sends ARM, and succeeds only when Execution "
     "is seen\n"
     "armed.",
     0, 0, command_arm},
    {"disarm", "--reason TEXT", "disarm Execution now",
     "Possible at any time, beside a running driver too: needs neither lock nor tenancy. Succeeds "
     "only when\n"
     "Execution is seen disarmed. It waits neither for a journal that cannot be written or read, "
     "nor "
     "for a\n"
     "key, nor for a part of titan.yml that it does not need: it is sent, then recorded, and the "
     "last sentence\n"
     "says where it is not on record. In a health window it makes the running deployment roll "
     "back.",
     0, 0, command_disarm},
    {"drift", "[--json]", "compare what runs with its source",
     "Compares services, images, configurations, commit, tree and env file with the compose file "
     "of the commit\n"
     "on the target, the branch as last fetched, and the last completed deployment. One line a "
     "difference:\n"
     "what, where, what to do. Only reads, needs no key, is possible while a deployment is open, "
     "and records\n"
     "nothing. Exit status 0: no drift; 22: drift, or something that cannot be compared.",
     0, 0, command_drift, true},
    {"log", "[DEPLOYMENT] [TYPE] [FROM..TO] [--last N] [--json]", "print the journal's entries",
     "One line an entry, or with --json one object a line. With the number of a deployment only "
     "its entries,\n"
     "with a type (transition, command, sample and so on) only those of that type. FROM..TO: "
     "entries with\n"
     "these numbers, both counted; --last N: of these the last N; no other entry is read.",
     0, 3, command_log, true},
    {"graph", "svg/dot [--path]", "draw the machine, or the path of the last deployment through it",
     "Prints the transition table as a picture: SVG, or the DOT language of Graphviz. With --path "
     "the last\n"
     "deployment of the journal is marked: states with the time at which they were reached, and "
     "its edges.",
     1, 1, command_graph},
    {"export", "FILE [--checkpoint FILE]", "write the bundle for an auditor",
     "Writes all entries, blobs and a signed checkpoint to one file, and with --checkpoint the "
     "checkpoint to\n"
     "another. Keep that checkpoint elsewhere: a journal cut short still verifies, and only a "
     "checkpoint kept\n"
     "elsewhere shows that nothing is missing at the end.",
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
          "  --passphrase-file FILE   its first line unlocks the operator's key (else the terminal "
          "asks for it)\n"
          "  --passphrase-fd N        the same from an open descriptor\n"
          "  --json                   output as JSON; a command that drives prints one event a "
          "line\n"
          "  --quiet                  a command that drives prints only failures, questions and "
          "the end\n"
          "  --help                   this text\n"
          "With NO_COLOR set in the environment and not empty, the output has no colour.\n",
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
    fputs("\n`titan-fsm COMMAND --help` says more. A separate program, titan-verify, judges what "
          "happened.\n",
          stream);
}
