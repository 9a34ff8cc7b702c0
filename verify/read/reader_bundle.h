/* verify/read/reader_bundle: a bundle, JSON Lines of one exact shape (journal/FORMAT.md, "Bundle").
 * Strict: a byte that is not of that shape makes it ERROR_DAMAGED. */
#ifndef VERIFY_READER_BUNDLE_H
#define VERIFY_READER_BUNDLE_H

#include "verify/read/record.h"

enum error_code reader_bundle(const char *path, struct record *record, struct error *error) CHECKED;

#endif
