/* fsm/steps/first_change: the step's own look at everything, right before it changes the first
 * service. */
#ifndef FSM_STEPS_FIRST_CHANGE_H
#define FSM_STEPS_FIRST_CHANGE_H

#include "fsm/step.h"

/* Fills step->target, and model, containers, images, interlock and parity of step->seen. STALE
 * where anything is not as it was recorded, approved or probed, or cannot be looked at; in a
 * repeated step, which may have changed something already, MISMATCH. Evidence: preflight, where the
 * checklist is too old; LAST. */
enum error_code first_change(struct step *step, struct error *error) CHECKED;
/* Behind it: a stopped Execution is removed and seen gone, because its armed marker would survive a
 * start (L-19). Evidence: act, compose.containers; nothing where none is stopped. */
enum error_code first_change_remove_stopped(struct step *step, struct error *error) CHECKED;

#endif
