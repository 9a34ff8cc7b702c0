#include "journal/format/bytes.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

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

enum error_code bytes_base64(const void *data, size_t size, struct bytes *ret_text,
                             struct error *error)
{
    size_t capacity = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
    struct bytes text = {.data = malloc(capacity), .size = capacity - 1};
    if (text.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    (void)sodium_bin2base64((char *)text.data, capacity, data, size,
                            sodium_base64_VARIANT_ORIGINAL);
    bytes_free(ret_text);
    *ret_text = text;
    return ERROR_OK;
}

enum error_code bytes_from_base64(const char *text, size_t length, struct bytes *ret_data,
                                  struct error *error)
{
    size_t capacity = length / 4 * 3 + 4;
    CLEANUP_BYTES struct bytes data = {.data = malloc(capacity)};
    if (data.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    const char *end;
    /* libsodium refuses a missing padding and unused bits that are set; `end` shows what follows
     * the text. */
    if (sodium_base642bin(data.data, capacity - 1, text, length, NULL, &data.size, &end,
                          sodium_base64_VARIANT_ORIGINAL)
            != 0
        || end != text + length)
        return error_set(error, ERROR_DAMAGED, 0, "", "", "this is not canonical base64");
    data.data[data.size] = 0;
    bytes_free(ret_data);
    *ret_data = data;
    data = (struct bytes){0};
    return ERROR_OK;
}

void bytes_sha256(const void *data, size_t size, uint8_t ret_hash[SHA256_BYTES])
{
    (void)crypto_hash_sha256(ret_hash, size > 0 ? data : (const void *)"", size);
}

void bytes_sha256_hex(const void *data, size_t size, char ret_hex[SHA256_HEX + 1])
{
    uint8_t hash[SHA256_BYTES];
    bytes_sha256(data, size, hash);
    bytes_hex(hash, sizeof hash, ret_hex);
}
