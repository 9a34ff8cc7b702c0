#include "verify/report/signing_key.h"

#include <string.h>

#include <sodium.h>

#include "verify/read/file.h"

static const char BEGIN[] = "-----BEGIN PRIVATE KEY-----\n",
                  END[] = "\n-----END PRIVATE KEY-----\n",
                  ENCRYPTED[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
static const uint8_t DER[] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}; /* what stands before the seed */

enum { FILE_BYTES_MAX = 65536 };
enum { BASE64_LENGTH = 64, TEXT_LENGTH = sizeof BEGIN - 1 + BASE64_LENGTH + sizeof END - 1 };

void signing_key_wipe(struct signing_key *key)
{
    sodium_memzero(key, sizeof *key);
}

static enum error_code signing_key_refuse(const char *path, const char *what, const char *next,
                                          struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, 0, path, next, "%s", what);
}

/* A file that is too long for any key is no key: *ret_text stays empty then. */
static enum error_code signing_key_read_text(const char *path, struct bytes *ret_text,
                                             struct error *error)
{
    bool others_may = false;
    enum error_code code = file_read(path, FILE_BYTES_MAX, ret_text, &others_may, error);
    if (code == ERROR_REFUSED)
        return signing_key_refuse(path, "the key is not a regular file",
                                  "name the file of your key with --key", error);
    if (code == ERROR_SYSTEM)
        return error_set(error, ERROR_KEY_REFUSED, error->library_code, path,
                         "name the file of your key with --key", "the key cannot be opened: %s",
                         strerror(error->library_code));
    if (code != ERROR_OK && code != ERROR_LIMIT)
        return code;
    if (code == ERROR_OK && others_may)
        return signing_key_refuse(
            path, "others may read the key, or write it",
            "make a new one (openssl genpkey -algorithm ed25519 -out KEY), or chmod 600 "
            "if nobody did",
            error);
    return ERROR_OK;
}

static bool take_seed(const char *text, size_t length, struct signing_key *key)
{
    CLEANUP_BYTES struct bytes der = {0};
    struct error ignored;
    if (length != TEXT_LENGTH || memcmp(text, BEGIN, sizeof BEGIN - 1) != 0
        || memcmp(text + sizeof BEGIN - 1 + BASE64_LENGTH, END, sizeof END - 1) != 0
        || bytes_from_base64(text + sizeof BEGIN - 1, BASE64_LENGTH, &der, &ignored) != ERROR_OK
        || der.size != sizeof DER + SEED_BYTES || memcmp(der.data, DER, sizeof DER) != 0)
        return false;
    return crypto_sign_seed_keypair(key->public_key, key->secret, der.data + sizeof DER) == 0;
}

enum error_code signing_key_read(const char *path, struct signing_key *ret_key, struct error *error)
{
    CLEANUP_SIGNING_KEY struct signing_key key = {0};
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = signing_key_read_text(path, &text, error);
    if (code != ERROR_OK)
        return code;
    bool encrypted = text.size > sizeof ENCRYPTED - 1
                     && memcmp(text.data, ENCRYPTED, sizeof ENCRYPTED - 1) == 0,
         good = take_seed((const char *)text.data, text.size, &key);
    if (!good)
        return encrypted
                   ? signing_key_refuse(
                       path, "the key is encrypted, and no passphrase is asked for here",
                       "decrypt it where only you can read it (openssl pkey -in KEY -out PLAIN)",
                       error)
                   : signing_key_refuse(path,
                                        "it is not an Ed25519 key in PKCS#8 as openssl writes it",
                                        "openssl genpkey -algorithm ed25519 -out KEY makes one",
                                        error);
    *ret_key = key;
    return ERROR_OK;
}
