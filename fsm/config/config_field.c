#include "fsm/config/config_field.h"
#include "fsm/config/config_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

static enum error_code take_items(const struct field_reader *reader, const struct field *field,
                                  struct fy_node *key, struct fy_node *value, const char **items,
                                  size_t maximum, size_t *ret_count)
{
    void *at = NULL;
    size_t count = 0;
    if (value == NULL || !fy_node_is_sequence(value))
        return value_fail(reader, key, "write [a, b], or one `- item` a line",
                          "a list was expected here", "");
    for (struct fy_node *item; (item = fy_node_sequence_iterate(value, &at)) != NULL;) {
        enum error_code code;
        const char *text = value_text(reader, key, item, &code);
        if (code != ERROR_OK)
            return code;
        if (field->kind == FIELD_SERVICES && !value_is_service(text))
            return value_fail(reader, item, VALUE_SERVICE_ADVICE,
                              "this is not the name of a service", text);
        if (field->kind == FIELD_PATTERNS && !value_is_pattern(text))
            return value_fail(reader, item,
                              "write literal text; %H stands for 64 hex digits, %N for the nonce",
                              "this is not a pattern", text);
        if (count == maximum)
            return value_fail(reader, item, "shorten the list", "too many items", text);
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
        return value_fail(reader, key, "write `name: {...}` lines below it",
                          "a mapping was expected here", "");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(value, &at)) != NULL;) {
        enum error_code code;
        struct fy_node *name_node = fy_node_pair_key(pair);
        const char *name = value_text(reader, key, name_node, &code);
        if (code != ERROR_OK)
            return code;
        if (!value_is_service(name))
            return value_fail(reader, name_node, VALUE_SERVICE_ADVICE, "this is not a name", name);
        void *entry = field->each(base, name);
        if (entry == NULL)
            return value_fail(reader, name_node, "shorten the list", "too many entries", name);
        code = take_mapping(reader, name_node, fy_node_pair_value(pair), field->fields, entry);
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
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
    const char *text = value_text(reader, key, value, &code);
    return code == ERROR_OK ? value_take(reader, field, value, text, place) : code;
}

static enum error_code take_mapping(const struct field_reader *reader, struct fy_node *key,
                                    struct fy_node *mapping, const struct field *fields, void *base)
{
    void *at = NULL;
    if (mapping == NULL || !fy_node_is_mapping(mapping))
        return value_fail(reader, key, "write `key: value` lines below it",
                          "a mapping was expected here", "");
    for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(mapping, &at)) != NULL;) {
        struct fy_node *name_node = fy_node_pair_key(pair);
        enum error_code code;
        const char *name = value_text(reader, key, name_node, &code);
        if (code != ERROR_OK)
            return code;
        const struct field *field = fields;
        while (field->key != NULL && strcmp(field->key, name) != 0)
            field++;
        if (field->key == NULL)
            return value_fail(reader, name_node,
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
    return value_fail(&reader,
                      shown          ? value
                      : pair != NULL ? fy_node_pair_key(pair)
                                     : NULL,
                      next, what, word);
}
