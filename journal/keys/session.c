/* Session keys: the bare seed in hex, because nobody could type a passphrase in the middle of a
 *               window. */
#include "journal/keys/signer_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { TEXT_BYTES = 2 * SEED_BYTES + 1 }; /* and a newline in the file */

enum error_code session_key_create(const char *path, struct signer **ret_signer,
                                   struct error *error)
{
    char *secret = sodium_malloc(SEED_BYTES + TEXT_BYTES);
    if (secret == NULL)
        return error_set(error, ERROR_MEMORY, errno, path,
                         "raise the limit of locked memory (ulimit -l)", "no locked memory");
    uint8_t *seed = (uint8_t *)secret + TEXT_BYTES;
    randombytes_buf(seed, SEED_BYTES);
    bytes_hex(seed, SEED_BYTES, secret);
    secret[TEXT_BYTES - 1] = '\n';
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = descriptor >= 0 && write(descriptor, secret, TEXT_BYTES) == TEXT_BYTES
                && fsync(descriptor) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    if (descriptor >= 0 && !good)
        (void)unlink(path); /* half a key would stand in the way of the next attempt */
    enum error_code code = good ? signer_sync_parent(path, error)
                                : error_set(error, ERROR_JOURNAL_WRITE, number, path,
                                            "check the disk",
                                            "the session key cannot be written: %s",
                                            strerror(number));
    if (code == ERROR_OK)
        code = signer_from_seed(seed, ret_signer, error);
    sodium_free(secret);
    return code;
}

enum error_code session_key_open(const char *path, struct signer **ret_signer, struct error *error)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0)
        return error_set(
            error, ERROR_KEY_REFUSED, errno, path,
            "go on where the deployment was begun, or titan-fsm takeover --reason TEXT",
            "the session key of this deployment is not here: %s", strerror(errno));
    char *secret = sodium_malloc(SEED_BYTES + TEXT_BYTES);
    uint8_t *seed = secret != NULL ? (uint8_t *)secret + TEXT_BYTES : NULL;
    bool good = secret != NULL && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)
                && (status.st_mode & 077) == 0 && status.st_size == TEXT_BYTES
                && read(descriptor, secret, TEXT_BYTES) == TEXT_BYTES
                && secret[TEXT_BYTES - 1] == '\n'
                && bytes_from_hex(secret, TEXT_BYTES - 1, seed, SEED_BYTES);
    (void)close(descriptor);
    enum error_code code = good
                               ? signer_from_seed(seed, ret_signer, error)
                               : error_set(error, ERROR_KEY_REFUSED, 0, path,
                                           "restore it from a copy; chmod 600",
                                           "the session key file is damaged or readable by others");
    if (secret != NULL)
        sodium_free(secret);
    return code;
}

enum error_code session_key_wipe(const char *path, struct error *error)
{
    static const char zeros[TEXT_BYTES];
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0 && errno == ENOENT)
        return ERROR_OK;
    bool good = descriptor >= 0 && write(descriptor, zeros, sizeof zeros) == (ssize_t)sizeof zeros
                && fsync(descriptor) == 0 && unlink(path) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good ? signer_sync_parent(path, error)
                : error_set(error, ERROR_SYSTEM, number, path, "remove it by hand",
                            "the session key cannot be wiped: %s", strerror(number));
}
