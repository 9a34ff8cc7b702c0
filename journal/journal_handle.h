/* journal/journal_handle: what a journal holds open, for journal.c and journal_append.c only. */
#ifndef JOURNAL_HANDLE_H
#define JOURNAL_HANDLE_H

#include "journal/format/format.h"
#include "journal/format/world.h"

struct journal {
    const struct world_store *table; /* world->store */
    void *store;                     /* its handle */
    const struct world *world;
    char id[FORMAT_JOURNAL_ID_HEX + 1];
    char *directory;
    bool read_only;
};

#endif
