/* verify/judge/logs/hearing_lines: which lines of one log item count, and whether the log only grew
 * at its end. journal/FORMAT.md, H-01 to H-04.
 * Knows:     lines, runs and their boundaries; not what the lines say about the interlock.
 * Ownership: what is heard goes to the walker's hearing and borrows the entry. */
#ifndef VERIFY_HEARING_LINES_H
#define VERIFY_HEARING_LINES_H

#include "verify/judge/logs/hearing.h"

/* Where the walk over the items stands. */
struct walker {
    struct hearing *hearing;
    const struct genesis *genesis;
    const struct entry *entry, *first; /* the first that has a list of containers */
    const struct item *last;           /* the last that has a target's wall clock */
    bool by_hand;                      /* the commands between the deployments */
};

/* The log item at `place` of the walker's entry, which is of this container; NULL: of none, and
 * nothing is heard. Fills in the log's run, and whether it grew in front. */
void hearing_hear_item(const struct walker *walker, size_t place, const struct listed *container,
                       struct log_item *log);

#endif
