/* fsm/steps/await: looks at the target again and again, until it shows enough or the time is over.
 * Knows:     the pause between two looks; what is enough, the caller says.
 * Evidence:  of the last look only.
 * Errors:    a look that failed is one that did not see enough, unless the way to the target or the
 *            journal is gone; where the last one failed, that is the error. Time that is over is
 *            none: the last view says what was seen then. */
#ifndef FSM_STEPS_AWAIT_H
#define FSM_STEPS_AWAIT_H

#include "actions/interlock.h"
#include "actions/parity.h"

/* One look, and whether it saw enough. */
typedef enum error_code await_look(void *context, struct error *error);
typedef bool await_enough(const void *context);

struct await {
    const struct clock *clock;
    struct evidence *evidence;
    int64_t until_ns; /* boot clock */
    int64_t pause_ns;
    await_look *look;
    await_enough *enough;
    void *context; /* of both */
};
enum error_code await(const struct await *await, struct error *error) CHECKED;

/* Until Execution shows `wanted`; with a nonce, that command received and the cause of it, too.
 * UNKNOWN: either of the two states. DISARMED without a nonce: ends at once where it is armed. */
struct await_interlock {
    struct target *target;
    enum interlock wanted;
    struct interlock_question question; /* nonce NULL = nothing was sent */
    int64_t until_ns;
};
enum error_code await_interlock(const struct await_interlock *wait, struct evidence *evidence,
                                struct interlock_view *ret_view, struct error *error) CHECKED;

/* Until the policy hashes are equal or unequal: lines and responder come some time after a start.
 */
struct await_parity {
    struct target *target;
    const struct containers *containers;
    enum parity_depth depth;
    const char *expect;
    int64_t until_ns;
};
enum error_code await_parity(const struct await_parity *wait, struct evidence *evidence,
                             struct parity_view *ret_view, struct error *error) CHECKED;

#endif
