#include "journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/format.h"
#include "journal/journal_handle.h"

enum {
    TAIL_CHECKED = 3
}; /* entries whose chain and signature an open checks; the whole chain is titan-verify's work */

const struct world *journal_world(const struct journal *journal)
{
    return journal->world;
}

const char *journal_id(const struct journal *journal)
{
    return journal->id;
}

const char *journal_directory(const struct journal *journal)
{
    return journal->directory;
}

bool journal_is_read_only(const struct journal *journal)
{
    return journal->read_only;
}

enum error_code journal_answers(const struct journal *journal, struct error *error)
{
    const struct world_store *table = journal->table;
    return table->answers(table->context, journal->directory, JOURNAL_ANSWER_MS, error);
}

enum error_code journal_file_bytes(const struct journal *journal, uint64_t *ret_bytes,
                                   struct error *error)
{
    return journal->table->file_bytes(journal->store, ret_bytes, error);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->store != NULL)
        journal->table->close(journal->store);
    for (size_t i = 0; i < DECODED_MAX; i++)
        journal_entry_clear(&journal->decoded[i].entry);
    free(journal->directory);
    free(journal);
}

static enum error_code new_handle(const char *directory, const struct world *world, bool read_only,
                                  struct journal **ret_journal, struct error *error)
{
    CLEANUP_JOURNAL struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL || (journal->directory = strdup(directory)) == NULL)
        return error_set(error, ERROR_MEMORY, 0, directory, "", "out of memory");
    journal->world = world;
    journal->table = world->store;
    journal->read_only = read_only;
    enum error_code code = world->store->open(world->store->context, directory, read_only,
                                              &journal->store, error);
    if (code != ERROR_OK)
        return code;
    *ret_journal = journal;
    journal = NULL;
    return ERROR_OK;
}

enum error_code journal_create(const char *directory, const struct world *world,
                               struct journal **ret_journal, struct error *error)
{
    enum error_code code = world->store->create(world->store->context, directory, error);
    if (code == ERROR_OK)
        code = new_handle(directory, world, false, ret_journal, error);
    if (code != ERROR_OK)
        return code;
    world_random_hex(world, FORMAT_JOURNAL_ID_HEX / 2, (*ret_journal)->id);
    return ERROR_OK;
}

static const struct decoded *find_decoded(const struct journal *journal, uint64_t seq,
                                          const uint8_t hash[SHA256_BYTES])
{
    for (size_t i = 0; i < DECODED_MAX; i++) {
        const struct journal_entry *entry = &journal->decoded[i].entry;
        if (entry->body != NULL && entry->seq == seq
            && memcmp(entry->hash, hash, SHA256_BYTES) == 0)
            return &journal->decoded[i];
    }
    return NULL;
}

/* ret_decoded is borrowed until the next call. */
static enum error_code read_whole(struct journal *journal, uint64_t seq,
                                  const struct decoded **ret_decoded, struct error *error)
{
    CLEANUP_BYTES struct bytes value = {0};
    struct decoded decoded;
    uint8_t hash[SHA256_BYTES];
    enum error_code code = journal->table->entry(journal->store, seq, &value, error);
    if (code != ERROR_OK)
        return code;
    bytes_sha256(value.data, value.size, hash);
    errno = 0; /* of something earlier: what is said of the entry from here on is about its bytes */
    *ret_decoded = find_decoded(journal, seq, hash);
    if (*ret_decoded != NULL)
        return ERROR_OK;
    code = journal_entry_decode(seq, &value, hash, &decoded, error);
    if (code != ERROR_OK)
        return code;
    struct decoded *kept = &journal->decoded[journal->decoded_count++ % DECODED_MAX];
    journal_entry_clear(&kept->entry);
    *kept = decoded;
    *ret_decoded = kept;
    return ERROR_OK;
}

static bool was_good(const struct journal *journal, const uint8_t hash[SHA256_BYTES])
{
    for (size_t i = 0; i < journal->good_count && i < SIGNED_MAX; i++)
        if (memcmp(journal->good[i], hash, SHA256_BYTES) == 0)
            return true;
    return false;
}

enum error_code journal_is_signed(struct journal *journal, const struct journal_entry *entry,
                                  bool *ret_good, struct error *error)
{
    CLEANUP_BYTES struct bytes value = {0};
    uint8_t key[KEY_BYTES], hash[SHA256_BYTES];
    if (was_good(journal, entry->hash)) {
        *ret_good = true;
        return ERROR_OK;
    }
    enum error_code code = journal->table->entry(journal->store, entry->seq, &value, error);
    if (code != ERROR_OK)
        return code;
    bytes_sha256(value.data, value.size, hash);
    bool good =
        memcmp(hash, entry->hash, sizeof hash) == 0
        && bytes_from_hex(entry->signer, SHA256_HEX, key, sizeof key)
        && sshsig_verify_known(&journal->keys,
                               &(struct sshsig_claim){.name_space = SSHSIG_NAMESPACE_JOURNAL,
                                                      .message = value.data + SIGNATURE_BYTES,
                                                      .message_bytes = value.size - SIGNATURE_BYTES,
                                                      .signature = value.data,
                                                      .public_key = key});
    if (good)
        memcpy(journal->good[journal->good_count++ % SIGNED_MAX], hash, sizeof hash);
    *ret_good = good;
    return ERROR_OK;
}

/* Reads one of the entries that an open checks. */
static enum error_code read_signed(struct journal *journal, uint64_t seq,
                                   const struct decoded **ret_decoded, struct error *error)
{
    bool good = false;
    enum error_code code = read_whole(journal, seq, ret_decoded, error);
    if (code == ERROR_OK)
        code = journal_is_signed(journal, &(*ret_decoded)->entry, &good, error);
    return code == ERROR_OK && !good ? journal_entry_damaged(seq, "the signature is wrong", error)
                                     : code;
}

static enum error_code is_of_this(const struct journal *journal, const struct decoded *decoded,
                                  struct error *error)
{
    if (journal->id[0] != '\0' && strcmp(decoded->journal, journal->id) != 0)
        return journal_entry_damaged(decoded->entry.seq, "the entry belongs to another journal",
                                     error);
    return ERROR_OK;
}

enum error_code journal_read(struct journal *journal, uint64_t seq, struct journal_entry *ret_entry,
                             struct error *error)
{
    const struct decoded *decoded = NULL;
    enum error_code code = read_whole(journal, seq, &decoded, error);
    if (code == ERROR_OK)
        code = is_of_this(journal, decoded, error);
    if (code != ERROR_OK)
        return code;
    journal_entry_clear(ret_entry);
    *ret_entry = decoded->entry;
    (void)json_incref(ret_entry->body);
    return ERROR_OK;
}

/* Chain and signatures of the last entries, and the id from the first. */
static enum error_code check_tail(struct journal *journal, uint64_t size, struct error *error)
{
    char hash[SHA256_HEX + 1] = "";
    const struct decoded *decoded = NULL;
    enum error_code code = read_signed(journal, 0, &decoded, error);
    if (code == ERROR_OK && strspn(decoded->prev, "0") != SHA256_HEX)
        return journal_entry_damaged(0, "the first entry names an entry before it", error);
    if (code == ERROR_OK)
        memcpy(journal->id, decoded->journal, sizeof journal->id);
    uint64_t first = size > TAIL_CHECKED ? size - TAIL_CHECKED : 0;
    for (uint64_t seq = first; code == ERROR_OK && seq < size; seq++) {
        code = read_signed(journal, seq, &decoded, error);
        if (code == ERROR_OK)
            code = is_of_this(journal, decoded, error);
        if (code == ERROR_OK && hash[0] != '\0' && strcmp(hash, decoded->prev) != 0)
            code = journal_entry_damaged(
                seq, "the chain is broken: `prev` is not the hash of the entry before", error);
        if (code == ERROR_OK)
            bytes_hex(decoded->entry.hash, SHA256_BYTES, hash);
    }
    return code;
}

enum error_code journal_open(const char *directory, const struct world *world, bool read_only,
                             struct journal **ret_journal, struct error *error)
{
    CLEANUP_JOURNAL struct journal *journal = NULL;
    uint64_t size;
    enum error_code code = new_handle(directory, world, read_only, &journal, error);
    if (code == ERROR_OK)
        code = journal->table->size(journal->store, &size, error);
    if (code != ERROR_OK)
        return code;
    if (size == 0)
        return error_set(error, ERROR_DAMAGED, 0, directory,
                         "remove the directory and run `titan-fsm init` again",
                         "the journal is empty: `titan-fsm init` did not finish");
    code = check_tail(journal, size, error);
    if (code != ERROR_OK)
        return code;
    *ret_journal = journal;
    journal = NULL;
    return ERROR_OK;
}

enum error_code journal_head(struct journal *journal, struct journal_head *ret_head,
                             struct error *error)
{
    struct journal_head head = {0};
    CLEANUP_ENTRY struct journal_entry last = {0};
    enum error_code code = journal->table->size(journal->store, &head.size, error);
    /* What others will hold against this journal is read as an entry is, and not as bytes. */
    if (code == ERROR_OK && head.size > 0)
        code = journal_read(journal, head.size - 1, &last, error);
    if (code != ERROR_OK)
        return code;
    memcpy(head.hash, last.hash, sizeof head.hash);
    *ret_head = head;
    return ERROR_OK;
}

enum error_code journal_size(struct journal *journal, uint64_t *ret_size, struct error *error)
{
    return journal->table->size(journal->store, ret_size, error);
}

enum error_code journal_stored_value(struct journal *journal, uint64_t seq, struct bytes *ret_value,
                                     struct error *error)
{
    return journal->table->entry(journal->store, seq, ret_value, error);
}

enum error_code journal_blob(struct journal *journal, const uint8_t hash[SHA256_BYTES],
                             struct bytes *ret_data, struct error *error)
{
    return journal->table->blob(journal->store, hash, ret_data, error);
}

enum error_code journal_state_put(struct journal *journal, const char *key, const void *value,
                                  size_t size, struct error *error)
{
    enum error_code code = journal_answers(journal, error);
    return code == ERROR_OK ? journal->table->state_put(journal->store, key, value, size, error)
                            : code;
}

enum error_code journal_state_get(struct journal *journal, const char *key, struct bytes *ret_value,
                                  struct error *error)
{
    return journal->table->state_get(journal->store, key, ret_value, error);
}

enum error_code journal_reserve(struct journal *journal, size_t bytes, struct error *error)
{
    return journal->table->reserve(journal->store, bytes, error);
}
