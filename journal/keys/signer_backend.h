/* journal/keys/signer_backend: what a kind of key provides to be a signer. Inside journal/ only.
 * Ownership: the signer owns `context` and gives it to `close` once, also when signer_new() fails.
 */
#ifndef JOURNAL_SIGNER_BACKEND_H
#define JOURNAL_SIGNER_BACKEND_H

#include <stdbool.h>

#include "journal/format/bytes.h"

typedef enum error_code signer_sign_function(void *context, const void *data, size_t size,
                                             uint8_t ret_signature[SIGNATURE_BYTES],
                                             struct error *error);

struct signer {
    uint8_t public_key[KEY_BYTES];
    void *context;
    bool may_ask; /* signing may wait for a person: never done inside a write transaction */
    signer_sign_function *sign;
    void (*close)(void *context);
};

enum error_code signer_new(const uint8_t public_key[KEY_BYTES], void *context, bool may_ask,
                           signer_sign_function *sign, void (*close)(void *),
                           struct signer **ret_signer, struct error *error) CHECKED;

#endif
