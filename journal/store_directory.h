/* journal/store_directory: the directory of a store: its permissions, the durability of its names,
 * free space.
 * Knows:     files; of LMDB only the names and minimum sizes of its two files.
 * Errors:    ERROR_JOURNAL_WRITE where the disk fails. Inside journal/ only. */
#ifndef JOURNAL_STORE_DIRECTORY_H
#define JOURNAL_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/error.h"

/* A directory that only its owner can enter, and whose files are files. */
enum error_code store_directory_check(const char *directory, struct error *error) CHECKED;
/* Syncs the names in it and its own name in the parent directory. */
enum error_code store_directory_sync(const char *directory, struct error *error) CHECKED;
/* Allocates the lock file's space on the disk: 0, or the errno of a full disk. */
int store_directory_reserve_lock(const char *directory) CHECKED;
/* Removes what a failed store_create() left, so that the command can be repeated. */
void store_directory_remove(const char *directory);

/* Size of the file that holds the entries. */
enum error_code store_directory_bytes(const char *directory, uint64_t *ret_bytes,
                                      struct error *error) CHECKED;
uint64_t store_directory_free_bytes(const char *directory); /* 0 where it is unknown */
bool store_directory_is_full(const char *directory);

#endif
