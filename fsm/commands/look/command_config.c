/* `config check`: is titan.yml good, and what did it and the defaults come to? Reads that file
 * alone: no key, no journal, no target. */
#include "fsm/commands/command_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/config/config_load.h"
#include "journal/canonical.h"

static void print_value(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void print_value(const char *label, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%-11s ", label);
    bytes_print_escaped(stdout, text, strlen(text));
    puts("");
}

static void print_names(const struct setup *setup)
{
    fputs("endpoints  ", stdout);
    for (size_t i = 0; i < setup->endpoint_count; i++)
        printf(" %s", setup->endpoints[i].name);
    fputs("\nchecklist  ", stdout);
    for (size_t i = 0; i < setup->check_count; i++)
        printf(" %s%s", setup->checks[i].id, setup->checks[i].mandatory ? "" : "(optional)");
    puts("");
}

/* What `init` would refuse although the file is valid; one line, "" for nothing. The key itself is
 * not looked at: that needs the passphrase. */
static void find_missing(const struct config *config, char *ret_text, size_t room)
{
    int policy = config->setup.services.execution[0] != '\0' ? config->approvals.policy
                                                             : 0; /* as in genesis_check_roster() */
    int most = policy > config->approvals.release ? policy : config->approvals.release;
    const struct config_roster *roster = &config->roster;
    size_t used = 0;
    const char *says[3] = {roster->operators.count == 0
                               ? "roster.operators is empty: no deployment can be begun"
                               : NULL,
                           roster->administrators.count == 0
                               ? "roster.administrators is empty: the roster could never be changed"
                               : NULL,
                           NULL};
    char few[120];
    (void)snprintf(few, sizeof few,
                   "%d approvals are required but roster.approvers lists %zu: `init` will refuse",
                   most, roster->approvers.count);
    if (most > 0 && roster->approvers.count < (size_t)most)
        says[2] = few;
    ret_text[0] = '\0';
    for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
        if (says[i] != NULL && used < room)
            used += (size_t)snprintf(ret_text + used, room - used, "%s%s", used > 0 ? "; " : "",
                                     says[i]);
}

static void print_config_summary(const char *path, const struct config *config)
{
    const struct setup *setup = &config->setup;
    const struct limits *limits = &config->limits;
    char missing[400];
    find_missing(config, missing, sizeof missing);
    print_value("good", "%s", path);
    if (missing[0] != '\0')
        print_value("but", "%s", missing);
    if (setup->target.local)
        print_value("target", "%s, this machine, %s", setup->target.name, setup->target.directory);
    else
        print_value("target", "%s, %s@%s:%d, %s", setup->target.name, setup->target.user,
                    setup->target.host, setup->target.port, setup->target.directory);
    print_value("journal", "%s", config->journal);
    print_value("operator", "%s, by %s%s", config->operator.principal,
                config->operator.agent ? "an ssh-agent" : "the key file ",
                config->operator.agent ? "" : config->operator.key);
    print_value("roster", "%zu operators, %zu approvers, %zu administrators",
                config->roster.operators.count, config->roster.approvers.count,
                config->roster.administrators.count);
    print_value("approvals", "policy %d, release %d", config->approvals.policy,
                config->approvals.release);
    if (setup->services.execution[0] != '\0')
        print_value("policy hash", "shared by %s and %s", setup->services.execution,
                    setup->services.brain);
    else
        print_value("policy hash", "none is shared: only a release can be deployed");
    print_names(setup);
    print_value("window",
                "%lld s, a sample every %lld ms, no gap above %lld ms, %lld failures in a row",
                (long long)limits->window_ms / 1000, (long long)limits->sample_interval_ms,
                (long long)limits->sample_gap_ms, (long long)limits->failures);
}

/* Beside the JSON, which is itself a configuration and so holds nothing else. */
static void warn(const struct config *config)
{
    char missing[400];
    find_missing(config, missing, sizeof missing);
    if (missing[0] != '\0')
        fprintf(stderr, "titan-fsm: good, but %s; next: fix it before titan-fsm init\n", missing);
}

enum error_code command_config(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    const char *path = line->options.config_path;
    if (strcmp(line->words[0], "check") != 0)
        return error_set(error, ERROR_USAGE, 0, "config", "titan-fsm config check",
                         "no such word: %.40s", line->words[0]);
    *ret_status = EXIT_DONE;
    if (line->options.json) {
        CLEANUP_JSON json_t *json = NULL;
        enum error_code code = config_show(line->options.world, path, &json, error);
        if (code != ERROR_OK)
            return code;
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        puts("");
    }
    struct config config;
    enum error_code code = config_load(line->options.world, path, &config, error);
    if (code != ERROR_OK)
        return code;
    if (line->options.json)
        warn(&config);
    else
        print_config_summary(path, &config);
    config_free(&config);
    return ERROR_OK;
}
