/* journal/keys/signer: something that signs with one Ed25519 key: a key file, a session key, an
 * ssh-agent.
 * Ownership: signer_close() wipes and releases; it accepts NULL. Secret bytes live in locked memory
 *            (sodium_malloc).
 * Key file:  text, mode 0600: "titan-key-v1", Argon2id parameters, salt, XChaCha20-Poly1305 nonce
 *            and box of the seed, and the public key; described in journal/FORMAT.md. Session key
 *            file: the bare seed in hex, mode 0600, because no passphrase can be typed during a
 *            window. It signs for one deployment and is wiped at its end. */
#ifndef JOURNAL_SIGNER_H
#define JOURNAL_SIGNER_H

#include <stdint.h>

#include "journal/format/world.h"

struct signer;

const uint8_t *signer_public_key(const struct signer *signer);
/* Signs `data` itself: for an entry that is sshsig_signed_data(), for a checkpoint the text of the
 * note. */
enum error_code signer_sign(struct signer *signer, const void *data, size_t size,
                            uint8_t ret_signature[SIGNATURE_BYTES], struct error *error) CHECKED;
void signer_close(struct signer *signer);
static inline void signer_closep(struct signer **signer)
{
    signer_close(*signer);
}
#define CLEANUP_SIGNER __attribute__((cleanup(signer_closep)))

/* Where the passphrase comes from; all zero = ask on the terminal, without echo. */
struct passphrase_source {
    const char *file; /* first line of this file, which must be mode 0600 or less */
    int descriptor;   /* first line of this descriptor, where descriptor_set */
    int descriptor_set;
};

enum error_code keyfile_generate(const struct world *world, const char *path,
                                 const struct passphrase_source *source, const char *comment,
                                 uint8_t ret_public_key[KEY_BYTES], struct error *error)
    CHECKED; /* refuses to overwrite */
enum error_code keyfile_open(const struct world *world, const char *path,
                             const struct passphrase_source *source, struct signer **ret_signer,
                             struct error *error) CHECKED;
enum error_code keyfile_public_key(const struct world *world, const char *path,
                                   uint8_t ret_public_key[KEY_BYTES], struct error *error)
    CHECKED; /* needs no passphrase */

/* How long an agent's signature is waited for: a confirmation waits for a person. */
enum { AGENT_PERSON_MS = 120000 };
/* Lists the keys first, to distinguish an absent key from a refusal (draft-miller-ssh-agent,
 * requests 11 and 13). socket NULL = SSH_AUTH_SOCK. */
enum error_code agent_open(const struct world *world, const char *socket,
                           const uint8_t public_key[KEY_BYTES], int wait_ms,
                           struct signer **ret_signer, struct error *error) CHECKED;

enum error_code session_key_create(const struct world *world, const char *path,
                                   struct signer **ret_signer, struct error *error)
    CHECKED; /* fsynced, directory too */
enum error_code session_key_open(const struct world *world, const char *path,
                                 struct signer **ret_signer, struct error *error) CHECKED;
/* Overwrites, fsyncs, unlinks; success when it is already gone. */
enum error_code session_key_wipe(const struct world *world, const char *path, struct error *error)
    CHECKED;

/* For tests and vectors. */
enum error_code signer_from_seed(const uint8_t seed[SEED_BYTES], struct signer **ret_signer,
                                 struct error *error) CHECKED;

#endif
