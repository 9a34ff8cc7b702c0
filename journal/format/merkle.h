/* journal/format/merkle: the RFC 6962 (section 2.1) tree hash, built leaf by leaf in logarithmic
 * space.
 * Units:     sizes are counts of leaves. */
#ifndef JOURNAL_MERKLE_H
#define JOURNAL_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"

struct merkle {
    uint64_t size;                   /* leaves so far */
    uint8_t stack[64][SHA256_BYTES]; /* roots of the full subtrees, largest first */
    unsigned depth;
};

void merkle_init(struct merkle *merkle);
void merkle_add(struct merkle *merkle, const void *leaf, size_t leaf_bytes);
/* The root over the leaves so far; the tree can grow on. */
void merkle_root(const struct merkle *merkle, uint8_t ret_root[SHA256_BYTES]);

#endif
