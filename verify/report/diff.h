/* verify/report/diff: two copies of one journal: the same, one longer than the other, or forked.
 * Checked:   both first, each by itself: sequence, chain, signatures, form, evidence (integrity).
 *            One that fails is ERROR_DAMAGED.
 * Not asked: whether the signers were entitled, and what the entries prove. A copy that somebody
 *            made up with keys of his own is whole too: it shows as a fork, or as another journal.
 * Ownership: diff_free() releases both records; it takes an empty one. */
#ifndef VERIFY_DIFF_H
#define VERIFY_DIFF_H

#include <stdio.h>

#include "verify/read/record.h"

enum diff_outcome {
    DIFF_INVALID = 0,
    DIFF_EQUAL,
    DIFF_FIRST_EXTENDS,
    DIFF_SECOND_EXTENDS,
    DIFF_FORK,
    DIFF_OTHER_JOURNAL
};
enum diff_status {
    DIFF_STATUS_EQUAL = 0,
    DIFF_STATUS_CONTRADICTION = 1,
    DIFF_STATUS_EXTENDS = 3
}; /* the rest as in verify_status */

struct diff {
    const char *paths[2]; /* borrowed */
    struct record records[2];
    size_t common; /* entries that both begin with */
    enum diff_outcome outcome;
};

enum error_code diff_run(const char *first, const char *second, struct diff *ret_diff,
                         struct error *error) CHECKED;
enum diff_status diff_status_of(enum diff_outcome outcome);
void diff_text(struct diff *diff, FILE *stream); /* diff_text.c */
void diff_free(struct diff *diff);
#define CLEANUP_DIFF __attribute__((cleanup(diff_free)))

#endif
