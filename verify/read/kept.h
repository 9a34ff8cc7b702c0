/* verify/read/kept: room for what is kept of a whole record. The first of it lies in memory; from
 * there on in a file without a name in /var/tmp, from which the kernel takes the pages as it needs
 * them, so that memory does not grow with the journal. Nobody else can open the file, and it is
 * gone with the program. Fallback:  where no such file can be made, or its disk is full, memory.
 * Threads:   any. Ownership: kept_free() takes NULL; what lies in the file goes with the program.
 */
#ifndef VERIFY_KEPT_H
#define VERIFY_KEPT_H

#include <stddef.h>

#include "journal/format/bytes.h"

void *kept_zeroed(size_t count, size_t size);
/* `old` with more room, of which what is new is zero. */
void *kept_grown(void *old, size_t old_count, size_t count, size_t size);
/* No more room than that, where it is not in the file. */
void *kept_fit(void *old, size_t count, size_t size);
void kept_free(void *memory);
/* What lies in the file need not be in memory until it is looked at again: for walks along all of
 * it, now and then. Nothing moves. */
void kept_rest(void);
enum { KEPT_REST_ENTRIES = 4096 }; /* how often is "now and then" */
/* Moves the bytes over. */
void kept_bytes(struct bytes *bytes);

#endif
