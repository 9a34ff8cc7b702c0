/* fsm/resumption: how a deployment goes on behind an act that was interrupted. */
#ifndef FSM_RESUMPTION_H
#define FSM_RESUMPTION_H

#include "fsm/driver.h"

enum resumption {
    RESUMPTION_INVALID = 0,
    RESUMPTION_REPEAT, /* the intent is closed; a new one repeats it */
    /* the act is done or goes on; its step observes and answers the open intent */
    RESUMPTION_ADOPT,
    RESUMPTION_FAIL, /* the open intent is answered by `event` */
};

struct reconciled {
    enum resumption resumption;
    enum event event;
    char reason[512];
};

#endif
