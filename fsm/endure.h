/* fsm/endure: an error in the middle of a deployment. Where nobody else watches it does not end the
 * driver: what may pass is tried again, what does not pass has an event (fate.h).
 * Ends:      by a journal that cannot be written or read, or because somebody else took the
 *            deployment over. Before the driver leaves a service behind that may be trading
 *            unwatched, it is disarmed, and what was sent and what was seen is said. */
#ifndef FSM_ENDURE_H
#define FSM_ENDURE_H

#include "fsm/driver.h"

/* Of one run of the engine. */
struct endurance {
    enum state state; /* in which it began to fail */
    int64_t first_ns; /* since when; 0 = it does not fail */
};

enum endured {
    ENDURED_INVALID = 0,
    ENDURED_AGAIN, /* waited: the same once more */
    ENDURED_FAIL,  /* the open intent is answered by `failed`, with error->what */
    ENDURED_BACK,  /* there is none: the deployment is rolled back */
    ENDURED_END,   /* the driver returns the error */
};

/* What follows from the error of an edge or of a reconciliation. */
enum endured endure(struct driver *driver, struct endurance *endurance, enum error_code code,
                    const struct error *error) CHECKED;
/* Nobody watches from here on. What ends a driver there is its journal, whatever *error said of it:
 * the code of *error then. */
enum error_code endure_leave_safe(struct driver *driver, struct error *error) CHECKED;
/* Nobody but this driver watches: a hot state, or an act under way that is. */
bool endure_is_hot(const struct driver *driver);

#endif
