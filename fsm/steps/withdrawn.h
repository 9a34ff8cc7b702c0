/* fsm/steps/withdrawn: whether a DISARM that is not this deployment's own withdrew the permission
 * to arm. Rule:    journal/FORMAT.md, "Interlock" (L-09). Only a later answer `yes` of a person
 * gives it again: a release goes on disarmed, a policy change stops and asks. Sources: `command`
 * entries of this deployment (titan-fsm disarm), and DISARM lines of Execution whose nonce no
 * command of this deployment carries; a step that sees one notes it as FACT_DISARMED_BY. */
#ifndef FSM_STEPS_WITHDRAWN_H
#define FSM_STEPS_WITHDRAWN_H

#include "fsm/step.h"

/* Who withdrew it, in words; false while the permission stands. */
bool withdrawn_by(const struct deployment *deployment, char *ret_who, size_t size);
/* The deployment left Execution disarmed that it found armed, or a person's DISARM stands. */
bool withdrawn_left_disarmed(const struct deployment *deployment);
/* The DISARM that the step saw last in Execution's log: " (entry 41, bob: smells wrong)", or by
 * what it carried where no entry names it; "" where none came since Execution was armed. Reads what
 * is new in the journal, and notes it as withdrawn_note() does. */
void withdrawn_describe(struct step *step, char *ret_text, size_t size);
/* The `command` entry of the last DISARM that a person gave in this deployment, NULL where there is
 * none, or somebody answered `yes` since. Borrowed. */
const struct journal_entry *withdrawn_command(const struct deployment *deployment);
/* Looks through what the step saw last of Execution. */
enum error_code withdrawn_note(struct step *step, struct error *error) CHECKED;
/* Before the edge is chosen. Release: the earlier `yes` is answered by `no`, so that Execution
 * stays disarmed. Policy, before ARM: asks on the terminal; ERROR_NEEDS_PERSON without a `yes`. */
enum error_code withdrawn_settle(struct driver *driver, struct error *error) CHECKED;

#endif
