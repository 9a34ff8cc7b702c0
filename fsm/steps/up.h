/* fsm/steps/up: services brought up by compose, within the step's time. */
#ifndef FSM_STEPS_UP_H
#define FSM_STEPS_UP_H

#include "actions/compose/compose.h"
#include "fsm/step.h"

/* An exit status other than 0 is the step's outcome: FAILED, with what compose printed.
 * Evidence: compose.up. */
enum error_code up(struct step *step, const struct compose_up *draft, struct error *error) CHECKED;
/* One service by its name, and one that others wait for until it has ended. A one-shot that had its
 * run in this deployment is left alone (P-17). Evidence: compose.up, for a one-shot between two
 * lists. */
enum error_code up_one(struct step *step, const char *service, struct error *error) CHECKED;
/* Those, all at once, whose container may be of another image and nobody could tell (*ret_done:
 * there are some): in containerd's store alone. Evidence: a list, compose.up. */
enum error_code up_untold(struct step *step, bool *ret_done, struct error *error) CHECKED;
/* All of them, but the one-shots that had their run. Evidence: compose.up, where there are
 * one-shots behind a list. */
enum error_code up_all(struct step *step, struct error *error) CHECKED;
/* Where Execution or Brain does not run, in step->seen.containers, what they need may not run
 * either: a bus, a database. All that does not run is started, but what `compose.order` names.
 * Evidence: compose.up, where there is something to start. */
enum error_code up_others(struct step *step, struct error *error) CHECKED;

#endif
