/* fsm/terminal/confirm: before the first step that touches a running service, a person confirms
 * it by the target's name.
 * Asked:     at the edge out of `guarded`, which in both procedures is the first that changes a
 *            service. Not asked again for an act that had begun, and never when going back:
 *            rollback, abort and disarm do not wait.
 * Answer:    --confirm NAME, or the name typed on the terminal. Without an answer nothing is
 *            done. There is no time limit, because nothing has changed yet.
 * Record:    a note of the kind `confirmed` (journal/FORMAT.md), before the intent. It is not an
 *            `answer`, so no verifier takes it as permission to arm. */
#ifndef FSM_CONFIRM_H
#define FSM_CONFIRM_H

#include "fsm/driver.h"

/* ERROR_NEEDS_PERSON, before anything is done, if --confirm names another target. */
enum error_code confirm_check(const struct driver *driver, struct error *error) CHECKED;
/* Prints what will change, then asks. ERROR_NEEDS_PERSON: it was not confirmed, and nothing was
 * done. For any other edge ERROR_OK, and nothing is printed. */
enum error_code confirm_change(struct driver *driver, const struct transition *edge,
                               struct error *error) CHECKED;

#endif
