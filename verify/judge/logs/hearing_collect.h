/* verify/judge/logs/hearing_collect: follows the items of some entries in the order in which they
 * were sent: a line once recorded of a run stays heard. journal/FORMAT.md, "Logs" and "Interlock".
 * Knows:     which list, act and log belong to each other, and the target's wall clock.
 * Ownership: hearing_free() releases what it made; it borrows the entries. */
#ifndef VERIFY_HEARING_COLLECT_H
#define VERIFY_HEARING_COLLECT_H

#include "verify/judge/logs/hearing.h"

void hearing_collect(const struct record *record, const struct genesis *genesis,
                     struct entry *const *entries, size_t count, struct hearing *ret_hearing);

#endif
