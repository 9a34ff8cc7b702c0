#include "journal/keys/signer.h"
#include "journal/keys/signer_backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/sshsig.h"

#define MAGIC "titan-key-v1"
enum {
    PASSPHRASE_MAX = 1024,
    PASSPHRASE_MIN = 8,
    FILE_BYTES_MAX = 4096,
    BOX_BYTES = SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES
};
static const unsigned long long OPERATIONS_MAX = 16;
static const size_t MEMORY_MAX = (size_t)1 << 30;

struct sealed {
    /* the file's text before the box, which authenticates it: no byte of the file can be
     * changed */
    char head[FILE_BYTES_MAX];
    size_t head_bytes;
    unsigned long long operations; /* Argon2id passes */
    size_t memory_bytes;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    uint8_t public_key[KEY_BYTES];
    uint8_t box[BOX_BYTES];
};

static enum error_code no_locked_memory(const char *where, struct error *error)
{
    return error_set(error, ERROR_MEMORY, errno, where,
                     "raise the limit of locked memory (ulimit -l)", "no locked memory");
}

/* Secret text in locked memory. */
static void free_secret(char **secret)
{
    if (*secret != NULL)
        sodium_free(*secret);
    *secret = NULL;
}
#define CLEANUP_SECRET __attribute__((cleanup(free_secret)))

static enum error_code refuse_secret(const char *path, const char *next, const char *what,
                                     struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, 0, path, next, "%s", what);
}

static enum error_code ask_on_terminal(const struct world *world, bool twice, char *line,
                                       struct error *error)
{
    const struct world_terminal *terminal = world->terminal;
    CLEANUP_SECRET char *again = sodium_malloc(PASSPHRASE_MAX + 1);
    if (again == NULL)
        return no_locked_memory("passphrase", error);
    enum error_code code = terminal->read_secret(terminal->context,
                                                 "Passphrase of the operator's key: ", line,
                                                 PASSPHRASE_MAX + 1, error);
    if (code != ERROR_OK || !twice)
        return code;
    code = terminal->read_secret(terminal->context, "Repeat the passphrase: ", again,
                                 PASSPHRASE_MAX + 1, error);
    if (code == ERROR_OK && strcmp(line, again) != 0)
        return refuse_secret("passphrase", "try again", "the two passphrases differ", error);
    return code;
}

/* The first line of the file. A NUL in it would silently truncate the passphrase. */
static enum error_code read_from_file(const struct world *world, const char *path, char *line,
                                      struct error *error)
{
    size_t size = 0;
    enum error_code code = world->disk->read_secret(world->disk->context, path, line,
                                                    PASSPHRASE_MAX + 1, &size, error);
    if (code != ERROR_OK)
        return code;
    const char *newline = memchr(line, '\n', size);
    size_t length = newline != NULL ? (size_t)(newline - line) : size;
    if (length == 0 || length > PASSPHRASE_MAX || memchr(line, '\0', length) != NULL)
        return refuse_secret(path, "write the passphrase into its first line",
                             "the passphrase file is empty or its first line too long", error);
    line[length] = '\0';
    return ERROR_OK;
}

static enum error_code passphrase_read(const struct world *world,
                                       const struct passphrase_source *source, bool twice,
                                       char **ret_line, struct error *error)
{
    CLEANUP_SECRET char *line = sodium_malloc(PASSPHRASE_MAX + 1);
    if (line == NULL)
        return no_locked_memory("passphrase", error);
    enum error_code code = ERROR_OK;
    if (source->file != NULL)
        code = read_from_file(world, source->file, line, error);
    else if (!source->descriptor_set)
        code = ask_on_terminal(world, twice, line, error);
    else
        code = world->terminal->read_descriptor(world->terminal->context, source->descriptor, line,
                                                PASSPHRASE_MAX + 1, error);
    if (code != ERROR_OK)
        return code;
    *ret_line = line;
    line = NULL;
    return ERROR_OK;
}

static bool derive(const struct sealed *sealed, const char *passphrase, uint8_t *key)
{
    return crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase,
                         strlen(passphrase), sealed->salt, sealed->operations, sealed->memory_bytes,
                         crypto_pwhash_ALG_ARGON2ID13)
           == 0;
}

static enum error_code write_head(const char *path, struct sealed *sealed, const char *comment,
                                  struct error *error)
{
    char salt[2 * sizeof sealed->salt + 1], nonce[2 * sizeof sealed->nonce + 1],
        public_text[SSH_PUBLIC_KEY_TEXT_MAX];
    bytes_hex(sealed->salt, sizeof sealed->salt, salt);
    bytes_hex(sealed->nonce, sizeof sealed->nonce, nonce);
    ssh_public_key_text(sealed->public_key, public_text);
    int length = snprintf(sealed->head, sizeof sealed->head,
                          MAGIC "\npublic %s %s\nargon2id %llu %zu %s\nxchacha20poly1305 %s ",
                          public_text, comment[0] != '\0' ? comment : "-", sealed->operations,
                          sealed->memory_bytes, salt, nonce);
    if (length < 0 || (size_t)length + 2 * BOX_BYTES + 1 >= sizeof sealed->head
        || strchr(comment, '\n') != NULL)
        return error_set(error, ERROR_USAGE, 0, path, "shorten it to one line",
                         "the comment is too long");
    sealed->head_bytes = (size_t)length;
    return ERROR_OK;
}

static enum error_code write_sealed(const struct world *world, const char *path,
                                    const struct sealed *sealed, struct error *error)
{
    char box[2 * BOX_BYTES + 1];
    CLEANUP_BYTES struct bytes text = {0};
    bytes_hex(sealed->box, sizeof sealed->box, box);
    enum error_code code = bytes_append_format(&text, error, "%s%s\n", sealed->head, box);
    if (code == ERROR_OK)
        code = world->disk->write(world->disk->context, path, WRITE_CREATE, 0600, text.data,
                                  text.size, error);
    return code;
}

enum error_code keyfile_generate(const struct world *world, const char *path,
                                 const struct passphrase_source *source, const char *comment,
                                 uint8_t ret_public_key[KEY_BYTES], struct error *error)
{
    CLEANUP_SECRET char *passphrase = NULL;
    CLEANUP_SECRET char *secret = sodium_malloc(crypto_sign_SECRETKEYBYTES + SEED_BYTES
                                                + crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return no_locked_memory(path, error);
    enum error_code code = passphrase_read(world, source, true, &passphrase, error);
    if (code != ERROR_OK)
        return code;
    if (strlen(passphrase) < PASSPHRASE_MIN)
        return refuse_secret("passphrase", "choose a longer one",
                             "a passphrase has at least 8 bytes", error);
    uint8_t *secret_key = (uint8_t *)secret, *seed = secret_key + crypto_sign_SECRETKEYBYTES,
            *key = seed + SEED_BYTES;
    struct sealed sealed = {.operations = crypto_pwhash_OPSLIMIT_MODERATE,
                            .memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE};
    world->random->fill(world->random->context, seed, SEED_BYTES);
    world->random->fill(world->random->context, sealed.salt, sizeof sealed.salt);
    world->random->fill(world->random->context, sealed.nonce, sizeof sealed.nonce);
    (void)crypto_sign_seed_keypair(sealed.public_key, secret_key, seed);
    code = write_head(path, &sealed, comment, error);
    if (code != ERROR_OK)
        return code;
    if (!derive(&sealed, passphrase, key))
        return error_set(error, ERROR_MEMORY, errno, path, "free 256 MiB",
                         "not enough memory to derive the key");
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.box, NULL, seed, SEED_BYTES,
                                                     (const uint8_t *)sealed.head,
                                                     sealed.head_bytes, NULL, sealed.nonce, key);
    code = write_sealed(world, path, &sealed, error);
    if (code == ERROR_OK)
        memcpy(ret_public_key, sealed.public_key, KEY_BYTES);
    return code;
}

static bool read_public(const char *line, uint8_t key[KEY_BYTES])
{
    struct error ignored;
    static const char prefix[] = "public ssh-ed25519 ";
    if (strncmp(line, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *base64 = line + sizeof prefix - 1;
    return ssh_public_key_from_base64(base64, strcspn(base64, " \n"), key, &ignored) == ERROR_OK;
}

/* The spacing of the head is not checked, because the box authenticates each of its bytes. */
static bool parse(const char *text, size_t size, struct sealed *sealed)
{
    static const size_t tail_bytes = 2 * BOX_BYTES + 1;
    char salt[65], nonce[65];
    if (strlen(text) != size || size <= tail_bytes || text[size - 1] != '\n'
        || size - tail_bytes >= sizeof sealed->head)
        return false;
    sealed->head_bytes = size - tail_bytes;
    memcpy(sealed->head, text, sealed->head_bytes);
    sealed->head[sealed->head_bytes] = '\0';
    const char *public_line = strchr(sealed->head, '\n');
    const char *rest = public_line != NULL ? strchr(public_line + 1, '\n') : NULL;
    return rest != NULL && strncmp(sealed->head, MAGIC "\n", sizeof MAGIC) == 0
           && read_public(public_line + 1, sealed->public_key)
           && sscanf(rest + 1, "argon2id %19llu %19zu %64s\nxchacha20poly1305 %64s",
                     &sealed->operations, &sealed->memory_bytes, salt, nonce)
                  == 4
           && bytes_from_hex(salt, strlen(salt), sealed->salt, sizeof sealed->salt)
           && bytes_from_hex(nonce, strlen(nonce), sealed->nonce, sizeof sealed->nonce)
           && bytes_from_hex(text + sealed->head_bytes, 2 * BOX_BYTES, sealed->box, BOX_BYTES)
           && sealed->operations >= crypto_pwhash_OPSLIMIT_MIN
           && sealed->operations <= OPERATIONS_MAX
           && sealed->memory_bytes >= crypto_pwhash_MEMLIMIT_MIN
           && sealed->memory_bytes <= MEMORY_MAX;
}

static enum error_code read_sealed(const struct world *world, const char *path,
                                   struct sealed *ret_sealed, struct error *error)
{
    char text[FILE_BYTES_MAX + 1];
    size_t size = 0;
    enum error_code code = world->disk->read_secret(world->disk->context, path, text,
                                                    FILE_BYTES_MAX, &size, error);
    if (code != ERROR_OK)
        return code;
    text[size] = '\0';
    struct sealed sealed;
    if (!parse(text, size, &sealed))
        return refuse_secret(path, "restore it from a copy",
                             "this is not a key file of titan-fsm, or it is damaged", error);
    *ret_sealed = sealed;
    return ERROR_OK;
}

enum error_code keyfile_public_key(const struct world *world, const char *path,
                                   uint8_t ret_public_key[KEY_BYTES], struct error *error)
{
    struct sealed sealed;
    enum error_code code = read_sealed(world, path, &sealed, error);
    if (code == ERROR_OK)
        memcpy(ret_public_key, sealed.public_key, KEY_BYTES);
    return code;
}

enum error_code keyfile_open(const struct world *world, const char *path,
                             const struct passphrase_source *source, struct signer **ret_signer,
                             struct error *error)
{
    struct sealed sealed;
    CLEANUP_SECRET char *passphrase = NULL;
    CLEANUP_SECRET char *secret = sodium_malloc(SEED_BYTES
                                                + crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return no_locked_memory(path, error);
    enum error_code code = read_sealed(world, path, &sealed, error);
    if (code == ERROR_OK)
        code = passphrase_read(world, source, false, &passphrase, error);
    if (code != ERROR_OK)
        return code;
    uint8_t *seed = (uint8_t *)secret, *key = seed + SEED_BYTES;
    if (!derive(&sealed, passphrase, key))
        return error_set(error, ERROR_MEMORY, errno, path, "free 256 MiB",
                         "not enough memory to derive the key");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(seed, NULL, NULL, sealed.box, sizeof sealed.box,
                                                   (const uint8_t *)sealed.head, sealed.head_bytes,
                                                   sealed.nonce, key)
        != 0)
        return refuse_secret(path, "try again; nothing was done",
                             "the passphrase is wrong, or the key file was changed", error);
    CLEANUP_SIGNER struct signer *signer = NULL;
    code = signer_from_seed(seed, &signer, error);
    if (code != ERROR_OK)
        return code;
    if (sodium_memcmp(signer_public_key(signer), sealed.public_key, KEY_BYTES) != 0)
        return refuse_secret(path, "restore it from a copy",
                             "the public key in the file is not that of its secret", error);
    *ret_signer = signer;
    signer = NULL;
    return ERROR_OK;
}
