/* fsm/terminal/explain: a state in words: what it means, what can be done from there and what
 * cannot.
 * Knows:     one paragraph a state; everything about edges comes from the table (machine.h), so
 *            that a table that changes changes the words.
 * Ownership: `ret_text` is appended to and belongs to the caller. */
#ifndef FSM_EXPLAIN_H
#define FSM_EXPLAIN_H

#include "fsm/machine.h"

/* A state without a paragraph does not compile. */
const char *explain_meaning(enum state state);
/* PROCEDURE_INVALID: both, said once where they agree. */
enum error_code explain_state(enum state state, enum procedure procedure, struct bytes *ret_text,
                              struct error *error) CHECKED;

#endif
