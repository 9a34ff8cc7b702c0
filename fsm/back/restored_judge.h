/* fsm/back/restored_judge: what was seen after a rollback, compared with what was there before.
 * Knows:     files, containers, endpoints, interlock and parity of one look (step->seen), each to
 *            be as good as it was; it looks at nothing itself. */
#ifndef FSM_BACK_RESTORED_JUDGE_H
#define FSM_BACK_RESTORED_JUDGE_H

#include "fsm/step.h"

/* Sets the step's event where something differs, and leaves it where all is as before. Returns
 * whether the difference is one that waiting does not mend. */
bool restored_judge(struct step *step);
/* The fingerprints of before and of now are under one key. Where it was lost on the way they tell
 * nothing, and nothing is blamed on them. */
bool restored_has_same_key(const struct step *step);
/* A policy is shared, and no Execution ran before. */
bool restored_has_not_run_before(const struct step *step);
/* A container that does not run, and that was there already before this deployment. */
bool restored_is_of_before(const struct step *step, const struct container *container);

#endif
