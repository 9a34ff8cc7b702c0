/* fsm/back/bring_back: what ran before, re-created by `redeploy` in the order of danger.
 * Order:     what comes up in front of Execution by compose.order, Execution, the rest. A service
 *            that cannot be brought back keeps no other one from it: where an `up` of several
 * fails, each is tried by itself. What is missing then, verify_restored finds. Safe:      Execution
 * is looked at in front of each `up`, and made safe again where it is not. */
#ifndef FSM_BACK_BRING_BACK_H
#define FSM_BACK_BRING_BACK_H

#include "fsm/step.h"

/* Of step->seen.before, over step->seen.earlier. step->remark: which could not be brought back.
 * Evidence: compose.containers, logs.execution (interlock.marker), compose.up, each time. */
enum error_code bring_back(struct step *step, const char *override, struct error *error) CHECKED;

#endif
