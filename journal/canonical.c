#include "journal/canonical.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/format.h"

enum { CAPACITY_LEAST = 512 };

static enum error_code refuse_value(struct error *error, const char *what)
{
    return error_set(error, ERROR_LIMIT, 0, "entry", "report this: the driver must not write it",
                     "%s", what);
}

/* Where a value is written: into memory that grows, or against the text that it must be. */
struct output {
    struct bytes made;
    size_t capacity;
    const uint8_t *expected; /* not NULL: nothing is stored, and what differs ends the writing */
    size_t expected_size;    /* what is left of it */
};

static enum error_code output_compare(struct output *out, const void *data, size_t size,
                                      struct error *error)
{
    if (size > out->expected_size || memcmp(out->expected, data, size) != 0)
        return refuse_value(error, "a text is not in canonical form");
    out->expected += size;
    out->expected_size -= size;
    return ERROR_OK;
}

static enum error_code output_grow(struct output *out, size_t size, struct error *error)
{
    size_t capacity = 2 * size + CAPACITY_LEAST;
    uint8_t *grown = realloc(out->made.data, capacity);
    if (grown == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    out->made.data = grown;
    out->capacity = capacity;
    return ERROR_OK;
}

static enum error_code output_put(struct output *out, const void *data, size_t size,
                                  struct error *error)
{
    if (out->expected != NULL)
        return output_compare(out, data, size, error);
    if (out->made.data == NULL || out->made.size + size >= out->capacity) {
        enum error_code code = output_grow(out, out->made.size + size, error);
        if (code != ERROR_OK)
            return code;
    }
    memcpy(out->made.data + out->made.size, data, size);
    out->made.size += size;
    out->made.data[out->made.size] = 0;
    return ERROR_OK;
}

static enum error_code output_escape(struct output *out, unsigned char character,
                                     struct error *error)
{
    static const char *const short_forms[0x20] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    char form[8];
    if (character < 0x20 && short_forms[character] != NULL)
        return output_put(out, short_forms[character], 2, error);
    int length = snprintf(form, sizeof form, character < 0x20 ? "\\u%04x" : "\\%c", character);
    return output_put(out, form, (size_t)length, error);
}

static enum error_code write_string(const char *text, size_t length, struct output *out,
                                    struct error *error)
{
    if (!bytes_is_utf8(text, length))
        return refuse_value(error, "a string is not UTF-8");
    enum error_code code = output_put(out, "\"", 1, error);
    for (size_t i = 0, plain; code == ERROR_OK && i < length; i += plain) {
        for (plain = 0; i + plain < length && (unsigned char)text[i + plain] >= 0x20
                        && text[i + plain] != '"' && text[i + plain] != '\\';)
            plain++;
        if (plain > 0) {
            code = output_put(out, text + i, plain, error);
            continue;
        }
        code = output_escape(out, (unsigned char)text[i], error);
        plain = 1;
    }
    return code == ERROR_OK ? output_put(out, "\"", 1, error) : code;
}

static enum error_code write_integer(json_int_t value, struct output *out, struct error *error)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
    return output_put(out, digits, (size_t)length, error);
}

static enum error_code write_value(const json_t *value, unsigned depth, struct output *out,
                                   struct error *error);

static enum error_code write_object(const json_t *value, unsigned depth, struct output *out,
                                    struct error *error)
{
    enum error_code code = output_put(out, "{", 1, error);
    const char *key;
    json_t *member;
    bool first = true;
    json_object_foreach ((json_t *)value, key, member) {
        if (code == ERROR_OK && !first)
            code = output_put(out, ",", 1, error);
        if (code == ERROR_OK)
            code = write_string(key, strlen(key), out, error);
        if (code == ERROR_OK)
            code = output_put(out, ":", 1, error);
        if (code == ERROR_OK)
            code = write_value(member, depth + 1, out, error);
        first = false;
    }
    return code == ERROR_OK ? output_put(out, "}", 1, error) : code;
}

static enum error_code write_array(const json_t *value, unsigned depth, struct output *out,
                                   struct error *error)
{
    enum error_code code = output_put(out, "[", 1, error);
    for (size_t i = 0; code == ERROR_OK && i < json_array_size(value); i++) {
        if (i > 0)
            code = output_put(out, ",", 1, error);
        if (code == ERROR_OK)
            code = write_value(json_array_get(value, i), depth + 1, out, error);
    }
    return code == ERROR_OK ? output_put(out, "]", 1, error) : code;
}

static enum error_code write_value(const json_t *value, unsigned depth, struct output *out,
                                   struct error *error)
{
    if (depth > FORMAT_NESTING_MAX
        && (json_is_object(value) || json_is_array(value))) /* a scalar adds no level */
        return refuse_value(error, "an entry is nested too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(value, depth, out, error);
    case JSON_ARRAY:
        return write_array(value, depth, out, error);
    case JSON_STRING:
        return write_string(json_string_value(value), json_string_length(value), out, error);
    case JSON_INTEGER:
        return write_integer(json_integer_value(value), out, error);
    case JSON_REAL:
        return refuse_value(error, "a number is not an integer");
    case JSON_TRUE:
        return output_put(out, "true", 4, error);
    case JSON_FALSE:
        return output_put(out, "false", 5, error);
    case JSON_NULL:
        return output_put(out, "null", 4, error);
    }
    return refuse_value(error, "a value is of no known type");
}

enum error_code canonical_write(const json_t *value, struct bytes *text, struct error *error)
{
    struct output out = {.made = *text};
    enum error_code code = write_value(value, 1, &out, error);
    *text = out.made;
    return code;
}

static void *noting_malloc(size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        error_note_memory();
    return memory;
}

void canonical_watch_memory(void)
{
    json_set_alloc_funcs(noting_malloc, free);
}

enum error_code canonical_read(const void *text, size_t size, json_t **ret_value,
                               struct error *error)
{
    json_error_t parsed;
    errno = 0;
    CLEANUP_JSON json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                            &parsed);
    if (value == NULL && errno == ENOMEM)
        return error_set(error, ERROR_MEMORY, 0, "journal", "", "out of memory");
    if (value == NULL || !json_is_object(value))
        return error_set(error, ERROR_DAMAGED, 0, "", "run titan-verify and keep a copy",
                         "a payload is not a JSON object: %s",
                         value == NULL ? parsed.text : "another type");
    struct output again = {.expected = text, .expected_size = size};
    enum error_code code = write_value(value, 1, &again, error);
    if (code != ERROR_OK && errno == ENOMEM)
        return error_set(error, ERROR_MEMORY, 0, "journal", "", "out of memory");
    if (code != ERROR_OK || again.expected_size != 0)
        return error_set(error, ERROR_DAMAGED, 0, "", "run titan-verify and keep a copy",
                         "a payload is not in canonical form");
    *ret_value = value;
    value = NULL;
    return ERROR_OK;
}
