/* fsm/steps/up: services brought up by compose, within the step's time. */
#ifndef FSM_STEPS_UP_H
#define FSM_STEPS_UP_H

#include "actions/compose/compose.h"
#include "fsm/step.h"

/* An exit status other than 0 is the step's outcome: FAILED, with what compose printed.
 * Evidence: compose.up. */
enum error_code up(struct step *step, const struct compose_up *draft, struct error *error) CHECKED;

#endif
