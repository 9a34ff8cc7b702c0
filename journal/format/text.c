#include "journal/format/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_clear(struct text *text)
{
    bytes_free(&text->bytes);
    *text = (struct text){0};
}

/* Twice as large at least, so that a long text is copied a few times only. The old memory is wiped:
 * it may hold what is not redacted yet. */
static bool text_grow(struct text *text, size_t needed)
{
    size_t capacity = 2 * text->capacity > needed ? 2 * text->capacity : needed;
    uint8_t *larger = malloc(capacity);
    if (larger == NULL) {
        (void)error_set(&text->failure, ERROR_MEMORY, errno, "", "", "out of memory");
        return false;
    }
    size_t size = text->bytes.size;
    if (size > 0)
        memcpy(larger, text->bytes.data, size);
    bytes_free(&text->bytes);
    text->bytes = (struct bytes){.data = larger, .size = size};
    text->capacity = capacity;
    return true;
}

void text_add_bytes(struct text *text, const void *data, size_t size)
{
    size_t needed = text->bytes.size + size + 1;
    assert(needed > size);
    if (text->failure.code != ERROR_OK || (needed > text->capacity && !text_grow(text, needed)))
        return;
    if (size > 0)
        memcpy(text->bytes.data + text->bytes.size, data, size);
    text->bytes.size += size;
    text->bytes.data[text->bytes.size] = 0;
}

void text_add(struct text *text, const char *words)
{
    text_add_bytes(text, words, strlen(words));
}

void text_add_format(struct text *text, const char *format, ...)
{
    if (text->failure.code != ERROR_OK)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *words = NULL;
    int length = vasprintf(&words, format, arguments);
    va_end(arguments);
    if (length < 0) {
        (void)error_set(&text->failure, ERROR_MEMORY, errno, "", "", "out of memory");
        return;
    }
    text_add_bytes(text, words, (size_t)length);
    free(words);
}

void text_add_quoted(struct text *text, const char *word)
{
    text_add_bytes(text, "'", 1);
    for (const char *at = word; *at != '\0';) {
        size_t plain = strcspn(at, "'");
        text_add_bytes(text, at, plain);
        at += plain;
        if (*at == '\'') {
            text_add(text, "'\\''");
            at++;
        }
    }
    text_add_bytes(text, "'", 1);
}

static void inherit_failure(struct text *text, const struct text *other)
{
    if (text->failure.code == ERROR_OK && other->failure.code != ERROR_OK)
        text->failure = other->failure;
}

void text_add_text(struct text *text, const struct text *other)
{
    inherit_failure(text, other);
    text_add_bytes(text, text_string(other), other->bytes.size);
}

void text_add_quoted_text(struct text *text, const struct text *word)
{
    inherit_failure(text, word);
    text_add_quoted(text, text_string(word));
}

bool text_failed(const struct text *text, struct error *error)
{
    if (text->failure.code == ERROR_OK)
        return false;
    *error = text->failure;
    return true;
}

const char *text_string(const struct text *text)
{
    return text->bytes.data != NULL ? (const char *)text->bytes.data : "";
}

enum error_code text_give(struct text *text, struct bytes *ret_bytes, struct error *error)
{
    if (text_failed(text, error))
        return error->code;
    *ret_bytes = text->bytes;
    *text = (struct text){0};
    return ERROR_OK;
}

enum error_code text_exact(char *ret_to, size_t size, const char *from, const char *what,
                           struct error *error)
{
    size_t length = strlen(from);
    if (length >= size)
        return error_set(error, ERROR_LIMIT, 0, what, "use a shorter one",
                         "%s is %zu bytes long; at most %zu are supported", what, length, size - 1);
    memcpy(ret_to, from, length + 1);
    return ERROR_OK;
}

void text_cut(char *ret_to, size_t size, const char *from)
{
    assert(size > 0);
    size_t length = strlen(from);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(ret_to, from, length);
    ret_to[length] = '\0';
}
