/* fsm/execution_now: what Execution is at this moment, in one sentence, and how a person looks too.
 * Knows:     the interlock's own look and the words around it. It records nothing and changes
 *            nothing: what is said here is for whoever reads it now. */
#ifndef FSM_EXECUTION_NOW_H
#define FSM_EXECUTION_NOW_H

#include "fsm/driver.h"

/* "Execution is disarmed now, by its own log at 02:14:09 UTC ...; look with: ..."; "it is unknown
 * whether Execution is armed now: ..." where nobody could look. "" where the target has none. */
void execution_now(struct driver *driver, char *ret_text, size_t size);
/* The same from the journal alone: " last seen disarmed at 02:14:07 UTC (entry 57)", "" where no
 * entry of the deployment tells. */
void execution_last(const struct deployment *deployment, char *ret_text, size_t size);
/* What a person types to remove its container, where nothing else disarmed it: `names` of those
 * that run, "a, b"; "" = by their label. */
void execution_removal(const struct driver *driver, const char *names, char *ret_text, size_t size);

#endif
