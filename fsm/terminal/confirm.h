/* fsm/terminal/confirm: before the first step that touches a running service, a person says yes by
 * the target's name.
 * Asked:     at the edge out of `guarded`, which under either procedure is the first that changes
 *            something; never again for an act that had been begun, and never on the way back:
 *            rollback, abort and disarm wait for nobody.
 * Answer:    --confirm NAME, or the name typed on the terminal. Silence is no answer and nothing is
 *            done; there is no time limit, because nothing has changed yet.
 * Record:    a note of the kind `confirmed` (journal/FORMAT.md), before the intent. It is no
 *            `answer`, so that no verifier takes it for leave to arm. */
#ifndef FSM_CONFIRM_H
#define FSM_CONFIRM_H

#include "fsm/driver.h"

/* ERROR_NEEDS_PERSON, before anything at all is done, where --confirm names another target. */
enum error_code confirm_check(const struct driver *driver, struct error *error) CHECKED;
/* Shows what will change, then asks. ERROR_NEEDS_PERSON: nobody agreed, and nothing was done.
 * ERROR_OK without a word for any other edge. */
enum error_code confirm_change(struct driver *driver, const struct transition *edge,
                               struct error *error) CHECKED;

#endif
