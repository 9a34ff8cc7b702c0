/* journal/format/wrap: long lines for a terminal, broken at blanks and never within a word.
 * Knows:     how many cells a line has; not which terminal it is. */
#ifndef FORMAT_WRAP_H
#define FORMAT_WRAP_H

#include <stdio.h>

/* `text`, of one or more lines, valid UTF-8. A line of more than `columns` cells goes on below
 * where its sentence begins: behind the last two blanks of its first half, else two cells further
 * than the line. A word that is longer than all of that stays whole. 0 columns: as it is. */
void wrap_print(FILE *stream, const char *text, unsigned columns);

#endif
