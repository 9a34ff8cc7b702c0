/* verify/rules/restoration: parts of the claim `restoration`. journal/FORMAT.md, "Restoration". */
#ifndef VERIFY_RESTORATION_H
#define VERIFY_RESTORATION_H

#include "verify/judge/audit.h"

/* Whether the fingerprints of both entries are under one key. */
bool restoration_has_same_key(const struct entry *before, const struct entry *after);
/* R-08, over the snapshot, verify_restored and revert (which may be NULL). Which env file is back,
 * in words. */
const char *restoration_check_env(const struct entry *before, const struct entry *after,
                                  const struct entry *revert, struct finding *finding);
/* R-09, over verify_restored and revert (which may be NULL). What a plain `up` would do, in words.
 */
void restoration_check_plain(const struct audit *audit, const struct entry *after,
                             const struct entry *revert, char *ret_words, size_t room,
                             struct finding *finding);

#endif
