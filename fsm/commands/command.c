#include "fsm/commands/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
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

enum option_id {
    OPTION_CONFIG = 256,
    OPTION_PASSPHRASE_FILE,
    OPTION_PASSPHRASE_FD,
    OPTION_REASON,
    OPTION_COMMIT,
    OPTION_EXPECT,
    OPTION_COMMENT,
    OPTION_REARM,
    OPTION_CONFIRM,
    OPTION_CHECKPOINT,
    OPTION_SUCCEED,
    OPTION_APPROVALS,
    OPTION_CHECK,
    OPTION_KEY,
    OPTION_AGENT,
    OPTION_PRINCIPAL,
    OPTION_OUT,
    OPTION_STATEMENT,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_PATH,
    OPTION_PROMETHEUS,
    OPTION_WATCH,
    OPTION_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"passphrase-file", required_argument, NULL, OPTION_PASSPHRASE_FILE},
    {"passphrase-fd", required_argument, NULL, OPTION_PASSPHRASE_FD},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"commit", required_argument, NULL, OPTION_COMMIT},
    {"expect", required_argument, NULL, OPTION_EXPECT},
    {"comment", required_argument, NULL, OPTION_COMMENT},
    {"rearm", required_argument, NULL, OPTION_REARM},
    {"confirm", required_argument, NULL, OPTION_CONFIRM},
    {"checkpoint", required_argument, NULL, OPTION_CHECKPOINT},
    {"succeed", required_argument, NULL, OPTION_SUCCEED},
    {"approvals", required_argument, NULL, OPTION_APPROVALS},
    {"check", required_argument, NULL, OPTION_CHECK},
    {"key", required_argument, NULL, OPTION_KEY},
    {"agent", required_argument, NULL, OPTION_AGENT},
    {"principal", required_argument, NULL, OPTION_PRINCIPAL},
    {"out", required_argument, NULL, OPTION_OUT},
    {"statement", required_argument, NULL, OPTION_STATEMENT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"path", no_argument, NULL, OPTION_PATH},
    {"prometheus", no_argument, NULL, OPTION_PROMETHEUS},
    {"watch", no_argument, NULL, OPTION_WATCH},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static enum error_code usage_error(const struct command *command, struct error *error,
                                   const char *what, const char *word)
{
    char next[128];
    (void)snprintf(next, sizeof next, "see `titan-fsm %s --help`", command->name);
    return error_set(error, ERROR_USAGE, 0, command->name, next, "%s%s%s", what,
                     word != NULL ? ": " : "", word != NULL ? word : "");
}

static bool read_rearm(const char *word, enum answer *ret_answer)
{
    static const struct {
        const char *word;
        enum answer answer;
    } answers[] = {{"yes", ANSWER_YES}, {"no", ANSWER_NO}, {"ask", ANSWER_ASK}};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(word, answers[i].word) == 0) {
            *ret_answer = answers[i].answer;
            return true;
        }
    }
    return false;
}

static bool read_number(const char *word, int most, int *ret_number)
{
    char *end;
    errno = 0;
    long number = strtol(word, &end, 10);
    if (errno != 0 || *word == '\0' || *end != '\0' || number < 0 || number > most)
        return false;
    *ret_number = (int)number;
    return true;
}

static bool read_descriptor(const char *word, struct passphrase_source *source)
{
    source->descriptor_set = read_number(word, 1023, &source->descriptor);
    return source->descriptor_set != 0;
}

static bool add_check(const char *word, struct command_line *line)
{
    if (line->check_count == COMMAND_CHECKS_MAX)
        return false;
    line->checks[line->check_count++] = word;
    return true;
}

/* getopt answers ':' where an option that takes a value is the last word, and '?' for all else;
 * `word` is where it stopped, but within a cluster of letters. */
static enum error_code wrong_option(const struct command *command, int answer, const char *word,
                                    struct error *error)
{
    char letter[3] = {'-', (char)optopt, '\0'};
    if (optopt > 0 && optopt < OPTION_CONFIG)
        word = letter;
    const char *what = answer == ':'             ? "the option lacks its value"
                       : optopt >= OPTION_CONFIG ? "the option takes no value"
                                                 : "no such option";
    return usage_error(command, error, what, word);
}

static enum error_code take_option(const struct command *command, int option, const char *word,
                                   struct command_line *line, struct error *error)
{
    switch (option) {
    case OPTION_CONFIG:
        line->options.config_path = optarg;
        return ERROR_OK;
    case OPTION_PASSPHRASE_FILE:
        line->options.passphrase.file = optarg;
        return ERROR_OK;
    case OPTION_REASON:
        line->reason = optarg;
        return ERROR_OK;
    case OPTION_COMMIT:
        line->commit = optarg;
        return ERROR_OK;
    case OPTION_EXPECT:
        line->expect = optarg;
        return ERROR_OK;
    case OPTION_COMMENT:
        line->comment = optarg;
        return ERROR_OK;
    case OPTION_CONFIRM:
        line->options.confirm = optarg;
        return ERROR_OK;
    case OPTION_CHECKPOINT:
        line->checkpoint = optarg;
        return ERROR_OK;
    case OPTION_SUCCEED:
        line->succeed = optarg;
        return ERROR_OK;
    case OPTION_JSON:
        line->options.json = true;
        return ERROR_OK;
    case OPTION_PATH:
        line->path = true;
        return ERROR_OK;
    case OPTION_PROMETHEUS:
        line->prometheus = true;
        return ERROR_OK;
    case OPTION_WATCH:
        line->watch = true;
        return ERROR_OK;
    case OPTION_QUIET:
        line->options.quiet = true;
        return ERROR_OK;
    case OPTION_HELP:
        line->help = true;
        return ERROR_OK;
    case OPTION_KEY:
        line->key = optarg;
        return ERROR_OK;
    case OPTION_AGENT:
        line->agent = optarg;
        return ERROR_OK;
    case OPTION_PRINCIPAL:
        line->principal = optarg;
        return ERROR_OK;
    case OPTION_OUT:
        line->out = optarg;
        return ERROR_OK;
    case OPTION_STATEMENT:
        line->statement = optarg;
        return ERROR_OK;
    case OPTION_APPROVALS:
        return read_number(optarg, 16, &line->approvals)
                   ? ERROR_OK
                   : usage_error(command, error, "--approvals takes a number up to 16, not",
                                 optarg);
    case OPTION_CHECK:
        return add_check(optarg, line)
                   ? ERROR_OK
                   : usage_error(command, error, "too many items are given by --check", NULL);
    case OPTION_PASSPHRASE_FD:
        return read_descriptor(optarg, &line->options.passphrase)
                   ? ERROR_OK
                   : usage_error(command, error, "no such descriptor", optarg);
    case OPTION_REARM:
        return read_rearm(optarg, &line->options.rearm)
                   ? ERROR_OK
                   : usage_error(command, error, "--rearm takes yes, no or ask, not", optarg);
    default:
        return wrong_option(command, option, word, error);
    }
}

enum error_code command_line_read(const struct command *command, const struct world *world,
                                  int argc, char **argv, struct command_line *ret_line,
                                  struct error *error)
{
    struct command_line line = {.options = {.world = world,
                                            .config_path = "titan.yml",
                                            .rearm = ANSWER_ASK},
                                .reason = "",
                                .commit = "",
                                .expect = "",
                                .comment = "",
                                .principal = "",
                                .approvals = -1};
    const char *named = getenv("TITAN_CONFIG");
    if (named != NULL && named[0] != '\0')
        line.options.config_path = named;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        enum error_code code = take_option(command, option, argv[optind - 1], &line, error);
        if (code != ERROR_OK)
            return code;
    }
    for (; optind < argc; optind++) {
        if (line.word_count == COMMAND_WORDS_MAX)
            return usage_error(command, error, "too many words", argv[optind]);
        line.words[line.word_count++] = argv[optind];
    }
    if (!line.help
        && (line.word_count < command->words_min || line.word_count > command->words_max))
        return usage_error(command, error,
                           line.word_count < command->words_min ? "an argument is missing"
                                                                : "too many words",
                           NULL);
    if (!line.help && strstr(command->arguments, "--reason TEXT") != NULL && line.reason[0] == '\0')
        return usage_error(command, error,
                           "a reason is required, because the journal keeps it: --reason TEXT",
                           NULL);
    *ret_line = line;
    return ERROR_OK;
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
