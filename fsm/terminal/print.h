/* fsm/terminal/print: how commands print text to standard output that comes from the target or from
 * a file: its control characters are escaped. */
#ifndef FSM_PRINT_H
#define FSM_PRINT_H

#include <stdio.h>

#include "journal/format/text.h"
#include "journal/format/world.h"

void print_escaped(const char *text); /* NULL prints nothing */

/* A line, escaped; on a terminal it is broken at blanks where it is too long for it. */
void print_line(const struct world *world, const struct text *line);
/* What `write` writes, which is text of this program's own; the same. */
void print_text(const struct world_terminal *terminal, void (*write)(FILE *stream));
/* Between these two the same is done with each line of standard output. */
struct print_page {
    FILE *before; /* standard output; NULL = it stays as it is */
    struct bytes line;
    unsigned columns;
};
void print_page_begin(const struct world_terminal *terminal, struct print_page *page);
void print_page_end(struct print_page *page);
/* An error on standard error, the same. */
void print_failure(const struct world_terminal *terminal, const struct error *error);

#endif
