/* actions/policy_words: what a line or a reply says of the policy hash: a whole hash, the beginning
 * of one, agreement without one, or something else.
 * Format: journal/FORMAT.md, "Parity" (H-05 to H-07). Pure reading; nothing is fetched here.
 * Case:   a hash is 64 hex digits without regard to case; what is returned is in lower case. */
#ifndef ACTIONS_POLICY_WORDS_H
#define ACTIONS_POLICY_WORDS_H

#include <stdbool.h>

#include "journal/format/bytes.h"

enum policy_words_kind {
    POLICY_WORDS_INVALID = 0, /* there is no line or reply */
    POLICY_WORDS_HASH,        /* `hash` */
    POLICY_WORDS_SHORTENED,   /* `hash` holds its 6 to 63 first digits */
    POLICY_WORDS_AGREED,      /* agreement that names no hash */
    POLICY_WORDS_OTHER,       /* `hash` holds an excerpt of what it says instead */
};

struct policy_words {
    enum policy_words_kind kind;
    char hash[SHA256_HEX + 1];
    bool hashless; /* of a reply: OTHER, and there is no hash in it at all */
};

/* Reads a message against one pattern: literal text from the message's start, `%H` for what names a
 * hash. False where the literal text is not there. */
bool policy_words_line(const char *message, const char *pattern, struct policy_words *ret_words);
/* Reads a reply of the responder. One without a hash (a storage receipt) is POLICY_WORDS_OTHER. */
void policy_words_reply(const struct bytes *reply, struct policy_words *ret_words);
/* A text that must be a hash: 64 hex digits and nothing else. */
bool policy_words_hash(const char *text, char ret_hash[SHA256_HEX + 1]);

#endif
