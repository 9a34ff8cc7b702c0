/* `config check`: is titan.yml good, and what did it and the defaults come to? Reads that file
 * alone: no key, no target; of the journal only whether there is one. */
#include "fsm/commands/command_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/config/config_load.h"
#include "journal/canonical.h"
#include "journal/format/allowed_signers.h"
#include "journal/format/text.h"

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

static void add_complaint(struct text *missing, const char *sentence)
{
    text_add_format(missing, "%s%s", missing->bytes.size > 0 ? "; " : "", sentence);
}

/* The operator of this file can sign what an operator signs. */
static bool has_operator(const struct config *config)
{
    const struct setup_list *lines = &config->roster.operators;
    struct error ignored;
    for (size_t i = 0; i < lines->count; i++) {
        struct allowed_signer signer;
        if (allowed_signers_read_line(lines->items[i], strlen(lines->items[i]), &signer, &ignored)
                == ERROR_OK
            && allowed_signer_has_principal(&signer, config->operator.principal))
            return true;
    }
    return false;
}

/* What `init` would refuse although the file is valid; one line, empty for nothing. The key itself
 * is not checked: that needs the passphrase. */
static void find_missing(const struct config *config, struct text *missing)
{
    int policy = config->setup.services.execution[0] != '\0' ? config->approvals.policy
                                                             : 0; /* as in genesis_check_roster() */
    int most = policy > config->approvals.release ? policy : config->approvals.release;
    const struct config_roster *roster = &config->roster;
    size_t approvers = roster->approvers.count;
    if (roster->operators.count == 0)
        add_complaint(missing, "roster.operators is empty: no deployment can be begun");
    else if (!has_operator(config))
        add_complaint(missing,
                      "operator.principal is in no line of roster.operators: this operator "
                      "can begin no deployment");
    if (roster->administrators.count == 0)
        add_complaint(missing, "roster.administrators is empty: the roster could never be changed");
    if (most <= 0 || approvers >= (size_t)most)
        return;
    add_complaint(missing, "");
    text_add_format(missing, "%d %s required but ", most,
                    most == 1 ? "approval is" : "approvals are");
    if (approvers == 0)
        text_add(missing, "nobody is listed in roster.approvers: `init` will refuse");
    else
        text_add_format(missing, "roster.approvers lists only %zu: `init` will refuse", approvers);
}

static void print_config_summary(const char *path, bool usable, const struct config *config)
{
    const struct setup *setup = &config->setup;
    const struct limits *limits = &config->limits;
    print_value(usable ? "good" : "unusable", "%s", path);
    if (setup->target.local)
        print_value("target", "%s, this machine, %s", setup->target.name, setup->target.directory);
    else
        print_value("target", "%s, %s@%s:%d, %s", setup->target.name, setup->target.user,
                    setup->target.host, setup->target.port, setup->target.directory);
    print_value("journal", "%s", config->journal);
    print_value("operator", "%s, by %s%s", config->operator.principal,
                config->operator.agent ? "an ssh-agent" : "the key file ",
                config->operator.agent ? "" : config->operator.key);
    print_value("roster", "%zu operator%s, %zu approver%s, %zu administrator%s",
                config->roster.operators.count, text_many(config->roster.operators.count),
                config->roster.approvers.count, text_many(config->roster.approvers.count),
                config->roster.administrators.count,
                text_many(config->roster.administrators.count));
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
    enum error_code code = driver_open_config(line->driver, &line->options, false, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_TEXT struct text missing = {0};
    if (!driver_has_journal(line->driver)) /* a journal has its own roster, which holds */
        find_missing(&line->driver->config, &missing);
    bool usable = missing.bytes.size == 0;
    if (!line->options.json)
        print_config_summary(path, usable, &line->driver->config);
    if (usable || text_failed(&missing, error))
        return usable ? ERROR_OK : error->code;
    return error_set(error, ERROR_CONFIG, 0, path, "change that before titan-fsm init", "%.600s",
                     text_string(&missing));
}
