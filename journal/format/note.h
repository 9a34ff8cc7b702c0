/* journal/format/note: signed notes and the checkpoints written in them.
 * Format:    C2SP signed-note and tlog-checkpoint; Ed25519 signatures (type 01) only, others are
 *            skipped as unknown. */
#ifndef JOURNAL_NOTE_H
#define JOURNAL_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/bytes.h"

enum { NOTE_SIGNATURES_MAX = 64, NOTE_BYTES_MAX = 65536, CHECKPOINT_ORIGIN_MAX = 64 };

struct checkpoint {
    char origin[CHECKPOINT_ORIGIN_MAX]; /* "titan/<journal id>" */
    uint64_t size;
    uint8_t root[SHA256_BYTES];
};

/* The text that is signed (three lines). */
enum error_code checkpoint_text(const struct checkpoint *checkpoint, struct bytes *ret_text,
                                struct error *error) CHECKED;
/* Text and one signature line; key_name is the origin. */
enum error_code checkpoint_note(const struct checkpoint *checkpoint,
                                const uint8_t signature[SIGNATURE_BYTES],
                                const uint8_t public_key[KEY_BYTES], struct bytes *ret_note,
                                struct error *error) CHECKED;

/* Reads a note strictly and its checkpoint. It does not decide about signatures. */
enum error_code checkpoint_read(const void *note, size_t size, struct checkpoint *ret_checkpoint,
                                struct error *error) CHECKED;
/* True when a signature line of the note is by this key under this name and is good.
 * *ret_known_bad: by this key, but wrong (then the whole note must be refused). */
bool note_signed_by(const void *note, size_t size, const char *key_name,
                    const uint8_t public_key[KEY_BYTES], bool *ret_known_bad);
/* "name+hash+base64" */
enum error_code note_vkey(const char *key_name, const uint8_t public_key[KEY_BYTES],
                          struct bytes *ret_text, struct error *error) CHECKED;

#endif
