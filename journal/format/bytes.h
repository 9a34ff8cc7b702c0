/* journal/format/bytes: a length and the bytes, and their text forms (lower-case hex, canonical
 * base64).
 * Ownership: a struct bytes owns its data; bytes_free() wipes and releases it and accepts an
 *            empty one; the data is followed by one NUL that `size` does not count, so text can be
 * read as a string. */
#ifndef JOURNAL_BYTES_H
#define JOURNAL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes_print.h"
#include "journal/format/error.h"

struct bytes {
    uint8_t *data;
    size_t size;
};

enum { SHA256_BYTES = 32, SHA256_HEX = 64, KEY_BYTES = 32, SEED_BYTES = 32, SIGNATURE_BYTES = 64 };

void bytes_free(struct bytes *bytes);
#define CLEANUP_BYTES __attribute__((cleanup(bytes_free)))

enum error_code bytes_append(struct bytes *bytes, const void *data, size_t size,
                             struct error *error) CHECKED;
enum error_code bytes_append_format(struct bytes *bytes, struct error *error, const char *format,
                                    ...) CHECKED __attribute__((format(printf, 3, 4)));

/* A uint32 of RFC 4251: four bytes, the most significant first. */
void bytes_put_u32(uint8_t at[4], uint32_t number);
uint32_t bytes_get_u32(const uint8_t at[4]);

/* ret_hex has a capacity of 2 * size + 1 characters. */
void bytes_hex(const void *data, size_t size, char *ret_hex);
/* Lower-case hex of exactly `size` bytes (2 * size characters, then NUL or anything: `hex_length`
 * counts). False if it is not. */
bool bytes_from_hex(const char *hex, size_t hex_length, void *ret_data, size_t size);
bool bytes_is_hex(const char *text,
                  size_t digits); /* exactly so many lower-case digits, then NUL */

enum error_code bytes_base64(const void *data, size_t size, struct bytes *ret_text,
                             struct error *error) CHECKED;
/* Standard alphabet, padded, canonical (unused bits zero); any other form is ERROR_DAMAGED. */
enum error_code bytes_from_base64(const char *text, size_t length, struct bytes *ret_data,
                                  struct error *error) CHECKED;

void bytes_sha256(const void *data, size_t size, uint8_t ret_hash[SHA256_BYTES]);
void bytes_sha256_hex(const void *data, size_t size, char ret_hex[SHA256_HEX + 1]);

#endif
