/* journal/journal_handle: what a journal holds open, for journal.c and journal_append.c only. */
#ifndef JOURNAL_HANDLE_H
#define JOURNAL_HANDLE_H

#include "journal/format/format.h"
#include "journal/format/sshsig.h"
#include "journal/format/world.h"
#include "journal/journal_entry.h"

enum { SIGNED_MAX = 16, DECODED_MAX = 64 };

struct journal {
    const struct world_store *table; /* world->store */
    void *store;                     /* its handle */
    const struct world *world;
    char id[FORMAT_JOURNAL_ID_HEX + 1];
    char *directory;
    bool read_only;
    struct sshsig_keys keys;
    /* Hashes of the values whose signature was found good last, so that the entries that are read
     * again and again (genesis, the roster) are verified once. */
    uint8_t good[SIGNED_MAX][SHA256_BYTES];
    size_t good_count; /* ever: the oldest gives way */
    /* What the values that were read last say. An entry is read from the store each time, and
     * decoded again where its bytes are others. */
    struct decoded decoded[DECODED_MAX];
    size_t decoded_count; /* ever: the oldest gives way */
};

#endif
