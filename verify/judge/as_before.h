/* verify/judge/as_before: whether the containers of a list are those of the snapshot, in the same
 * runs. journal/FORMAT.md, P-32.
 * Knows:     who may change without anybody's doing; not what follows from a difference. */
#ifndef VERIFY_AS_BEFORE_H
#define VERIFY_AS_BEFORE_H

#include "verify/judge/audit.h"

/* The list has this container of the snapshot, as it was. */
bool as_before_container(const struct audit *audit, const struct listed *was,
                         const struct listing *is);
/* Nobody asks this container of the list who it was before, or the snapshot had it. */
bool as_before_known(const struct audit *audit, const struct listing *was, const struct listed *is);
/* The first list of the entry with the last look shows that nothing was changed so far. */
bool as_before_untouched(const struct audit *audit, const struct entry *entry);

#endif
