/* fsm/reconcile: settles an intent that an interruption left open, by looking at the target, never by guessing.
 * Records a reconciliation that names what was found. A dangling ARM is answered with DISARM, observed, before anything else. */
#ifndef FSM_RECONCILE_H
#define FSM_RECONCILE_H

#include "fsm/driver.h"

enum resumption {
    RESUMPTION_INVALID = 0,
    RESUMPTION_REPEAT,      /* the intent is closed; a new one repeats it */
    RESUMPTION_ADOPT,       /* the act is done or goes on; its step observes and answers the open intent */
    RESUMPTION_FAIL,        /* the open intent is answered by `event` */
};

struct reconciled {
    enum resumption resumption;
    enum event event;
    char reason[512];
};

enum error_code reconcile(struct driver *driver, struct reconciled *ret_reconciled, struct error *error) CHECKED;

#endif
