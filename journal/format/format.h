/* journal/format/format: the constants of journal format 1. Their meaning is in journal/FORMAT.md.
 */
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

enum {
    FORMAT_VERSION = 1,
    FORMAT_PAYLOAD_BYTES_MAX = 65536,
    FORMAT_BLOB_BYTES_MAX = 1 << 20,
    FORMAT_NESTING_MAX = 16,
    FORMAT_JOURNAL_ID_HEX = 32,
    FORMAT_KEY_HEX = 32, /* idempotency key of an intent */
};

#define FORMAT_DATABASE_ENTRIES "entries"
#define FORMAT_DATABASE_BLOBS "blobs"
#define FORMAT_DATABASE_STATE "state"
#define FORMAT_CHECKPOINT_ORIGIN "titan/"

#endif
