/* fsm/terminal/print: how commands print text to standard output that comes from the target or from
 * a file: its control characters are escaped. */
#ifndef FSM_PRINT_H
#define FSM_PRINT_H

void print_escaped(const char *text); /* NULL prints nothing */

#endif
