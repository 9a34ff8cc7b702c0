#include "actions/compose/view/compose_yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { STEPS_MAX = 200000, NESTED_MAX = 400 };

static void say_nothing(struct fy_diag *diag, void *user, const char *text, size_t length)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)length;
}

/* The library takes time and memory for what is nested that grow faster than its text. Brackets,
 * and the signs of a list or a key that begin a line, whatever they stand in: no file of compose
 * comes near. */
static bool is_nested_deeply(const char *text, size_t text_bytes)
{
    size_t open = 0, signs = 0;
    bool begins = true; /* nothing but blanks and such signs since the line began */
    for (size_t i = 0; i < text_bytes && open + signs <= NESTED_MAX; i++) {
        char byte = text[i];
        open += byte == '[' || byte == '{';
        open -= (byte == ']' || byte == '}') && open > 0;
        bool sign = (byte == '-' || byte == '?') && i + 1 < text_bytes
                    && isspace((unsigned char)text[i + 1]);
        signs = byte == '\n' ? 0 : signs + (begins && sign);
        begins = byte == '\n' || (begins && strchr("-? \t\r", byte) != NULL);
    }
    return open + signs > NESTED_MAX;
}

bool yaml_open(struct yaml *yaml, const char *text, size_t text_bytes)
{
    struct fy_diag_cfg silent;
    fy_diag_cfg_default(&silent);
    silent.fp = NULL;
    silent.output_fn = say_nothing;
    silent.show_source = false;
    *yaml = (struct yaml){.text = text, .text_bytes = text_bytes};
    if (is_nested_deeply(text, text_bytes))
        return false;
    errno = 0;
    yaml->diag = fy_diag_create(&silent);
    if (yaml->diag == NULL) {
        yaml->starved = true;
        return false;
    }
    yaml->document = fy_document_build_from_string(&(struct fy_parse_cfg){.flags = FYPCF_QUIET,
                                                                          .diag = yaml->diag},
                                                   text, text_bytes);
    yaml->starved = errno == ENOMEM;
    yaml->root = yaml->document != NULL ? fy_document_root(yaml->document) : NULL;
    return yaml->root != NULL;
}

void yaml_close(struct yaml *yaml)
{
    for (size_t i = 0; i < yaml->unfolded_count; i++)
        sodium_memzero(yaml->unfolded[i].data, yaml->unfolded[i].size);
    free(yaml->unfolded);
    fy_document_destroy(yaml->document);
    fy_diag_destroy(yaml->diag);
    *yaml = (struct yaml){.starved = yaml->starved};
}

/* Most scalars are read where they lie. One that is folded or has escapes gets a text of its own
 * from the library, which would leave it on the heap. */
static bool remember(struct yaml *yaml, const char *text, size_t length)
{
    if (length == 0 || (text >= yaml->text && text < yaml->text + yaml->text_bytes))
        return true;
    void *grown = realloc(yaml->unfolded, (yaml->unfolded_count + 1) * sizeof yaml->unfolded[0]);
    if (grown == NULL) {
        yaml->starved = true;
        sodium_memzero((void *)(uintptr_t)text, length);
        return false;
    }
    yaml->unfolded = grown;
    yaml->unfolded[yaml->unfolded_count].data = (char *)(uintptr_t)text;
    yaml->unfolded[yaml->unfolded_count++].size = length;
    return true;
}

const char *yaml_scalar(struct yaml *yaml, struct fy_node *node, size_t *ret_length)
{
    size_t length = 0;
    errno = 0;
    const char *text = node != NULL && fy_node_is_scalar(node) && !fy_node_is_alias(node)
                           ? fy_node_get_scalar(node, &length)
                           : NULL;
    yaml->starved = yaml->starved || errno == ENOMEM;
    if (text == NULL || !remember(yaml, text, length))
        return NULL;
    *ret_length = length;
    return text;
}

bool yaml_is(struct yaml *yaml, struct fy_node *node, const char *word)
{
    size_t length;
    const char *text = yaml_scalar(yaml, node, &length);
    return text != NULL && length == strlen(word) && memcmp(text, word, length) == 0;
}

bool yaml_is_null(struct yaml *yaml, struct fy_node *node)
{
    if (node == NULL)
        return true;
    return fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN
           && (yaml_is(yaml, node, "null") || yaml_is(yaml, node, "~") || yaml_is(yaml, node, ""));
}

void yaml_copy(struct yaml *yaml, struct fy_node *node, char *ret_text, size_t capacity)
{
    size_t length = 0;
    const char *text = yaml_scalar(yaml, node, &length);
    if (text == NULL || length >= capacity)
        length = 0;
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

struct fy_node *yaml_follow(struct yaml *yaml, struct fy_node *node)
{
    if (node == NULL || yaml->steps++ > STEPS_MAX)
        return NULL;
    return fy_node_is_alias(node) ? fy_node_resolve_alias(node) : node;
}

static struct fy_node_pair *find_pair(struct yaml *yaml, struct fy_node *node, const char *key,
                                      unsigned depth)
{
    struct fy_node_pair *pair, *found = NULL;
    void *at = NULL;
    node = depth < YAML_DEPTH_MAX ? yaml_follow(yaml, node) : NULL;
    if (node != NULL && fy_node_is_sequence(node)) /* <<: [*one, *two] */
        for (struct fy_node *item;
             depth > 0 && found == NULL && (item = fy_node_sequence_iterate(node, &at)) != NULL;)
            found = find_pair(yaml, item, key, depth + 1);
    if (node == NULL || !fy_node_is_mapping(node))
        return found;
    while ((pair = fy_node_mapping_iterate(node, &at)) != NULL)
        if (yaml_is(yaml, fy_node_pair_key(pair), key))
            return pair;
    for (at = NULL; found == NULL && (pair = fy_node_mapping_iterate(node, &at)) != NULL;)
        if (yaml_is(yaml, fy_node_pair_key(pair), "<<"))
            found = find_pair(yaml, fy_node_pair_value(pair), key, depth + 1);
    return found;
}

struct fy_node_pair *yaml_pair(struct yaml *yaml, struct fy_node *node, const char *key)
{
    return find_pair(yaml, node, key, 0);
}

struct fy_node *yaml_value(struct yaml *yaml, struct fy_node *node, const char *key)
{
    struct fy_node_pair *pair = yaml_pair(yaml, node, key);
    return pair != NULL ? yaml_follow(yaml, fy_node_pair_value(pair)) : NULL;
}

struct fy_node *yaml_item(struct yaml *yaml, struct fy_node *sequence, void **at)
{
    return sequence != NULL && fy_node_is_sequence(sequence)
               ? yaml_follow(yaml, fy_node_sequence_iterate(sequence, at))
               : NULL;
}

int yaml_line(struct fy_node *node)
{
    void *at = NULL;
    for (unsigned depth = 0; node != NULL && !fy_node_is_scalar(node) && depth < YAML_DEPTH_MAX;
         depth++, at = NULL) {
        struct fy_node_pair *pair = fy_node_is_mapping(node) ? fy_node_mapping_iterate(node, &at)
                                                             : NULL;
        node = fy_node_is_mapping(node) ? (pair != NULL ? fy_node_pair_key(pair) : NULL)
                                        : fy_node_sequence_iterate(node, &at);
    }
    const struct fy_mark *mark = node != NULL && fy_node_is_scalar(node)
                                     ? fy_token_start_mark(fy_node_get_scalar_token(node))
                                     : NULL;
    return mark != NULL ? mark->line + 1 : 0;
}

struct fy_node *yaml_extended(struct yaml *yaml, struct fy_node *services, struct fy_node *service)
{
    char name[128];
    struct fy_node *extends = yaml_value(yaml, service, "extends");
    if (extends == NULL || yaml_value(yaml, extends, "file") != NULL)
        return NULL;
    yaml_copy(yaml, fy_node_is_scalar(extends) ? extends : yaml_value(yaml, extends, "service"),
              name, sizeof name);
    return name[0] != '\0' ? yaml_value(yaml, services, name) : NULL;
}

static bool is_name(char c)
{
    return c == '_' || isalnum((unsigned char)c);
}

void yaml_origin(const char *text, size_t length, char *ret_name, size_t capacity)
{
    for (size_t i = 0; i + 1 < length; i++) {
        if (text[i] != '$')
            continue;
        size_t from = i + (text[i + 1] == '{' ? 2 : 1), to = from;
        while (to < length && is_name(text[to]) && to - from + 1 < capacity)
            to++;
        if (to > from) {
            memcpy(ret_name, text + from, to - from);
            ret_name[to - from] = '\0';
            return;
        }
        i += text[i + 1] == '$' ? 1 : 0;
    }
}

int yaml_entry(struct yaml *yaml, struct fy_node *environment, const char *name,
               const char **ret_text, size_t *ret_length)
{
    struct fy_node_pair *pair = yaml_pair(yaml, environment, name);
    size_t length = 0, name_length = strlen(name);
    void *at = NULL;
    if (pair != NULL) {
        struct fy_node *value = yaml_follow(yaml, fy_node_pair_value(pair));
        *ret_text = yaml_is_null(yaml, value) ? NULL : yaml_scalar(yaml, value, ret_length);
        return yaml_line(fy_node_pair_key(pair));
    }
    for (struct fy_node *item; (item = yaml_item(yaml, environment, &at)) != NULL;) {
        const char *entry = yaml_scalar(yaml, item, &length);
        if (entry == NULL || length < name_length || memcmp(entry, name, name_length) != 0
            || (length > name_length && entry[name_length] != '='))
            continue;
        *ret_text = length > name_length ? entry + name_length + 1 : NULL;
        *ret_length = length > name_length ? length - name_length - 1 : 0;
        return yaml_line(item);
    }
    return 0;
}
