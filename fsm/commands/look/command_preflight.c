/* The checklist by itself: what a deployment would be asked, asked now. Nothing is recorded and
 * nothing changes on the target. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/git.h"
#include "actions/checklist/preflight.h"
#include "actions/guard/guard.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

struct tally {
    size_t passed, failed, undecided,
        optional; /* each item once; optional: those of them that did not pass */
};

static const char *word_of(enum preflight_status status)
{
    switch (status) {
    case PREFLIGHT_INVALID:
        return "not asked";
    case PREFLIGHT_PASSED:
        return "passed";
    case PREFLIGHT_FAILED:
        return "failed";
    case PREFLIGHT_UNDECIDED:
        return "undecided";
    }
    return "not asked";
}

static struct tally tally_statuses(const struct setup *setup, const enum preflight_status *statuses)
{
    struct tally tally = {0};
    for (size_t i = 0; i < setup->check_count; i++) {
        bool mandatory = setup->checks[i].mandatory;
        tally.passed += statuses[i] == PREFLIGHT_PASSED;
        tally.failed += mandatory
                        && (statuses[i] == PREFLIGHT_FAILED || statuses[i] == PREFLIGHT_INVALID);
        tally.undecided += mandatory && statuses[i] == PREFLIGHT_UNDECIDED;
        tally.optional += !mandatory && statuses[i] != PREFLIGHT_PASSED;
    }
    return tally;
}

/* The found text may have several lines; they are indented under the first. */
static void print_found(const struct bytes *found)
{
    const char *text = (const char *)found->data;
    for (size_t at = 0; at < found->size;) {
        size_t length = strcspn(text + at, "\n");
        if (at > 0 && length > 0)
            printf("\n%*s", 34, "");
        bytes_print_escaped(stdout, text + at, length);
        at += length + 1;
    }
}

static void print_items(const struct setup *setup, const enum preflight_status *statuses,
                        const struct evidence *evidence)
{
    for (size_t i = 0; i < setup->check_count; i++) {
        const struct setup_check *item = &setup->checks[i];
        const struct evidence_item *found = evidence_last(evidence, PROBE_PREFLIGHT, item->id);
        bool failed = statuses[i] == PREFLIGHT_FAILED;
        printf("  %-10s %-20s ", failed && item->mandatory ? "FAILED" : word_of(statuses[i]),
               item->id);
        if (found != NULL)
            print_found(&found->output);
        if (failed)
            printf("\n%*snext: %s%s", 34, "", item->advice, item->mandatory ? "" : " (optional)");
        fputc('\n', stdout);
    }
}

static enum error_code print_checklist_json(const struct setup *setup,
                                            const enum preflight_status *statuses,
                                            const struct evidence *evidence, bool passed,
                                            struct error *error)
{
    CLEANUP_JSON json_t *list = json_array();
    for (size_t i = 0; i < setup->check_count; i++) {
        const struct setup_check *item = &setup->checks[i];
        const struct evidence_item *found = evidence_last(evidence, PROBE_PREFLIGHT, item->id);
        char text[4096] = "";
        if (found != NULL)
            record_text((const char *)found->output.data, text, sizeof text);
        json_t *row = json_pack("{s:s, s:s, s:b, s:s, s:s}", "id", item->id, "status",
                                word_of(statuses[i]), "mandatory", item->mandatory, "found", text,
                                "advice", item->advice);
        if (row == NULL || json_array_append_new(list, row) != 0)
            return error_set(error, ERROR_MEMORY, 0, "preflight", "", "out of memory");
    }
    CLEANUP_JSON json_t *report = json_pack("{s:b, s:O}", "passed", passed, "items", list);
    if (report == NULL || json_dumpf(report, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        return error_set(error, ERROR_MEMORY, 0, "preflight", "", "the report cannot be written");
    fputc('\n', stdout);
    return ERROR_OK;
}

static enum error_code report_checklist(struct driver *driver,
                                        const enum preflight_status *statuses,
                                        const struct evidence *evidence,
                                        enum exit_status *ret_status, struct error *error)
{
    const struct setup *setup = &driver->config.setup;
    struct tally tally = tally_statuses(setup, statuses);
    *ret_status = tally.failed > 0      ? EXIT_STEP_FAILED
                  : tally.undecided > 0 ? EXIT_NEEDS_PERSON
                                        : EXIT_DONE;
    if (driver->options.json)
        return print_checklist_json(setup, statuses, evidence, *ret_status == EXIT_DONE, error);
    print_items(setup, statuses, evidence);
    char optional[64] = "";
    if (tally.optional > 0)
        (void)snprintf(optional, sizeof optional, ", %zu optional and not passed", tally.optional);
    printf("of %zu items %zu passed, %zu failed, %zu for a person%s%s\n", setup->check_count,
           tally.passed, tally.failed, tally.undecided, optional,
           tally.undecided > 0 ? " (in a deployment: titan-fsm attest ITEM --reason TEXT)" : "");
    return ERROR_OK;
}

/* Who would start the guard there, and what that does not survive. */
static enum error_code report_guard(struct driver *driver, struct target *target,
                                    struct error *error)
{
    const char *wanted = driver->config.setup.guard_start;
    char start[16] = "";
    bool none = strcmp(wanted, "none") == 0;
    enum error_code code = none ? ERROR_OK : guard_find_start(target, wanted, start, error);
    if (code != ERROR_OK)
        return code;
    if (none)
        puts("guard: none will be laid: if the driver dies, nothing rolls back by itself");
    else if (start[0] == '\0')
        printf("guard: %s cannot start one there: set guard.start to another of systemd, cron, "
               "process, or to none\n",
               wanted);
    else
        printf("guard: started by %s; a reboot of the target %s\n", start,
               strcmp(start, "process") == 0 ? "ends it" : "starts it again");
    return ERROR_OK;
}

enum error_code command_preflight(const struct command_line *line, enum exit_status *ret_status,
                                  struct error *error)
{
    struct driver *driver = line->driver;
    struct target *target;
    enum preflight_status statuses[SETUP_CHECKS_MAX] = {PREFLIGHT_INVALID};
    enum error_code code = driver_open_config(driver, &line->options, false, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    struct evidence *evidence = code == ERROR_OK ? calloc(1, sizeof *evidence) : NULL;
    if (code == ERROR_OK && evidence == NULL)
        code = error_set(error, ERROR_MEMORY, 0, "preflight", "", "out of memory");
    if (code != ERROR_OK)
        return code;
    code = preflight_run(target, evidence, statuses, error);
    if (code == ERROR_OK)
        code = git_check_paths(target, &driver->config.setup.repository.policy_files, error);
    if (code == ERROR_OK)
        code = report_checklist(driver, statuses, evidence, ret_status, error);
    if (code == ERROR_OK && !driver->options.json)
        code = report_guard(driver, target, error);
    evidence_clear(evidence);
    free(evidence);
    return code;
}
