/* fsm/back/restored: what runs after a rollback, compared with what ran before the deployment. */
#ifndef FSM_BACK_RESTORED_H
#define FSM_BACK_RESTORED_H

#include "fsm/step.h"

/* Keeps of step->seen.before.containers what the file of the restored commit declares: nothing else
 * can be restored. Fills step->seen.model. Evidence: compose.services. */
enum error_code restored_keep_declared(struct step *step, struct error *error) CHECKED;
/* The override file that `revert` wrote, and " a b", the services in it: no path and "" where it
 * wrote none. */
enum error_code restored_override(struct step *step, struct bytes *ret_path, char *ret_services,
                                  size_t size, struct error *error) CHECKED;

#endif
