/* fsm/terminal/print: the two forms in which commands print to standard output. Text may come from
 * the target or from a file: its control characters are escaped. */
#ifndef FSM_PRINT_H
#define FSM_PRINT_H

#include <jansson.h>

#include "journal/format/error.h"

void print_escaped(const char *text); /* NULL prints nothing */
/* One object on one line, flushed so that a reader can follow. NULL is ERROR_MEMORY. */
enum error_code print_json(const json_t *object, struct error *error) CHECKED;

#endif
