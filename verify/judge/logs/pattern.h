/* verify/judge/logs/pattern: one log line against the patterns that genesis pins.
 * journal/FORMAT.md, "Logs" and "Parity". Knows:     time stamps, messages, nonces and what names a
 * policy hash; not whose line it is. Untrusted: all of it. What is not exactly a hash, or a
 * shortened one, is NAMING_OTHER. */
#ifndef VERIFY_PATTERN_H
#define VERIFY_PATTERN_H

#include "journal/format/bytes.h"
#include "verify/read/tree.h"

/* The message of a line behind its time stamp: JSON, or text with [LEVEL] in front. `tree` keeps
 * what a message points into that was JSON; the caller frees it. */
struct slice pattern_message(struct slice line, struct tree *tree);

enum naming_kind { NAMING_INVALID = 0, NAMING_NOTHING, NAMING_HASH, NAMING_SHORT, NAMING_OTHER };

/* What a line names as the policy hash. */
struct naming {
    enum naming_kind kind;
    char hash[SHA256_HEX + 1]; /* HASH, SHORT: in lower case */
};

/* 64 hex digits of either case; ret_hash is in lower case. */
bool pattern_is_hash(struct slice text, char ret_hash[SHA256_HEX + 1]);

/* The first of the patterns that the message begins with. Both outputs may be NULL; the nonce is
 * the word that stands where the pattern has %N. */
bool pattern_matches(struct slice message, const struct node *patterns, struct naming *ret_naming,
                     struct slice *ret_nonce);

#endif
