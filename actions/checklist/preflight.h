/* actions/checklist/preflight: the checklist, run item by item. Each item is one piece of evidence:
 * passed, failed, or not to be decided by a probe.
 * Source:    sections 2 and 5 of the deployment standard. The probes are in check_*.c (check.h).
 * Secrets:   recorded is what was found in words: whether a value is long enough, equal, well
 *            formed; never a value or a hash of one.
 * Evidence:  preflight, subject the item's id (journal/FORMAT.md). */
#ifndef ACTIONS_PREFLIGHT_H
#define ACTIONS_PREFLIGHT_H

#include "actions/checklist/check.h"

/* All items of setup.checks in their order, one item of evidence each; ret_statuses has
 * setup.check_count places. */
enum error_code preflight_run(struct target *target, struct evidence *evidence,
                              enum preflight_status *ret_statuses, struct error *error) CHECKED;

#endif
