/* tests/world/named: the commands that a text of titan-fsm names, as somebody would type them.
 * Knows:     how this program writes a command into a sentence; nothing of states. */
#ifndef WORLD_NAMED_H
#define WORLD_NAMED_H

#include <stddef.h>

enum { NAMED_BYTES = 160 };

/* The next command that a text names, from *text on; *text moves behind it. False = there is none.
 * What stands for a word of the operator's is filled in. */
int named_next(const char **text, char ret_line[NAMED_BYTES]);
/* What is wrong with the words themselves, whatever they say; NULL = nothing. */
const char *named_bad_words(const char *text);

#endif
