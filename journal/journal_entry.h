/* journal/journal_entry: one entry as it is stored, and as fields.
 * Knows:     the form of a payload (journal/FORMAT.md, "Payload"); not the chain, nor whether a
 *            signature is good. */
#ifndef JOURNAL_JOURNAL_ENTRY_H
#define JOURNAL_JOURNAL_ENTRY_H

#include <jansson.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/clock.h"
#include "journal/format/format.h"

enum {
    JOURNAL_NO_DEPLOYMENT = -1,
    JOURNAL_DEPLOYMENT_SELF = -2
}; /* _SELF: an `open`, which carries its own number */

enum { ENTRY_TYPE_BYTES = 24 }; /* with the NUL */

struct journal_entry {
    uint64_t seq;
    char type[ENTRY_TYPE_BYTES];
    int64_t deployment;          /* JOURNAL_NO_DEPLOYMENT where absent */
    char signer[SHA256_HEX + 1]; /* public key, hex */
    char utc[UTC_LENGTH + 1];
    char boot[BOOT_ID_LENGTH + 1];
    int64_t boottime_ns;
    json_t *body; /* a reference of its own; shared with other readers, so never changed */
    uint8_t hash[SHA256_BYTES]; /* of the stored value */
};
void journal_entry_clear(struct journal_entry *entry);
#define CLEANUP_ENTRY __attribute__((cleanup(journal_entry_clear)))

/* An entry with what ties it to the journal. */
struct decoded {
    struct journal_entry entry; /* without a body: none */
    char journal[FORMAT_JOURNAL_ID_HEX + 1], prev[SHA256_HEX + 1];
};

/* Reads a stored value, whose hash is given, into fields. ERROR_DAMAGED where it is none. */
enum error_code journal_entry_decode(uint64_t seq, const struct bytes *value,
                                     const uint8_t hash[SHA256_BYTES], struct decoded *ret_decoded,
                                     struct error *error) CHECKED;
enum error_code journal_entry_damaged(uint64_t seq, const char *what, struct error *error);

#endif
