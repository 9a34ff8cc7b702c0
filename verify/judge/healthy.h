/* verify/judge/healthy: what an endpoint's answer means. journal/FORMAT.md, W-01. */
#ifndef VERIFY_HEALTHY_H
#define VERIFY_HEALTHY_H

#include "verify/judge/genesis.h"

enum healthy { HEALTHY_INVALID = 0, HEALTHY_BAD, HEALTHY_DEGRADED, HEALTHY_GOOD };

/* An item `health` by itself. */
enum healthy healthy_answer(const struct genesis *genesis, const struct item *item);
/* Whether its body is an object with a string `status`. */
bool healthy_has_word(const struct item *item);
/* Whether it has an HTTP status from 200 to 299. */
bool healthy_status(const struct item *item);

#endif
