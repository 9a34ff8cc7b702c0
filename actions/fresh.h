/* actions/fresh: whether what was just seen still is a basis to arm on (L-08).
 * Knows:     the evidence in front of the ARM: how old it is, and that the containers whose voices
 *            it has are the ones that run; not what the voices say. */
#ifndef ACTIONS_FRESH_H
#define ACTIONS_FRESH_H

#include "actions/target/evidence.h"
#include "actions/target/setup.h"

/* ret_why: "" = it is. */
enum error_code fresh_check(const struct evidence *evidence, const struct setup_services *services,
                            int64_t now_ns, char *ret_why, size_t size, struct error *error)
    CHECKED;

#endif
