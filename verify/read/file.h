/* verify/read/file: the files that the auditor names, opened for reading. With reader_lmdb.c,
 * report/output.c and report/wall_clock.c the only files of verify/ that reach the system.
 * Opened: without waiting (a FIFO does not hang it) and refused unless the file is regular.
 * Errors: ERROR_SYSTEM (errno) where it cannot be opened or read, ERROR_REFUSED where it is not
 *         regular, ERROR_LIMIT where it is larger than size_max. */
#ifndef VERIFY_FILE_H
#define VERIFY_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "journal/format/bytes.h"

/* *ret_others_may may be NULL: whether anybody but its owner may read or write the file. */
enum error_code file_read(const char *path, size_t size_max, struct bytes *ret_data,
                          bool *ret_others_may, struct error *error) CHECKED;
/* For what is too large to be read at once; the caller closes it. */
enum error_code file_open(const char *path, FILE **ret_stream, struct error *error) CHECKED;
/* ERROR_USAGE where nothing stands at the path. */
enum error_code file_is_directory(const char *path, bool *ret_directory, struct error *error)
    CHECKED;

#endif
