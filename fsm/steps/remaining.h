/* fsm/steps/remaining: what runs after the last `up` of a switch, compared with its source, and
 * what the next deployment and `drift` compare with.
 * Compared:  containers with the images that were pulled, none besides; each container's
 *            configuration with the one that is declared; commit with the one that was updated to;
 *            a clean tree. Any difference is a mismatch. Where compose cannot tell a configuration,
 *            the reason and a fact say so.
 * Evidence:  compose.containers compose.drift git.head git.branch git.status hmac.key config.hmac
 *            env.hmac env.mode policy.hmac
 */
#ifndef FSM_REMAINING_H
#define FSM_REMAINING_H

#include "actions/compose/compose.h"
#include "fsm/step.h"

/* Compared with step->seen.model. A difference is the step's outcome, MISMATCH; what compose cannot
 * tell goes into step->remark. */
enum error_code remaining_check(struct step *step, struct error *error) CHECKED;
/* The images recorded by `pulled`. */
enum error_code remaining_pulled(struct step *step, struct images *ret_images, struct error *error)
    CHECKED;

#endif
