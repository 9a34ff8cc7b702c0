/* fsm/terminal/question: asks the operator and records the answer; no answer means no.
 * Time:      limits.answer_ms on the boot clock; without a terminal the question is unanswered
 *            at once. */
#ifndef FSM_QUESTION_H
#define FSM_QUESTION_H

#include "fsm/driver.h"

/* ANSWER_YES or ANSWER_NO; recorded as a command `answer` before it returns. */
enum error_code question_rearm(struct driver *driver, enum answer *ret_answer, struct error *error)
    CHECKED;

#endif
