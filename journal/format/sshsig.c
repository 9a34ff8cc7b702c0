#include "journal/format/sshsig.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#define MAGIC "SSHSIG"
#define HASH "sha512"
#define KEY_TYPE "ssh-ed25519"
#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define ARMOR_END "-----END SSH SIGNATURE-----"

enum { ARMOR_COLUMNS = 70, KEY_BLOB_BYTES = 51, SIGNATURE_BLOB_BYTES = 83, BLOB_BYTES_MAX = 512 };

/* A bounded place to write an SSH wire format into; overflow is a caller's bug, because every size
 * here is fixed. */
struct wire {
    uint8_t *data;
    size_t size, capacity;
};

static void put(struct wire *wire, const void *data, size_t size)
{
    assert(size <= wire->capacity - wire->size);
    memcpy(wire->data + wire->size, data, size);
    wire->size += size;
}

static void put_u32(struct wire *wire, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_u32(bytes, value);
    put(wire, bytes, sizeof bytes);
}

static void put_string(struct wire *wire, const void *data, size_t size)
{
    put_u32(wire, (uint32_t)size);
    put(wire, data, size);
}

static void put_key(struct wire *wire, const uint8_t public_key[KEY_BYTES])
{
    put_string(wire, KEY_TYPE, strlen(KEY_TYPE));
    put_string(wire, public_key, KEY_BYTES);
}

size_t sshsig_signed_data(const char *name_space, const void *message, size_t message_bytes,
                          uint8_t ret_data[SSHSIG_SIGNED_DATA_BYTES_MAX])
{
    uint8_t hash[crypto_hash_sha512_BYTES];
    (void)crypto_hash_sha512(hash, message, message_bytes);
    struct wire wire = {.data = ret_data, .capacity = SSHSIG_SIGNED_DATA_BYTES_MAX};
    put(&wire, MAGIC, strlen(MAGIC));
    put_string(&wire, name_space, strlen(name_space));
    put_string(&wire, "", 0);
    put_string(&wire, HASH, strlen(HASH));
    put_string(&wire, hash, sizeof hash);
    return wire.size;
}

bool sshsig_key_is_sound(const uint8_t public_key[KEY_BYTES])
{
    return crypto_core_ed25519_is_valid_point(public_key) == 1;
}

static bool is_known_sound(struct sshsig_keys *keys, const uint8_t public_key[KEY_BYTES])
{
    for (size_t i = 0; i < keys->count && i < SSHSIG_KEYS_MAX; i++)
        if (memcmp(keys->sound[i], public_key, KEY_BYTES) == 0)
            return true;
    if (!sshsig_key_is_sound(public_key))
        return false;
    memcpy(keys->sound[keys->count++ % SSHSIG_KEYS_MAX], public_key, KEY_BYTES);
    return true;
}

bool sshsig_verify_known(struct sshsig_keys *keys, const struct sshsig_claim *claim)
{
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX];
    size_t size = sshsig_signed_data(claim->name_space, claim->message, claim->message_bytes, data);
    /* A mixed-order key passes half of its signatures in libsodium, so the point is checked by
     * itself. */
    return is_known_sound(keys, claim->public_key)
           && crypto_sign_verify_detached(claim->signature, data, size, claim->public_key) == 0;
}

bool sshsig_verify(const char *name_space, const void *message, size_t message_bytes,
                   const uint8_t signature[SIGNATURE_BYTES], const uint8_t public_key[KEY_BYTES])
{
    struct sshsig_keys none = {.count = 0};
    return sshsig_verify_known(&none, &(struct sshsig_claim){.name_space = name_space,
                                                             .message = message,
                                                             .message_bytes = message_bytes,
                                                             .signature = signature,
                                                             .public_key = public_key});
}

enum error_code sshsig_armor(const char *name_space, const uint8_t signature[SIGNATURE_BYTES],
                             const uint8_t public_key[KEY_BYTES], struct bytes *ret_text,
                             struct error *error)
{
    uint8_t blob[BLOB_BYTES_MAX];
    struct wire wire = {.data = blob, .capacity = sizeof blob};
    put(&wire, MAGIC, strlen(MAGIC));
    put_u32(&wire, 1);
    put_u32(&wire, KEY_BLOB_BYTES);
    put_key(&wire, public_key);
    put_string(&wire, name_space, strlen(name_space));
    put_string(&wire, "", 0);
    put_string(&wire, HASH, strlen(HASH));
    put_u32(&wire, SIGNATURE_BLOB_BYTES);
    put_string(&wire, KEY_TYPE, strlen(KEY_TYPE));
    put_string(&wire, signature, SIGNATURE_BYTES);

    CLEANUP_BYTES struct bytes base64 = {0};
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_base64(blob, wire.size, &base64, error);
    if (code == ERROR_OK)
        code = bytes_append(&text, ARMOR_BEGIN, strlen(ARMOR_BEGIN), error);
    for (size_t at = 0; code == ERROR_OK && at < base64.size; at += ARMOR_COLUMNS) {
        size_t left = base64.size - at;
        code = bytes_append_format(&text, error, "%.*s\n",
                                   (int)(left < ARMOR_COLUMNS ? left : ARMOR_COLUMNS),
                                   (const char *)base64.data + at);
    }
    if (code == ERROR_OK)
        code = bytes_append_format(&text, error, "%s\n", ARMOR_END);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_text);
    *ret_text = text;
    text = (struct bytes){0};
    return ERROR_OK;
}

/* Reads the next field; false unless it is exactly as expected. */
static bool expect_wire(struct wire *wire, const void *expected, size_t size)
{
    if (wire->capacity - wire->size < size || memcmp(wire->data + wire->size, expected, size) != 0)
        return false;
    wire->size += size;
    return true;
}

static bool expect_u32(struct wire *wire, uint32_t expected)
{
    uint8_t bytes[4];
    bytes_put_u32(bytes, expected);
    return expect_wire(wire, bytes, sizeof bytes);
}

static bool expect_string(struct wire *wire, const char *expected)
{
    return expect_u32(wire, (uint32_t)strlen(expected))
           && expect_wire(wire, expected, strlen(expected));
}

static bool read_wire_bytes(struct wire *wire, uint8_t *ret_data, uint32_t size)
{
    if (!expect_u32(wire, size) || wire->capacity - wire->size < size)
        return false;
    memcpy(ret_data, wire->data + wire->size, size);
    wire->size += size;
    return true;
}

static bool read_blob(struct wire *wire, const char *name_space, uint8_t signature[SIGNATURE_BYTES],
                      uint8_t key[KEY_BYTES])
{
    return expect_wire(wire, MAGIC, strlen(MAGIC)) && expect_u32(wire, 1)
           && expect_u32(wire, KEY_BLOB_BYTES) && expect_string(wire, KEY_TYPE)
           && read_wire_bytes(wire, key, KEY_BYTES) && expect_string(wire, name_space)
           && expect_string(wire, "") && expect_string(wire, HASH)
           && expect_u32(wire, SIGNATURE_BLOB_BYTES) && expect_string(wire, KEY_TYPE)
           && read_wire_bytes(wire, signature, SIGNATURE_BYTES) && wire->size == wire->capacity;
}

enum error_code sshsig_dearmor(const char *text, size_t length, const char *name_space,
                               uint8_t ret_signature[SIGNATURE_BYTES],
                               uint8_t ret_public_key[KEY_BYTES], struct error *error)
{
    CLEANUP_BYTES struct bytes base64 = {0};
    CLEANUP_BYTES struct bytes blob = {0};
    const char *end = memmem(text, length, ARMOR_END, strlen(ARMOR_END));
    bool framed = length > strlen(ARMOR_BEGIN)
                  && memcmp(text, ARMOR_BEGIN, strlen(ARMOR_BEGIN)) == 0 && end != NULL;
    enum error_code code = framed ? ERROR_OK
                                  : error_set(error, ERROR_DAMAGED, 0, "", "",
                                              "this is not an armored SSH signature");
    for (const char *at = framed ? text + strlen(ARMOR_BEGIN) : text;
         code == ERROR_OK && at < end;) {
        size_t line = 0;
        while (at + line < end && at[line] != '\n' && at[line] != '\r')
            line++;
        code = bytes_append(&base64, at, line, error);
        at += line + 1;
    }
    if (code == ERROR_OK)
        code = bytes_from_base64((const char *)base64.data, base64.size, &blob, error);
    if (code != ERROR_OK)
        return code;
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES];
    struct wire wire = {.data = blob.data, .capacity = blob.size};
    if (!read_blob(&wire, name_space, signature, key))
        return error_set(error, ERROR_DAMAGED, 0, "", "",
                         "this is not an Ed25519 SSH signature in the namespace %s", name_space);
    memcpy(ret_signature, signature, sizeof signature);
    memcpy(ret_public_key, key, sizeof key);
    return ERROR_OK;
}

void ssh_public_key_text(const uint8_t public_key[KEY_BYTES],
                         char ret_text[SSH_PUBLIC_KEY_TEXT_MAX])
{
    uint8_t blob[KEY_BLOB_BYTES];
    struct wire wire = {.data = blob, .capacity = sizeof blob};
    put_key(&wire, public_key);
    static const char type[] = KEY_TYPE " ";
    memcpy(ret_text, type, sizeof type - 1);
    (void)sodium_bin2base64(ret_text + sizeof type - 1, SSH_PUBLIC_KEY_TEXT_MAX - sizeof type, blob,
                            sizeof blob, sodium_base64_VARIANT_ORIGINAL);
}

enum error_code ssh_public_key_from_base64(const char *text, size_t length,
                                           uint8_t ret_public_key[KEY_BYTES], struct error *error)
{
    CLEANUP_BYTES struct bytes blob = {0};
    enum error_code code = bytes_from_base64(text, length, &blob, error);
    if (code == ERROR_DAMAGED)
        return error_set(error, code, 0, "",
                         "copy it whole from the .pub file, or from what titan-fsm keygen printed",
                         "the public key is cut short or mistyped: it is not base64");
    if (code != ERROR_OK)
        return code;
    uint8_t key[KEY_BYTES];
    struct wire wire = {.data = blob.data, .capacity = blob.size};
    if (!expect_string(&wire, KEY_TYPE) || !read_wire_bytes(&wire, key, KEY_BYTES)
        || wire.size != wire.capacity)
        return error_set(error, ERROR_DAMAGED, 0, "", "use an ssh-ed25519 key",
                         "this is not an Ed25519 public key");
    if (!sshsig_key_is_sound(key))
        return error_set(error, ERROR_KEY_REFUSED, 0, "", "make a new key",
                         "this Ed25519 public key is not a sound point of the curve");
    memcpy(ret_public_key, key, sizeof key);
    return ERROR_OK;
}

void ssh_fingerprint(const uint8_t public_key[KEY_BYTES], char ret_text[64])
{
    uint8_t blob[KEY_BLOB_BYTES], hash[SHA256_BYTES];
    struct wire wire = {.data = blob, .capacity = sizeof blob};
    put_key(&wire, public_key);
    bytes_sha256(blob, sizeof blob, hash);
    static const char type[] = "SHA256:";
    memcpy(ret_text, type, sizeof type - 1);
    (void)sodium_bin2base64(ret_text + sizeof type - 1, 64 - sizeof type, hash, sizeof hash,
                            sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}
