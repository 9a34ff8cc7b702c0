/* journal/store: the append-only LMDB environment that holds signed entries, their blobs and
 * derived state.
 * Knows:     keys, transactions, growth of the map; not what an entry says, nor signatures. Only
 *            store_handle.h, of journal/, includes lmdb.h.
 * Format:    journal/FORMAT.md, "Environment".
 * Ownership: bytes passed in are copied; bytes read belong to the caller; store_close() accepts
 * NULL. Errors:    on any error ret_* is untouched and nothing is stored, except a commit whose
 * outcome is unknown: then the store is closed for writing (ERROR_JOURNAL_WRITE) and must be opened
 * and read again. */
#ifndef JOURNAL_STORE_H
#define JOURNAL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/world.h"

struct store;

enum error_code store_create(const char *directory, struct error *error)
    CHECKED; /* refuses a directory that exists */
enum error_code store_open(const char *directory, bool read_only, struct store **ret_store,
                           struct error *error) CHECKED;
/* ERROR_JOURNAL_WRITE where an environment cannot be opened for writing within `wait_ms`, because
 * something else has its lock or its disk hangs. What else is wrong with it is no matter here. */
enum error_code store_answers(const char *directory, int64_t wait_ms, struct error *error) CHECKED;
void store_close(struct store *store);
static inline void store_closep(struct store **store)
{
    store_close(*store);
}

/* Number of entries; they are 0..size-1 without a gap, else ERROR_DAMAGED. */
enum error_code store_size(struct store *store, uint64_t *ret_size, struct error *error) CHECKED;
enum error_code store_entry(struct store *store, uint64_t seq, struct bytes *ret_value,
                            struct error *error) CHECKED;
enum error_code store_blob(struct store *store, const uint8_t hash[SHA256_BYTES],
                           struct bytes *ret_data, struct error *error) CHECKED;
enum error_code store_state_get(struct store *store, const char *key, struct bytes *ret_value,
                                struct error *error) CHECKED;
enum error_code store_state_put(struct store *store, const char *key, const void *value,
                                size_t size, struct error *error) CHECKED;

/* One durable commit: the entry that `make` returns, and the blobs that are not stored yet. */
enum error_code store_append(struct store *store, store_make_function *make, void *context,
                             const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                             struct error *error) CHECKED;
/* Ensures capacity for `bytes` more: grows the map and checks the free space of the disk. */
enum error_code store_reserve(struct store *store, size_t bytes, struct error *error) CHECKED;

/* Size of the file that holds the entries. */
enum error_code store_file_bytes(const struct store *store, uint64_t *ret_bytes,
                                 struct error *error) CHECKED;

/* store_lmdb.c: these functions as the world's table. */
const struct world_store *store_lmdb(void);

#endif
