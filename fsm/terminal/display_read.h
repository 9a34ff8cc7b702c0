/* fsm/terminal/display_read: the model of display.h, read from a deployment's entries: so that
 * the driver's terminal and `status --watch` show the same.
 * Knows:     how intents, transitions and samples become rows and marks; no terminal, no target.
 * Times:     only those of this machine's present boot; times of another boot cannot be compared
 *            and are left out. */
#ifndef FSM_DISPLAY_READ_H
#define FSM_DISPLAY_READ_H

#include "fsm/config/config.h"
#include "fsm/past/deployment.h"
#include "fsm/terminal/display.h"
#include "fsm/watcher.h"

/* `watcher` is as watcher_ask() left it. `pull` is left empty, and `next` where a driver lives. */
void display_read(const struct deployment *deployment, const struct config *config,
                  const struct watcher *watcher, const struct clock_reading *now,
                  struct display_model *ret_model);

#endif
