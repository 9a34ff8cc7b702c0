#include "journal/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "journal/format/format.h"
#include "journal/store_directory.h"
#include "journal/store_handle.h"

static const size_t MAP_BYTES_FIRST = (size_t)64 << 20;

void store_end_transaction(MDB_txn **transaction)
{
    if (*transaction != NULL)
        mdb_txn_abort(*transaction);
    *transaction = NULL;
}

static enum error_code store_damaged(const struct store *store, int code, const char *what,
                                     struct error *error)
{
    if (code == ENOMEM) /* of this machine, and nothing that the journal is to blame for */
        return error_set(error, ERROR_MEMORY, code, store->directory, "", "%s: out of memory",
                         what);
    return error_set(error, ERROR_DAMAGED, code, store->directory,
                     "keep a copy of the directory, then run titan-verify on it", "%s: %s", what,
                     mdb_strerror(code));
}

enum error_code store_not_written(const struct store *store, int code, const char *what,
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

void store_encode_seq(uint64_t seq, uint8_t ret_key[8])
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

enum error_code store_begin(struct store *store, unsigned flags, MDB_txn **ret_transaction,
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

enum error_code store_last_entry(struct store *store, MDB_txn *transaction, uint64_t *ret_size,
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
    enum error_code code = store_begin(store, MDB_RDONLY, &transaction, error);
    return code == ERROR_OK ? store_last_entry(store, transaction, ret_size, &last, error) : code;
}

static enum error_code get(struct store *store, MDB_dbi database, const void *key, size_t key_bytes,
                           bool may_miss, const char *what, struct bytes *ret_value,
                           struct error *error)
{
    CLEANUP_TRANSACTION MDB_txn *transaction = NULL;
    enum error_code code = store_begin(store, MDB_RDONLY, &transaction, error);
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
    store_encode_seq(seq, key);
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

enum error_code store_file_bytes(const struct store *store, uint64_t *ret_bytes,
                                 struct error *error)
{
    return store_directory_bytes(store->directory, ret_bytes, error);
}
