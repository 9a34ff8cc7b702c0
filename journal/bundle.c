/* What leaves the machine: the checkpoint and the bundle (journal/FORMAT.md, "Checkpoint",
 * "Bundle"). */
#include "journal/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/format.h"
#include "journal/format/merkle.h"

enum {
    BUNDLE_MODE = 0666, /* auditors read it: limited by the umask only */
    REFERENCES_FIRST = 4096
};

static void name_checkpoint(const struct journal *journal, const struct merkle *merkle,
                            struct checkpoint *ret_checkpoint)
{
    *ret_checkpoint = (struct checkpoint){.size = merkle->size};
    (void)snprintf(ret_checkpoint->origin, sizeof ret_checkpoint->origin,
                   FORMAT_CHECKPOINT_ORIGIN "%s", journal_id(journal));
    merkle_root(merkle, ret_checkpoint->root);
}

/* Over the first `size` entries. */
static enum error_code checkpoint_of(struct journal *journal, uint64_t size,
                                     struct checkpoint *ret_checkpoint, struct error *error)
{
    struct merkle merkle;
    enum error_code code = ERROR_OK;
    merkle_init(&merkle);
    for (uint64_t seq = 0; code == ERROR_OK && seq < size; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        code = journal_stored_value(journal, seq, &value, error);
        if (code == ERROR_OK)
            merkle_add(&merkle, value.data, value.size);
    }
    if (code != ERROR_OK)
        return code;
    name_checkpoint(journal, &merkle, ret_checkpoint);
    return ERROR_OK;
}

static enum error_code sign_checkpoint(const struct checkpoint *checkpoint, struct signer *signer,
                                       struct bytes *ret_note, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    uint8_t signature[SIGNATURE_BYTES];
    enum error_code code = checkpoint_text(checkpoint, &text, error);
    if (code == ERROR_OK)
        code = signer_sign(signer, text.data, text.size, signature, error);
    return code == ERROR_OK
               ? checkpoint_note(checkpoint, signature, signer_public_key(signer), ret_note, error)
               : code;
}

enum error_code journal_checkpoint(struct journal *journal, struct checkpoint *ret_checkpoint,
                                   struct error *error)
{
    struct journal_head head;
    enum error_code code = journal_head(journal, &head, error);
    return code == ERROR_OK ? checkpoint_of(journal, head.size, ret_checkpoint, error) : code;
}

enum error_code journal_signed_checkpoint(struct journal *journal, struct signer *signer,
                                          struct bytes *ret_note, struct error *error)
{
    struct checkpoint checkpoint;
    enum error_code code = journal_checkpoint(journal, &checkpoint, error);
    return code == ERROR_OK ? sign_checkpoint(&checkpoint, signer, ret_note, error) : code;
}

/* The blobs that entries name: each once, as soon as there is no room for more. */
struct references {
    uint8_t (*hashes)[SHA256_BYTES];
    size_t count, capacity;
};

static void free_references(struct references *references)
{
    free(references->hashes);
}

static int compare_hashes(const void *left, const void *right)
{
    return memcmp(left, right, SHA256_BYTES);
}

static void make_unique(struct references *references)
{
    size_t kept = 0;
    if (references->count > 0)
        qsort(references->hashes, references->count, SHA256_BYTES, compare_hashes);
    for (size_t i = 0; i < references->count; i++)
        if (kept == 0
            || memcmp(references->hashes[kept - 1], references->hashes[i], SHA256_BYTES) != 0)
            memmove(references->hashes[kept++], references->hashes[i], SHA256_BYTES);
    references->count = kept;
}

static enum error_code add_reference(struct references *references, const char *hex,
                                     struct error *error)
{
    if (references->count == references->capacity) {
        make_unique(references);
        if (references->count >= references->capacity / 2) {
            size_t capacity = references->capacity * 2 + REFERENCES_FIRST;
            void *grown = reallocarray(references->hashes, capacity, SHA256_BYTES);
            if (grown == NULL)
                return error_set(error, ERROR_MEMORY, 0, "export", "", "out of memory");
            references->hashes = grown;
            references->capacity = capacity;
        }
    }
    if (!bytes_from_hex(hex, SHA256_HEX, references->hashes[references->count], SHA256_BYTES))
        return error_set(error, ERROR_DAMAGED, 0, "export", "run titan-verify on the journal",
                         "an item of evidence names no blob");
    references->count++;
    return ERROR_OK;
}

/* A canonical payload has these bytes where an item names its blob and nowhere else: within a
 * string each quote stands behind a backslash. */
static enum error_code note_references(const struct bytes *value, struct references *references,
                                       struct error *error)
{
    static const char name[] = "\"output\":\"", evidence[] = "\"evidence\":[{";
    const uint8_t *end = value->data + value->size;
    const uint8_t *at = memmem(value->data + SIGNATURE_BYTES, value->size - SIGNATURE_BYTES,
                               evidence, sizeof evidence - 1);
    enum error_code code = ERROR_OK;
    while (code == ERROR_OK && at != NULL) {
        at = memmem(at, (size_t)(end - at), name, sizeof name - 1);
        if (at != NULL && (size_t)(end - at) < sizeof name - 1 + SHA256_HEX)
            return error_set(error, ERROR_DAMAGED, 0, "export", "run titan-verify on the journal",
                             "an item of evidence is cut off");
        if (at != NULL) {
            code = add_reference(references, (const char *)at + sizeof name - 1, error);
            at += sizeof name - 1 + SHA256_HEX;
        }
    }
    return code;
}

/* An entry as it begins in this journal at this place. What it says is titan-verify's matter. */
static enum error_code check_beginning(struct journal *journal, uint64_t seq,
                                       const struct bytes *value, struct error *error)
{
    char beginning[128];
    int length = snprintf(beginning, sizeof beginning,
                          "{\"v\":%d,\"journal\":\"%s\",\"seq\":%llu,\"prev\":\"", FORMAT_VERSION,
                          journal_id(journal), (unsigned long long)seq);
    bool good = value->size > SIGNATURE_BYTES + (size_t)length
                && memcmp(value->data + SIGNATURE_BYTES, beginning, (size_t)length) == 0;
    errno = 0;
    return good ? ERROR_OK
                : journal_entry_damaged(seq, "the payload is not an entry of this journal", error);
}

/* What stands behind the entries: which blobs, and the tree's root. */
static enum error_code look_ahead(struct journal *journal, uint64_t size,
                                  struct references *references, struct merkle *merkle,
                                  struct error *error)
{
    enum error_code code = ERROR_OK;
    merkle_init(merkle);
    for (uint64_t seq = 0; code == ERROR_OK && seq < size; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        code = journal_stored_value(journal, seq, &value, error);
        if (code == ERROR_OK)
            code = check_beginning(journal, seq, &value, error);
        if (code == ERROR_OK)
            code = note_references(&value, references, error);
        if (code == ERROR_OK)
            merkle_add(merkle, value.data, value.size);
    }
    make_unique(references);
    return code;
}

/* The file that is being written. */
struct output {
    const struct world_disk *disk;
    void *file;
};

static enum error_code put_word(const struct output *output, const char *word, struct error *error)
{
    return output->disk->add(output->file, word, strlen(word), error);
}

static enum error_code put_base64(const struct output *output, const void *data, size_t size,
                                  struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_base64(data, size, &text, error);
    return code == ERROR_OK ? output->disk->add(output->file, text.data, text.size, error) : code;
}

static enum error_code write_entry(const struct output *output, struct journal *journal,
                                   uint64_t seq, struct error *error)
{
    CLEANUP_BYTES struct bytes value = {0};
    char head[64];
    (void)snprintf(head, sizeof head, "{\"seq\":%llu,\"payload\":\"", (unsigned long long)seq);
    enum error_code code = journal_stored_value(journal, seq, &value, error);
    if (code == ERROR_OK)
        code = put_word(output, head, error);
    if (code == ERROR_OK)
        code = put_base64(output, value.data + SIGNATURE_BYTES, value.size - SIGNATURE_BYTES,
                          error);
    if (code == ERROR_OK)
        code = put_word(output, "\",\"signature\":\"", error);
    if (code == ERROR_OK)
        code = put_base64(output, value.data, SIGNATURE_BYTES, error);
    return code == ERROR_OK ? put_word(output, "\"}\n", error) : code;
}

static enum error_code write_blob(const struct output *output, struct journal *journal,
                                  const uint8_t hash[SHA256_BYTES], struct error *error)
{
    CLEANUP_BYTES struct bytes data = {0};
    char hex[SHA256_HEX + 1], head[SHA256_HEX + 32];
    bytes_hex(hash, SHA256_BYTES, hex);
    (void)snprintf(head, sizeof head, "{\"sha256\":\"%s\",\"data\":\"", hex);
    enum error_code code = journal_blob(journal, hash, &data, error);
    if (code == ERROR_OK)
        code = put_word(output, head, error);
    if (code == ERROR_OK)
        code = put_base64(output, data.data, data.size, error);
    return code == ERROR_OK ? put_word(output, "\"}\n", error) : code;
}

/* Over the entries that were written: another process may have appended one since. */
static enum error_code write_checkpoint(const struct output *output, struct journal *journal,
                                        const struct merkle *merkle, struct signer *signer,
                                        struct error *error)
{
    struct checkpoint checkpoint;
    CLEANUP_BYTES struct bytes note = {0};
    CLEANUP_BYTES struct bytes json = {0};
    name_checkpoint(journal, merkle, &checkpoint);
    enum error_code code = sign_checkpoint(&checkpoint, signer, &note, error);
    CLEANUP_JSON json_t *object = code == ERROR_OK
                                      ? json_pack("{s:s#}", "checkpoint", (const char *)note.data,
                                                  (int)note.size)
                                      : NULL;
    if (code == ERROR_OK && object == NULL)
        return error_set(error, ERROR_MEMORY, 0, "export", "", "out of memory");
    if (code == ERROR_OK)
        code = canonical_write(object, &json, error);
    if (code == ERROR_OK)
        code = bytes_append(&json, "\n", 1, error);
    return code == ERROR_OK ? output->disk->add(output->file, json.data, json.size, error) : code;
}

static enum error_code write_bundle(const struct output *output, struct journal *journal,
                                    struct signer *signer, struct error *error)
{
    struct references references __attribute__((cleanup(free_references))) = {0};
    struct journal_head head;
    struct merkle merkle;
    char line[160];
    enum error_code code = journal_head(journal, &head, error);
    if (code == ERROR_OK)
        code = look_ahead(journal, head.size, &references, &merkle, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(line, sizeof line,
                   "{\"titan_bundle\":1,\"journal\":\"%s\",\"entries\":%llu,\"blobs\":%zu}\n",
                   journal_id(journal), (unsigned long long)head.size, references.count);
    code = put_word(output, line, error);
    for (uint64_t seq = 0; code == ERROR_OK && seq < head.size; seq++)
        code = write_entry(output, journal, seq, error);
    for (size_t i = 0; code == ERROR_OK && i < references.count; i++)
        code = write_blob(output, journal, references.hashes[i], error);
    return code == ERROR_OK ? write_checkpoint(output, journal, &merkle, signer, error) : code;
}

enum error_code journal_export(struct journal *journal, struct signer *signer, const char *path,
                               struct error *error)
{
    struct output output = {.disk = journal_world(journal)->disk};
    enum error_code code = output.disk->begin(output.disk->context, path, WRITE_REPLACE,
                                              BUNDLE_MODE, &output.file, error);
    if (code != ERROR_OK)
        return code;
    code = write_bundle(&output, journal, signer, error);
    if (code == ERROR_OK)
        return output.disk->finish(output.file, true, error);
    struct error ignored;
    (void)!output.disk->finish(output.file, false, &ignored);
    return code;
}
