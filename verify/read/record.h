/* verify/read/record: what was handed to the verifier, as it stands there: stored values and blobs,
 * believed in nothing yet. One that reader_read() gives has an entry at least.
 * Knows:     numbers, bytes and bounds; a reader fills it (reader_bundle.c, reader_lmdb.c), entry.h
 *            gives an entry a meaning.
 * Ownership: the record owns all; record_free() takes an empty one.
 * Bounds:    ERROR_LIMIT beyond RECORD_*_MAX, so that a hostile file cannot take the machine. */
#ifndef VERIFY_RECORD_H
#define VERIFY_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/format.h"
#include "verify/read/entry.h"
#include "verify/read/table.h"

enum { RECORD_ENTRIES_MAX = 1 << 24, RECORD_BLOBS_MAX = 1 << 26 };
static const uint64_t RECORD_BYTES_MAX = (uint64_t)16 << 30;

struct record {
    struct entry *entries;
    size_t count, room;
    uint64_t *settings; /* the numbers of the `settings`, ascending; record_link() fills it */
    size_t settings_count;
    struct table keys;  /* the last intent or command with a key; record_link() too */
    struct blob *blobs; /* ascending by hash */
    size_t blob_count, blob_room;
    uint64_t bytes;
    bool is_bundle;
    uint8_t bundle_hash[SHA256_BYTES]; /* of all its bytes, as they were read */
    char bundle_journal[FORMAT_JOURNAL_ID_HEX + 1];
    const struct entry *beyond; /* the first whose lists exceed LISTING_*_MAX; NULL */
    struct bytes bundle_note;   /* the bundle's own checkpoint */
};

void record_free(struct record *record);
#define CLEANUP_RECORD __attribute__((cleanup(record_free)))

/* Both take *bytes over and empty it. Entries come with 0, 1, 2 ..., blobs in ascending order, else
 * ERROR_DAMAGED. */
enum error_code record_add_entry(struct record *record, uint64_t seq, struct bytes *value,
                                 struct error *error) CHECKED;
enum error_code record_add_blob(struct record *record, const uint8_t hash[SHA256_BYTES],
                                struct bytes *data, struct error *error) CHECKED;
/* Of each entry in its order, once it is read: what belongs together is found without a search. */
void record_link(struct record *record, struct entry *entry);
/* The last intent or command in front of an entry that has this key; NULL. What came of a
 * command without a key does not count. */
struct entry *record_before_of_key(const struct record *record, struct slice key, uint64_t before);
/* No more room than there are entries and blobs, so that a check of memory notices who reads behind
 * the last. */
void record_fit(struct record *record);
struct blob *record_blob(const struct record *record,
                         const uint8_t hash[SHA256_BYTES]); /* NULL where there is none */

#endif
