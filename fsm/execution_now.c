#include "fsm/execution_now.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/past/recorded.h"
#include "actions/interlock.h"
#include "journal/format/names.h"

void execution_last(const struct deployment *deployment, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        const json_t *facts = json_object_get(entry->body, "facts");
        const char *shown = json_string_value(json_object_get(facts, FACT_INTERLOCK));
        bool observed = strcmp(entry->type, ENTRY_COMMAND) == 0
                        && strcmp(entry_string(entry, "outcome"), "observed") == 0;
        if (observed)
            shown = strcmp(entry_string(entry, "command"), "arm") == 0 ? "armed" : "disarmed";
        else if (strcmp(entry->type, ENTRY_TRANSITION) == 0
                 && strcmp(entry_string(entry, "to"), machine_state_name(STATE_SAFE)) == 0)
            shown = "disarmed or removed";
        if (shown != NULL && shown[0] != '\0'
            && strcmp(shown, interlock_name(INTERLOCK_UNKNOWN)) != 0) /* nobody saw anything */
            (void)snprintf(ret_text, size, "last seen %.40s at %.8s UTC (entry %llu)", shown,
                           strlen(entry->utc) > 11 ? entry->utc + 11 : "",
                           (unsigned long long)entry->seq);
    }
}

/* What a shell takes as it stands. */
#define SHELL_WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

static bool is_spelled_by(const char *word, const char *characters)
{
    return word[0] != '\0' && strspn(word, characters) == strlen(word);
}

static void write_docker(const struct setup_target *target, char ret_text[400])
{
    (void)snprintf(ret_text, 400, "%.80s%s%.120s", target->docker,
                   target->docker_host[0] != '\0' ? " -H " : "", target->docker_host);
}

/* What a person types to run it on the target. */
static void write_there(const struct setup_target *target, const char *line, char *ret_text,
                        size_t size)
{
    if (target->local)
        (void)snprintf(ret_text, size, "%s", line);
    else
        (void)snprintf(ret_text, size, "ssh -p %d %s%s%s '%s'", target->port, target->user,
                       target->user[0] != '\0' ? "@" : "", target->host, line);
}

/* What a person types to see the same. */
static void write_look(const struct setup *setup, const char *container, char *ret_text,
                       size_t size)
{
    char docker[400], line[700];
    write_docker(&setup->target, docker);
    if (is_spelled_by(container, SHELL_WORD))
        (void)snprintf(line, sizeof line, "%s logs --tail 20 %s", docker, container);
    else
        (void)snprintf(line, sizeof line, "%s ps -a --filter label=com.docker.compose.service=%s",
                       docker, setup->services.execution);
    write_there(&setup->target, line, ret_text, size);
}

/* By their label, of this project where it is known. */
static void write_removal_by_label(const struct driver *driver, const char *docker, char *ret_line,
                                   size_t size)
{
    const struct setup *setup = &driver->config.setup;
    const char *project = driver->target != NULL ? target_project(driver->target)
                                                 : setup->compose.project;
    bool known = is_spelled_by(project, SHELL_WORD);
    (void)snprintf(ret_line, size,
                   "%s ps -aq --filter label=com.docker.compose.service=%s%s%s | xargs -r %s rm -f",
                   docker, setup->services.execution,
                   known ? " --filter label=com.docker.compose.project=" : "", known ? project : "",
                   docker);
}

void execution_removal(const struct driver *driver, const char *names, char *ret_text, size_t size)
{
    const struct setup_target *target = &driver->config.setup.target;
    char docker[400], line[1400], listed[240] = "";
    size_t length = 0;
    write_docker(target, docker);
    for (; *names != '\0' && length < sizeof listed - 1; names++)
        if (*names != ',')
            listed[length++] = *names;
    if (is_spelled_by(listed, SHELL_WORD " "))
        (void)snprintf(line, sizeof line, "%s rm -f %s", docker, listed);
    else
        write_removal_by_label(driver, docker, line, sizeof line);
    write_there(target, line, ret_text, size);
}

static void write_state(const struct driver *driver, const struct interlock_view *view,
                        char *ret_text, size_t size)
{
    struct clock_reading now = {.utc = ""};
    struct error ignored;
    (void)!driver->clock->read(driver->clock->context, &now, &ignored);
    const char *time = strlen(now.utc) > 11 ? now.utc + 11 : "";
    if (view->running > 1)
        (void)snprintf(ret_text, size,
                       "Execution is NOT known to be disarmed now: %u containers of it run (%s)",
                       view->running, view->names);
    else if (view->running == 0)
        (void)snprintf(ret_text, size, "Execution does not run now: %s, at %.8s UTC",
                       view->gone ? "no container of it is there" : "its container is stopped",
                       time);
    else if (view->interlock == INTERLOCK_UNKNOWN)
        (void)snprintf(ret_text, size,
                       "it is unknown whether Execution is armed now: its log does not tell, at "
                       "%.8s UTC",
                       time);
    else
        (void)snprintf(ret_text, size, "Execution is %s now, by its own log at %.8s UTC",
                       interlock_name(view->interlock), time);
}

static enum error_code look_now(struct driver *driver, struct interlock_view *ret_view,
                                struct error *error)
{
    struct target *target;
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "interlock", "", "out of memory");
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = interlock_look(target, &(struct interlock_question){0}, evidence, ret_view, error);
    evidence_clear(evidence);
    free(evidence);
    return code;
}

void execution_now(struct driver *driver, char *ret_text, size_t size)
{
    const struct setup *setup = &driver->config.setup;
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    struct error error;
    char look[700], state[400], last[120] = "";
    ret_text[0] = '\0';
    if (setup->services.execution[0] == '\0')
        return;
    if (look_now(driver, &view, &error) == ERROR_OK) {
        write_state(driver, &view, state, sizeof state);
    } else {
        execution_last(&driver->deployment, last, sizeof last);
        (void)
            snprintf(state, sizeof state,
                     "it is unknown whether Execution is armed now: nobody could look (%.200s)%s%s",
                     error.what, last[0] != '\0' ? "; " : "", last);
    }
    write_look(setup, view.running == 1 ? view.names : "", look, sizeof look);
    (void)snprintf(ret_text, size, "%s, on %s (%s); look with: %s", state, setup->target.name,
                   setup->target.local ? "this machine" : setup->target.host, look);
}
