#include "journal/canonical.h"

#include <string.h>

#include "journal/format/format.h"

static enum error_code refuse_value(struct error *error, const char *what)
{
    return error_set(error, ERROR_LIMIT, 0, "entry", "report this: the driver must not write it",
                     "%s", what);
}

static enum error_code write_string(const char *text, size_t length, struct bytes *out,
                                    struct error *error)
{
    static const char *const short_forms[0x20] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    if (!bytes_is_utf8(text, length))
        return refuse_value(error, "a string is not UTF-8");
    enum error_code code = bytes_append(out, "\"", 1, error);
    for (size_t i = 0, plain; code == ERROR_OK && i < length; i += plain) {
        for (plain = 0; i + plain < length && (unsigned char)text[i + plain] >= 0x20
                        && text[i + plain] != '"' && text[i + plain] != '\\';)
            plain++;
        if (plain > 0) {
            code = bytes_append(out, text + i, plain, error);
            continue;
        }
        unsigned char character = (unsigned char)text[i];
        plain = 1;
        if (character >= 0x20)
            code = bytes_append_format(out, error, "\\%c", character);
        else if (short_forms[character] != NULL)
            code = bytes_append(out, short_forms[character], 2, error);
        else
            code = bytes_append_format(out, error, "\\u%04x", character);
    }
    return code == ERROR_OK ? bytes_append(out, "\"", 1, error) : code;
}

static enum error_code write_value(const json_t *value, unsigned depth, struct bytes *out,
                                   struct error *error);

static enum error_code write_object(const json_t *value, unsigned depth, struct bytes *out,
                                    struct error *error)
{
    enum error_code code = bytes_append(out, "{", 1, error);
    const char *key;
    json_t *member;
    bool first = true;
    json_object_foreach ((json_t *)value, key, member) {
        if (code == ERROR_OK && !first)
            code = bytes_append(out, ",", 1, error);
        if (code == ERROR_OK)
            code = write_string(key, strlen(key), out, error);
        if (code == ERROR_OK)
            code = bytes_append(out, ":", 1, error);
        if (code == ERROR_OK)
            code = write_value(member, depth + 1, out, error);
        first = false;
    }
    return code == ERROR_OK ? bytes_append(out, "}", 1, error) : code;
}

static enum error_code write_array(const json_t *value, unsigned depth, struct bytes *out,
                                   struct error *error)
{
    enum error_code code = bytes_append(out, "[", 1, error);
    for (size_t i = 0; code == ERROR_OK && i < json_array_size(value); i++) {
        if (i > 0)
            code = bytes_append(out, ",", 1, error);
        if (code == ERROR_OK)
            code = write_value(json_array_get(value, i), depth + 1, out, error);
    }
    return code == ERROR_OK ? bytes_append(out, "]", 1, error) : code;
}

static enum error_code write_value(const json_t *value, unsigned depth, struct bytes *out,
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
        return bytes_append_format(out, error, "%lld", (long long)json_integer_value(value));
    case JSON_REAL:
        return refuse_value(error, "a number is not an integer");
    case JSON_TRUE:
        return bytes_append(out, "true", 4, error);
    case JSON_FALSE:
        return bytes_append(out, "false", 5, error);
    case JSON_NULL:
        return bytes_append(out, "null", 4, error);
    }
    return refuse_value(error, "a value is of no known type");
}

enum error_code canonical_write(const json_t *value, struct bytes *text, struct error *error)
{
    return write_value(value, 1, text, error);
}

enum error_code canonical_read(const void *text, size_t size, json_t **ret_value,
                               struct error *error)
{
    json_error_t parsed;
    CLEANUP_JSON json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                                            &parsed);
    if (value == NULL || !json_is_object(value))
        return error_set(error, ERROR_DAMAGED, 0, "", "run titan-verify and keep a copy",
                         "a payload is not a JSON object: %s",
                         value == NULL ? parsed.text : "another type");
    CLEANUP_BYTES struct bytes again = {0};
    enum error_code code = canonical_write(value, &again, error);
    if (code != ERROR_OK || again.size != size || memcmp(again.data, text, size) != 0)
        return error_set(error, ERROR_DAMAGED, 0, "", "run titan-verify and keep a copy",
                         "a payload is not in canonical form");
    *ret_value = value;
    value = NULL;
    return ERROR_OK;
}
