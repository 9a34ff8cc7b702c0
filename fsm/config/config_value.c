#include "fsm/config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "journal/format/bytes.h"

enum error_code value_fail(const struct field_reader *reader, struct fy_node *node,
                           const char *next, const char *what, const char *word)
{
    char where[160];
    struct fy_token *token = node != NULL && fy_node_is_scalar(node)
                                 ? fy_node_get_scalar_token(node)
                                 : NULL;
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    (void)snprintf(where, sizeof where, "%.120s:%d:%d", reader->path,
                   mark != NULL ? mark->line + 1 : 1, mark != NULL ? mark->column + 1 : 1);
    return error_set(reader->error, ERROR_CONFIG, 0, where, next, "%s%s%.100s", what,
                     word[0] != '\0' ? ": " : "", word);
}

static enum error_code value_out_of_memory(const struct field_reader *reader)
{
    return error_set(reader->error, ERROR_MEMORY, 0, reader->path, "", "out of memory");
}

static bool has_only(const char *text, const char *others)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    for (; *text != '\0'; text++)
        if (strchr(plain, *text) == NULL && strchr(others, *text) == NULL)
            return false;
    return true;
}

static bool has_control(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return true;
    return false;
}

bool value_is_service(const char *text)
{
    return text[0] != '\0' && text[0] != '-' && strlen(text) <= FIELD_SERVICE_MAX
           && has_only(text, "");
}

const char *value_text(const struct field_reader *reader, struct fy_node *key,
                       struct fy_node *value, enum error_code *code)
{
    size_t length = 0;
    const char *text = value != NULL && fy_node_is_scalar(value)
                           ? fy_node_get_scalar(value, &length)
                           : NULL;
    *code = ERROR_OK;
    if (value == NULL || !fy_node_is_scalar(value))
        *code = value_fail(reader, key, "write one value", "a text was expected here", "");
    else if (length > 4096
             || (length > 0 && (has_control(text, length) || !bytes_is_utf8(text, length))))
        *code = value_fail(reader, value, "write it in one line of plain text",
                           "this value has control characters or is too long", "");
    if (*code != ERROR_OK)
        return NULL;
    const char *kept = strings_keep(reader->keeper, text != NULL ? text : "", length);
    if (kept == NULL)
        *code = value_out_of_memory(reader);
    return kept;
}

static enum error_code take_number(const struct field_reader *reader, const struct field *field,
                                   struct fy_node *value, const char *text, int64_t *ret_number)
{
    char *end;
    char bounds[96];
    errno = 0;
    long long number = strtoll(text, &end, 10);
    (void)snprintf(bounds, sizeof bounds, "write a whole number from %lld to %lld",
                   (long long)field->minimum, (long long)field->maximum);
    if (errno != 0 || *text == '\0' || *end != '\0' || number < field->minimum
        || number > field->maximum)
        return value_fail(reader, value, bounds, "this is not a number within its bounds", text);
    *ret_number = number;
    return ERROR_OK;
}

/* "~/x" and "x" beside the configuration file become paths that do not depend on where the program
 * is started. */
static enum error_code take_path(const struct field_reader *reader, const char *text,
                                 const char **ret_path)
{
    char path[4096];
    const char *slash = strrchr(reader->path, '/'), *home = reader->home;
    int length;
    if (text[0] == '\0' || text[0] == '/')
        length = snprintf(path, sizeof path, "%s", text);
    else if (strncmp(text, "~/", 2) == 0 && home != NULL)
        length = snprintf(path, sizeof path, "%s%s", home, text + 1);
    else
        length = snprintf(path, sizeof path, "%.*s%s",
                          slash != NULL ? (int)(slash - reader->path) + 1 : 0, reader->path, text);
    *ret_path = length >= 0 && length < (int)sizeof path
                    ? strings_keep(reader->keeper, path, (size_t)length)
                    : NULL;
    return *ret_path != NULL ? ERROR_OK : value_out_of_memory(reader);
}

bool value_is_pattern(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (at[0] == '%' && at[1] != 'H' && at[1] != 'N')
            return false;
    return text[0] != '\0';
}

enum error_code value_take(const struct field_reader *reader, const struct field *field,
                           struct fy_node *value, const char *text, char *place)
{
    switch (field->kind) {
    case FIELD_VERSION:
        return strcmp(text, "1") == 0
                   ? ERROR_OK
                   : value_fail(reader, value, "write `version: 1`",
                                "this program reads configurations of version 1", text);
    case FIELD_TEXT:
        *(const char **)(void *)place = text;
        return ERROR_OK;
    case FIELD_SERVICE:
        *(const char **)(void *)place = text;
        return text[0] == '\0' || value_is_service(text)
                   ? ERROR_OK
                   : value_fail(reader, value, VALUE_SERVICE_ADVICE,
                                "this is not the name of a service", text);
    case FIELD_NAME:
    case FIELD_WORDS:
    case FIELD_PLACE:
        *(const char **)(void *)place = text;
        if (text[0] != '-' /* an option */
            && has_only(text, field->kind == FIELD_NAME    ? ""
                              : field->kind == FIELD_PLACE ? "/"
                                                           : "/=: "))
            return ERROR_OK;
        return value_fail(
            reader, value,
            "use letters, digits, '.', '_', '-' and, where it is a path or a command, '/'",
            text[0] == '-' ? "this value would be taken for an option on the target"
                           : "this value holds a character that cannot be used on the target",
            text);
    case FIELD_PATH:
        return take_path(reader, text, (const char **)(void *)place);
    case FIELD_NUMBER:
        return take_number(reader, field, value, text, (int64_t *)(void *)place);
    case FIELD_COUNT: {
        int64_t number;
        enum error_code code = take_number(reader, field, value, text, &number);
        if (code == ERROR_OK)
            *(int *)(void *)place = (int)number;
        return code;
    }
    case FIELD_FLAG:
        *(bool *)(void *)place = strcmp(text, "true") == 0;
        return *(bool *)(void *)place || strcmp(text, "false") == 0
                   ? ERROR_OK
                   : value_fail(reader, value, "write true or false",
                                "this is neither true nor false", text);
    case FIELD_INVALID:
    case FIELD_LIST:
    case FIELD_SERVICES:
    case FIELD_PATTERNS:
    case FIELD_SECTION:
    case FIELD_EACH:
        break;
    }
    return value_fail(reader, value, "", "a value of this kind cannot be read", text);
}
