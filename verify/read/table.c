#include "verify/read/table.h"

#include <string.h>

#include "journal/format/bytes.h"
#include "verify/read/kept.h"

struct table_row {
    uint64_t hash, number; /* hash 0: a free row */
};

void table_free(struct table *table)
{
    kept_free(table->rows);
    *table = (struct table){0};
}

static uint64_t hash_of(struct slice text)
{
    uint8_t hash[SHA256_BYTES];
    uint64_t number;
    bytes_sha256(text.at, text.length, hash);
    memcpy(&number, hash, sizeof number);
    return number | 1;
}

/* The row of this hash, or the free one where it belongs. Not of a table without rows. */
static struct table_row *table_row_of(const struct table *table, uint64_t hash)
{
    size_t at = (size_t)(hash >> 1) & (table->room - 1);
    while (table->rows[at].hash != 0 && table->rows[at].hash != hash)
        at = (at + 1) & (table->room - 1);
    return &table->rows[at];
}

static void table_grow(struct table *table)
{
    struct table grown = {.count = table->count, .room = table->room > 0 ? table->room * 2 : 64};
    grown.rows = kept_zeroed(grown.room, sizeof *grown.rows);
    for (size_t i = 0; i < table->room; i++)
        if (table->rows[i].hash != 0)
            *table_row_of(&grown, table->rows[i].hash) = table->rows[i];
    kept_free(table->rows);
    *table = grown;
}

uint64_t *table_at(struct table *table, struct slice text)
{
    uint64_t hash = hash_of(text);
    if (table->count * 2 >= table->room)
        table_grow(table);
    struct table_row *row = table_row_of(table, hash);
    table->count += row->hash == 0;
    row->hash = hash;
    return &row->number;
}

uint64_t table_find(const struct table *table, struct slice text)
{
    return table->room > 0 ? table_row_of(table, hash_of(text))->number : 0;
}
