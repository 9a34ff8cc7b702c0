/* actions/health_answer: what an endpoint's answer means. Pure: no target, no memory.
 * Rule: journal/FORMAT.md, W-01. The words are compared without regard to case. */
#ifndef ACTIONS_HEALTH_ANSWER_H
#define ACTIONS_HEALTH_ANSWER_H

#include <stdbool.h>

#include "actions/target/setup.h"
#include "journal/format/bytes.h"

/* The status of an item that is no HTTP answer: of a container's own check, or of a command in it.
 */
enum { HEALTH_STATUS_GOOD = 1, HEALTH_STATUS_BAD = 2 };

enum health_answer {
    HEALTH_ANSWER_INVALID = 0,
    HEALTH_ANSWER_BAD,
    HEALTH_ANSWER_DEGRADED, /* good, and said to be less than that */
    HEALTH_ANSWER_GOOD
};

/* Of an HTTP status and its body. *ret_word: the body is an object whose `status` is a string. */
enum health_answer health_answer_read(const struct setup_endpoint *endpoint, int status,
                                      const struct bytes *body, bool *ret_word);

#endif
