/* fsm/terminal/world_secret: a passphrase from the controlling terminal or from a descriptor.
 * Knows:     termios and signals; not what the line is for.
 * Contract:  read_secret and read_descriptor of struct world_terminal (journal/format/world.h). */
#ifndef FSM_SECRET_LINE_H
#define FSM_SECRET_LINE_H

#include <stddef.h>

#include "journal/format/error.h"

enum error_code secret_line_ask(void *context, const char *prompt, char *ret_line, size_t size,
                                struct error *error) CHECKED;
enum error_code secret_line_receive(void *context, int descriptor, char *ret_line, size_t size,
                                    struct error *error) CHECKED;

#endif
