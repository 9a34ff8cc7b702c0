#include "actions/fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/containers.h"
#include "journal/format/names.h"

/* A verifier takes 30 s, up to the ARM; a command's intent is recorded in between. */
static const int64_t FRESH_NS = 25000000000;

/* The list by which the voices were asked, and that of the last look. */
struct both_lists {
    struct containers first, last;
};

static const struct evidence_item *first_list(const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (strcmp(evidence->items[i].probe, PROBE_COMPOSE_CONTAINERS) == 0)
            return &evidence->items[i];
    return NULL;
}

static bool still_runs_as_asked(const struct both_lists *lists, const char *service)
{
    const struct container *was = containers_find(&lists->first, service),
                           *is = containers_find(&lists->last, service);
    return was != NULL && is != NULL && containers_running(&lists->last, service) == 1
           && strcmp(was->id, is->id) == 0 && strcmp(was->started_at, is->started_at) == 0;
}

static enum error_code compare_runs(const struct evidence *evidence,
                                    const struct setup_services *services, struct both_lists *lists,
                                    char *ret_why, size_t size, struct error *error)
{
    const char *const both[] = {services->execution, services->brain};
    const struct evidence_item *first = first_list(evidence),
                               *last = evidence_last(evidence, PROBE_COMPOSE_CONTAINERS, NULL);
    if (first == NULL || last == NULL) {
        (void)snprintf(ret_why, size, "nobody looked which containers run");
        return ERROR_OK;
    }
    enum error_code code = containers_read(&first->output, &lists->first, error);
    if (code == ERROR_OK)
        code = containers_read(&last->output, &lists->last, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof both / sizeof both[0]; i++)
        if (!still_runs_as_asked(lists, both[i]))
            (void)snprintf(ret_why, size, "%s was started anew, or is gone, since it was asked",
                           both[i]);
    return code;
}

enum error_code fresh_check(const struct evidence *evidence, const struct setup_services *services,
                            int64_t now_ns, char *ret_why, size_t size, struct error *error)
{
    ret_why[0] = '\0';
    if (evidence->count > 0 && now_ns - evidence->items[0].sent_ns > FRESH_NS) {
        (void)snprintf(ret_why, size, "it took more than 25 s to look at both services");
        return ERROR_OK;
    }
    struct both_lists *lists = calloc(1, sizeof *lists); /* too large for the stack */
    if (lists == NULL)
        return error_set(error, ERROR_MEMORY, 0, "arm", "", "out of memory");
    enum error_code code = compare_runs(evidence, services, lists, ret_why, size, error);
    free(lists);
    return code;
}
