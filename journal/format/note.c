#include "journal/format/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/sha256.h"
#include "journal/format/sshsig.h"

#define DASH "\xe2\x80\x94 "
enum {
    TYPE_ED25519 = 0x01,
    KEY_HASH_BYTES = 4,
    LINE_BLOB_BYTES = KEY_HASH_BYTES + SIGNATURE_BYTES
};

static void key_hash(const char *name, const uint8_t public_key[KEY_BYTES],
                     uint8_t ret_hash[KEY_HASH_BYTES])
{
    uint8_t hash[SHA256_BYTES];
    struct sha256 sha256;
    sha256_begin(&sha256);
    sha256_add(&sha256, name, strlen(name));
    sha256_add(&sha256, (const uint8_t[]){0x0A, TYPE_ED25519}, 2);
    sha256_add(&sha256, public_key, KEY_BYTES);
    sha256_end(&sha256, hash);
    memcpy(ret_hash, hash, KEY_HASH_BYTES);
}

static enum error_code give(struct bytes *made, struct bytes *ret_made)
{
    bytes_free(ret_made);
    *ret_made = *made;
    *made = (struct bytes){0};
    return ERROR_OK;
}

enum error_code checkpoint_text(const struct checkpoint *checkpoint, struct bytes *ret_text,
                                struct error *error)
{
    CLEANUP_BYTES struct bytes root = {0};
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_base64(checkpoint->root, SHA256_BYTES, &root, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&text, error, "%s\n%llu\n%s\n", checkpoint->origin,
                                   (unsigned long long)checkpoint->size, (const char *)root.data);
    return code == ERROR_OK ? give(&text, ret_text) : code;
}

enum error_code checkpoint_note(const struct checkpoint *checkpoint,
                                const uint8_t signature[SIGNATURE_BYTES],
                                const uint8_t public_key[KEY_BYTES], struct bytes *ret_note,
                                struct error *error)
{
    uint8_t blob[LINE_BLOB_BYTES];
    key_hash(checkpoint->origin, public_key, blob);
    memcpy(blob + KEY_HASH_BYTES, signature, SIGNATURE_BYTES);
    CLEANUP_BYTES struct bytes line = {0};
    CLEANUP_BYTES struct bytes note = {0};
    enum error_code code = bytes_base64(blob, sizeof blob, &line, error);
    if (code == ERROR_OK)
        code = checkpoint_text(checkpoint, &note, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&note, error, "\n" DASH "%s %s\n", checkpoint->origin,
                                   (const char *)line.data);
    return code == ERROR_OK ? give(&note, ret_note) : code;
}

/* The next line from *at, without its newline; false at the end. */
static bool next_line(const char *text, size_t size, size_t *at, const char **ret_line,
                      size_t *ret_length)
{
    if (*at >= size)
        return false;
    const char *end = memchr(text + *at, '\n', size - *at);
    if (end == NULL)
        return false;
    *ret_line = text + *at;
    *ret_length = (size_t)(end - *ret_line);
    *at += *ret_length + 1;
    return true;
}

/* Dash, key name, base64 of a key hash and a signature of some kind. */
static bool is_signature_line(const char *line, size_t length)
{
    static const size_t dash = sizeof DASH - 1;
    CLEANUP_BYTES struct bytes blob = {0};
    struct error ignored;
    const char *space = length > dash && memcmp(line, DASH, dash) == 0
                            ? memchr(line + dash, ' ', length - dash)
                            : NULL;
    if (space == NULL || space == line + dash)
        return false;
    size_t head = (size_t)(space + 1 - line);
    return bytes_from_base64(line + head, length - head, &blob, &ignored) == ERROR_OK
           && blob.size > KEY_HASH_BYTES;
}

/* Lines beyond the bound would stay unchecked, and one of them could be a wrong signature by a
 * known key, so the note is refused. */
static bool are_signature_lines(const char *lines, size_t size)
{
    size_t at = 0, length;
    const char *line;
    for (unsigned count = 0; next_line(lines, size, &at, &line, &length); count++)
        if (count == NOTE_SIGNATURES_MAX || !is_signature_line(line, length))
            return false;
    return size > 0;
}

/* The text ends where the last empty line begins; after it there are signature lines only. */
static bool split(const char *note, size_t size, size_t *ret_text_bytes)
{
    if (size == 0 || size > NOTE_BYTES_MAX || note[size - 1] != '\n' || !bytes_is_utf8(note, size))
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)note[i] < 0x20 && note[i] != '\n')
            return false;
    for (size_t i = size - 1; i > 0; i--) {
        if (note[i] == '\n' && note[i - 1] == '\n') {
            *ret_text_bytes = i;
            return are_signature_lines(note + i + 1, size - i - 1);
        }
    }
    return false;
}

static bool read_size(const char *line, size_t length, uint64_t *ret_size)
{
    uint64_t size = 0;
    if (length == 0 || length > 18 || (line[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
        size = size * 10 + (uint64_t)(line[i] - '0');
    }
    *ret_size = size;
    return true;
}

static enum error_code note_damaged(struct error *error, const char *what)
{
    return error_set(error, ERROR_DAMAGED, 0, "checkpoint",
                     "get another copy from where it is kept", "%s", what);
}

enum error_code checkpoint_read(const void *note, size_t size, struct checkpoint *ret_checkpoint,
                                struct error *error)
{
    size_t text_bytes, at = 0, length;
    const char *line;
    struct checkpoint checkpoint = {0};
    if (!split(note, size, &text_bytes))
        return note_damaged(error, "this is not a signed note");
    if (!next_line(note, text_bytes, &at, &line, &length) || length == 0
        || length >= CHECKPOINT_ORIGIN_MAX)
        return note_damaged(error, "the note does not begin with an origin of this kind");
    memcpy(checkpoint.origin, line, length);
    if (!next_line(note, text_bytes, &at, &line, &length)
        || !read_size(line, length, &checkpoint.size))
        return note_damaged(error, "the second line of the note is not a size");
    CLEANUP_BYTES struct bytes root = {0};
    if (!next_line(note, text_bytes, &at, &line, &length)
        || bytes_from_base64(line, length, &root, error) != ERROR_OK || root.size != SHA256_BYTES)
        return note_damaged(error, "the third line of the note is not a root hash");
    if (at != text_bytes)
        return note_damaged(error, "the note has extension lines, which this format does not use");
    memcpy(checkpoint.root, root.data, SHA256_BYTES);
    *ret_checkpoint = checkpoint;
    return ERROR_OK;
}

bool note_signed_by(const void *note, size_t size, const char *key_name,
                    const uint8_t public_key[KEY_BYTES], bool *ret_known_bad)
{
    size_t text_bytes, length;
    const char *line;
    bool good = false;
    uint8_t expected[KEY_HASH_BYTES];
    char prefix[CHECKPOINT_ORIGIN_MAX + 8];
    *ret_known_bad = false;
    if (!split(note, size, &text_bytes) || strlen(key_name) >= CHECKPOINT_ORIGIN_MAX)
        return false;
    int prefix_length = snprintf(prefix, sizeof prefix, DASH "%s ", key_name);
    key_hash(key_name, public_key, expected);
    size_t at = text_bytes + 1;
    while (next_line(note, size, &at, &line, &length)) {
        CLEANUP_BYTES struct bytes blob = {0};
        struct error ignored;
        if (length <= (size_t)prefix_length || memcmp(line, prefix, (size_t)prefix_length) != 0)
            continue;
        if (bytes_from_base64(line + prefix_length, length - (size_t)prefix_length, &blob, &ignored)
                != ERROR_OK
            || blob.size != LINE_BLOB_BYTES || memcmp(blob.data, expected, KEY_HASH_BYTES) != 0)
            continue;
        if (sshsig_key_is_sound(public_key)
            && crypto_sign_verify_detached(blob.data + KEY_HASH_BYTES, note, text_bytes, public_key)
                   == 0)
            good = true;
        else
            *ret_known_bad = true;
    }
    return good && !*ret_known_bad;
}

enum error_code note_vkey(const char *key_name, const uint8_t public_key[KEY_BYTES],
                          struct bytes *ret_text, struct error *error)
{
    uint8_t hash[KEY_HASH_BYTES], typed[1 + KEY_BYTES] = {TYPE_ED25519};
    char hex[2 * KEY_HASH_BYTES + 1];
    key_hash(key_name, public_key, hash);
    bytes_hex(hash, sizeof hash, hex);
    memcpy(typed + 1, public_key, KEY_BYTES);
    CLEANUP_BYTES struct bytes base64 = {0};
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_base64(typed, sizeof typed, &base64, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&text, error, "%s+%s+%s", key_name, hex,
                                   (const char *)base64.data);
    return code == ERROR_OK ? give(&text, ret_text) : code;
}
