/* verify/judge/settling: who starts slowly, and is neither good nor bad yet. journal/FORMAT.md,
 * "Health". */
#ifndef VERIFY_SETTLING_H
#define VERIFY_SETTLING_H

#include "verify/judge/audit.h"

/* `list` is the item of the entry whose container it is. */
bool settling_container(const struct audit *audit, const struct entry *entry,
                        const struct item *list, const struct listed *container);
/* `health` is an item of the entry that is not healthy. */
bool settling_endpoint(const struct audit *audit, const struct entry *entry,
                       const struct item *health);

#endif
