/* What is written into an environment: one durable commit each, in a map that grows. */
#include "journal/store.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "journal/store_directory.h"
#include "journal/store_handle.h"

static const size_t MAP_BYTES_MAX = (size_t)1 << 40;

static enum error_code grow(struct store *store, size_t least, struct error *error)
{
    MDB_envinfo information;
    int code = mdb_env_info(store->environment, &information);
    size_t size = code == 0 ? information.me_mapsize * 2 : 0;
    while (code == 0 && size < least)
        size *= 2;
    if (code == 0 && size > MAP_BYTES_MAX)
        code = MDB_MAP_FULL;
    if (code == 0)
        code = mdb_env_set_mapsize(store->environment, size);
    return code == 0 ? ERROR_OK : store_not_written(store, code, "the journal cannot grow", error);
}

static int put_blobs(struct store *store, MDB_txn *transaction, const struct bytes *blobs,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t hash[SHA256_BYTES];
        bytes_sha256(blobs[i].data, blobs[i].size, hash);
        MDB_val key = {.mv_size = sizeof hash, .mv_data = hash};
        MDB_val value = {.mv_size = blobs[i].size,
                         .mv_data = blobs[i].size > 0 ? (void *)blobs[i].data
                                                      : (void *)(uintptr_t) ""};
        int code = mdb_put(transaction, store->blobs, &key, &value, MDB_NOOVERWRITE);
        if (code != 0 && code != MDB_KEYEXIST)
            return code;
    }
    return 0;
}

/* One attempt. *ret_result is LMDB's own code when the transaction could not be filled or
 * committed. */
static enum error_code try_append(struct store *store, store_make_function *make, void *context,
                                  const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                                  int *ret_result, struct error *error)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    CLEANUP_BYTES struct bytes made = {0};
    uint64_t size;
    uint8_t number[8];
    MDB_val last, key = {.mv_size = sizeof number, .mv_data = number};
    enum error_code code = store_begin(store, 0, &transaction, error);
    if (code == ERROR_OK)
        code = store_last_entry(store, transaction, &size, &last, error);
    if (code == ERROR_OK)
        code = make(context, size, last.mv_data, last.mv_size, &made, error);
    if (code != ERROR_OK)
        return code;
    store_encode_seq(size, number);
    MDB_val value = {.mv_size = made.size, .mv_data = made.data};
    *ret_result = put_blobs(store, transaction, blobs, blob_count);
    if (*ret_result == 0)
        *ret_result = mdb_put(transaction, store->entries, &key, &value,
                              MDB_NOOVERWRITE | MDB_APPEND);
    if (*ret_result != 0)
        return ERROR_OK;
    *ret_result = mdb_txn_commit(transaction);
    transaction = NULL;
    store->uncertain = *ret_result != 0 && *ret_result != MDB_MAP_FULL;
    *ret_seq = size;
    return ERROR_OK;
}

static enum error_code check_certain(const struct store *store, struct error *error)
{
    return !store->uncertain ? ERROR_OK
                             : error_set(error, ERROR_JOURNAL_WRITE, 0, store->directory,
                                         "start the command again; it reads the journal again",
                                         "the outcome of an earlier write is unknown, so this "
                                         "process writes nothing more");
}

enum error_code store_append(struct store *store, store_make_function *make, void *context,
                             const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                             struct error *error)
{
    assert(!store->read_only);
    enum error_code code = check_certain(store, error);
    if (code != ERROR_OK)
        return code;
    for (;;) {
        int result = 0;
        uint64_t seq = 0;
        code = try_append(store, make, context, blobs, blob_count, &seq, &result, error);
        if (code != ERROR_OK)
            return code;
        if (result == 0) {
            *ret_seq = seq;
            return ERROR_OK;
        }
        if (result != MDB_MAP_FULL)
            return store_not_written(store, result, "an entry cannot be written", error);
        code = grow(store, 0, error);
        if (code != ERROR_OK)
            return code;
    }
}

/* One attempt, like try_append(). */
static enum error_code try_state_put(struct store *store, MDB_val *name, MDB_val *data,
                                     int *ret_result, struct error *error)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    enum error_code code = store_begin(store, 0, &transaction, error);
    if (code != ERROR_OK)
        return code;
    *ret_result = mdb_put(transaction, store->state, name, data, 0);
    if (*ret_result != 0)
        return ERROR_OK;
    *ret_result = mdb_txn_commit(transaction);
    transaction = NULL;
    store->uncertain = *ret_result != 0 && *ret_result != MDB_MAP_FULL;
    return ERROR_OK;
}

enum error_code store_state_put(struct store *store, const char *key, const void *value,
                                size_t size, struct error *error)
{
    MDB_val name = {.mv_size = strlen(key), .mv_data = (void *)(uintptr_t)key};
    MDB_val data = {.mv_size = size, .mv_data = (void *)(uintptr_t)value};
    int result = MDB_MAP_FULL;
    assert(!store->read_only);
    enum error_code code = check_certain(store, error);
    while (code == ERROR_OK && result == MDB_MAP_FULL) {
        code = try_state_put(store, &name, &data, &result, error);
        if (code == ERROR_OK && result == MDB_MAP_FULL)
            code = grow(store, 0, error);
    }
    if (code != ERROR_OK)
        return code;
    return result == 0 ? ERROR_OK
                       : store_not_written(store, result, "derived state cannot be written", error);
}

enum error_code store_reserve(struct store *store, size_t bytes, struct error *error)
{
    MDB_envinfo information;
    MDB_stat statistics;
    int code = mdb_env_info(store->environment, &information);
    if (code == 0)
        code = mdb_env_stat(store->environment, &statistics);
    if (code != 0)
        return store_not_written(store, code, "the journal cannot be measured", error);
    if (store_directory_free_bytes(store->directory) < bytes)
        return error_set(error, ERROR_JOURNAL_WRITE, ENOSPC, store->directory,
                         "free space on this disk first",
                         "less than %zu bytes are free for the journal", bytes);
    size_t used = (information.me_last_pgno + 1) * statistics.ms_psize;
    return used + bytes > information.me_mapsize ? grow(store, used + bytes, error) : ERROR_OK;
}
