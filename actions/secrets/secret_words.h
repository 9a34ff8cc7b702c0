/* actions/secrets/secret_words: which values cannot or must not be redacted under any key: it would
 * destroy evidence.
 * Knows:     the words that this tool and the verifier read in what comes back, and those that
 *            titan.yml names (which are public for that reason); not where a value comes from. The
 *            rules are those of secrets.h. Pure. */
#ifndef ACTIONS_SECRET_WORDS_H
#define ACTIONS_SECRET_WORDS_H

#include "actions/target/setup.h"

/* Long enough, no number that stands by chance in hashes and times, and no part of a word that is
 * read. */
bool secret_word_fits(const struct setup *setup, const char *value, size_t size);
/* 40 or 64 lower-case hex digits, or "sha256:" and 64. */
bool secret_word_identifies(const char *value, size_t size);

#endif
