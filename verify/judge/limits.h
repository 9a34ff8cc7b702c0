/* verify/judge/limits: the auditor's own figures. What the journal says of limits is never looser
 * than these.
 * Defaults:  the standard's. A file (YAML) changes them by the names of genesis, and can require
 *            checklist items and approvals.
 * Errors:    ERROR_USAGE with file:line:column: an unknown or doubled key, a bad value. */
#ifndef VERIFY_LIMITS_H
#define VERIFY_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/error.h"
#include "verify/read/names.h"

enum {
    LIMITS_ITEMS_MAX = 64,
    LIMITS_ITEM_BYTES = 64,
    LIMITS_LOOSER_BYTES = 1000 /* all of them, at their largest */
};

struct limits {
#define LIMITS_MEMBER(name) int64_t name;
    NAMES_LIMITS(LIMITS_MEMBER)
    char checklist[LIMITS_ITEMS_MAX][LIMITS_ITEM_BYTES];
    unsigned checklist_count;
    int64_t approvals_policy, approvals_release;
};

void limits_default(struct limits *ret_limits);
/* Whether any figure is looser than the standard's; then ret_named names each: "window_ms 15000
 * instead of the standard's 300000, ...". */
bool limits_looser(const struct limits *limits, char *ret_named, size_t room);
enum error_code limits_read(const char *path, struct limits *ret_limits, struct error *error)
    CHECKED;

#endif
