/* verify/read/utc: times of day as text, RFC 3339 in UTC with at most nine decimals. */
#ifndef VERIFY_UTC_H
#define VERIFY_UTC_H

#include "verify/read/tree.h"

/* Nanoseconds since 1970; a time before 1700 (Docker's "never") is UTC_NEVER. */
bool utc_read(struct slice text, int64_t *ret_ns);
static const int64_t UTC_NEVER = INT64_MIN;

#endif
