/* A configuration as JSON, defaults included, by the same tables that read it: every key that is
 * read is shown. */
#include "fsm/config/config_field.h"

#include <stdbool.h>
#include <string.h>

static json_t *show_items(const char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < count; i++)
        if (json_array_append_new(list, json_string(items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* `keys` is NULL, or has this key between blanks. */
static bool uses_key(const char *keys, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = keys; at != NULL && (at = strstr(at, key)) != NULL; at += length)
        if ((at == keys || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return keys == NULL;
}

static json_t *show_field(const struct field *field, const void *base);

static json_t *show_some(const struct field *fields, const void *base, const char *keys)
{
    json_t *object = json_object();
    for (const struct field *field = fields; object != NULL && field->key != NULL; field++)
        if (uses_key(keys, field->key)
            && json_object_set_new(object, field->key, show_field(field, base)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *show_each(const struct field *field, const void *base)
{
    json_t *object = json_object();
    const char *name, *keys = NULL;
    const void *entry;
    for (size_t i = 0; object != NULL && (entry = field->at(base, i, &name, &keys)) != NULL; i++)
        if (json_object_set_new(object, name, show_some(field->fields, entry, keys)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *show_field(const struct field *field, const void *base)
{
    const void *place = (const char *)base + field->offset;
    const struct setup_list *list = place;
    const struct setup_patterns *patterns = place;
    switch (field->kind) {
    case FIELD_VERSION:
        return json_integer(1);
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_SERVICE:
    case FIELD_WORDS:
    case FIELD_PLACE:
    case FIELD_PATH:
        return json_string(*(const char *const *)place);
    case FIELD_NUMBER:
        return json_integer(*(const int64_t *)place);
    case FIELD_COUNT:
        return json_integer(*(const int *)place);
    case FIELD_FLAG:
        return json_boolean(*(const bool *)place);
    case FIELD_LIST:
    case FIELD_SERVICES:
        return show_items(list->items, list->count);
    case FIELD_PATTERNS:
        return show_items(patterns->items, patterns->count);
    case FIELD_SECTION:
        return show_some(field->fields, place, NULL);
    case FIELD_EACH:
        return show_each(field, place);
    case FIELD_INVALID:
        break;
    }
    return NULL;
}

json_t *field_show(const struct field *fields, const void *base)
{
    return show_some(fields, base, NULL);
}
