#include "verify/read/record.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/kept.h"
#include "verify/read/memory.h"

void record_free(struct record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        entry_free(&record->entries[i]);
        if (i % KEPT_REST_ENTRIES == 0)
            kept_rest();
    }
    for (size_t i = 0; i < record->blob_count; i++)
        kept_free(record->blobs[i].data.data);
    kept_free(record->entries);
    kept_free(record->blobs);
    free(record->settings);
    table_free(&record->keys);
    bytes_free(&record->bundle_note);
    *record = (struct record){0};
}

static enum error_code record_beyond(const char *what, struct error *error)
{
    return error_set(error, ERROR_LIMIT, 0, "record", "",
                     "there are more %s than this verifier takes", what);
}

static enum error_code record_damaged(const char *what, struct error *error)
{
    return error_set(error, ERROR_DAMAGED, 0, "record", "", "%s", what);
}

enum error_code record_add_entry(struct record *record, uint64_t seq, struct bytes *value,
                                 struct error *error)
{
    if (seq != record->count)
        return record_damaged("the entries are not numbered 0, 1, 2 ... without a hole", error);
    if (record->count == RECORD_ENTRIES_MAX || record->bytes + value->size > RECORD_BYTES_MAX)
        return record_beyond("entries", error);
    if (record->count == record->room) {
        record->room = record->room * 2 + 64;
        record->entries = kept_grown(record->entries, record->count, record->room,
                                     sizeof *record->entries);
    }
    kept_bytes(value);
    record->entries[record->count++] = (struct entry){.value = *value,
                                                      .deployment = ENTRY_NO_DEPLOYMENT};
    record->bytes += value->size;
    *value = (struct bytes){0};
    return ERROR_OK;
}

enum error_code record_add_blob(struct record *record, const uint8_t hash[SHA256_BYTES],
                                struct bytes *data, struct error *error)
{
    if (record->blob_count > 0
        && memcmp(record->blobs[record->blob_count - 1].hash, hash, SHA256_BYTES) >= 0)
        return record_damaged("the blobs do not stand in ascending order", error);
    if (record->blob_count == RECORD_BLOBS_MAX || record->bytes + data->size > RECORD_BYTES_MAX)
        return record_beyond("blobs", error);
    if (record->blob_count == record->blob_room) {
        record->blob_room = record->blob_room * 2 + 64;
        record->blobs = kept_grown(record->blobs, record->blob_count, record->blob_room,
                                   sizeof *record->blobs);
    }
    kept_bytes(data);
    struct blob *blob = &record->blobs[record->blob_count++];
    *blob = (struct blob){.data = *data};
    memcpy(blob->hash, hash, SHA256_BYTES);
    record->bytes += data->size;
    *data = (struct bytes){0};
    return ERROR_OK;
}

static void link_key(struct record *record, struct entry *entry)
{
    struct slice key = node_text(entry_body(entry), "key");
    if (key.length == 0 && entry->type == ENTRY_COMMAND
        && !slice_is(node_text(entry_body(entry), "phase"), "intent"))
        return;
    uint64_t *last = table_at(&record->keys, key);
    entry->same_key = *last;
    *last = (uint64_t)entry->seq;
}

struct entry *record_before_of_key(const struct record *record, struct slice key, uint64_t before)
{
    uint64_t seq = table_find(&record->keys, key);
    while (seq != 0
           && (seq >= before
               || !slice_equal(node_text(entry_body(&record->entries[seq]), "key"), key)))
        seq = record->entries[seq].same_key;
    return seq != 0 ? &record->entries[seq] : NULL;
}

void record_link(struct record *record, struct entry *entry)
{
    uint64_t seq = (uint64_t)entry->seq;
    if (entry->type == ENTRY_INTENT || entry->type == ENTRY_COMMAND)
        link_key(record, entry);
    if (entry->type == ENTRY_SETTINGS) {
        record->settings = memory_grown(record->settings, record->settings_count + 1,
                                        sizeof *record->settings);
        record->settings[record->settings_count++] = seq;
    }
    if (entry->deployment < 0 || entry->deployment > entry->seq)
        return;
    struct entry *number = &record->entries[entry->deployment];
    if (number == entry)
        entry->last = seq;
    else if (number->last != 0) {
        record->entries[number->last].next = seq;
        number->last = seq;
    }
}

void record_fit(struct record *record)
{
    if (record->count > 0)
        record->entries = kept_fit(record->entries, record->count, sizeof *record->entries);
    if (record->blob_count > 0)
        record->blobs = kept_fit(record->blobs, record->blob_count, sizeof *record->blobs);
    record->room = record->count;
    record->blob_room = record->blob_count;
}

static int compare_blob_hash(const void *hash, const void *blob)
{
    return memcmp(hash, ((const struct blob *)blob)->hash, SHA256_BYTES);
}

struct blob *record_blob(const struct record *record, const uint8_t hash[SHA256_BYTES])
{
    if (record->blob_count == 0)
        return NULL;
    return bsearch(hash, record->blobs, record->blob_count, sizeof *record->blobs,
                   compare_blob_hash);
}
