/* fsm/terminal/question: asks the operator and records the answer; no answer means no.
 * Time:      limits.answer_ms on the boot clock; without a terminal the question is unanswered
 *            at once. */
#ifndef FSM_QUESTION_H
#define FSM_QUESTION_H

#include "fsm/driver.h"

/* ANSWER_YES or ANSWER_NO; recorded as a command `answer` before it returns. */
enum error_code question_rearm(struct driver *driver, enum answer *ret_answer, struct error *error)
    CHECKED;

/* Somebody's DISARM withdrew the permission to arm: recorded as the answer `no`, so that a release
 * goes on disarmed. `who` in words. */
enum error_code question_take_back(struct driver *driver, const char *who, struct error *error)
    CHECKED;
/* The same in a policy change, before ARM: asks on the terminal; what the command line said before
 * is no answer. ERROR_NEEDS_PERSON without a `yes`. */
enum error_code question_arm_after_all(struct driver *driver, const char *who, struct error *error)
    CHECKED;

#endif
