#include "actions/interlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/target/bus.h"
#include "actions/compose/compose.h"
#include "actions/heard.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

const char *interlock_name(enum interlock interlock)
{
    switch (interlock) {
    case INTERLOCK_INVALID:
        return "invalid";
    case INTERLOCK_DISARMED:
        return "disarmed";
    case INTERLOCK_ARMED:
        return "armed";
    case INTERLOCK_UNKNOWN:
        return "unknown";
    }
    return "invalid";
}

const char *interlock_word(const struct interlock_view *view)
{
    return view->gone           ? INTERLOCK_WORD_ABSENT
           : view->running == 0 ? INTERLOCK_WORD_STOPPED
                                : interlock_name(view->interlock);
}

static void hear_disarm(struct interlock_view *view, const struct log_line *line, const char *word)
{
    struct interlock_heard *heard = &view->heard[view->heard_count++ % INTERLOCK_HEARD_MAX];
    (void)snprintf(heard->time, sizeof heard->time, "%.*s", (int)line->time_length, line->time);
    text_cut(heard->nonce, sizeof heard->nonce, word[0] != '\0' ? word : "?");
}

static bool is_nonce(const char *nonce, const char *word)
{
    return nonce != NULL && strcmp(nonce, word) == 0;
}

void interlock_read(const struct setup_services *services, const struct bytes *lines,
                    const char *boundary, const struct interlock_question *question,
                    const char *marker, struct interlock_view *view)
{
    enum interlock said = INTERLOCK_UNKNOWN;
    struct log_line line;
    char word[INTERLOCK_NONCE_MAX];
    bool ours = false; /* our own ARM was received, and no DISARM, nor disarmed, since */
    for (size_t at = 0; logs_next(lines, &at, boundary, &line);) {
        if (log_matches_any(line.message, &services->disarmed)) {
            said = INTERLOCK_DISARMED;
            view->disarmed_lines++;
            ours = view->armed_by_nonce = false;
        } else if (log_matches_any(line.message, &services->armed)) {
            said = INTERLOCK_ARMED;
            view->armed_lines++;
            view->received = view->disarm_behind = false;
            view->armed_since = true;
            view->armed_by_nonce = ours;
        } else if (log_nonce(line.message, &services->disarm_received, word, sizeof word)) {
            view->received = view->received || is_nonce(question->nonce, word);
            view->armed_since = view->armed_since && !is_nonce(question->disarmed_by, word);
            ours = view->armed_by_nonce = false;
            view->disarm_behind = true;
            hear_disarm(view, &line, word);
        } else if (log_nonce(line.message, &services->arm_received, word, sizeof word)) {
            ours = is_nonce(question->nonce, word);
        }
    }
    view->contradicted = (said == INTERLOCK_DISARMED && marker[0] != '\0'
                          && strcmp(marker, "absent") != 0)
                         || (said == INTERLOCK_ARMED && marker[0] != '\0'
                             && strcmp(marker, "present") != 0);
    view->interlock = view->contradicted ? INTERLOCK_UNKNOWN : said;
    view->says_armed = said == INTERLOCK_ARMED || strcmp(marker, "present") == 0;
}

/* `docker cp` reads a container without a shell; only its own words tell an absent file from a
 * question that could not be asked. */
static enum error_code look_for_marker(struct target *target, const struct container *container,
                                       struct evidence *evidence, char *ret_marker, size_t capacity,
                                       struct error *error)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_TEXT struct text script = {0};
    if (!bytes_is_hex(container->id, SHA256_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, container->service, "", "a container has no id");
    text_add_format(&script, "e=$(%s cp %s:", setup->target.docker, container->id);
    text_add_quoted(&script, setup->services.marker);
    text_add(&script, " - 2>&1 >/dev/null) && echo present || case \"$e\" in *[Cc]'ould "
                      "not find the file'*|*'o such container:path'*|*[Nn]'o such "
                      "file'*) echo absent;; *) echo unknown;; esac");
    enum error_code code =
        target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                     PROBE_INTERLOCK_MARKER, container->name, evidence, NULL, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *item = evidence_last(evidence, PROBE_INTERLOCK_MARKER, NULL);
    (void)snprintf(ret_marker, capacity, "%.*s",
                   (int)strcspn((const char *)item->output.data, "\n"),
                   (const char *)item->output.data);
    if (strcmp(ret_marker, "present") == 0 || strcmp(ret_marker, "absent") == 0
        || strcmp(ret_marker, "unknown") == 0)
        return ERROR_OK;
    return error_set(error, ERROR_PROTOCOL, 0, container->name, "run `docker cp` on the target",
                     "whether Execution's marker is there was not answered");
}

/* The one container of Execution that runs, or NULL; counts them all. */
static const struct container *find_running(const struct containers *containers,
                                            const char *execution, struct interlock_view *view)
{
    const struct container *found = NULL;
    view->gone = true;
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (strcmp(container->service, execution) != 0)
            continue;
        view->gone = false;
        if (!container_runs(container))
            continue;
        view->running++;
        found = container;
    }
    containers_name_running(containers, execution, view->names, sizeof view->names);
    return view->running == 1 ? found : NULL;
}

static enum error_code look_at_execution(struct target *target, const struct container *execution,
                                         const struct interlock_question *question,
                                         struct evidence *evidence, struct interlock_view *view,
                                         struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    CLEANUP_HEARD struct heard_lines lines = {.before = 0};
    struct log_sets sets;
    char marker[16] = "";
    if (execution == NULL)
        return ERROR_OK;
    (void)snprintf(view->container, sizeof view->container, "%s", execution->id);
    (void)snprintf(view->started_at, sizeof view->started_at, "%s", execution->started_at);
    const struct heard *heard = target_heard(target);
    const struct log_query query = logs_query_execution(services, &sets);
    enum error_code code = heard_fetch(target, heard != NULL ? &heard->execution : NULL, execution,
                                       &query, evidence, &lines, &view->failed, error);
    if (code == ERROR_OK && services->marker[0] != '\0')
        code = look_for_marker(target, execution, evidence, marker, sizeof marker, error);
    if (code != ERROR_OK)
        return code;
    interlock_read(services, &lines.all, logs_boundary(execution), question, marker, view);
    if (view->failed || lines.broken)
        view->interlock = INTERLOCK_UNKNOWN;
    return ERROR_OK;
}

enum error_code interlock_look(struct target *target, const struct interlock_question *question,
                               struct evidence *evidence, struct interlock_view *ret_view,
                               struct error *error)
{
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    struct containers *containers = calloc(1, sizeof *containers);
    if (containers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "interlock", "", "out of memory");
    enum error_code code = compose_containers(target, evidence, containers, error);
    if (code == ERROR_OK)
        code = look_at_execution(target,
                                 find_running(containers, target_setup(target)->services.execution,
                                              &view),
                                 question, evidence, &view, error);
    free(containers);
    if (code == ERROR_OK)
        *ret_view = view;
    return code;
}

enum error_code interlock_send(struct target *target, bool arm, const char *nonce,
                               const char *reason, struct evidence *evidence, bool *ret_sent,
                               struct error *error)
{
    const struct setup_bus *bus = &target_setup(target)->bus;
    char payload[300];
    (void)snprintf(payload, sizeof payload, "%s %.200s", nonce, reason);
    return bus_publish(target, arm ? bus->subject_arm : bus->subject_disarm, payload, evidence,
                       ret_sent, error);
}

enum error_code interlock_run_safe_command(struct target *target, struct evidence *evidence,
                                           int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    text_add_format(&script, "exec 2>&1; %s", target_setup(target)->services.safe_command);
    struct target_command command = {.built = &script, .anywhere = true};
    return target_probe(target, &command, PROBE_ACT, "safe command", evidence, ret_status, error);
}
