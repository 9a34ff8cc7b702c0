/* verify/judge/missing: who was missing before a deployment, by its snapshot. journal/FORMAT.md,
 * "Words" (missing before).
 * Knows:     containers and replies of one entry; not what follows for a rule. */
#ifndef VERIFY_MISSING_H
#define VERIFY_MISSING_H

#include "verify/judge/audit.h"

/* False where no policy hash is shared, or where there is no snapshot. */
bool missing_before(const struct audit *audit);
/* In words; "" where nobody was. */
void missing_words(const struct audit *audit, char *ret_words, size_t size);

/* H-14: the voices (VOICE_*) that are asked after a rollback where somebody was missing. */
unsigned missing_asked_after(const struct audit *audit);

#endif
