#include "actions/script.h"

#include <stdio.h>

#include "actions/logs.h"
#include "journal/format/names.h"

enum error_code script_run(struct target *target, int64_t deadline_ms, struct evidence *evidence,
                           int *ret_status, struct error *error)
{
    const char *path = target_setup(target)->verify.script;
    CLEANUP_TEXT struct text script = {0};
    if (path[0] == '\0') {
        *ret_status = 0;
        return ERROR_OK;
    }
    text_add(&script, "exec 2>&1; exec ");
    text_add_quoted(&script, path);
    struct target_command command = {.built = &script, .deadline_ms = deadline_ms};
    return target_probe(target, &command, PROBE_SCRIPT, path, evidence, ret_status, error);
}

static bool search_log(const struct setup_services *services, const struct evidence_item *item,
                       const struct container *container, char *ret_text, size_t capacity)
{
    struct log_line line;
    for (size_t at = 0; logs_next(&item->output, &at, logs_boundary(container), &line);) {
        if (log_matches_any(line.message, &services->errors)) {
            (void)snprintf(ret_text, capacity, "the log of %s since its start has: %.200s",
                           container->service, line.message);
            return true;
        }
    }
    return false;
}

enum error_code script_search_errors(struct target *target, const struct declared *declared,
                                     const struct containers *containers, struct evidence *evidence,
                                     bool *ret_found, char *ret_text, size_t capacity,
                                     struct error *error)
{
    const struct setup *setup = target_setup(target);
    bool found = false;
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (declared_find(declared, container->service)->off)
            continue;
        enum error_code code = logs_fetch(target, container,
                                          &(struct log_query){.probe = PROBE_LOGS_ERRORS,
                                                              .tail = setup->verify.log_lines},
                                          evidence, error);
        if (code != ERROR_OK)
            return code;
        if (!found)
            found = search_log(&setup->services,
                               evidence_last(evidence, PROBE_LOGS_ERRORS, container->service),
                               container, ret_text, capacity);
    }
    *ret_found = found;
    return ERROR_OK;
}
