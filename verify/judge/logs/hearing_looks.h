/* verify/judge/logs/hearing_looks: what one look shows of Execution: the last line of its run that
 * says so, its marker, or a list in which it does not run. journal/FORMAT.md, "Interlock".
 * Knows:     one look at a time; not what it had to show.
 * Ownership: a look is appended to the hearing and borrows the entry. */
#ifndef VERIFY_HEARING_LOOKS_H
#define VERIFY_HEARING_LOOKS_H

#include "verify/judge/logs/hearing.h"

/* The list at `list` and the log of Execution that follows it, which was heard. */
void hearing_look_at(struct hearing *hearing, const struct genesis *genesis, size_t list,
                     const struct log_item *log);
/* A list that shows Execution gone, or still, is a look itself; another one is none yet. */
void hearing_look_at_list(struct hearing *hearing, const struct genesis *genesis,
                          const struct entry *entry, size_t list);

#endif
