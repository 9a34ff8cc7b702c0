/* actions/parity: one policy hash in three places: Execution's responder, its start-up line,
 * Brain's handshake line, each of this start.
 * Rule:      journal/FORMAT.md, "Parity". Unequal beats missing: one contrary voice decides,
 *            whatever stands before it. The reading here steers the driver; titan-verify reads
 *            the raw evidence itself.
 * Bus:       that cannot be reached is a voice that is missing; its item has a status of its own.
 * Voices:    what each says is read by policy_words.h.
 * Evidence:  bus.policy_hash, logs.execution, logs.brain. */
#ifndef ACTIONS_PARITY_H
#define ACTIONS_PARITY_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

enum parity { PARITY_INVALID = 0, PARITY_EQUAL, PARITY_UNEQUAL, PARITY_MISSING };

struct parity_view {
    enum parity parity;
    char hash[SHA256_HEX + 1]; /* the hash of the voices, in lower case; "" where none named one */
    char text[400];            /* what is equal, unequal or missing, in words */
    bool lines_absent;         /* MISSING only because a log line is absent: the replies agree */
    /* Which line is absent, and whether Brain says that it will never print one. Of a run that
     * began in this deployment an absent line is missing (H-13). */
    bool execution_absent, brain_absent, brain_none;
    const char *log_failed; /* the probe of a log that could not be read, NULL = none */
    bool answered, replied; /* by the responder, whatever it was; with a hash */
    bool starts;            /* UNEQUAL only because its replies carry no hash: an error, so far */
    /* UNEQUAL only because Brain's handshake failed or was lost, and no responder replied: nobody
     * was there to answer it (H-16). */
    bool unanswered;
    /* What an earlier line of the same run says otherwise, "" = none does: of Execution, and of
     * Brain, a handshake that failed before the good one too. It counts where the run began in the
     * deployment (H-06, H-11). */
    char execution_first[160], brain_first[160];
    char brain_failed[160]; /* a handshake that failed since the last recorded look, "" = none */
    bool lost;              /* Brain lost its leadership and has not regained it */
};

enum parity_depth {
    PARITY_EXECUTION = 1, /* several requests, and Execution's start-up line */
    PARITY_BRAIN,         /* and Brain's handshake line */
    PARITY_SAMPLE,        /* one request, and both lines: an absent one is no failure */
};

/* expect: 64 hex that it must be, or "". Execution's and Brain's containers are taken from
 * `containers`. */
enum error_code parity_look(struct target *target, const struct containers *containers,
                            enum parity_depth depth, const char *expect, struct evidence *evidence,
                            struct parity_view *ret_view, struct error *error) CHECKED;

#endif
