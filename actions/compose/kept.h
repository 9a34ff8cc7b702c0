/* actions/compose/kept: the env file and the rendered configuration as they were found, kept in the
 * state directory of the target, so that a rollback can put them back.
 * Knows:     two copies: `now` of the open deployment, and `good` of the last one that completed,
 *            with the containers that ran then; not which of them is to be put back.
 * Secrets:   a copy is mode 600 in a directory 700 and never leaves the target: only its HMAC, mode
 *            and owner are read. */
#ifndef ACTIONS_KEPT_H
#define ACTIONS_KEPT_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

/* What the last completed deployment kept. */
struct kept_good {
    char hmac[SHA256_HEX + 1], mode[40]; /* "" = nothing is kept */
    char ids[CONTAINERS_MAX][SHA256_HEX + 1];
    size_t count;
};

/* Evidence: act "keep files". */
enum error_code kept_take(struct target *target, const struct target_tenancy *tenancy,
                          struct evidence *evidence, int *ret_status, struct error *error) CHECKED;
/* Evidence: env.good. */
enum error_code kept_look(struct target *target, struct evidence *evidence, struct error *error)
    CHECKED;
enum error_code kept_read(const struct bytes *lines, struct kept_good *ret_good,
                          struct error *error) CHECKED;
/* Every container that runs ran then too: the copy is of the env file that they were created with.
 */
bool kept_covers(const struct kept_good *good, const struct containers *containers);
/* The copy of this deployment becomes the good one; where that does not succeed none is good, and
 * the output says so. Evidence: act "keep as good". */
enum error_code kept_promote(struct target *target, const struct target_tenancy *tenancy,
                             struct evidence *evidence, struct error *error) CHECKED;
/* Puts a copy back, with mode and owner, where the file is another; what it replaces is kept
 * beside it. Where no copy is there nothing is done. Evidence: act "restore env", "restore env
 * good". */
enum error_code kept_restore(struct target *target, const struct target_tenancy *tenancy, bool good,
                             struct evidence *evidence, int *ret_status, struct error *error)
    CHECKED;

#endif
