#include "journal/format/bytes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
    struct bytes text = {.data = malloc(room), .size = room - 1};
    if (text.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    (void)sodium_bin2base64((char *)text.data, room, data, size, sodium_base64_VARIANT_ORIGINAL);
    bytes_free(ret_text);
    *ret_text = text;
    return ERROR_OK;
}

enum error_code bytes_from_base64(const char *text, size_t length, struct bytes *ret_data,
                                  struct error *error)
{
    size_t room = length / 4 * 3 + 4;
    CLEANUP_BYTES struct bytes data = {.data = malloc(room)};
    if (data.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    const char *end;
    /* libsodium refuses a missing padding and unused bits that are set; `end` shows anything
     * behind. */
    if (sodium_base642bin(data.data, room - 1, text, length, NULL, &data.size, &end,
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

/* Length of the well-formed UTF-8 character at `at` (RFC 3629: shortest form, no surrogates, at
 * most U+10FFFF), 0 if there is none. */
static size_t utf8_length(const uint8_t *at, size_t left, uint32_t *ret_character)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    for (size_t n = 0; n < 4; n++) {
        if ((at[0] & forms[n].mask) != forms[n].lead)
            continue;
        if (left < n + 1)
            return 0;
        uint32_t character = (uint32_t)(at[0] & (uint8_t)~forms[n].mask);
        for (size_t i = 1; i <= n; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return 0;
            character = character << 6 | (at[i] & 0x3F);
        }
        bool sound = character >= forms[n].least && character <= 0x10FFFF
                     && (character < 0xD800 || character > 0xDFFF);
        *ret_character = character;
        return sound ? n + 1 : 0;
    }
    return 0;
}

bool bytes_is_utf8(const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t length = utf8_length(at + i, size - i, &character);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

static bool may_be_shown(uint32_t character)
{
    bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    bool direction = character == 0x061C || (character >= 0x200B && character <= 0x200F)
                     || (character >= 0x2028 && character <= 0x202E)
                     || (character >= 0x2060 && character <= 0x206F) || character == 0xFEFF;
    return !control && !direction;
}

void bytes_print_escaped(FILE *stream, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size;) {
        uint32_t character = 0;
        size_t length = utf8_length(at + i, size - i, &character);
        if (length > 0 && may_be_shown(character)) {
            (void)fwrite(at + i, 1, length, stream);
            i += length;
            continue;
        }
        for (size_t k = 0; k < (length > 0 ? length : 1); k++)
            (void)fprintf(stream, "\\x%02x", at[i++]);
    }
}

enum error_code bytes_read_file(const char *path, size_t size_max, struct bytes *ret_data,
                                struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return error_set(error, ERROR_SYSTEM, errno, path, "check the path and its permissions",
                         "the file cannot be opened: %s", strerror(errno));
    CLEANUP_BYTES struct bytes data = {0};
    enum error_code code = bytes_append(&data, "", 0, error);
    uint8_t chunk[16384];
    ssize_t got = 1;
    while (code == ERROR_OK && got > 0) {
        got = read(descriptor, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
        if (got < 0)
            code = error_set(error, ERROR_SYSTEM, errno, path, "check the path",
                             "the file cannot be read: %s", strerror(errno));
        else if (data.size + (size_t)got > size_max)
            code = error_set(error, ERROR_LIMIT, 0, path, "check that this is the right file",
                             "the file is larger than %zu bytes", size_max);
        else
            code = bytes_append(&data, chunk, (size_t)got, error);
    }
    (void)close(descriptor);
    sodium_memzero(chunk, sizeof chunk);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_data);
    *ret_data = data;
    data = (struct bytes){0};
    return ERROR_OK;
}

enum error_code bytes_write_file(const char *path, const void *data, size_t size,
                                 struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
    bool good = descriptor >= 0;
    for (size_t at = 0; good && at < size;) {
        ssize_t put = write(descriptor, (const uint8_t *)data + at, size - at);
        good = put > 0 || (put < 0 && errno == EINTR);
        at += put > 0 ? (size_t)put : 0;
    }
    good = good && fsync(descriptor) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good ? ERROR_OK
                : error_set(error, ERROR_SYSTEM, number, path, "choose a place that can be written",
                            "the file cannot be written: %s", strerror(number));
}
