/* What leaves the machine: the checkpoint and the bundle (journal/FORMAT.md, "Checkpoint",
 * "Bundle"). */
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/format.h"
#include "journal/format/merkle.h"
#include "journal/format/text.h"

enum { BUNDLE_MODE = 0666 }; /* auditors read it: limited by the umask only */

/* Over the first `size` entries. */
static enum error_code checkpoint_of(struct journal *journal, uint64_t size,
                                     struct checkpoint *ret_checkpoint, struct error *error)
{
    struct merkle merkle;
    struct checkpoint checkpoint = {.size = size};
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
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, FORMAT_CHECKPOINT_ORIGIN "%s",
                   journal_id(journal));
    merkle_root(&merkle, checkpoint.root);
    *ret_checkpoint = checkpoint;
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

static enum error_code note_references(const json_t *body, struct references *references,
                                       struct error *error)
{
    const json_t *items = json_object_get(body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *hex = json_string_value(json_object_get(json_array_get(items, i), "output"));
        if (references->count == references->capacity) {
            size_t capacity = references->capacity * 2 + 64;
            void *grown = reallocarray(references->hashes, capacity, SHA256_BYTES);
            if (grown == NULL)
                return error_set(error, ERROR_MEMORY, 0, "export", "", "out of memory");
            references->hashes = grown;
            references->capacity = capacity;
        }
        if (hex == NULL
            || !bytes_from_hex(hex, strlen(hex), references->hashes[references->count],
                               SHA256_BYTES))
            return error_set(error, ERROR_DAMAGED, 0, "export", "run titan-verify on the journal",
                             "an item of evidence names no blob");
        references->count++;
    }
    return ERROR_OK;
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

static enum error_code collect(struct journal *journal, uint64_t size,
                               struct references *references, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (uint64_t seq = 0; code == ERROR_OK && seq < size; seq++) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        code = journal_read(journal, seq, &entry, error);
        if (code == ERROR_OK)
            code = note_references(entry.body, references, error);
    }
    make_unique(references);
    return code;
}

/* The file that is being written. */
struct output {
    const struct world_disk *disk;
    void *file;
};

static enum error_code add_bundle_line(const struct output *output, const struct text *line,
                                       struct error *error)
{
    if (text_failed(line, error))
        return error->code;
    return output->disk->add(output->file, line->bytes.data, line->bytes.size, error);
}

static enum error_code write_entry(const struct output *output, struct journal *journal,
                                   uint64_t seq, struct error *error)
{
    CLEANUP_BYTES struct bytes value = {0};
    CLEANUP_BYTES struct bytes payload = {0};
    CLEANUP_BYTES struct bytes signature = {0};
    CLEANUP_TEXT struct text line = {0};
    enum error_code code = journal_stored_value(journal, seq, &value, error);
    if (code == ERROR_OK)
        code = bytes_base64(value.data + SIGNATURE_BYTES, value.size - SIGNATURE_BYTES, &payload,
                            error);
    if (code == ERROR_OK)
        code = bytes_base64(value.data, SIGNATURE_BYTES, &signature, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&line, "{\"seq\":%llu,\"payload\":\"%s\",\"signature\":\"%s\"}\n",
                    (unsigned long long)seq, (const char *)payload.data,
                    (const char *)signature.data);
    return add_bundle_line(output, &line, error);
}

static enum error_code write_blob(const struct output *output, struct journal *journal,
                                  const uint8_t hash[SHA256_BYTES], struct error *error)
{
    CLEANUP_BYTES struct bytes data = {0};
    CLEANUP_BYTES struct bytes base64 = {0};
    CLEANUP_TEXT struct text line = {0};
    char hex[SHA256_HEX + 1];
    bytes_hex(hash, SHA256_BYTES, hex);
    enum error_code code = journal_blob(journal, hash, &data, error);
    if (code == ERROR_OK)
        code = bytes_base64(data.data, data.size, &base64, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&line, "{\"sha256\":\"%s\",\"data\":\"%s\"}\n", hex, (const char *)base64.data);
    return add_bundle_line(output, &line, error);
}

/* Over the entries that were written: another process may have appended one since. */
static enum error_code write_checkpoint(const struct output *output, struct journal *journal,
                                        uint64_t size, struct signer *signer, struct error *error)
{
    struct checkpoint checkpoint;
    CLEANUP_BYTES struct bytes note = {0};
    CLEANUP_BYTES struct bytes json = {0};
    CLEANUP_TEXT struct text line = {0};
    enum error_code code = checkpoint_of(journal, size, &checkpoint, error);
    if (code == ERROR_OK)
        code = sign_checkpoint(&checkpoint, signer, &note, error);
    CLEANUP_JSON json_t *object = code == ERROR_OK
                                      ? json_pack("{s:s#}", "checkpoint", (const char *)note.data,
                                                  (int)note.size)
                                      : NULL;
    if (code == ERROR_OK && object == NULL)
        return error_set(error, ERROR_MEMORY, 0, "export", "", "out of memory");
    if (code == ERROR_OK)
        code = canonical_write(object, &json, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&line, "%s\n", (const char *)json.data);
    return add_bundle_line(output, &line, error);
}

static enum error_code write_bundle(const struct output *output, struct journal *journal,
                                    struct signer *signer, struct error *error)
{
    struct references references __attribute__((cleanup(free_references))) = {0};
    struct journal_head head;
    CLEANUP_TEXT struct text line = {0};
    enum error_code code = journal_head(journal, &head, error);
    if (code == ERROR_OK)
        code = collect(journal, head.size, &references, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&line,
                    "{\"titan_bundle\":1,\"journal\":\"%s\",\"entries\":%llu,\"blobs\":%zu}\n",
                    journal_id(journal), (unsigned long long)head.size, references.count);
    code = add_bundle_line(output, &line, error);
    for (uint64_t seq = 0; code == ERROR_OK && seq < head.size; seq++)
        code = write_entry(output, journal, seq, error);
    for (size_t i = 0; code == ERROR_OK && i < references.count; i++)
        code = write_blob(output, journal, references.hashes[i], error);
    return code == ERROR_OK ? write_checkpoint(output, journal, head.size, signer, error) : code;
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
