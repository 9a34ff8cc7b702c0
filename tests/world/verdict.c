#include "tests/world/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/allowed_signers.h"
#include "journal/format/sshsig.h"
#include "verify/verify.h"

static void must(enum error_code code, const struct error *error)
{
    if (code == ERROR_OK)
        return;
    (void)fprintf(stderr, "the journal cannot be given to the verifier: %s\n", error->what);
    abort();
}

static int by_hash(const void *left, const void *right)
{
    return memcmp(((const struct scripted_blob *)left)->hash,
                  ((const struct scripted_blob *)right)->hash, SHA256_BYTES);
}

static void fill_record(const struct scripted_store *stored, struct record *record)
{
    struct error error;
    size_t size = stored->blob_count * sizeof stored->blobs[0];
    struct scripted_blob *sorted = malloc(size > 0 ? size : 1);
    if (sorted == NULL)
        abort();
    memcpy(sorted, stored->blobs, size);
    qsort(sorted, stored->blob_count, sizeof sorted[0], by_hash);
    for (size_t i = 0; i < stored->entry_count; i++) {
        const struct bytes *value = &stored->entries[i].value;
        struct bytes copy = {0};
        must(bytes_append(&copy, value->data, value->size, &error), &error);
        must(record_add_entry(record, i, &copy, &error), &error);
    }
    for (size_t i = 0; i < stored->blob_count; i++) {
        struct bytes copy = {0};
        must(bytes_append(&copy, sorted[i].data.data, sorted[i].data.size, &error), &error);
        must(record_add_blob(record, sorted[i].hash, &copy, &error), &error);
    }
    free(sorted);
}

static void fill_trust(const struct scripted *scripted, struct allowed_signers *trust)
{
    char key[SSH_PUBLIC_KEY_TEXT_MAX], line[SSH_PUBLIC_KEY_TEXT_MAX + 128];
    struct error error;
    ssh_public_key_text(scripted->agent_public, key);
    (void)snprintf(line, sizeof line, "alice@example namespaces=\"%s\" %s\n",
                   SSHSIG_NAMESPACE_JOURNAL, key);
    must(allowed_signers_read("trust", line, strlen(line), trust, &error), &error);
}

int verdict_of(const struct scripted *scripted, const struct person_choice *choice,
               char **ret_report)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    size_t size = 0;
    limits_default(&limits);
    limits.window_ms = person_window_ms(choice);
    limits.sample_interval_ms = person_interval_ms(choice);
    limits.rollback_ms = person_rollback_ms(choice);
    fill_trust(scripted, &trust);
    fill_record(&scripted->stored, &record);
    struct audit audit = {.limits = &limits, .trust = &trust, .target = PERSON_TARGET};
    must(verify_record(&record, &audit, SELECTION_LAST, 0, &report, &error), &error);
    FILE *memory = open_memstream(ret_report, &size);
    if (memory == NULL)
        abort();
    report_text(&report, memory);
    (void)fclose(memory);
    return (int)report.status;
}
