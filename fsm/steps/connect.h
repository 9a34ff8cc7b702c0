/* fsm/steps/connect: what the step `connect` asks, and a later step asks again. */
#ifndef FSM_STEPS_CONNECT_H
#define FSM_STEPS_CONNECT_H

#include "fsm/step.h"

/* Where the configuration names no project: the one that compose finds, kept with the target. A
 * mismatch where it is not the one that `connect` found (journal/FORMAT.md, P-34). */
enum error_code connect_check_project(struct step *step, struct error *error) CHECKED;

/* Renders the configuration that stands on the target into step->seen.model. A mismatch where it
 * has not exactly one container of Execution, and one of Brain. */
enum error_code connect_render(struct step *step, struct error *error) CHECKED;

#endif
