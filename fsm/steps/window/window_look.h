/* fsm/steps/window_look: one look at everything that the health window watches.
 * A probe that fails is a failure of the look and not its end: its item is recorded with a status
 * that no answer has, and what then could not be asked is absent (journal/FORMAT.md, "Window").
 * Evidence: compose.containers, health of every endpoint, bus.policy_hash, logs.execution,
 *           logs.brain, compose.containers, logs.execution (interlock.marker). */
#ifndef FSM_STEPS_WINDOW_LOOK_H
#define FSM_STEPS_WINDOW_LOOK_H

#include "fsm/step.h"

/* What a sample must show. */
struct expectation {
    char policy_hash[SHA256_HEX + 1]; /* "" where there is no shared policy hash */
    enum interlock interlock;         /* INVALID where there is none to watch */
};

enum { WATCHED_MAX = 2 * SETUP_NAMES_MAX + 1 };

/* One look: everything that is watched, each good, failing, or starting still. */
struct look {
    /* Names, each followed by a comma: "execution,brain,". What settles is not failing. */
    char failing[WATCHED_MAX * 65], settling[WATCHED_MAX * 65];
    char mismatch[300];           /* "" = none */
    char text[300];               /* for people */
    bool unanswered;              /* a probe failed, or could not be asked */
    int64_t sent_ns, received_ns; /* of the first request, of the last answer */
};

/* Names in look->failing that are neither an endpoint nor a service. */
#define LOOK_LEADERSHIP "leadership"
#define LOOK_PROBE "a probe" /* one that is not of an endpoint failed */

bool look_names(const char *failing, const char *name);
/* Only ERROR_MEMORY and the bounds of evidence. A lost target is step->target NULL afterwards, and
 * the next look connects again. */
enum error_code window_look(struct step *step, const struct expectation *expected,
                            struct look *look, struct error *error) CHECKED;

#endif
