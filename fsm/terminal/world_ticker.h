/* fsm/terminal/world_ticker: a thread that calls a function at an interval. Part of the real
 * terminal (world_terminal.h, whose table says what the functions mean). */
#ifndef FSM_WORLD_TICKER_H
#define FSM_WORLD_TICKER_H

#include <stdint.h>

#include "journal/format/error.h"

enum error_code ticker_start(int64_t interval_ns, void (*tick)(void *), void *tick_context,
                             void **ret_ticker, struct error *error) CHECKED;
void ticker_stop(void *ticker);

#endif
