/* fsm/steps/own_checks: what the operator configured beyond health and parity: error patterns that
 * no log may show, and a verification script on the target. */
#ifndef FSM_STEPS_OWN_CHECKS_H
#define FSM_STEPS_OWN_CHECKS_H

#include "fsm/step.h"

/* Of step->seen.containers, into step->seen.errors and .script_status. Evidence: logs.errors,
 * script. */
enum error_code own_checks_look(struct step *step, struct error *error) CHECKED;
/* FAILED where one of them found something; undecided otherwise. Always ERROR_OK. */
enum error_code own_checks_judge(struct step *step);

#endif
