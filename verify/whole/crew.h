/* verify/whole/crew: the same work on many things, on each processor that is there.
 * Knows:     threads; not what the work is. Things are taken in small runs, from the first to the
 *            last; a worker has no other at its side with the same number.
 * Fallback:  where no thread can be started the caller does all of it. */
#ifndef VERIFY_CREW_H
#define VERIFY_CREW_H

#include <stddef.h>

enum { CREW_MAX = 64 };

typedef void crew_work(void *context, unsigned worker, size_t index);

/* Workers that crew_run() has at most: from 1 to CREW_MAX. */
unsigned crew_size(void);
/* work(context, worker, index) once for each index below `count`; returns when all is done. */
void crew_run(size_t count, crew_work *work, void *context);

#endif
