/* fsm/fate: what becomes of an error in the middle of an action: an event of the machine, another
 * try, or a person's turn.
 * Source:    fates.def, beside transitions.def.
 * Limit:     how long what may pass is tried again, on the boot clock: an action that goes forward
 *            within its own time (transitions.def), the look of `confirm` within the gap limit; the
 *            way back within `rollback_ms` from its beginning. */
#ifndef FSM_FATE_H
#define FSM_FATE_H

#include "fsm/machine.h"
#include "journal/format/error.h"

enum error_fate {
    ERROR_FATE_INVALID = 0,
    ERROR_FATE_P, /* a person */
    ERROR_FATE_R, /* again */
    ERROR_FATE_F, /* failed */
};

/* Of a journal that cannot be written, and of ERROR_OK: ERROR_FATE_P. */
enum error_fate fate_of(enum action action, enum error_code code);
/* What a retry becomes once its time is over. */
enum error_fate fate_when_over(enum action action);

#endif
