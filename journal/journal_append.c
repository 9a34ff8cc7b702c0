/* How an entry gets into the journal: its payload, its signature, one commit. */
#include "journal/journal.h"

#include <assert.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/sshsig.h"
#include "journal/journal_handle.h"
#include "journal/keys/signer_backend.h"

enum { ATTEMPTS_MAX = 9 };

struct append {
    struct journal *journal;
    const struct entry_draft *draft;
    struct bytes ready;  /* signed before the transaction, because the signer may ask a person */
    uint64_t ready_size; /* for a journal of this many entries */
};

static enum error_code payload_of(const struct append *append, uint64_t size, const void *last,
                                  size_t last_bytes, struct bytes *ret_payload, struct error *error)
{
    struct clock_reading now;
    char prev[SHA256_HEX + 1], signer[SHA256_HEX + 1];
    const struct clock *clock = append->journal->world->clock;
    enum error_code code = clock->read(clock->context, &now, error);
    if (code != ERROR_OK)
        return code;
    /* What decode() in journal.c demands of every entry that it reads. */
    assert(strlen(now.utc) == UTC_LENGTH && strlen(now.boot) == BOOT_ID_LENGTH);
    assert(bytes_is_hex(append->journal->id, FORMAT_JOURNAL_ID_HEX));
    assert(append->draft->deployment < (int64_t)size || append->draft->deployment < 0);
    memset(prev, '0', SHA256_HEX);
    prev[SHA256_HEX] = '\0';
    if (size > 0)
        bytes_sha256_hex(last, last_bytes, prev);
    bytes_hex(signer_public_key(append->draft->signer), KEY_BYTES, signer);
    CLEANUP_JSON json_t *payload = json_pack("{s:i, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "v",
                                             FORMAT_VERSION, "journal", append->journal->id, "seq",
                                             (json_int_t)size, "prev", prev, "utc", now.utc, "boot",
                                             now.boot, "boottime_ns", (json_int_t)now.boottime_ns,
                                             "signer", signer, "type", append->draft->type);
    int64_t deployment = append->draft->deployment == JOURNAL_DEPLOYMENT_SELF
                             ? (int64_t)size
                             : append->draft->deployment;
    int result = payload == NULL ? -1 : 0;
    if (result == 0 && deployment != JOURNAL_NO_DEPLOYMENT)
        result = json_object_set_new(payload, "deployment", json_integer(deployment));
    if (result == 0)
        result = json_object_set(payload, "body", (json_t *)(uintptr_t)append->draft->body);
    if (result != 0)
        return error_set(error, ERROR_MEMORY, 0, "journal", "", "out of memory");
    code = canonical_write(payload, ret_payload, error);
    if (code == ERROR_OK && ret_payload->size > FORMAT_PAYLOAD_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, 0, append->draft->type, "report this",
                         "an entry would be larger than %d bytes", FORMAT_PAYLOAD_BYTES_MAX);
    return code;
}

static enum error_code sign_value(const struct append *append, uint64_t size, const void *last,
                                  size_t last_bytes, struct bytes *ret_value, struct error *error)
{
    CLEANUP_BYTES struct bytes payload = {0};
    CLEANUP_BYTES struct bytes value = {0};
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES];
    enum error_code code = payload_of(append, size, last, last_bytes, &payload, error);
    if (code != ERROR_OK)
        return code;
    size_t data_bytes = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size,
                                           data);
    code = signer_sign(append->draft->signer, data, data_bytes, signature, error);
    if (code == ERROR_OK)
        code = bytes_append(&value, signature, sizeof signature, error);
    if (code == ERROR_OK)
        code = bytes_append(&value, payload.data, payload.size, error);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_value);
    *ret_value = value;
    value = (struct bytes){0};
    return ERROR_OK;
}

static enum error_code make_value(void *context, uint64_t size, const void *last, size_t last_bytes,
                                  struct bytes *ret_value, struct error *error)
{
    struct append *append = context;
    if (append->draft->decided_at != 0 && append->draft->decided_at != size)
        return ERROR_HELD;
    if (!append->draft->signer->may_ask)
        return sign_value(append, size, last, last_bytes, ret_value, error);
    /* the head moved while the signer was asked: journal_append() asks again */
    if (append->ready_size != size)
        return ERROR_HELD;
    *ret_value = append->ready;
    append->ready = (struct bytes){0};
    return ERROR_OK;
}

static enum error_code sign_ahead(struct append *append, struct error *error)
{
    CLEANUP_BYTES struct bytes last = {0};
    uint64_t size = 0;
    enum error_code code = append->journal->table->size(append->journal->store, &size, error);
    if (code == ERROR_OK && size > 0)
        code = append->journal->table->entry(append->journal->store, size - 1, &last, error);
    if (code == ERROR_OK)
        code = sign_value(append, size, last.data, last.size, &append->ready, error);
    append->ready_size = size;
    return code;
}

static void assert_draft(const struct entry_draft *draft)
{
    assert(draft->signer != NULL && draft->type != NULL && draft->body != NULL);
    assert(strlen(draft->type) < ENTRY_TYPE_BYTES && json_is_object(draft->body));
    assert(draft->deployment != 0); /* genesis is entry 0: the field was forgotten */
    for (size_t i = 0; i < draft->blob_count; i++)
        assert(draft->blobs[i].size <= FORMAT_BLOB_BYTES_MAX);
}

enum error_code journal_append(struct journal *journal, const struct entry_draft *draft,
                               uint64_t *ret_seq, struct error *error)
{
    struct append append = {.journal = journal, .draft = draft};
    assert_draft(draft);
    for (unsigned attempt = 0;; attempt++) {
        uint64_t seq;
        enum error_code code = draft->signer->may_ask ? sign_ahead(&append, error) : ERROR_OK;
        if (code == ERROR_OK)
            code = journal->table->append(journal->store, make_value, &append, draft->blobs,
                                          draft->blob_count, &seq, error);
        bytes_free(&append.ready);
        if (code == ERROR_HELD && draft->decided_at == 0 && attempt + 1 < ATTEMPTS_MAX)
            continue;
        if (code == ERROR_HELD)
            return error_set(error, ERROR_HELD, 0, journal->directory, "try again",
                             "another process wrote to the journal at the same moment");
        if (code == ERROR_OK && ret_seq != NULL)
            *ret_seq = seq;
        return code;
    }
}

enum error_code journal_append_moving(struct journal *journal, journal_decide_function *decide,
                                      void *context, struct error *error)
{
    for (unsigned attempt = 0;; attempt++) {
        struct journal_head before, after;
        enum error_code code = journal_head(journal, &before, error);
        if (code == ERROR_OK)
            code = decide(context, before.size, error);
        if (code != ERROR_HELD || attempt + 1 == ATTEMPTS_MAX)
            return code;
        struct error ignored;
        if (journal_head(journal, &after, &ignored) != ERROR_OK || after.size == before.size)
            return code; /* something else is held: trying again would not help */
    }
}
