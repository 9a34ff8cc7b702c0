/* fsm/steps/disarm: DISARM outside the procedure: the operator's emergency, the answer to a
 * dangling ARM, the last thing that is done when the journal cannot be written any more. Sent with
 * a nonce of its own and believed only when Execution shows it.
 * Records:   command `disarm`, phase intent before and outcome after it. */
#ifndef FSM_DISARM_H
#define FSM_DISARM_H

#include "fsm/driver.h"

/* What Execution showed of a DISARM. */
struct disarm_seen {
    bool observed;    /* this nonce, and it is disarmed */
    unsigned running; /* how many containers of it run; only one can be observed */
    char names[240];  /* of them: "a, b" */
};

/* Items are added to `evidence`. ERROR_JOURNAL_WRITE is returned after the sending, not instead of
 * it. */
enum error_code disarm_recorded(struct driver *driver, const char *reason,
                                struct evidence *evidence, struct disarm_seen *ret_seen,
                                struct error *error) CHECKED;
/* The same without a record. */
enum error_code disarm_unrecorded(struct driver *driver, const char *reason,
                                  struct disarm_seen *ret_seen, struct error *error) CHECKED;

/* ERROR_CONFIG where the configuration names no Execution, so that there is nothing to disarm. */
enum error_code disarm_check_possible(const struct driver *driver, struct error *error) CHECKED;

#endif
