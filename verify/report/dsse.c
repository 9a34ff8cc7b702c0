#include "verify/report/dsse.h"

#include <string.h>

#include <sodium.h>

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): this, then the 32 bytes. */
static const uint8_t DER[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                              0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static void fingerprint(const uint8_t public_key[KEY_BYTES], char ret_hex[SHA256_HEX + 1])
{
    uint8_t der[sizeof DER + KEY_BYTES];
    memcpy(der, DER, sizeof DER);
    memcpy(der + sizeof DER, public_key, KEY_BYTES);
    bytes_sha256_hex(der, sizeof der, ret_hex);
}

enum error_code dsse_pae(const char *type, const void *body, size_t size, struct bytes *ret_pae,
                         struct error *error)
{
    CLEANUP_BYTES struct bytes pae = {0};
    enum error_code code = bytes_append_format(&pae, error, "DSSEv1 %zu %s %zu ", strlen(type),
                                               type, size);
    if (code == ERROR_OK)
        code = bytes_append(&pae, body, size, error);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_pae);
    *ret_pae = pae;
    pae = (struct bytes){0};
    return ERROR_OK;
}

enum error_code dsse_envelope(const char *type, const void *body, size_t size,
                              const struct signing_key *key, struct bytes *ret_text,
                              struct error *error)
{
    CLEANUP_BYTES struct bytes pae = {0};
    CLEANUP_BYTES struct bytes payload = {0};
    CLEANUP_BYTES struct bytes signed_by = {0};
    CLEANUP_BYTES struct bytes text = {0};
    uint8_t signature[SIGNATURE_BYTES];
    char keyid[SHA256_HEX + 1];
    fingerprint(key->public_key, keyid);
    enum error_code code = dsse_pae(type, body, size, &pae, error);
    if (code != ERROR_OK)
        return code;
    (void)crypto_sign_detached(signature, NULL, pae.data, pae.size, key->secret);
    code = bytes_base64(body, size, &payload, error);
    if (code == ERROR_OK)
        code = bytes_base64(signature, sizeof signature, &signed_by, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&text, error,
                                   "{\"payload\":\"%s\",\"payloadType\":\"%s\",\"signatures\":[{"
                                   "\"keyid\":\"%s\",\"sig\":\"%s\"}]}\n",
                                   (const char *)payload.data, type, keyid,
                                   (const char *)signed_by.data);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_text);
    *ret_text = text;
    text = (struct bytes){0};
    return ERROR_OK;
}
