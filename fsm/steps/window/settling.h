/* fsm/steps/settling: who starts slowly behind a release's switch, and is neither good nor bad yet.
 * journal/FORMAT.md, "Health". What is asked is of the list that was recorded last. */
#ifndef FSM_STEPS_SETTLING_H
#define FSM_STEPS_SETTLING_H

#include "fsm/step.h"

bool settling_has(const struct step *step, const struct container *container);
/* An endpoint, by its place in the setup, that is not healthy. */
bool settling_has_endpoint(const struct step *step, size_t endpoint);
/* The first container of the list that is neither good nor settling; NULL. */
const struct container *settling_first_sick(const struct step *step);
/* Whether any container of the list is starting, in whichever step. */
bool settling_any_starts(const struct containers *containers);
/* Until when what is starting now is waited for: the limit is its own, and not that of the step. */
int64_t settling_until_ns(const struct step *step);
/* Waits until none is, for at most limits.service_start_ms; leaves no evidence. */
enum error_code settling_await(struct step *step, struct error *error) CHECKED;

#endif
