/* fsm/hold: this journal's hold on the target, from `connected` to the end of the deployment.
 * Knows:     how a claim is made of the journal's head, and when it is made again; the rules are
 *            actions/tenancy's.
 * When:      behind each intent, so that the head in the claim is one that no other copy of the
 *            journal has: of two copies one goes on. make_safe is not kept waiting for a write,
 *            only for the question whether somebody followed. A window renews where a third of the
 *            time has passed.
 * Errors:    ERROR_HELD stops everywhere: another holder drives; where he took over, the session
 *            keys of this copy are wiped. Whatever else goes wrong stops only where nothing is hot,
 *            because each mutating command asks for the epoch anyway. */
#ifndef FSM_HOLD_H
#define FSM_HOLD_H

#include "actions/tenancy.h"
#include "fsm/driver.h"

/* A claim and the text that it points to; it is not moved once it is made. */
struct hold {
    struct tenancy_terms claim;
    char head_hash[SHA256_HEX + 1];
    char holder[128];
};

/* Of the journal's head as it is now; deployment and epoch are those of driver->lease. Borrows the
 * driver and *ret_hold itself. */
enum error_code hold_claim(struct driver *driver, struct hold *ret_hold, struct error *error)
    CHECKED;

/* Before the act of `edge`. Nothing to do before `connected`. */
enum error_code hold_renew(struct driver *driver, const struct transition *edge,
                           struct error *error) CHECKED;
/* Between two samples. */
enum error_code hold_renew_when_due(struct driver *driver, struct error *error) CHECKED;

#endif
