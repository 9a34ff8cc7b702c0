#include "journal/keys/signer_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

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
    /* the file's text in front of the box, authenticated with it: so no byte of the file can be
     * exchanged */
    char head[FILE_BYTES_MAX];
    size_t head_bytes;
    unsigned long long operations; /* Argon2id passes */
    size_t memory_bytes;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
    uint8_t public_key[KEY_BYTES];
    uint8_t box[BOX_BYTES];
};

/* Secret text in locked memory. */
static void free_secret(char **secret)
{
    if (*secret != NULL)
        sodium_free(*secret);
    *secret = NULL;
}
#define CLEANUP_SECRET __attribute__((cleanup(free_secret)))

static enum error_code refuse(const char *path, const char *next, const char *what,
                              struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, 0, path, next, "%s", what);
}

/* The first line of a descriptor, byte by byte, so that nothing behind it is taken from whoever
 * reads on. */
static bool read_line(int descriptor, char *line)
{
    size_t length = 0;
    for (;;) {
        char c;
        ssize_t got = read(descriptor, &c, 1);
        if (got < 0) /* a signal, too: whoever pressed Ctrl-C wants to get out */
            return false;
        if (got == 0 || c == '\n')
            break;
        if (length == PASSPHRASE_MAX || c == '\0') /* a NUL would silently cut the passphrase */
            return false;
        line[length++] = c;
    }
    line[length] = '\0';
    return length > 0;
}

static void let_be(int number)
{
    /* it only ends the read, so that the terminal gets its echo back before anything else */
    (void)number;
}

static bool ask(int terminal, const char *question, char *line)
{
    struct termios before, silent;
    struct sigaction interrupt, ending, ours = {.sa_handler = let_be};
    if (tcgetattr(terminal, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= (tcflag_t)~ECHO;
    (void)sigaction(SIGINT, &ours, &interrupt);
    (void)sigaction(SIGTERM, &ours, &ending);
    /* Silence first: what is typed at the sight of the question must be neither shown nor flushed
     *                away. */
    bool good = tcsetattr(terminal, TCSAFLUSH, &silent) == 0
                && write(terminal, question, strlen(question)) >= 0 && read_line(terminal, line);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGTERM, &ending, NULL);
    return write(terminal, "\n", 1) == 1 && good;
}

static enum error_code ask_on_terminal(bool twice, char *line, struct error *error)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return refuse("passphrase", "give --passphrase-file or --passphrase-fd",
                      "there is no terminal to ask for the passphrase", error);
    CLEANUP_SECRET char *again = sodium_malloc(PASSPHRASE_MAX + 1);
    bool good = again != NULL && ask(terminal, "Passphrase of the operator's key: ", line);
    bool same = !twice
                || (good && ask(terminal, "The same once more: ", again)
                    && strcmp(line, again) == 0);
    (void)close(terminal);
    if (!good)
        return refuse("passphrase", "try again", "no passphrase was given", error);
    return same ? ERROR_OK : refuse("passphrase", "try again", "the two passphrases differ", error);
}

static enum error_code check_mode(int descriptor, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return refuse(path, "name a regular file", "this is not a file", error);
    if ((status.st_mode & 077) != 0)
        return refuse(path, "chmod 600", "a secret file must be readable by its owner only", error);
    return ERROR_OK;
}

static enum error_code read_from_file(const char *path, char *line, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return error_set(error, ERROR_KEY_REFUSED, errno, path, "check the path",
                         "the passphrase file cannot be opened: %s", strerror(errno));
    enum error_code code = check_mode(descriptor, path, error);
    if (code == ERROR_OK && !read_line(descriptor, line))
        code = refuse(path, "write the passphrase into its first line",
                      "the passphrase file is empty or its first line too long", error);
    (void)close(descriptor);
    return code;
}

static enum error_code passphrase_read(const struct passphrase_source *source, bool twice,
                                       char **ret_line, struct error *error)
{
    CLEANUP_SECRET char *line = sodium_malloc(PASSPHRASE_MAX + 1);
    if (line == NULL)
        return error_set(error, ERROR_MEMORY, errno, "passphrase",
                         "raise the limit of locked memory (ulimit -l)", "no locked memory");
    enum error_code code = ERROR_OK;
    if (source->file != NULL)
        code = read_from_file(source->file, line, error);
    else if (!source->descriptor_set)
        code = ask_on_terminal(twice, line, error);
    else if (!read_line(source->descriptor, line))
        code = refuse("passphrase", "write it and a newline to the descriptor",
                      "the descriptor gives no passphrase", error);
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

static enum error_code write_new(const char *path, const char *text, size_t size,
                                 struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return error_set(error, errno == EEXIST ? ERROR_REFUSED : ERROR_SYSTEM, errno, path,
                         errno == EEXIST ? "a key is never overwritten; name another file"
                                         : "check the path",
                         "the key file cannot be made: %s", strerror(errno));
    bool good = write(descriptor, text, size) == (ssize_t)size && fsync(descriptor) == 0;
    int number = errno;
    (void)close(descriptor);
    if (good)
        return ERROR_OK;
    (void)unlink(path);
    return error_set(error, ERROR_SYSTEM, number, path, "check the disk",
                     "the key file cannot be written: %s", strerror(number));
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

static enum error_code write_sealed(const char *path, const struct sealed *sealed,
                                    struct error *error)
{
    char box[2 * BOX_BYTES + 1];
    CLEANUP_BYTES struct bytes text = {0};
    bytes_hex(sealed->box, sizeof sealed->box, box);
    enum error_code code = bytes_append_format(&text, error, "%s%s\n", sealed->head, box);
    if (code == ERROR_OK)
        code = write_new(path, (const char *)text.data, text.size, error);
    return code == ERROR_OK ? signer_sync_parent(path, error) : code;
}

enum error_code keyfile_generate(const char *path, const struct passphrase_source *source,
                                 const char *comment, uint8_t ret_public_key[KEY_BYTES],
                                 struct error *error)
{
    CLEANUP_SECRET char *passphrase = NULL;
    CLEANUP_SECRET char *secret = sodium_malloc(crypto_sign_SECRETKEYBYTES + SEED_BYTES
                                                + crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return error_set(error, ERROR_MEMORY, errno, path,
                         "raise the limit of locked memory (ulimit -l)", "no locked memory");
    enum error_code code = passphrase_read(source, true, &passphrase, error);
    if (code != ERROR_OK)
        return code;
    if (strlen(passphrase) < PASSPHRASE_MIN)
        return refuse("passphrase", "take a longer one", "a passphrase has at least 8 bytes",
                      error);
    uint8_t *secret_key = (uint8_t *)secret, *seed = secret_key + crypto_sign_SECRETKEYBYTES,
            *key = seed + SEED_BYTES;
    struct sealed sealed = {.operations = crypto_pwhash_OPSLIMIT_MODERATE,
                            .memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE};
    randombytes_buf(seed, SEED_BYTES);
    randombytes_buf(sealed.salt, sizeof sealed.salt);
    randombytes_buf(sealed.nonce, sizeof sealed.nonce);
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
    code = write_sealed(path, &sealed, error);
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

/* How the head is spaced need not be judged here, because every byte of it is authenticated with
 * the box. */
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
           && sscanf(rest + 1, "argon2id %llu %zu %64s\nxchacha20poly1305 %64s",
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

static enum error_code read_sealed(const char *path, struct sealed *ret_sealed, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return error_set(error, ERROR_KEY_REFUSED, errno, path,
                         "check `operator.key` in the configuration",
                         "the key file cannot be opened: %s", strerror(errno));
    enum error_code code = check_mode(descriptor, path, error);
    (void)close(descriptor);
    CLEANUP_BYTES struct bytes text = {0};
    if (code == ERROR_OK)
        code = bytes_read_file(path, FILE_BYTES_MAX, &text, error);
    if (code != ERROR_OK)
        return code;
    struct sealed sealed;
    if (!parse((const char *)text.data, text.size, &sealed))
        return refuse(path, "restore it from a copy",
                      "this is not a key file of titan-fsm, or it is damaged", error);
    *ret_sealed = sealed;
    return ERROR_OK;
}

enum error_code keyfile_public_key(const char *path, uint8_t ret_public_key[KEY_BYTES],
                                   struct error *error)
{
    struct sealed sealed;
    enum error_code code = read_sealed(path, &sealed, error);
    if (code == ERROR_OK)
        memcpy(ret_public_key, sealed.public_key, KEY_BYTES);
    return code;
}

enum error_code keyfile_open(const char *path, const struct passphrase_source *source,
                             struct signer **ret_signer, struct error *error)
{
    struct sealed sealed;
    CLEANUP_SECRET char *passphrase = NULL;
    CLEANUP_SECRET char *secret = sodium_malloc(SEED_BYTES
                                                + crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (secret == NULL)
        return error_set(error, ERROR_MEMORY, errno, path,
                         "raise the limit of locked memory (ulimit -l)", "no locked memory");
    enum error_code code = read_sealed(path, &sealed, error);
    if (code == ERROR_OK)
        code = passphrase_read(source, false, &passphrase, error);
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
        return refuse(path, "try again; nothing was done",
                      "the passphrase is wrong, or the key file was changed", error);
    CLEANUP_SIGNER struct signer *signer = NULL;
    code = signer_from_seed(seed, &signer, error);
    if (code != ERROR_OK)
        return code;
    if (sodium_memcmp(signer_public_key(signer), sealed.public_key, KEY_BYTES) != 0)
        return refuse(path, "restore it from a copy",
                      "the public key in the file is not that of its secret", error);
    *ret_signer = signer;
    signer = NULL;
    return ERROR_OK;
}
