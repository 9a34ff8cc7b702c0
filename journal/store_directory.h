/* journal/store_directory: the directory in which a store lives: who may enter it, whether its
 * names are durable, how much room there is.
 * Knows:     files; nothing of LMDB but the names and the least size of its two.
 * Errors:    ERROR_JOURNAL_WRITE where a disk does not do what it must. Inside journal/ only. */
#ifndef JOURNAL_STORE_DIRECTORY_H
#define JOURNAL_STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/error.h"

/* A directory that only its owner can enter. */
enum error_code store_directory_check(const char *directory, struct error *error) CHECKED;
/* The names in it and its own name in the directory above. */
enum error_code store_directory_sync(const char *directory, struct error *error) CHECKED;
/* Takes the place of the lock file on the disk: 0, or the errno of a disk that is full. */
int store_directory_reserve_lock(const char *directory) CHECKED;
/* What a failed store_create() left, so that the same command can be given again once the reason is
 * gone. */
void store_directory_remove(const char *directory);

/* Of the file that holds the entries. */
enum error_code store_directory_bytes(const char *directory, uint64_t *ret_bytes,
                                      struct error *error) CHECKED;
uint64_t store_directory_free_bytes(const char *directory); /* 0 where that cannot be known */
bool store_directory_is_full(const char *directory);

#endif
