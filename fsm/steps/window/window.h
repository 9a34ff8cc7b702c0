/* fsm/steps/window: the health window. Samples at an even interval from the first on; every sample
 * is an entry of its own.
 * Fails:     limits.failures consecutive failures of one thing that is watched, more than
 *            limits.failures_total failed samples, one mismatch (policy hash, interlock, identity,
 *            any restart), or a gap. Missing is never healthy.
 * Resume:    from the samples in the journal, on the boot that took them, within
 *            limits.sample_gap_ms; later, it has failed. */
#ifndef FSM_WINDOW_H
#define FSM_WINDOW_H

#include "fsm/steps/window/window_look.h"

enum error_code window_expectation(struct driver *driver, struct expectation *ret_expectation,
                                   struct error *error) CHECKED;
/* One look, and the step's outcome by it: DONE, MISMATCH or UNHEALTHY. Evidence:
 * compose.containers, health of every endpoint, bus.policy_hash, logs.execution (interlock.marker).
 */
enum error_code window_look_once(struct step *step, const struct expectation *expected,
                                 struct error *error) CHECKED;

#endif
