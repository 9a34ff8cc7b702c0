/* `config check`: is titan.yml good, and what did it and the defaults come to? Reads that file alone: no key, no journal, no target. */
#include "fsm/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "journal/canonical.h"

static void say(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *label, const char *format, ...)
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

static void say_names(const struct setup *setup)
{
    fputs("endpoints  ", stdout);
    for (size_t i = 0; i < setup->endpoint_count; i++)
        printf(" %s", setup->endpoints[i].name);
    fputs("\nchecklist  ", stdout);
    for (size_t i = 0; i < setup->check_count; i++)
        printf(" %s%s", setup->checks[i].id, setup->checks[i].mandatory ? "" : "(optional)");
    puts("");
}

static void print_summary(const char *path, const struct config *config)
{
    const struct setup *setup = &config->setup;
    const struct limits *limits = &config->limits;
    say("good", "%s", path);
    if (setup->target.local)
        say("target", "%s, this machine, %s", setup->target.name, setup->target.directory);
    else
        say("target", "%s, %s@%s:%d, %s", setup->target.name, setup->target.user, setup->target.host, setup->target.port, setup->target.directory);
    say("journal", "%s", config->journal);
    say("operator", "%s, by %s%s", config->operator.principal, config->operator.agent ? "an ssh-agent" : "the key file ", config->operator.agent ? "" : config->operator.key);
    say("roster", "%zu operators, %zu approvers, %zu administrators", config->roster.operators.count, config->roster.approvers.count, config->roster.administrators.count);
    say("approvals", "policy %d, release %d", config->approvals.policy, config->approvals.release);
    if (setup->services.execution[0] != '\0')
        say("policy hash", "shared by %s and %s", setup->services.execution, setup->services.brain);
    else
        say("policy hash", "none is shared: only a release can be deployed");
    say_names(setup);
    say("window", "%lld s, a sample every %lld ms, no gap above %lld ms, %lld failures in a row", (long long)limits->window_ms / 1000, (long long)limits->sample_interval_ms,
        (long long)limits->sample_gap_ms, (long long)limits->failures);
}

enum error_code command_config(const struct command_line *line, enum exit_status *ret_status, struct error *error)
{
    const char *path = line->options.config_path;
    if (strcmp(line->words[0], "check") != 0)
        return error_set(error, ERROR_USAGE, 0, "config", "titan-fsm config check", "no such word: %.40s", line->words[0]);
    *ret_status = EXIT_DONE;
    if (line->options.json) {
        CLEANUP_JSON json_t *json = NULL;
        enum error_code code = config_show(path, &json, error);
        if (code != ERROR_OK)
            return code;
        (void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
        puts("");
        return ERROR_OK;
    }
    struct config config;
    enum error_code code = config_load(path, &config, error);
    if (code != ERROR_OK)
        return code;
    print_summary(path, &config);
    config_free(&config);
    return ERROR_OK;
}
