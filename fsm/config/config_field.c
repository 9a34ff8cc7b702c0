#include "fsm/config/config_field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

struct field_reader {
    const char *path, *home;
    struct config_strings *keeper;
    struct error *error;
};

/* A collection has no token of its own, so its key gives the position. */
static enum error_code fail_at(const struct field_reader *reader, struct fy_node *node,
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

static enum error_code reader_out_of_memory(const struct field_reader *reader)
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

/* Names of services and of entries become part of fixed arrays and of paths: a longer one is
 * refused here, and never cut later. */
static const char service_advice[] = "use at most 63 letters, digits, '.', '_' and '-'";
static bool is_service(const char *text)
{
    return text[0] != '\0' && text[0] != '-' && strlen(text) <= FIELD_SERVICE_MAX
           && has_only(text, "");
}

/* The text of a scalar, kept; NULL after an error. */
static const char *take_text(const struct field_reader *reader, struct fy_node *key,
                             struct fy_node *value, enum error_code *code)
{
    size_t length = 0;
    const char *text = value != NULL && fy_node_is_scalar(value)
                           ? fy_node_get_scalar(value, &length)
                           : NULL;
    *code = ERROR_OK;
    if (value == NULL || !fy_node_is_scalar(value))
        *code = fail_at(reader, key, "write one value", "a text was expected here", "");
    else if (length > 4096
             || (length > 0 && (has_control(text, length) || !bytes_is_utf8(text, length))))
        *code = fail_at(reader, value, "write it in one line of plain text",
                        "this value has control characters or is too long", "");
    if (*code != ERROR_OK)
        return NULL;
    const char *kept = strings_keep(reader->keeper, text != NULL ? text : "", length);
    if (kept == NULL)
        *code = reader_out_of_memory(reader);
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
        return fail_at(reader, value, bounds, "this is not a number within its bounds", text);
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
    return *ret_path != NULL ? ERROR_OK : reader_out_of_memory(reader);
}

/* %H and %N are all that a pattern may name (journal/FORMAT.md, "Reading it"). */
static bool is_pattern(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (at[0] == '%' && at[1] != 'H' && at[1] != 'N')
            return false;
    return text[0] != '\0';
}

static enum error_code take_items(const struct field_reader *reader, const struct field *field,
                                  struct fy_node *key, struct fy_node *value, const char **items,
                                  size_t maximum, size_t *ret_count)
{
    void *at = NULL;
    size_t count = 0;
    if (value == NULL || !fy_node_is_sequence(value))
        return fail_at(reader, key, "write [a, b], or one `- item` a line",
                       "a list was expected here", "");
    for (struct fy_node *item; (item = fy_node_sequence_iterate(value, &at)) != NULL;) {
        enum error_code code;
        const char *text = take_text(reader, key, item, &code);
        if (code != ERROR_OK)
            return code;
        if (field->kind == FIELD_SERVICES && !is_service(text))
            return fail_at(reader, item, service_advice, "this is not the name of a service", text);
        if (field->kind == FIELD_PATTERNS && !is_pattern(text))
            return fail_at(reader, item,
                           "write literal text; %H stands for 64 hex digits, %N for the nonce",
                           "this is not a pattern", text);
        if (count == maximum)
            return fail_at(reader, item, "shorten the list", "too many items", text);
        items[count++] = text;
    }
    *ret_count = count;
    return ERROR_OK;
}

static enum error_code take_mapping(const struct field_reader *reader, struct fy_node *key,
                                    struct fy_node *mapping, const struct field *fields,
                                    void *base);

static enum error_code take_each(const struct field_reader *reader, const struct field *field,
                                 struct fy_node *key, struct fy_node *value, void *base)
{
    void *at = NULL;
    if (value == NULL || !fy_node_is_mapping(value))
        return fail_at(reader, key, "write `name: {...}` lines below it",
                       "a mapping was expected here", "");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(value, &at)) != NULL;) {
        enum error_code code;
        struct fy_node *name_node = fy_node_pair_key(pair);
        const char *name = take_text(reader, key, name_node, &code);
        if (code != ERROR_OK)
            return code;
        if (!is_service(name))
            return fail_at(reader, name_node, service_advice, "this is not a name", name);
        void *entry = field->each(base, name);
        if (entry == NULL)
            return fail_at(reader, name_node, "shorten the list", "too many entries", name);
        code = take_mapping(reader, name_node, fy_node_pair_value(pair), field->fields, entry);
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
}

static enum error_code take_scalar(const struct field_reader *reader, const struct field *field,
                                   struct fy_node *value, const char *text, char *place)
{
    switch (field->kind) {
    case FIELD_VERSION:
        return strcmp(text, "1") == 0
                   ? ERROR_OK
                   : fail_at(reader, value, "write `version: 1`",
                             "this program reads configurations of version 1", text);
    case FIELD_TEXT:
        *(const char **)(void *)place = text;
        return ERROR_OK;
    case FIELD_SERVICE:
        *(const char **)(void *)place = text;
        return text[0] == '\0' || is_service(text)
                   ? ERROR_OK
                   : fail_at(reader, value, service_advice, "this is not the name of a service",
                             text);
    case FIELD_NAME:
    case FIELD_WORDS:
    case FIELD_PLACE:
        *(const char **)(void *)place = text;
        if (text[0] != '-' /* an option */
            && has_only(text, field->kind == FIELD_NAME    ? ""
                              : field->kind == FIELD_PLACE ? "/"
                                                           : "/=: "))
            return ERROR_OK;
        return fail_at(
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
                   : fail_at(reader, value, "write true or false", "this is neither true nor false",
                             text);
    case FIELD_INVALID:
    case FIELD_LIST:
    case FIELD_SERVICES:
    case FIELD_PATTERNS:
    case FIELD_SECTION:
    case FIELD_EACH:
        break;
    }
    return fail_at(reader, value, "", "a value of this kind cannot be read", text);
}

static enum error_code take_field(const struct field_reader *reader, const struct field *field,
                                  struct fy_node *key, struct fy_node *value, void *base)
{
    char *place = (char *)base + field->offset;
    if (field->kind == FIELD_SECTION)
        return take_mapping(reader, key, value, field->fields, place);
    if (field->kind == FIELD_EACH)
        return take_each(reader, field, key, value, place);
    if (field->kind == FIELD_LIST || field->kind == FIELD_SERVICES) {
        struct setup_list *list = (struct setup_list *)(void *)place;
        return take_items(reader, field, key, value, list->items, SETUP_NAMES_MAX, &list->count);
    }
    if (field->kind == FIELD_PATTERNS) {
        struct setup_patterns *patterns = (struct setup_patterns *)(void *)place;
        return take_items(reader, field, key, value, patterns->items, SETUP_PATTERNS_MAX,
                          &patterns->count);
    }
    enum error_code code;
    const char *text = take_text(reader, key, value, &code);
    return code == ERROR_OK ? take_scalar(reader, field, value, text, place) : code;
}

static enum error_code take_mapping(const struct field_reader *reader, struct fy_node *key,
                                    struct fy_node *mapping, const struct field *fields, void *base)
{
    void *at = NULL;
    if (mapping == NULL || !fy_node_is_mapping(mapping))
        return fail_at(reader, key, "write `key: value` lines below it",
                       "a mapping was expected here", "");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &at)) != NULL;) {
        struct fy_node *name_node = fy_node_pair_key(pair);
        enum error_code code;
        const char *name = take_text(reader, key, name_node, &code);
        if (code != ERROR_OK)
            return code;
        const struct field *field = fields;
        while (field->key != NULL && strcmp(field->key, name) != 0)
            field++;
        if (field->key == NULL)
            return fail_at(reader, name_node,
                           "remove it, or see fsm/config/titan.example.yml (installed below "
                           "share/doc/titan-fsm) for its right name",
                           "no such key", name);
        code = take_field(reader, field, name_node, fy_node_pair_value(pair), base);
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
}

/* libfyaml's own message with line and column: a repeated key, a wrong indent. */
static enum error_code yaml_error(const char *path, struct fy_diag *diag, struct error *error)
{
    void *at = NULL;
    char where[160];
    const struct fy_diag_error *found = fy_diag_errors_iterate(diag, &at);
    (void)snprintf(where, sizeof where, "%.120s:%d:%d", path, found != NULL ? found->line : 1,
                   found != NULL ? found->column : 1);
    return error_set(error, ERROR_CONFIG, 0, where, "fix this line",
                     "this is not valid YAML: %.200s",
                     found != NULL ? found->msg : "it cannot be read");
}

struct field_file {
    const char *path;
    struct fy_diag *diag;
    struct fy_document *document;
};

void field_file_close(struct field_file *file)
{
    if (file == NULL)
        return;
    fy_document_destroy(file->document);
    fy_diag_destroy(file->diag);
    free(file);
}

static enum error_code read_document(struct field_file *file, const struct field_source *source,
                                     const struct field *fields, void *base,
                                     struct config_strings *keeper, struct error *error)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    file->diag = fy_diag_create(&quiet);
    if (file->diag == NULL)
        return error_set(error, ERROR_MEMORY, 0, file->path, "", "out of memory");
    fy_diag_set_collect_errors(file->diag, true);
    struct fy_parse_cfg parse = {.flags = FYPCF_COLLECT_DIAG, .diag = file->diag};
    file->document = fy_document_build_from_string(&parse, (const char *)source->text->data,
                                                   source->text->size);
    struct field_reader reader = {.path = file->path,
                                  .home = source->home,
                                  .keeper = keeper,
                                  .error = error};
    if (file->document == NULL && errno == ENOMEM)
        return error_set(error, ERROR_MEMORY, 0, file->path, "", "out of memory");
    return file->document == NULL
               ? yaml_error(file->path, file->diag, error)
               : take_mapping(&reader, NULL, fy_document_root(file->document), fields, base);
}

enum error_code field_file_read(const struct field_source *source, const struct field *fields,
                                void *base, struct config_strings *keeper,
                                struct field_file **ret_file, struct error *error)
{
    struct field_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return error_set(error, ERROR_MEMORY, 0, source->path, "", "out of memory");
    file->path = source->path;
    enum error_code code = read_document(file, source, fields, base, keeper, error);
    if (code == ERROR_OK)
        *ret_file = file;
    else
        field_file_close(file);
    return code;
}

static struct fy_node_pair *find_key(struct fy_node *mapping, const char *key, size_t length)
{
    void *at = NULL;
    if (mapping == NULL || !fy_node_is_mapping(mapping))
        return NULL;
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &at)) != NULL;) {
        size_t size = 0;
        const char *name = fy_node_get_scalar(fy_node_pair_key(pair), &size);
        if (name != NULL && size == length && memcmp(name, key, length) == 0)
            return pair;
    }
    return NULL;
}

/* Follows the path as deep as the file goes; *ret_whole: to its end. NULL if not even the first key
 * exists. */
static struct fy_node_pair *descend(const struct field_file *file, const char *at, bool *ret_whole)
{
    struct fy_node *mapping = fy_document_root(file->document);
    struct fy_node_pair *deepest = NULL;
    for (;; at++) {
        size_t length = strcspn(at, "/");
        struct fy_node_pair *pair = find_key(mapping, at, length);
        *ret_whole = pair != NULL && at[length] == '\0';
        deepest = pair != NULL ? pair : deepest;
        if (pair == NULL || at[length] == '\0')
            return deepest;
        mapping = fy_node_pair_value(pair);
        at += length;
    }
}

bool field_file_has(const struct field_file *file, const char *at)
{
    bool whole;
    (void)descend(file, at, &whole);
    return whole;
}

enum error_code field_file_fail(const struct field_file *file, const char *at, const char *next,
                                const char *what, const char *word, struct error *error)
{
    bool whole;
    struct fy_node_pair *pair = descend(file, at, &whole);
    struct fy_node *value = pair != NULL ? fy_node_pair_value(pair) : NULL;
    struct field_reader reader = {.path = file->path, .error = error};
    bool shown = whole && value != NULL && fy_node_is_scalar(value);
    return fail_at(&reader,
                   shown          ? value
                   : pair != NULL ? fy_node_pair_key(pair)
                                  : NULL,
                   next, what, word);
}
