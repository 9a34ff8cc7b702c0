/* verify/report/terminal: what a person reads at a terminal: no line is broken within a word there
 * (journal/format/wrap.h). Anywhere else the lines are as they are. */
#ifndef VERIFY_TERMINAL_H
#define VERIFY_TERMINAL_H

#include "verify/report/report.h"

void terminal_print_report(const struct report *report); /* on standard output */
void terminal_print_error(const struct error *error);    /* on standard error */

#endif
