/* journal/canonical: JSON in the one form that journal/FORMAT.md allows ("Payload").
 * The driver's writer and reader. The verifier has its own (verify/), on purpose. */
#ifndef JOURNAL_CANONICAL_H
#define JOURNAL_CANONICAL_H

#include <jansson.h>

#include "journal/format/bytes.h"

/* Appends the canonical form. ERROR_LIMIT for a real number, nesting beyond FORMAT_NESTING_MAX, or
 * text that is not UTF-8. */
enum error_code canonical_write(const json_t *value, struct bytes *text, struct error *error)
    CHECKED;
/* For main(), first of all: jansson makes a parse error, or nothing, of memory that ran out. From
 * now on that is noted (error_memory_ran_out()). */
void canonical_watch_memory(void);

/* Parses an object and refuses every form but the canonical one (by writing it again and
 * comparing). */
enum error_code canonical_read(const void *text, size_t size, json_t **ret_value,
                               struct error *error) CHECKED;

#define CLEANUP_JSON __attribute__((cleanup(json_decrefp))) /* jansson's own */

#endif
