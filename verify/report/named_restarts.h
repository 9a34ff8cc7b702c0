/* verify/report/named_restarts: who was started anew before anybody watched (journal/FORMAT.md,
 * N-14).
 * Knows: the lists of one deployment; judges nothing. */
#ifndef VERIFY_NAMED_RESTARTS_H
#define VERIFY_NAMED_RESTARTS_H

#include "verify/judge/audit.h"

/* Services, and in brackets how often; "" = none. */
void named_collect_restarts(const struct audit *audit, char *ret_words, size_t size);

#endif
