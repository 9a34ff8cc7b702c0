/* The LMDB store as a table of the world: nothing but the types of the handle differs. */
#include "journal/store.h"

static enum error_code lmdb_create(void *context, const char *directory, struct error *error)
{
    (void)context;
    return store_create(directory, error);
}

static enum error_code lmdb_open(void *context, const char *directory, bool read_only,
                                 void **ret_store, struct error *error)
{
    (void)context;
    struct store *store = NULL;
    enum error_code code = store_open(directory, read_only, &store, error);
    if (code == ERROR_OK)
        *ret_store = store;
    return code;
}

static enum error_code lmdb_answers(void *context, const char *directory, int64_t wait_ms,
                                    struct error *error)
{
    (void)context;
    return store_answers(directory, wait_ms, error);
}

static void lmdb_close(void *store)
{
    store_close(store);
}

static enum error_code lmdb_size(void *store, uint64_t *ret_size, struct error *error)
{
    return store_size(store, ret_size, error);
}

static enum error_code lmdb_entry(void *store, uint64_t seq, struct bytes *ret_value,
                                  struct error *error)
{
    return store_entry(store, seq, ret_value, error);
}

static enum error_code lmdb_blob(void *store, const uint8_t hash[SHA256_BYTES],
                                 struct bytes *ret_data, struct error *error)
{
    return store_blob(store, hash, ret_data, error);
}

static enum error_code lmdb_state_get(void *store, const char *key, struct bytes *ret_value,
                                      struct error *error)
{
    return store_state_get(store, key, ret_value, error);
}

static enum error_code lmdb_state_put(void *store, const char *key, const void *value, size_t size,
                                      struct error *error)
{
    return store_state_put(store, key, value, size, error);
}

static enum error_code lmdb_append(void *store, store_make_function *make, void *make_context,
                                   const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                                   struct error *error)
{
    return store_append(store, make, make_context, blobs, blob_count, ret_seq, error);
}

static enum error_code lmdb_reserve(void *store, size_t bytes, struct error *error)
{
    return store_reserve(store, bytes, error);
}

static enum error_code lmdb_file_bytes(void *store, uint64_t *ret_bytes, struct error *error)
{
    return store_file_bytes(store, ret_bytes, error);
}

const struct world_store *store_lmdb(void)
{
    static const struct world_store table = {.create = lmdb_create,
                                             .open = lmdb_open,
                                             .answers = lmdb_answers,
                                             .close = lmdb_close,
                                             .size = lmdb_size,
                                             .entry = lmdb_entry,
                                             .blob = lmdb_blob,
                                             .state_get = lmdb_state_get,
                                             .state_put = lmdb_state_put,
                                             .append = lmdb_append,
                                             .reserve = lmdb_reserve,
                                             .file_bytes = lmdb_file_bytes};
    return &table;
}
