#include "journal/format/sha256.h"

/* The functions of one hash: EVP would look its algorithm up, and load a provider, for each of a
 * million short pieces. */
#define OPENSSL_API_COMPAT 0x10100000L

#ifdef TITAN_SHA256_SODIUM
#include <sodium.h>

typedef crypto_hash_sha256_state sha256_backend;
#define BACKEND_BEGIN(state) (void)crypto_hash_sha256_init(state)
#define BACKEND_ADD(state, data, size) (void)crypto_hash_sha256_update(state, data, size)
#define BACKEND_END(state, hash) (void)crypto_hash_sha256_final(state, hash)
#else
#include <openssl/sha.h>

typedef SHA256_CTX sha256_backend;
#define BACKEND_BEGIN(state) (void)SHA256_Init(state)
#define BACKEND_ADD(state, data, size) (void)SHA256_Update(state, data, size)
#define BACKEND_END(state, hash) (void)SHA256_Final(hash, state)
#endif

_Static_assert(sizeof(sha256_backend) <= SHA256_STATE_BYTES, "the state has no room");
_Static_assert(_Alignof(sha256_backend) <= 8, "the state is not aligned");

static sha256_backend *backend_of(struct sha256 *sha256)
{
    return (sha256_backend *)(void *)sha256->state;
}

void sha256_begin(struct sha256 *sha256)
{
    BACKEND_BEGIN(backend_of(sha256));
}

void sha256_add(struct sha256 *sha256, const void *data, size_t size)
{
    if (size > 0)
        BACKEND_ADD(backend_of(sha256), data, size);
}

void sha256_end(struct sha256 *sha256, uint8_t ret_hash[32])
{
    BACKEND_END(backend_of(sha256), ret_hash);
}
