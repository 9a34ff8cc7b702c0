/* verify/read/slice: a piece of somebody else's bytes, looked at where it lies.
 * Ownership: a slice borrows; whoever hands one out says for how long it holds.
 * Untrusted: the bytes may be anything, NUL too. */
#ifndef VERIFY_SLICE_H
#define VERIFY_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *at; /* not NUL-terminated; may hold NUL */
    size_t length;
};

bool slice_is(struct slice text, const char *word);
bool slice_equal(struct slice left, struct slice right);
bool slice_begins(struct slice text, const char *word);
struct slice slice_of(const char *word);
struct slice slice_from(struct slice text, size_t at);   /* without its first `at` bytes */
struct slice slice_head(struct slice text, size_t most); /* its first bytes, at most so many */
struct slice slice_word(struct slice text); /* what stands in front of its first space, or all */
/* False, and an empty string, when it does not fit or holds NUL. */
bool slice_copy(struct slice text, char *ret_text, size_t room);
/* The next line of `rest`, without its newline; takes it away. False at the end. */
bool slice_line(struct slice *rest, struct slice *ret_line);
#define SLICE_ARGUMENTS(text) (int)(text).length, (text).at /* for "%.*s" */

#endif
