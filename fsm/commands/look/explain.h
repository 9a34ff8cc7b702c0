/* fsm/commands/look/explain: a state in words: what it means, which commands are possible from
 * it and which are refused.
 * Knows:     one paragraph a state; everything about edges comes from the table (machine.h), so
 *            that the words follow the table.
 * Ownership: the explanation is added to the caller's text. */
#ifndef FSM_EXPLAIN_H
#define FSM_EXPLAIN_H

#include "fsm/config/config.h"
#include "fsm/machine.h"
#include "journal/format/text.h"

/* A state without a paragraph does not compile. */
const char *explain_meaning(enum state state);
struct explained {
    enum state state;
    enum procedure procedure; /* INVALID: both procedures, printed once where they agree */
    bool step_is_open;        /* its intent has no answer: whoever goes back is not refused */
    bool no_interlock;        /* this target has nothing to arm or disarm, and no policy change */
};
/* How the next deployment is begun on this target. */
const char *explain_begin(const struct config *config);
void explain_state(const struct explained *explained, struct text *text);

#endif
