/* verify/report/dsse: a signed envelope around a statement. It knows nothing of what it carries.
 * Format:    DSSE v1 (secure-systems-lab/dsse): the signature is Ed25519 over PAE(type, body) =
 *            "DSSEv1 " length " " type " " length " " body.
 * keyid:     hex SHA-256 of the public key's 44-byte DER (`openssl pkey -in KEY -pubout -outform
 * DER | sha256sum`). A hint only: it is not signed. */
#ifndef VERIFY_DSSE_H
#define VERIFY_DSSE_H

#include "verify/report/signing_key.h"

enum error_code dsse_pae(const char *type, const void *body, size_t size, struct bytes *ret_pae,
                         struct error *error) CHECKED;
/* {"payload":...,"payloadType":...,"signatures":[{...}]} and a newline. */
enum error_code dsse_envelope(const char *type, const void *body, size_t size,
                              const struct signing_key *key, struct bytes *ret_text,
                              struct error *error) CHECKED;

#endif
