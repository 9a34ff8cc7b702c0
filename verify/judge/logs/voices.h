/* verify/judge/logs/voices: who names which policy hash in an entry: the responder, Execution's
 * start-up line, Brain's handshake line. journal/FORMAT.md, "Parity". Knows:     whether they agree
 * among themselves; not what the hash must be. Unequal:   beats missing, and missing beats absent,
 * whatever stands before it (H-08). */
#ifndef VERIFY_VOICES_H
#define VERIFY_VOICES_H

#include "verify/judge/logs/hearing.h"

enum {
    VOICE_RESPONDER = 1,
    VOICE_EXECUTION = 2,
    VOICE_BRAIN = 4,
    VOICE_ALL = 7,
    VOICE_UNANSWERED = 8, /* added to them: if nobody replied, ignore a failed handshake (H-16) */
};

enum parity {
    PARITY_INVALID = 0,
    PARITY_EQUAL,
    PARITY_ABSENT,  /* a line of this run was never printed, or is gone (H-13) */
    PARITY_MISSING, /* a voice was not asked, or did not answer */
    PARITY_UNEQUAL
};

struct voices {
    enum parity parity;
    char hash[SHA256_HEX + 1]; /* "" where none was named */
    unsigned replies;
    bool asked;        /* the responder was */
    bool silent;       /* and did not answer, once at least */
    bool unread;       /* a log could not be read */
    bool lost;         /* Brain's leadership, behind its line (H-12) */
    bool without_hash; /* a voice agreed without naming the whole hash */
    bool absent;       /* a line is, whatever the parity of the rest */
    const char *rule;  /* of what is not equal */
    char why[240];
};

/* What one reply of the responder names (H-05). */
struct naming voices_of_reply(const struct item *item);
/* Whether somebody replied for the policy hash in [from, to). */
bool voices_is_answered(const struct entry *entry, size_t from, size_t to);
/* All voices that are present in [from, to) must agree; those of `wanted` must be there. */
void voices_read(const struct hearing *hearing, const struct genesis *genesis,
                 const struct entry *entry, size_t from, size_t to, unsigned wanted,
                 struct voices *ret_voices);

#endif
