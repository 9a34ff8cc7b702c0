/* journal/format/sshsig: OpenSSH signatures (SSHSIG) with Ed25519 keys, and public keys as OpenSSH
 * writes them.
 * Format:    OpenSSH PROTOCOL.sshsig; hash sha512, version 1; Ed25519 after RFC 8032.
 * Refuses:   small-order, non-canonical and mixed-order public keys, and non-canonical S.
 * Used by:   the driver and the verifier alike: it computes and decides nothing. */
#ifndef JOURNAL_SSHSIG_H
#define JOURNAL_SSHSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/error.h"

#define SSHSIG_NAMESPACE_JOURNAL "titan-journal-v1"
#define SSHSIG_NAMESPACE_APPROVAL "titan-approval-v1"

enum { SSHSIG_SIGNED_DATA_BYTES_MAX = 256, SSH_PUBLIC_KEY_TEXT_MAX = 96 };

/* The blob that is signed, for a namespace of at most 64 characters. Returns its size. */
size_t sshsig_signed_data(const char *name_space, const void *message, size_t message_bytes,
                          uint8_t ret_data[SSHSIG_SIGNED_DATA_BYTES_MAX]);

/* False for an invalid key or signature. It does not decide whose key it is. */
bool sshsig_verify(const char *name_space, const void *message, size_t message_bytes,
                   const uint8_t signature[SIGNATURE_BYTES], const uint8_t public_key[KEY_BYTES]);
bool sshsig_key_is_sound(const uint8_t public_key[KEY_BYTES]);

/* Keys whose point is sound, for a reader of many signatures by few keys: to check a point costs as
 * much as to check a signature. Owned by the reader; empty when zeroed. The oldest gives way. */
enum { SSHSIG_KEYS_MAX = 8 };
struct sshsig_keys {
    uint8_t sound[SSHSIG_KEYS_MAX][KEY_BYTES];
    size_t count; /* ever */
};
/* What a signature is said to be over, and by whom. Borrowed. */
struct sshsig_claim {
    const char *name_space;
    const void *message;
    size_t message_bytes;
    const uint8_t *signature, *public_key;
};
/* sshsig_verify(), with each point checked once. */
bool sshsig_verify_known(struct sshsig_keys *keys, const struct sshsig_claim *claim);

/* Armor as ssh-keygen -Y sign writes it (70 columns); the reader accepts any width. */
enum error_code sshsig_armor(const char *name_space, const uint8_t signature[SIGNATURE_BYTES],
                             const uint8_t public_key[KEY_BYTES], struct bytes *ret_text,
                             struct error *error) CHECKED;
enum error_code sshsig_dearmor(const char *text, size_t length, const char *name_space,
                               uint8_t ret_signature[SIGNATURE_BYTES],
                               uint8_t ret_public_key[KEY_BYTES], struct error *error) CHECKED;

/* "ssh-ed25519 AAAA..." */
void ssh_public_key_text(const uint8_t public_key[KEY_BYTES],
                         char ret_text[SSH_PUBLIC_KEY_TEXT_MAX]);
/* The base64 field alone ("AAAA..."), exactly an Ed25519 key. */
enum error_code ssh_public_key_from_base64(const char *text, size_t length,
                                           uint8_t ret_public_key[KEY_BYTES], struct error *error)
    CHECKED;
/* "SHA256:..." as ssh-keygen -l prints it. */
void ssh_fingerprint(const uint8_t public_key[KEY_BYTES], char ret_text[64]);

#endif
