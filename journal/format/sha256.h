/* journal/format/sha256: SHA-256 piece by piece; bytes_sha256() of one piece is in bytes.h.
 * Backend:   OpenSSL's libcrypto where the build has it, because it uses the processor's own
 *            instructions (four times as fast); libsodium elsewhere. A test holds one against the
 *            other.
 * Ownership: a struct sha256 holds nothing that would have to be released. */
#ifndef JOURNAL_SHA256_H
#define JOURNAL_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_STATE_BYTES = 128 };

struct sha256 {
    _Alignas(8) uint8_t state[SHA256_STATE_BYTES]; /* the backend's own */
};

void sha256_begin(struct sha256 *sha256);
void sha256_add(struct sha256 *sha256, const void *data, size_t size); /* data may be NULL for 0 */
void sha256_end(struct sha256 *sha256, uint8_t ret_hash[32]);

#endif
