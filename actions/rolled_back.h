/* actions/rolled_back: commits that were rolled back, kept in the state directory of the target, so
 * that every journal and every copy of one knows of them.
 * Format:    one line each, "<commit> <deployment>"; of several about one commit the last counts,
 *            and 0 takes it back, because the commit went well after all. */
#ifndef ACTIONS_ROLLED_BACK_H
#define ACTIONS_ROLLED_BACK_H

#include "actions/target/target.h"

enum error_code rolled_back_add(struct target *target, const struct target_tenancy *tenancy,
                                const char *commit, int64_t deployment, struct error *error)
    CHECKED;
/* *ret_deployment: which one rolled it back, 0 = none did. */
enum error_code rolled_back_find(struct target *target, const char *commit, int64_t *ret_deployment,
                                 struct error *error) CHECKED;

#endif
