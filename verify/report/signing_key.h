/* verify/report/signing_key: the Ed25519 key of whoever attests. Not a key of the journal: the
 * auditor's own.
 * Form:      PKCS#8 in PEM, unencrypted, as `openssl genpkey -algorithm ed25519 -out KEY` writes
 *            it, to the byte: three lines, 48 bytes of DER (RFC 8410). A regular file of at most
 *            0600; one that others may read is refused, for it may have been read.
 * Ownership: signing_key_wipe() wipes; it takes an empty one. Errors name the file, never a byte of
 *            it. */
#ifndef VERIFY_SIGNING_KEY_H
#define VERIFY_SIGNING_KEY_H

#include "journal/format/bytes.h"

struct signing_key {
    uint8_t secret[SEED_BYTES + KEY_BYTES];
    uint8_t public_key[KEY_BYTES];
};

void signing_key_wipe(struct signing_key *key);
#define CLEANUP_SIGNING_KEY __attribute__((cleanup(signing_key_wipe)))
/* ERROR_KEY_REFUSED. */
enum error_code signing_key_read(const char *path, struct signing_key *ret_key, struct error *error)
    CHECKED;

#endif
