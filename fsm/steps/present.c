#include "fsm/steps/present.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/format/names.h"
#include "journal/format/text.h"

static bool needs_presence(enum action action)
{
    return action == ACTION_VERIFY_RELEASE || action == ACTION_VERIFY_PARITY || action == ACTION_ARM
           || action == ACTION_CONFIRM;
}

static void name_missing(const struct declared *declared, const struct containers *now,
                         char *ret_text, size_t size)
{
    for (size_t i = 0; i < declared->count && ret_text[0] == '\0'; i++) {
        const struct declared_row *row = &declared->list[i];
        size_t present = declared_present(declared, now, row->service);
        if (!row->off && (int64_t)present != row->replicas)
            (void)snprintf(ret_text, size, "service %s is to have %lld container%s and has %zu",
                           row->service, (long long)row->replicas,
                           text_many((uint64_t)row->replicas), present);
    }
}

enum error_code present_missing(const struct declared *declared, enum action action,
                                const struct evidence *evidence, char *ret_text, size_t size,
                                struct error *error)
{
    const struct evidence_item *list = evidence_last(evidence, PROBE_COMPOSE_CONTAINERS, NULL);
    ret_text[0] = '\0';
    if (!needs_presence(action) || list == NULL || list->status != 0)
        return ERROR_OK;
    struct containers *now = calloc(1, sizeof *now); /* too large for the stack */
    if (now == NULL)
        return error_set(error, ERROR_MEMORY, 0, "containers", "", "out of memory");
    enum error_code code = containers_read(&list->output, now, error);
    if (code == ERROR_OK)
        name_missing(declared, now, ret_text, size);
    free(now);
    return code;
}
