/* Session keys: the bare seed in hex, because no passphrase can be typed during a window. */
#include "journal/keys/signer.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

enum { TEXT_BYTES = 2 * SEED_BYTES + 1 }; /* with the newline */

/* Locked memory, wiped when it is released. */
struct session_secret {
    char text[TEXT_BYTES + 1]; /* one more byte, so that a longer file is seen */
    uint8_t seed[SEED_BYTES];
};

static void free_session_secret(struct session_secret **secret)
{
    sodium_free(*secret);
    *secret = NULL;
}
#define CLEANUP_SESSION_SECRET __attribute__((cleanup(free_session_secret)))

static enum error_code new_session_secret(const char *path, struct session_secret **ret_secret,
                                          struct error *error)
{
    *ret_secret = sodium_malloc(sizeof **ret_secret);
    return *ret_secret != NULL
               ? ERROR_OK
               : error_set(error, ERROR_MEMORY, errno, path,
                           "raise the limit of locked memory (ulimit -l)", "no locked memory");
}

enum error_code session_key_create(const struct world *world, const char *path,
                                   struct signer **ret_signer, struct error *error)
{
    CLEANUP_SESSION_SECRET struct session_secret *secret = NULL;
    enum error_code code = new_session_secret(path, &secret, error);
    if (code != ERROR_OK)
        return code;
    world->random->fill(world->random->context, secret->seed, SEED_BYTES);
    bytes_hex(secret->seed, SEED_BYTES, secret->text);
    secret->text[TEXT_BYTES - 1] = '\n';
    code = world->disk->write(world->disk->context, path, WRITE_CREATE, 0600, secret->text,
                              TEXT_BYTES, error);
    if (code != ERROR_OK)
        return error_set(error, ERROR_JOURNAL_WRITE, error->library_code, path, "check the disk",
                         "the session key cannot be written: %s", strerror(error->library_code));
    return signer_from_seed(secret->seed, ret_signer, error);
}

static enum error_code not_here(const char *path, int number, struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, number, path,
                     "go on where the deployment was begun, or titan-fsm takeover --reason TEXT",
                     "the session key of this deployment is not here: %s", strerror(number));
}

enum error_code session_key_open(const struct world *world, const char *path,
                                 struct signer **ret_signer, struct error *error)
{
    CLEANUP_SESSION_SECRET struct session_secret *secret = NULL;
    struct world_file file = {0};
    size_t size = 0;
    enum error_code code = world->disk->examine(world->disk->context, path, &file, error);
    if (code != ERROR_OK || !file.exists)
        return not_here(path, code != ERROR_OK ? error->library_code : ENOENT, error);
    if (file.link) /* a link could lead to somebody else's key */
        return not_here(path, ELOOP, error);
    code = new_session_secret(path, &secret, error);
    if (code != ERROR_OK)
        return code;
    if (file.regular
        && world->disk->read_secret(world->disk->context, path, secret->text, sizeof secret->text,
                                    &size, error)
               == ERROR_OK
        && size == TEXT_BYTES && secret->text[TEXT_BYTES - 1] == '\n'
        && bytes_from_hex(secret->text, TEXT_BYTES - 1, secret->seed, SEED_BYTES))
        return signer_from_seed(secret->seed, ret_signer, error);
    return error_set(error, ERROR_KEY_REFUSED, 0, path, "restore it from a copy; chmod 600",
                     "the session key file is damaged or readable by others");
}

enum error_code session_key_wipe(const struct world *world, const char *path, struct error *error)
{
    return world->disk->wipe(world->disk->context, path, error);
}
