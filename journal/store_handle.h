/* journal/store_handle: what an open environment is, for store.c and store_write.c only. */
#ifndef JOURNAL_STORE_HANDLE_H
#define JOURNAL_STORE_HANDLE_H

#include <lmdb.h>

#include "journal/format/world.h"

struct store {
    MDB_env *environment;
    MDB_dbi entries, blobs, state;
    bool read_only;
    bool uncertain; /* a commit failed: what is on disk must be read again */
    char *directory;
};

void store_end_transaction(MDB_txn **transaction);
#define CLEANUP_TRANSACTION __attribute__((cleanup(store_end_transaction)))

/* Adopts the larger map of another process, once. */
enum error_code store_begin(struct store *store, unsigned flags, MDB_txn **ret_transaction,
                            struct error *error) CHECKED;
/* The last key and value. Sizes that do not match mean a missing entry or foreign keys. */
enum error_code store_last_entry(struct store *store, MDB_txn *transaction, uint64_t *ret_size,
                                 MDB_val *ret_value, struct error *error) CHECKED;
/* The key of an entry: its number, most significant byte first. */
void store_encode_seq(uint64_t seq, uint8_t ret_key[8]);
/* ERROR_JOURNAL_WRITE with LMDB's own reason. */
enum error_code store_not_written(const struct store *store, int code, const char *what,
                                  struct error *error);

#endif
