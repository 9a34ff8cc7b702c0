/* fsm/steps/window: the health window. Samples at an even interval from the first on; every sample
 * is an entry of its own.
 * Fails:     limits.failures consecutive failures of one thing that is watched, more than
 *            limits.failures_total failed samples, one mismatch (policy hash, interlock, identity,
 *            any restart), or a gap. Missing is never healthy.
 * Resume:    from the samples in the journal, on the boot that took them, within
 *            limits.sample_gap_ms; later, it has failed. */
#ifndef FSM_WINDOW_H
#define FSM_WINDOW_H

#include "fsm/step.h"

/* What a sample must show. */
struct expectation {
    char policy_hash[SHA256_HEX + 1]; /* "" where there is no shared policy hash */
    enum interlock interlock;         /* INVALID where there is none to watch */
};

enum { WATCHED_MAX = 2 * SETUP_NAMES_MAX + 1 };

/* One look: everything that is watched, each good or failing. */
struct look {
    char failing[WATCHED_MAX * 65]; /* names, each followed by a comma: "execution,brain," */
    char mismatch[300];             /* "" = none */
    char text[300];                 /* for people */
    int64_t sent_ns, received_ns;   /* of the first request, of the last answer */
};

enum error_code window_expectation(struct driver *driver, struct expectation *ret_expectation,
                                   struct error *error) CHECKED;
/* One look, and the step's outcome by it: DONE, MISMATCH or UNHEALTHY. Evidence:
 * compose.containers, health of every endpoint, bus.policy_hash, logs.execution (interlock.marker).
 */
enum error_code window_look_once(struct step *step, const struct expectation *expected,
                                 struct error *error) CHECKED;

#endif
