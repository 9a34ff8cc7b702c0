/* tests/world/scripted_store: the journal's environment in memory. */
#include "tests/world/scripted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error_code create(void *context, const char *directory, struct error *error)
{
    struct scripted *scripted = context;
    if (scripted->stored.created)
        return error_set(error, ERROR_REFUSED, 0, directory, "choose another directory",
                         "the directory exists");
    scripted->stored.created = true;
    return ERROR_OK;
}

static enum error_code open_store(void *context, const char *directory, bool read_only,
                                  void **ret_store, struct error *error)
{
    struct scripted *scripted = context;
    if (scripted->stored.held && !read_only)
        abort();
    if (!scripted->stored.created)
        return error_set(error, ERROR_SYSTEM, 0, directory, "titan-fsm init",
                         "there is no journal");
    *ret_store = scripted;
    return ERROR_OK;
}

static enum error_code answers(void *context, const char *directory, int64_t wait_ms,
                               struct error *error)
{
    struct scripted *scripted = context;
    struct timeline *timeline = &scripted->timeline;
    if (!scripted->stored.held)
        return ERROR_OK;
    timeline_move(timeline, timeline->now_ns + wait_ms * 1000000);
    return error_set(error, ERROR_JOURNAL_WRITE, 0, directory, "end who holds it",
                     "it did not answer within %lld ms", (long long)wait_ms);
}

static void close_store(void *store)
{
    (void)store;
}

static enum error_code size_of(void *store, uint64_t *ret_size, struct error *error)
{
    struct scripted *scripted = store;
    (void)error;
    *ret_size = scripted->stored.entry_count;
    return ERROR_OK;
}

static enum error_code read_entry(void *store, uint64_t seq, struct bytes *ret_value,
                                  struct error *error)
{
    const struct scripted_store *stored = &((struct scripted *)store)->stored;
    if (seq >= stored->entry_count)
        return error_set(error, ERROR_DAMAGED, 0, "journal", "", "there is no entry %llu",
                         (unsigned long long)seq);
    const struct bytes *value = &stored->entries[seq].value;
    return bytes_append(ret_value, value->data, value->size, error);
}

static const struct scripted_blob *find_blob(const struct scripted_store *stored,
                                             const uint8_t hash[SHA256_BYTES])
{
    for (size_t i = stored->blob_count; i-- > 0;)
        if (memcmp(stored->blobs[i].hash, hash, SHA256_BYTES) == 0)
            return &stored->blobs[i];
    return NULL;
}

static enum error_code read_blob(void *store, const uint8_t hash[SHA256_BYTES],
                                 struct bytes *ret_data, struct error *error)
{
    const struct scripted_blob *blob = find_blob(&((struct scripted *)store)->stored, hash);
    if (blob == NULL)
        return error_set(error, ERROR_DAMAGED, 0, "journal", "", "there is no such blob");
    return bytes_append(ret_data, blob->data.data, blob->data.size, error);
}

static size_t find_state(const struct scripted_store *stored, const char *key)
{
    size_t i = 0;
    while (i < stored->state_count && strcmp(stored->states[i].key, key) != 0)
        i++;
    return i;
}

static enum error_code get_state(void *store, const char *key, struct bytes *ret_value,
                                 struct error *error)
{
    const struct scripted_store *stored = &((struct scripted *)store)->stored;
    size_t i = find_state(stored, key);
    if (i == stored->state_count)
        return bytes_append(ret_value, "", 0, error);
    return bytes_append(ret_value, stored->states[i].value.data, stored->states[i].value.size,
                        error);
}

static enum error_code put_state(void *store, const char *key, const void *value, size_t size,
                                 struct error *error)
{
    struct scripted_store *stored = &((struct scripted *)store)->stored;
    size_t i = find_state(stored, key);
    if (i == sizeof stored->states / sizeof stored->states[0]
        || strlen(key) >= sizeof stored->states[0].key)
        abort();
    if (i == stored->state_count) {
        stored->state_count++;
        (void)snprintf(stored->states[i].key, sizeof stored->states[i].key, "%s", key);
    }
    bytes_free(&stored->states[i].value);
    return bytes_append(&stored->states[i].value, value, size, error);
}

static void *longer(void *list, size_t *capacity, size_t item_size)
{
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    void *made = realloc(list, *capacity * item_size);
    if (made == NULL)
        abort();
    return made;
}

static enum error_code keep_blob(struct scripted_store *stored, const struct bytes *data,
                                 struct error *error)
{
    struct scripted_blob blob = {.data = {0}};
    bytes_sha256(data->data, data->size, blob.hash);
    if (find_blob(stored, blob.hash) != NULL)
        return ERROR_OK;
    if (stored->blob_count == stored->blob_capacity)
        stored->blobs = longer(stored->blobs, &stored->blob_capacity, sizeof blob);
    enum error_code code = bytes_append(&blob.data, data->data, data->size, error);
    if (code == ERROR_OK)
        stored->blobs[stored->blob_count++] = blob;
    return code;
}

static enum error_code append(void *store, store_make_function *make, void *make_context,
                              const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                              struct error *error)
{
    struct scripted *scripted = store;
    struct scripted_store *stored = &scripted->stored;
    struct bytes value = {0};
    if (stored->held)
        abort();
    const struct bytes *last = stored->entry_count > 0
                                   ? &stored->entries[stored->entry_count - 1].value
                                   : NULL;
    enum error_code code = scripted_ask(scripted, CALL_APPEND, false, "append", error);
    if (code == ERROR_OK)
        code = make(make_context, stored->entry_count, last != NULL ? last->data : NULL,
                    last != NULL ? last->size : 0, &value, error);
    for (size_t i = 0; code == ERROR_OK && i < blob_count; i++)
        code = keep_blob(stored, &blobs[i], error);
    if (code != ERROR_OK) {
        bytes_free(&value);
        return code;
    }
    if (stored->entry_count == stored->entry_capacity)
        stored->entries = longer(stored->entries, &stored->entry_capacity,
                                 sizeof stored->entries[0]);
    *ret_seq = stored->entry_count;
    stored->entries[stored->entry_count++].value = value;
    return scripted_ask(scripted, CALL_APPEND, true, "append", error);
}

static enum error_code reserve(void *store, size_t bytes, struct error *error)
{
    const struct scripted *scripted = store;
    return !scripted->stored.full ? ERROR_OK
                                  : error_set(error, ERROR_JOURNAL_WRITE, 0, "memory", "free space",
                                              "less than %zu bytes are free", bytes);
}

static enum error_code file_bytes(void *store, uint64_t *ret_bytes, struct error *error)
{
    (void)store;
    (void)error;
    *ret_bytes = 1 << 20;
    return ERROR_OK;
}

void scripted_fill_store(struct scripted *scripted)
{
    scripted->store = (struct world_store){.context = scripted,
                                           .create = create,
                                           .open = open_store,
                                           .answers = answers,
                                           .close = close_store,
                                           .size = size_of,
                                           .entry = read_entry,
                                           .blob = read_blob,
                                           .state_get = get_state,
                                           .state_put = put_state,
                                           .append = append,
                                           .reserve = reserve,
                                           .file_bytes = file_bytes};
}

void scripted_store_clear(struct scripted_store *stored)
{
    for (size_t i = 0; i < stored->entry_count; i++)
        bytes_free(&stored->entries[i].value);
    for (size_t i = 0; i < stored->blob_count; i++)
        bytes_free(&stored->blobs[i].data);
    for (size_t i = 0; i < stored->state_count; i++)
        bytes_free(&stored->states[i].value);
    free(stored->entries);
    free(stored->blobs);
    *stored = (struct scripted_store){.created = false};
}

bool scripted_word(const struct scripted_entry *entry, const char *key, char ret_word[64])
{
    char mark[64];
    const uint8_t *end = entry->value.data + entry->value.size;
    int size = snprintf(mark, sizeof mark, "\"%s\":\"", key);
    const uint8_t *at = memmem(entry->value.data, entry->value.size, mark, (size_t)size);
    if (at == NULL)
        return false;
    at += size;
    const uint8_t *quote = memchr(at, '"', (size_t)(end - at));
    if (quote == NULL || quote - at >= 64)
        return false;
    memcpy(ret_word, at, (size_t)(quote - at));
    ret_word[quote - at] = '\0';
    return true;
}
