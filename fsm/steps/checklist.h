/* fsm/steps/checklist: the checklist of an open deployment, run and judged.
 * Knows:     which items are mandatory here, who attested one, how old a look is. */
#ifndef FSM_STEPS_CHECKLIST_H
#define FSM_STEPS_CHECKLIST_H

#include "fsm/step.h"

struct checklist_result {
    char failing[STEP_REASON_MAX], attested[STEP_REASON_MAX]; /* "a; b", "" = none */
};

/* Evidence: preflight, of every item. */
enum error_code checklist_run(struct step *step, struct checklist_result *ret_result,
                              struct error *error) CHECKED;
/* A mandatory item that a probe decided was looked at longer ago than limits.preflight_ms, or in
 * another boot of this machine. */
bool checklist_is_old(const struct step *step);

#endif
