/* actions/preflight: the checklist's probes. Each item is one piece of evidence: passed, failed, or not to be decided by a probe.
 * Secrets:   a value of the env file never leaves the target; only its length is tested there.
 * Evidence:  preflight, subject the item's id (journal/FORMAT.md). */
#ifndef ACTIONS_PREFLIGHT_H
#define ACTIONS_PREFLIGHT_H

#include "actions/target.h"

enum { PREFLIGHT_PASSED = 0, PREFLIGHT_FAILED = 1, PREFLIGHT_UNDECIDED = 2 };

enum error_code preflight_check(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error) CHECKED;

#endif
