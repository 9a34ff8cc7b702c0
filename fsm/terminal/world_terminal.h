/* fsm/terminal/world_terminal: the real terminal and the real signals of journal/format/world.h.
 * Knows:     standard input, the controlling terminal, SIGINT and SIGTERM; not what is asked or
 *            what an interruption means.
 * Signals:   the echo of the terminal is restored before a signal ends the process (echo.h). */
#ifndef FSM_WORLD_TERMINAL_H
#define FSM_WORLD_TERMINAL_H

#include "journal/format/world.h"

const struct world_terminal *terminal_system(void);
const struct world_signals *signals_system(void);

#endif
