/* verify/read/entry: one entry of the journal: its header, its body, the items of evidence in it.
 * Knows:     the form that journal/FORMAT.md fixes ("Payload", "Bodies", "Evidence"); not the
 *            chain, and not what an entry means.
 * Laziness:  entry_check() reads the whole payload once and keeps header, items and body; a body
 *            that was dropped is read again when a claim asks for it.
 * Ownership: an entry owns its bytes, items and trees; items borrow the blobs of the record. */
#ifndef VERIFY_ENTRY_H
#define VERIFY_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/clock.h"
#include "journal/format/format.h"
#include "verify/read/listing.h"
#include "verify/read/names.h"

struct blob {
    uint8_t hash[SHA256_BYTES]; /* under which it is stored; integrity compares */
    struct bytes data;
    bool referred;
};

struct item {
    enum probe probe;
    struct slice probe_name, subject;
    int64_t status;
    uint8_t hash[SHA256_BYTES];
    int64_t size;
    struct slice output; /* the blob's bytes; integrity sets it and the next */
    /* of compose.containers, compose.images and compose.drift; NULL of the rest, or of status > 0
     */
    struct listing *listing;
    int64_t sent_ns, received_ns;
    bool has_target;
    char target_boot[BOOT_ID_LENGTH + 1];
    int64_t target_before_ms, target_after_ms, target_wall_ms;
    bool has_wall;
};

enum { ENTRY_NO_DEPLOYMENT = -1 };

struct entry {
    struct bytes value;         /* signature[64] || payload */
    uint8_t hash[SHA256_BYTES]; /* of the value */
    bool read;                  /* entry_check() accepted it */
    char journal[FORMAT_JOURNAL_ID_HEX + 1], prev[SHA256_HEX + 1];
    int64_t seq, utc_ns, boottime_ns, deployment;
    char utc[UTC_LENGTH + 1], boot[BOOT_ID_LENGTH + 1];
    uint8_t signer[KEY_BYTES];
    enum entry_type type;
    /* of a deployment's entries: the next one; of its number's entry: the last so far. 0 = none */
    uint64_t next, last;
    uint64_t same_key; /* of an intent or command: the one before it with its key; 0 = none */
    struct item *items;
    size_t item_count;
    char *texts; /* of the items, where they had to be decoded; NULL = none */
    struct tree tree;
    const struct node *body; /* NULL until asked for */
};

/* ERROR_DAMAGED with the reason: size, canonical form, header, schema of the body. */
enum error_code entry_check(struct entry *entry, struct error *error) CHECKED;
void entry_free(struct entry *entry);
void entry_unread(struct entry *entry); /* as it was before it was checked */
/* What is pinned, and what persons said, is pointed into for long: their bodies stay. */
bool entry_keeps_body(const struct entry *entry);
void entry_drop_body(struct entry *entry);          /* nothing may point into it any more */
const struct node *entry_body(struct entry *entry); /* only of an entry that was accepted */

const uint8_t *entry_payload(const struct entry *entry, size_t *ret_size);

/* The last (first) item of a probe in [from, to), or NULL. subject may be NULL = any. */
const struct item *entry_item(const struct entry *entry, size_t from, size_t to, enum probe probe,
                              const char *subject);
const struct item *entry_first_item(const struct entry *entry, size_t from, size_t to,
                                    enum probe probe);

#endif
