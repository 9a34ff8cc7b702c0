/* fsm/back/rollback_end: what a rollback leaves that could not restore everything: Execution made
 * safe once more, by every way, where it does not show itself disarmed, and a list of what was
 * restored and what was not.
 * Reason:    of the transition into `rollback_failed`, behind why it failed.
 * Facts:     interlock, restored, missing. */
#ifndef FSM_BACK_ROLLBACK_END_H
#define FSM_BACK_ROLLBACK_END_H

#include "fsm/step.h"

/* What cannot be looked at is said to be unknown. Evidence: as of make_safe, compose.containers. */
enum error_code rollback_end(struct step *step, struct error *error) CHECKED;

#endif
