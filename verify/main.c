/* titan-verify: the command line. Prints once, at the end; everything else is in the library. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "verify/report/terminal.h"
#include "verify/report/attest.h"
#include "verify/report/diff.h"
#include "verify/report/policy.h"
#include "verify/verify.h"

static const char help[] =
    "titan-verify RECORD --trust FILE --target NAME [options]\n"
    "titan-verify extract RECORD SEQ [--out PREFIX]\n"
    "titan-verify diff RECORD RECORD\n"
    "titan-verify policy [--limits FILE]\n"
    "\n"
    "Replays a journal, offline, and says of nine claims whether the record proves them: "
    "integrity, authority, procedure,\n"
    "preflight, interlock, parity, window, restoration, clocks. RECORD is a journal's LMDB "
    "directory, or the bundle that titan-fsm export made.\n"
    "\n"
    "  --trust FILE        allowed_signers (OpenSSH) with the keys that may sign genesis; got by "
    "another way than the journal\n"
    "  --target NAME       the target that the journal must be of\n"
    "  --journal ID        the journal id, where it is known\n"
    "  --checkpoint FILE   a checkpoint from outside that the journal must extend; up to 16 times\n"
    "  --limits FILE       the auditor's figures (YAML) instead of the standard's; see below\n"
    "  --verified FILE     your own note of what an earlier run has verified, made when it is "
    "not there: the signatures of those entries\n"
    "                      are not checked again, only that the entries are the same; keep it "
    "as you keep the trust file\n"
    "  --deployment N|all  the number of its open entry; without it the last one is judged\n"
    "  --require-anchor    undecidable unless a checkpoint from outside covers the deployment's "
    "last entry\n"
    "  --json              the report as one JSON object (verify/report/report.h describes it)\n"
    "  --html FILE         besides, a page for people: verdict, claims with their entries, time "
    "line, what ran before, after and restored,\n"
    "                      parity evidence, raw entries; one file that needs no script and no "
    "network, written whole or not at all\n"
    "  --attest FILE       write an attestation (in-toto, SLSA Verification Summary, in a DSSE "
    "envelope; verify/report/ATTESTATION.md) into FILE,\n"
    "                      which must not exist yet; only of one deployment of a bundle that is "
    "completed and PROVEN, else nothing is written\n"
    "  --key KEY           the Ed25519 key that signs it: PKCS#8 PEM, unencrypted, mode 0600 "
    "(openssl genpkey -algorithm ed25519 -out KEY)\n"
    "  --verifier URI      who attests, instead of titan:verifier\n"
    "  --help, --version\n"
    "\n"
    "extract writes the payload of entry SEQ to PREFIX (entry-SEQ without --out) and its signature "
    "to PREFIX.sig, so that\n"
    "  ssh-keygen -Y verify -f allowed_signers -I PRINCIPAL -n titan-journal-v1 -s PREFIX.sig < "
    "PREFIX\n"
    "accepts it.\n"
    "\n"
    "diff says of two copies of a journal whether they are the same (exit status 0), one extends "
    "the other (3), they fork, or are different\n"
    "journals (1). It checks chain and signatures of both first (4 where one is damaged), not "
    "whether the signers were entitled to sign.\n"
    "policy prints what is judged by, the transition rules and the figures; its SHA-256 is the "
    "policy's digest in an attestation.\n"
    "\n"
    "Limits, with the standard's figures: window_ms: 300000, sample_interval_ms: 5000, "
    "sample_gap_ms: 10000, window_start_ms: 120000,\n"
    "window_start_armed_ms: 10000, failures: 3, failures_total: 6, rollback_start_ms: 10000, "
    "rollback_ms: 300000, "
    "disarm_fresh_ms: 10000, answer_ms: 60000, service_start_ms: 300000, preflight_ms: 1800000,\n"
    "guard_pause_ms: 1800000;\n"
    "checklist: [ids] and approvals: {policy: N, release: N} are required besides what the journal "
    "asks for.\n"
    "\n"
    "Exit status: 0 all that applies is proven; 1 something is violated; 2 wrong usage; 3 "
    "something is undecidable; 4 damaged: it cannot be\n"
    "read as a journal at all; 5 a bound of the verifier is exceeded. An attestation that is "
    "refused for the verdict leaves it its status; else 2.\n";

enum option_code {
    OPTION_TRUST = 1000,
    OPTION_TARGET,
    OPTION_JOURNAL,
    OPTION_CHECKPOINT,
    OPTION_LIMITS,
    OPTION_VERIFIED,
    OPTION_DEPLOYMENT,
    OPTION_ANCHOR,
    OPTION_JSON,
    OPTION_HTML,
    OPTION_OUT,
    OPTION_ATTEST,
    OPTION_KEY,
    OPTION_VERIFIER,
    OPTION_HELP,
    OPTION_VERSION
};

struct command_line {
    struct verify_options verify;
    struct attest_options attest;
    const char *out;
    bool help, version, reported;
};

static bool read_decimal(const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return false;
    *ret_number = number;
    return true;
}

static enum error_code usage(struct error *error, const char *what, const char *word)
{
    return error_set(error, ERROR_USAGE, 0, "", "titan-verify --help", "%s%s", what, word);
}

/* getopt_long stands behind a long option that it refuses; a short one, of which there is none, it
 * names in optopt. */
static enum error_code refuse_option(int code, char *const *words, struct error *error)
{
    const char letter[] = {'-', (char)optopt, '\0'};
    if (code == ':')
        return usage(error, "a value is missing behind ", words[optind - 1]);
    if (optopt >= OPTION_TRUST)
        return usage(error, "this option takes no value: ", words[optind - 1]);
    return usage(error, "this option is not known, or short for more than one: ",
                 optopt != 0 ? letter : words[optind - 1]);
}

static enum error_code set_option(struct command_line *line, int code, const char *word,
                                  struct error *error)
{
    struct verify_options *options = &line->verify;
    switch (code) {
    case OPTION_TRUST:
        options->trust = word;
        break;
    case OPTION_TARGET:
        options->target = word;
        break;
    case OPTION_JOURNAL:
        options->journal = word;
        break;
    case OPTION_LIMITS:
        options->limits = word;
        break;
    case OPTION_VERIFIED:
        options->verified = word;
        break;
    case OPTION_ANCHOR:
        options->require_anchor = true;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_HTML:
        options->html = word;
        break;
    case OPTION_OUT:
        line->out = word;
        break;
    case OPTION_ATTEST:
        line->attest.file = word;
        break;
    case OPTION_KEY:
        line->attest.key = word;
        break;
    case OPTION_VERIFIER:
        line->attest.verifier = word;
        break;
    case OPTION_HELP:
        line->help = true;
        break;
    case OPTION_VERSION:
        line->version = true;
        break;
    case OPTION_CHECKPOINT:
        if (options->checkpoint_count == CHECKPOINTS_MAX)
            return usage(error, "more checkpoints than can be taken", "");
        options->checkpoints[options->checkpoint_count++] = word;
        break;
    case OPTION_DEPLOYMENT:
        options->selection = strcmp(word, "all") == 0 ? SELECTION_ALL : SELECTION_ONE;
        if (options->selection == SELECTION_ONE && !read_decimal(word, &options->deployment))
            return usage(error, "--deployment takes a number or all, not ", word);
        break;
    default:
        break; /* no other is in the table */
    }
    return ERROR_OK;
}

static enum error_code read_command_line(int count, char **words, struct command_line *line,
                                         struct error *error)
{
    static const struct option options[] = {{"trust", required_argument, NULL, OPTION_TRUST},
                                            {"target", required_argument, NULL, OPTION_TARGET},
                                            {"journal", required_argument, NULL, OPTION_JOURNAL},
                                            {"checkpoint", required_argument, NULL,
                                             OPTION_CHECKPOINT},
                                            {"limits", required_argument, NULL, OPTION_LIMITS},
                                            {"verified", required_argument, NULL, OPTION_VERIFIED},
                                            {"deployment", required_argument, NULL,
                                             OPTION_DEPLOYMENT},
                                            {"require-anchor", no_argument, NULL, OPTION_ANCHOR},
                                            {"json", no_argument, NULL, OPTION_JSON},
                                            {"html", required_argument, NULL, OPTION_HTML},
                                            {"out", required_argument, NULL, OPTION_OUT},
                                            {"attest", required_argument, NULL, OPTION_ATTEST},
                                            {"key", required_argument, NULL, OPTION_KEY},
                                            {"verifier", required_argument, NULL, OPTION_VERIFIER},
                                            {"help", no_argument, NULL, OPTION_HELP},
                                            {"version", no_argument, NULL, OPTION_VERSION},
                                            {0}};
    opterr = 0;
    for (int code; (code = getopt_long(count, words, ":", options, NULL)) != -1;) {
        enum error_code result = code == '?' || code == ':' ? refuse_option(code, words, error)
                                                            : set_option(line, code, optarg, error);
        if (result != ERROR_OK)
            return result;
    }
    return ERROR_OK;
}

static enum error_code extract(const struct command_line *line, int count, char **words,
                               struct error *error)
{
    uint64_t seq;
    char prefix[64];
    if (count != 3 || !read_decimal(words[2], &seq))
        return usage(error, "extract takes a journal or bundle and the number of an entry", "");
    (void)snprintf(prefix, sizeof prefix, "entry-%llu", (unsigned long long)seq);
    return verify_extract(words[1], seq, line->out != NULL ? line->out : prefix, error);
}

static enum error_code diff(const struct command_line *line, int count, char **words,
                            enum verify_status *ret_status, struct error *error)
{
    CLEANUP_DIFF struct diff found = {0};
    if (count != 3 || line->verify.json)
        return usage(error, "diff takes two journals or bundles, and prints text", "");
    enum error_code code = diff_run(words[1], words[2], &found, error);
    if (code != ERROR_OK)
        return code;
    diff_text(&found, stdout);
    *ret_status = (enum verify_status)diff_status_of(found.outcome);
    return ERROR_OK;
}

static enum error_code policy(const struct command_line *line, int count, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct limits limits;
    limits_default(&limits);
    if (count != 1)
        return usage(error, "policy takes no further word", "");
    enum error_code code = line->verify.limits != NULL
                               ? limits_read(line->verify.limits, &limits, error)
                               : ERROR_OK;
    if (code == ERROR_OK)
        code = policy_text(&limits, &text, error);
    if (code == ERROR_OK)
        (void)fwrite(text.data, 1, text.size, stdout);
    return code;
}

static enum error_code check_attest(const struct command_line *line, struct error *error)
{
    const struct attest_options *options = &line->attest;
    if (options->file == NULL)
        return options->key == NULL && options->verifier == NULL
                   ? ERROR_OK
                   : usage(error, "--key and --verifier belong to --attest", "");
    if (options->key == NULL)
        return usage(error, "--key is missing: who signs the attestation?", "");
    if (line->verify.verified != NULL)
        return usage(error, "--attest checks each signature itself: it goes without --verified",
                     "");
    if (line->verify.selection == SELECTION_ALL)
        return usage(error,
                     "--attest speaks of one deployment, and --deployment all names every one", "");
    if (options->verifier != NULL && !attest_is_uri(options->verifier))
        return usage(error, "--verifier takes a URI, not ", options->verifier);
    return ERROR_OK;
}

static enum error_code verify(struct command_line *line, int count, char **words,
                              enum verify_status *ret_status, struct error *error)
{
    CLEANUP_REPORT struct report report = {0};
    struct verify_options *options = &line->verify;
    if (count != 1)
        return usage(error, "one journal or bundle is expected", "");
    options->path = words[0];
    if (options->trust == NULL || options->target == NULL)
        return usage(error,
                     options->trust == NULL ? "--trust is missing: which keys may sign genesis?"
                                            : "--target is missing: whose journal must it be?",
                     "");
    if (options->journal != NULL && !bytes_is_hex(options->journal, FORMAT_JOURNAL_ID_HEX))
        return usage(error, "--journal takes 32 lower-case hex digits, not ", options->journal);
    enum error_code code = check_attest(line, error);
    if (code == ERROR_OK)
        code = verify_run(options, &report, error);
    if (code != ERROR_OK)
        return code;
    if (options->json)
        report_json(&report, stdout);
    else
        terminal_print_report(&report);
    line->reported = true;
    *ret_status = report.status;
    return line->attest.file != NULL ? attest_write(&report, &line->attest, error) : ERROR_OK;
}

static enum error_code run_subcommand(struct command_line *line, int count, char **words,
                                      enum verify_status *ret_status, struct error *error)
{
    const char *word = count > 0 ? words[0] : "";
    if (strcmp(word, "extract") == 0)
        return extract(line, count, words, error);
    if (strcmp(word, "diff") == 0)
        return diff(line, count, words, ret_status, error);
    if (strcmp(word, "policy") == 0)
        return policy(line, count, error);
    return verify(line, count, words, ret_status, error);
}

/* What could not be printed is no verdict. */
static int check_printed(enum verify_status status)
{
    struct error error;
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return (int)status;
    (void)error_set(&error, ERROR_LIMIT, errno, "standard output",
                    "make room, or print it elsewhere, and run it again",
                    "standard output cannot be written, so that part of it is lost");
    terminal_print_error(&error);
    return VERIFY_BOUND;
}

int main(int argc, char **argv)
{
    struct command_line line = {.verify = {.selection = SELECTION_LAST}};
    struct error error = {0};
    enum verify_status status = VERIFY_PROVEN;
    if (sodium_init() < 0)
        return VERIFY_BOUND;
    enum error_code code = read_command_line(argc, argv, &line, &error);
    if (code == ERROR_OK && (line.help || line.version)) {
        fputs(line.help ? help : "titan-verify " TITAN_VERSION "\n", stdout);
        return check_printed(VERIFY_PROVEN);
    }
    int count = argc - optind;
    char **words = argv + optind;
    if (code == ERROR_OK)
        code = run_subcommand(&line, count, words, &status, &error);
    if (code != ERROR_OK && code != ERROR_MEMORY && error_memory_ran_out())
        code = error_set(&error, ERROR_MEMORY, 0, count > 0 ? words[0] : "",
                         "use a machine with more of it", "out of memory");
    if (code != ERROR_OK) {
        status = status == VERIFY_PROVEN ? verify_status_of(&error) : status;
        if (line.verify.json && !line.reported && status != VERIFY_USAGE)
            report_json_error(status, &error, stdout);
        terminal_print_error(&error);
    }
    return check_printed(status);
}
