#include "journal/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "journal/format/format.h"
#include "journal/store_directory.h"

static const size_t MAP_BYTES_FIRST = (size_t)64 << 20;
static const size_t MAP_BYTES_MAX = (size_t)1 << 40;

struct store {
    MDB_env *environment;
    MDB_dbi entries, blobs, state;
    bool read_only;
    bool uncertain; /* a commit failed: what is on disk must be read again */
    char *directory;
};

static void end_transaction(MDB_txn **transaction)
{
    if (*transaction != NULL)
        mdb_txn_abort(*transaction);
    *transaction = NULL;
}
#define CLEANUP_TRANSACTION __attribute__((cleanup(end_transaction)))

static enum error_code store_damaged(const struct store *store, int code, const char *what,
                                     struct error *error)
{
    return error_set(error, ERROR_DAMAGED, code, store->directory,
                     "keep a copy of the directory, then run titan-verify on it", "%s: %s", what,
                     mdb_strerror(code));
}

static enum error_code store_not_written(const struct store *store, int code, const char *what,
                                         struct error *error)
{
    /* LMDB reports a short write as EIO; the operator must not search for a broken disk */
    if (code == EIO && store_directory_is_full(store->directory))
        code = ENOSPC;
    return error_set(error, ERROR_JOURNAL_WRITE, code, store->directory,
                     "free space on this disk or correct its permissions; nothing was lost",
                     "%s: %s", what, mdb_strerror(code));
}

static int open_databases(struct store *store)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    unsigned flags = store->read_only ? 0 : MDB_CREATE;
    int code = mdb_txn_begin(store->environment, NULL, store->read_only ? MDB_RDONLY : 0,
                             &transaction);
    if (code == 0)
        code = mdb_dbi_open(transaction, FORMAT_DATABASE_ENTRIES, flags, &store->entries);
    if (code == 0)
        code = mdb_dbi_open(transaction, FORMAT_DATABASE_BLOBS, flags, &store->blobs);
    if (code == 0)
        code = mdb_dbi_open(transaction, FORMAT_DATABASE_STATE, flags, &store->state);
    if (code == 0) {
        code = mdb_txn_commit(transaction);
        transaction = NULL;
    }
    return code;
}

/* LMDB opens data.mdb without O_CLOEXEC. A child that inherits it, the journal's or of a library
 * (ssh's ProxyCommand), could write to it. */
static int keep_from_children(const struct store *store)
{
    int descriptor;
    int code = mdb_env_get_fd(store->environment, &descriptor);
    return code == 0 && fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 ? errno : code;
}

static int open_environment(struct store *store)
{
    int dead;
    int result = store_directory_reserve_lock(store->directory);
    if (result == 0)
        result = mdb_env_create(&store->environment);
    if (result == 0)
        result = mdb_env_set_maxdbs(store->environment, 4);
    if (result == 0 && !store->read_only)
        result = mdb_env_set_mapsize(
            store->environment,
            MAP_BYTES_FIRST); /* LMDB uses a larger map where the entries need it */
    if (result == 0)
        result = mdb_env_open(store->environment, store->directory,
                              store->read_only ? MDB_RDONLY : 0, 0600);
    if (result == 0)
        result = keep_from_children(store);
    if (result == 0)
        result = mdb_reader_check(
            store->environment,
            &dead); /* killed readers keep pages and reader slots, and slots are few */
    return result == 0 ? open_databases(store) : result;
}

enum error_code store_open(const char *directory, bool read_only, struct store **ret_store,
                           struct error *error)
{
    enum error_code code = store_directory_check(directory, error);
    if (code != ERROR_OK)
        return code;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL || (store->directory = strdup(directory)) == NULL) {
        store_close(store);
        return error_set(error, ERROR_MEMORY, 0, directory, "", "out of memory");
    }
    store->read_only = read_only;
    int result = open_environment(store);
    if (result == 0) {
        *ret_store = store;
        return ERROR_OK;
    }
    code = result == ENOSPC || result == EDQUOT || result == EROFS || result == EACCES
                   || result == EFBIG || result == EIO
               ? store_not_written(store, result, "the journal cannot be opened", error)
               : store_damaged(store, result, "the journal cannot be opened", error);
    store_close(store);
    return code;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->environment != NULL)
        mdb_env_close(store->environment);
    free(store->directory);
    free(store);
}

enum error_code store_create(const char *directory, struct error *error)
{
    if (mkdir(directory, 0700) != 0)
        return error_set(error, errno == EEXIST ? ERROR_REFUSED : ERROR_JOURNAL_WRITE, errno,
                         directory,
                         errno == EEXIST ? "a journal is created only once; name another directory"
                                         : "check the path",
                         "the journal directory cannot be created: %s", strerror(errno));
    struct store *store = NULL;
    enum error_code code = store_open(directory, false, &store, error);
    store_close(store);
    if (code == ERROR_OK)
        code = store_directory_sync(
            directory, error); /* LMDB syncs its file, but not the directory that names it */
    if (code != ERROR_OK)
        store_directory_remove(directory);
    return code;
}

static void encode_seq(uint64_t seq, uint8_t ret_key[8])
{
    for (unsigned i = 0; i < 8; i++)
        ret_key[i] = (uint8_t)(seq >> (56 - 8 * i));
}

static uint64_t decode_seq(const void *key)
{
    uint64_t seq = 0;
    for (unsigned i = 0; i < 8; i++)
        seq = seq << 8 | ((const uint8_t *)key)[i];
    return seq;
}

/* Adopts the larger map of another process, once. */
static enum error_code begin(struct store *store, unsigned flags, MDB_txn **ret_transaction,
                             struct error *error)
{
    int code = mdb_txn_begin(store->environment, NULL, flags, ret_transaction);
    if (code == MDB_MAP_RESIZED) {
        code = mdb_env_set_mapsize(store->environment, 0);
        if (code == 0)
            code = mdb_txn_begin(store->environment, NULL, flags, ret_transaction);
    }
    if (code == 0)
        return ERROR_OK;
    return (flags & MDB_RDONLY) != 0
               ? store_damaged(store, code, "the journal cannot be read", error)
               : store_not_written(store, code, "the journal cannot be written", error);
}

/* The last key and value. Sizes that do not match mean a missing entry or foreign keys. */
static enum error_code last_entry(struct store *store, MDB_txn *transaction, uint64_t *ret_size,
                                  MDB_val *ret_value, struct error *error)
{
    MDB_cursor *cursor;
    MDB_stat statistics;
    MDB_val key;
    int code = mdb_stat(transaction, store->entries, &statistics);
    if (code == 0)
        code = mdb_cursor_open(transaction, store->entries, &cursor);
    if (code != 0)
        return store_damaged(store, code, "the entries cannot be read", error);
    code = mdb_cursor_get(cursor, &key, ret_value, MDB_LAST);
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND) {
        *ret_size = 0;
        *ret_value = (MDB_val){0};
        return ERROR_OK;
    }
    if (code != 0)
        return store_damaged(store, code, "the entries cannot be read", error);
    if (key.mv_size != 8 || decode_seq(key.mv_data) + 1 != statistics.ms_entries
        || ret_value->mv_size <= SIGNATURE_BYTES)
        return store_damaged(store, MDB_CORRUPTED, "entries are missing or have foreign keys",
                             error);
    *ret_size = statistics.ms_entries;
    return ERROR_OK;
}

enum error_code store_size(struct store *store, uint64_t *ret_size, struct error *error)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    MDB_val last;
    enum error_code code = begin(store, MDB_RDONLY, &transaction, error);
    return code == ERROR_OK ? last_entry(store, transaction, ret_size, &last, error) : code;
}

static enum error_code get(struct store *store, MDB_dbi database, const void *key, size_t key_bytes,
                           bool may_miss, const char *what, struct bytes *ret_value,
                           struct error *error)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    enum error_code code = begin(store, MDB_RDONLY, &transaction, error);
    if (code != ERROR_OK)
        return code;
    MDB_val name = {.mv_size = key_bytes, .mv_data = (void *)(uintptr_t)key}, value;
    int result = mdb_get(transaction, database, &name, &value);
    CLEANUP_BYTES struct bytes copy = {0};
    if (result == MDB_NOTFOUND && may_miss)
        value = (MDB_val){.mv_size = 0, .mv_data = ""};
    else if (result != 0)
        return store_damaged(store, result, what, error);
    code = bytes_append(&copy, value.mv_data, value.mv_size, error);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_value);
    *ret_value = copy;
    copy = (struct bytes){0};
    return ERROR_OK;
}

enum error_code store_entry(struct store *store, uint64_t seq, struct bytes *ret_value,
                            struct error *error)
{
    uint8_t key[8];
    char what[64];
    encode_seq(seq, key);
    (void)snprintf(what, sizeof what, "entry %llu cannot be read", (unsigned long long)seq);
    return get(store, store->entries, key, sizeof key, false, what, ret_value, error);
}

enum error_code store_blob(struct store *store, const uint8_t hash[SHA256_BYTES],
                           struct bytes *ret_data, struct error *error)
{
    return get(store, store->blobs, hash, SHA256_BYTES, false, "a blob cannot be read", ret_data,
               error);
}

enum error_code store_state_get(struct store *store, const char *key, struct bytes *ret_value,
                                struct error *error)
{
    return get(store, store->state, key, strlen(key), true, "derived state cannot be read",
               ret_value, error);
}

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
    enum error_code code = begin(store, 0, &transaction, error);
    if (code == ERROR_OK)
        code = last_entry(store, transaction, &size, &last, error);
    if (code == ERROR_OK)
        code = make(context, size, last.mv_data, last.mv_size, &made, error);
    if (code != ERROR_OK)
        return code;
    encode_seq(size, number);
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
    enum error_code code = begin(store, 0, &transaction, error);
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

enum error_code store_file_bytes(const struct store *store, uint64_t *ret_bytes,
                                 struct error *error)
{
    return store_directory_bytes(store->directory, ret_bytes, error);
}
