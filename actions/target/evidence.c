#include "actions/target/evidence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/format.h"

void evidence_clear(struct evidence *evidence)
{
    evidence_cut(evidence, 0);
}

void evidence_cut(struct evidence *evidence, size_t count)
{
    while (evidence->count > count) {
        struct evidence_item *item = &evidence->items[--evidence->count];
        bytes_free(&item->output);
        free(item->subject);
        *item = (struct evidence_item){.probe = NULL};
    }
}

enum error_code evidence_add(struct evidence *evidence, const struct evidence_draft *draft,
                             struct error *error)
{
    assert(draft->probe != NULL && draft->received_ns >= draft->sent_ns);
    if (evidence->count == EVIDENCE_ITEMS_MAX)
        return error_set(error, ERROR_LIMIT, 0, draft->probe, "report this",
                         "a step gathered more than %d items of evidence", EVIDENCE_ITEMS_MAX);
    if (draft->output->size > FORMAT_BLOB_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, 0, draft->probe, "",
                         "an answer is larger than the %d bytes that the journal keeps of one",
                         FORMAT_BLOB_BYTES_MAX);
    char *subject = strdup(draft->subject);
    if (subject == NULL)
        return error_set(error, ERROR_MEMORY, 0, draft->probe, "", "out of memory");
    struct evidence_item *item = &evidence->items[evidence->count++];
    *item = (struct evidence_item){.probe = draft->probe,
                                   .subject = subject,
                                   .status = draft->status,
                                   .output = *draft->output,
                                   .sent_ns = draft->sent_ns,
                                   .received_ns = draft->received_ns};
    if (draft->span != NULL)
        item->target = *draft->span;
    *draft->output = (struct bytes){0};
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

enum error_code evidence_add_unanswered(struct evidence *evidence,
                                        const struct evidence_unanswered *draft,
                                        struct error *error)
{
    CLEANUP_BYTES struct bytes why = {0};
    struct error cause = *error;
    enum error_code code = bytes_append(&why, cause.what, strlen(cause.what), error);
    return code == ERROR_OK
               ? evidence_add(evidence,
                              &(struct evidence_draft){.probe = draft->probe,
                                                       .subject = draft->subject,
                                                       .status = draft->status,
                                                       .output = &why,
                                                       .sent_ns = draft->sent_ns,
                                                       .received_ns = draft->received_ns},
                              error)
               : code;
}
