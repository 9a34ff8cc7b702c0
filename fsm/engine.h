/* fsm/engine: walks the table. Durable intent, the act, durable transition; one edge at a time, on
 * through hot states.
 * Knows:     the order of things and what an interruption leaves; not how an action is done
 *            (step.h) nor which edges exist (machine.h).
 * Crash window: a process that dies between an intent and its transition leaves the intent open. It
 *               is settled by reconcile.h, by probing
 *            the target, before anything else is done. */
#ifndef FSM_ENGINE_H
#define FSM_ENGINE_H

#include "fsm/driver.h"
#include "fsm/exit_status.h"

enum engine_mode { ENGINE_INVALID = 0, ENGINE_ADVANCE, ENGINE_RUN };

/* One edge and the hot ones after it, or all until the end or a person is needed. *ret_status says
 * how it stands then. */
enum error_code engine_drive(struct driver *driver, enum engine_mode mode,
                             enum exit_status *ret_status, struct error *error) CHECKED;

/* The operator's abort or rollback, then on through the hot states. An unlisted pair is refused,
 * and the refusal recorded. */
enum error_code engine_command(struct driver *driver, enum event event, const char *reason,
                               enum exit_status *ret_status, struct error *error) CHECKED;

#endif
