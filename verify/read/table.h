/* verify/read/table: numbers found by a text, without a search.
 * Knows:     a hash of the text only. Two texts may share one, so that whoever finds a number
 *            compares what it stands for.
 * Ownership: table_free() releases; it takes an empty one. */
#ifndef VERIFY_TABLE_H
#define VERIFY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "verify/read/slice.h"

struct table_row;
struct table {
    struct table_row *rows;
    size_t count, room;
};

/* The place of the text's number, which is 0 where the text is new; good until the next call. */
uint64_t *table_at(struct table *table, struct slice text);
uint64_t table_find(const struct table *table, struct slice text); /* 0 = there is none */
void table_free(struct table *table);

#endif
