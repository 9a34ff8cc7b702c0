/* fsm/steps/window: the health window. Samples at an even interval from the first on; every sample
 * is an entry of its own.
 * Fails:     limits.failures consecutive failures of one thing that is watched, one mismatch
 *            (policy hash, interlock, identity), or a gap. Missing is never healthy.
 * Resume:    from the samples in the journal, on the boot that took them, within
 *            limits.sample_gap_ms; later, it has failed. */
#ifndef FSM_WINDOW_H
#define FSM_WINDOW_H

#include "actions/health.h"
#include "actions/interlock.h"
#include "fsm/step.h"

/* What a sample must show. */
struct expectation {
    char policy_hash[SHA256_HEX + 1]; /* "" where there is no shared policy hash */
    enum interlock interlock;         /* INVALID where there is none to watch */
};

enum { WATCHED_MAX = 2 * SETUP_NAMES_MAX + 1 };

/* One look: everything that is watched, each good or failing. */
struct look {
    struct containers containers;
    char failing[SETUP_NAMES_MAX * 24]; /* names, comma between and behind: "execution,brain," */
    char mismatch[300];                 /* "" = none */
    char text[300];                     /* for people */
    int64_t sent_ns;
};

enum error_code window_expectation(struct driver *driver, struct expectation *ret_expectation,
                                   struct error *error) CHECKED;
/* Evidence: compose.containers, health of every endpoint, bus.policy_hash, logs.execution
 *           (interlock.marker). previous: the containers of the look before, or NULL. */
enum error_code window_look(struct driver *driver, struct target *target,
                            const struct expectation *expected, const struct containers *previous,
                            struct evidence *evidence, struct look *ret_look, struct error *error)
    CHECKED;

/* The samples that the open intent has in the journal already. */
struct window_past {
    int64_t count, first_ns, last_ns; /* sent_ns of their first evidence */
    bool same_boot;
};
struct window_past window_past(const struct deployment *deployment, uint64_t intent,
                               const char *boot);

#endif
