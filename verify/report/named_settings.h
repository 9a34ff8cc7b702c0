/* verify/report/named_settings: what `settings` entries took away (journal/FORMAT.md, N-15).
 * Knows: genesis and every `settings` before a deployment; judges nothing. */
#ifndef VERIFY_NAMED_SETTINGS_H
#define VERIFY_NAMED_SETTINGS_H

#include "verify/judge/audit.h"

/* What genesis or an earlier `settings` pinned, and the one in force does not; "" = nothing. */
void named_collect_settings(const struct audit *audit, char *ret_words, size_t size);

#endif
