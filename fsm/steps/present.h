/* fsm/steps/present: whether every declared service is there with all of its containers, by the
 * list that a step recorded last (journal/FORMAT.md, P-21). */
#ifndef FSM_STEPS_PRESENT_H
#define FSM_STEPS_PRESENT_H

#include "actions/compose/declared.h"
#include "actions/target/evidence.h"
#include "fsm/machine.h"

/* Of a step that says that it succeeded. "" where this is not asked of it, or where all are there.
 */
enum error_code present_missing(const struct declared *declared, enum action action,
                                const struct evidence *evidence, char *ret_text, size_t size,
                                struct error *error) CHECKED;

#endif
