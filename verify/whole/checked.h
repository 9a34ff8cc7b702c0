/* verify/whole/checked: what can be said of an entry, or a blob, without the others: its form, its
 * hash, its signature, and that its evidence is there. On each processor at once (crew.h).
 * Ownership: checker_check() lends until it is called again. */
#ifndef VERIFY_CHECKED_H
#define VERIFY_CHECKED_H

#include "verify/read/record.h"

enum { CHECKED_BATCH = 1024 };

struct checked {
    bool is_read, is_signed, is_beyond;
    const struct item *missing; /* the first whose blob is not there, or of another size; NULL */
    struct error error;         /* why it is not read */
};

struct checker;
/* The signatures of the first `verified` entries are known to be good. */
struct checker *checker_new(struct record *record, uint64_t verified);
void checker_free(struct checker *checker);
/* Entries from `first` on, at most CHECKED_BATCH. */
const struct checked *checker_check(struct checker *checker, uint64_t first, size_t count);
/* Of each blob whether its hash is the one that it is stored under; free(). */
bool *checked_blobs(const struct record *record);

#endif
