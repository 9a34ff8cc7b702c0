/* verify/read/reader: a record from whatever the auditor named.
 * Directory: taken for an LMDB environment (reader_lmdb.h); a file is taken for a bundle
 *            (reader_bundle.h).
 * Errors:    ERROR_USAGE where it cannot be opened, ERROR_DAMAGED where it is not a journal,
 *            ERROR_LIMIT beyond the bounds of record.h. */
#ifndef VERIFY_READER_H
#define VERIFY_READER_H

#include "verify/read/record.h"

enum error_code reader_read(const char *path, struct record *record, struct error *error) CHECKED;

#endif
