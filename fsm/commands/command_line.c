#include "fsm/commands/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

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
    OPTION_AGAIN,
    OPTION_PROMETHEUS,
    OPTION_WATCH,
    OPTION_LAST,
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
    {"again", no_argument, NULL, OPTION_AGAIN},
    {"prometheus", no_argument, NULL, OPTION_PROMETHEUS},
    {"watch", no_argument, NULL, OPTION_WATCH},
    {"last", required_argument, NULL, OPTION_LAST},
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

static bool read_count(const char *word, int most, int *ret_number)
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
    source->descriptor_set = read_count(word, 1023, &source->descriptor);
    return source->descriptor_set != 0;
}

static bool add_item(const char *word, struct command_line *line)
{
    if (line->check_count == COMMAND_CHECKS_MAX)
        return false;
    line->checks[line->check_count++] = word;
    return true;
}

/* getopt returns ':' when an option lacks its value, and '?' for every other error; `word` is where
 * it stopped, except inside a cluster of letters. */
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

static enum error_code store_option(const struct command *command, int option, const char *word,
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
    case OPTION_AGAIN:
        line->again = true;
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
    case OPTION_LAST:
        return read_count(optarg, INT_MAX, &line->last)
                   ? ERROR_OK
                   : usage_error(command, error, "--last takes a number of entries, not", optarg);
    case OPTION_APPROVALS:
        return read_count(optarg, 16, &line->approvals)
                   ? ERROR_OK
                   : usage_error(command, error, "--approvals takes a number up to 16, not",
                                 optarg);
    case OPTION_CHECK:
        return add_item(optarg, line)
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
                                .approvals = -1,
                                .last = -1};
    const char *named = world->host->environment(world->host->context, "TITAN_CONFIG");
    if (named != NULL && named[0] != '\0')
        line.options.config_path = named;
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        enum error_code code = store_option(command, option, argv[optind - 1], &line, error);
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
