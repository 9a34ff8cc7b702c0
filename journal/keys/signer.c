#include "journal/keys/signer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/keys/signer_backend.h"

/* The secret half in locked memory that is wiped when it is freed. */
struct seed_signer {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

static enum error_code seed_sign(void *context, const void *data, size_t size,
                                 uint8_t ret_signature[SIGNATURE_BYTES], struct error *error)
{
    const struct seed_signer *seed = context;
    if (crypto_sign_detached(ret_signature, NULL, data, size, seed->secret) != 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, "key", "", "the signature cannot be made");
    return ERROR_OK;
}

static void seed_close(void *context)
{
    sodium_free(context);
}

enum error_code signer_new(const uint8_t public_key[KEY_BYTES], void *context, bool may_ask,
                           signer_sign_function *sign, void (*close)(void *),
                           struct signer **ret_signer, struct error *error)
{
    struct signer *signer = calloc(1, sizeof *signer);
    if (signer == NULL) {
        close(context);
        return error_set(error, ERROR_MEMORY, 0, "key", "", "out of memory");
    }
    *signer = (struct signer){.context = context, .may_ask = may_ask, .sign = sign, .close = close};
    memcpy(signer->public_key, public_key, KEY_BYTES);
    *ret_signer = signer;
    return ERROR_OK;
}

enum error_code signer_from_seed(const uint8_t seed[SEED_BYTES], struct signer **ret_signer,
                                 struct error *error)
{
    struct seed_signer *locked = sodium_malloc(sizeof *locked);
    if (locked == NULL)
        return error_set(error, ERROR_MEMORY, 0, "key",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory for a key");
    uint8_t public_key[KEY_BYTES];
    (void)crypto_sign_seed_keypair(public_key, locked->secret, seed);
    return signer_new(public_key, locked, false, seed_sign, seed_close, ret_signer, error);
}

const uint8_t *signer_public_key(const struct signer *signer)
{
    assert(signer != NULL);
    return signer->public_key;
}

enum error_code signer_sign(struct signer *signer, const void *data, size_t size,
                            uint8_t ret_signature[SIGNATURE_BYTES], struct error *error)
{
    return signer->sign(signer->context, data, size, ret_signature, error);
}

void signer_close(struct signer *signer)
{
    if (signer == NULL)
        return;
    signer->close(signer->context);
    free(signer);
}
