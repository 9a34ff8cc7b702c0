/* fsm/past/baseline: what the last completed deployment left on the target, as the transition after
 * its last `up` recorded it. Cost: entries from the head backwards to that deployment. */
#ifndef FSM_BASELINE_H
#define FSM_BASELINE_H

#include "actions/compose/drift.h"
#include "journal/journal.h"

/* .deployment is 0 where no deployment has completed yet. */
enum error_code baseline_load(struct journal *journal, struct drift_baseline *ret_baseline,
                              struct error *error) CHECKED;

#endif
