/* verify/read/reader_lmdb: the LMDB environment, read by a child process that can only stream what
 * it finds. The only file of verify/ that includes lmdb.h.
 * Why:    a damaged file makes liblmdb crash, hang or return altered bytes. A child that dies,
 *         stalls or sends something else than frames means ERROR_DAMAGED. */
#ifndef VERIFY_READER_LMDB_H
#define VERIFY_READER_LMDB_H

#include "verify/read/record.h"

enum error_code reader_lmdb(const char *path, struct record *record, struct error *error) CHECKED;

#endif
