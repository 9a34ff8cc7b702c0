/* fsm/back/env_back: the env file as a part of what a rollback restores.
 * Knows:     which copy the containers from before run with, and what is to be said of it before
 *            the switch; not how a copy is made (actions/compose/kept.h). */
#ifndef FSM_ENV_BACK_H
#define FSM_ENV_BACK_H

#include "fsm/step.h"

/* In `connect`, over seen.containers and seen.configurations: looks at the good copy, and notes
 * what a rollback would do to the env file. Evidence: env.good. */
enum error_code env_back_note(struct step *step, struct error *error) CHECKED;
/* Evidence: act "keep files". */
enum error_code env_back_keep(struct step *step, const struct target_tenancy *tenancy,
                              struct error *error) CHECKED;
/* In `revert`, over seen.before. Evidence: act "restore env", or "restore env good". */
enum error_code env_back_restore(struct step *step, int *ret_status, struct error *error) CHECKED;

#endif
