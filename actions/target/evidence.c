#include "actions/target/evidence.h"

#include <stdio.h>
#include <string.h>

void evidence_clear(struct evidence *evidence)
{
    evidence_cut(evidence, 0);
}

void evidence_cut(struct evidence *evidence, size_t count)
{
    while (evidence->count > count)
        bytes_free(&evidence->items[--evidence->count].output);
}

enum error_code evidence_add(struct evidence *evidence, const char *probe, const char *subject,
                             int status, struct bytes *output, int64_t sent_ns, int64_t received_ns,
                             const struct target_span *target, struct error *error)
{
    if (evidence->count == EVIDENCE_ITEMS_MAX)
        return error_set(error, ERROR_LIMIT, 0, probe, "report this",
                         "a step gathered more than %d items of evidence", EVIDENCE_ITEMS_MAX);
    struct evidence_item *item = &evidence->items[evidence->count++];
    *item = (struct evidence_item){.probe = probe,
                                   .status = status,
                                   .output = *output,
                                   .sent_ns = sent_ns,
                                   .received_ns = received_ns};
    (void)snprintf(item->subject, sizeof item->subject, "%s", subject);
    if (target != NULL)
        item->target = *target;
    *output = (struct bytes){0};
    return ERROR_OK;
}

const struct evidence_item *evidence_last(const struct evidence *evidence, const char *probe,
                                          const char *subject)
{
    for (size_t i = evidence->count; i-- > 0;) {
        const struct evidence_item *item = &evidence->items[i];
        if (strcmp(item->probe, probe) == 0
            && (subject == NULL || strcmp(item->subject, subject) == 0))
            return item;
    }
    return NULL;
}
