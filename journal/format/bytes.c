#include "journal/format/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/sha256.h"

/* Wiped, because any of them may have held what a target printed before it was redacted. */
void bytes_free(struct bytes *bytes)
{
    if (bytes->data != NULL)
        sodium_memzero(bytes->data, bytes->size);
    free(bytes->data);
    *bytes = (struct bytes){0};
}

enum error_code bytes_append(struct bytes *bytes, const void *data, size_t size,
                             struct error *error)
{
    assert(size < SIZE_MAX / 2 && bytes->size < SIZE_MAX / 4);
    uint8_t *grown = realloc(bytes->data, bytes->size + size + 1);
    if (grown == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    if (size > 0)
        memcpy(grown + bytes->size, data, size);
    bytes->data = grown;
    bytes->size += size;
    bytes->data[bytes->size] = 0;
    return ERROR_OK;
}

enum error_code bytes_append_format(struct bytes *bytes, struct error *error, const char *format,
                                    ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    enum error_code code = bytes_append(bytes, text, (size_t)length, error);
    free(text);
    return code;
}

void bytes_put_u32(uint8_t at[4], uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

uint32_t bytes_get_u32(const uint8_t at[4])
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void bytes_hex(const void *data, size_t size, char *ret_hex)
{
    (void)sodium_bin2hex(ret_hex, size * 2 + 1, data, size);
}

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool bytes_from_hex(const char *hex, size_t hex_length, void *ret_data, size_t size)
{
    if (hex_length != size * 2)
        return false;
    for (size_t i = 0; i < hex_length; i++)
        if (!is_hex_digit(hex[i]))
            return false;
    return sodium_hex2bin(ret_data, size, hex, hex_length, NULL, NULL, NULL) == 0;
}

bool bytes_is_hex(const char *text, size_t digits)
{
    for (size_t i = 0; i < digits; i++)
        if (!is_hex_digit(text[i]))
            return false;
    return text[digits] == '\0';
}

void bytes_sha256(const void *data, size_t size, uint8_t ret_hash[SHA256_BYTES])
{
    struct sha256 sha256;
    sha256_begin(&sha256);
    sha256_add(&sha256, data, size);
    sha256_end(&sha256, ret_hash);
}

void bytes_sha256_hex(const void *data, size_t size, char ret_hex[SHA256_HEX + 1])
{
    uint8_t hash[SHA256_BYTES];
    bytes_sha256(data, size, hash);
    bytes_hex(hash, sizeof hash, ret_hex);
}
