/* verify/read/listing: the rows of compose.containers, compose.images and compose.drift, one JSON
 * object a line (journal/FORMAT.md, "Evidence").
 * Knows:     their keys; not what should be true.
 * Untrusted: a line that cannot be read makes the whole listing unreadable. A key that is missing,
 *            or null, is "" (a number: -1).
 * Ownership: a listing owns its strings; listing_free() takes NULL.
 * Bounds:    LISTING_*_MAX; what is beyond makes `beyond`, and is no fault of the journal. */
#ifndef VERIFY_LISTING_H
#define VERIFY_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/read/tree.h"

struct listed {
    const char *service, *id, *image, *state, *health, *name;
    const char *started_at, *created_at, *finished_at; /* RFC 3339 */
    const char *declared, *running;                    /* of compose.drift: HMACs */
    const char *manifest; /* its digest, also where the row has a descriptor */
    int64_t restarts, exit_code;
};

enum { LISTING_ROWS_MAX = 128, LISTING_NAME_MAX = 63 };

struct listing {
    bool readable, beyond;
    size_t count;
    struct listed *list;
    char *strings;
};

struct listing *listing_read(struct slice output);
void listing_free(struct listing *listing);

#endif
