#include "actions/compose/compose_secrets.h"

#include <ctype.h>
#include <string.h>

#include <sodium.h>

#include "actions/compose/view/compose_yaml.h"
#include "journal/format/crash.h"

enum { NESTED_MAX = 12 };

struct lesson {
    struct secrets *secrets;
    struct yaml yaml;
    char *plain; /* locked, as large as the text: values with their `$$` undone */
    size_t plain_bytes;
    struct error *error;
    enum error_code code;
};

static void spare(struct lesson *lesson, struct fy_node *node)
{
    size_t size;
    const char *text = yaml_scalar(&lesson->yaml, node, &size);
    if (text != NULL && lesson->code == ERROR_OK)
        lesson->code = secrets_spare(lesson->secrets, text, size, lesson->error);
}

/* What is read could not be read any more without the names. */
static void spare_names(struct lesson *lesson)
{
    struct fy_node *services = yaml_value(&lesson->yaml, lesson->yaml.root, "services");
    struct fy_node_pair *pair;
    void *at = NULL;
    while (services != NULL && fy_node_is_mapping(services)
           && (pair = fy_node_mapping_iterate(services, &at)) != NULL) {
        struct fy_node *service = fy_node_pair_value(pair);
        spare(lesson, fy_node_pair_key(pair));
        spare(lesson, yaml_value(&lesson->yaml, service, "image"));
        spare(lesson, yaml_value(&lesson->yaml, service, "container_name"));
    }
}

static void teach(struct lesson *lesson, const char *key, size_t key_length, const char *value,
                  size_t length)
{
    if (lesson->code == ERROR_OK && length > 0)
        lesson->code = secrets_learn(lesson->secrets,
                                     &(struct env_assignment){.key = key,
                                                              .key_length = key_length,
                                                              .value = value,
                                                              .value_length = length},
                                     SECRET_LITERAL, lesson->error);
}

static bool ends_word(char c)
{
    return isspace((unsigned char)c) || c == '"' || c == '\'' || c == ';';
}

/* A command in one text or in several: `--password=VALUE`, `--requirepass VALUE`, `-e KEY=VALUE`.
 * The word before the first one is that of the item before, `*name` with its length. */
static void teach_words(struct lesson *lesson, const char *text, size_t size, const char **name,
                        size_t *name_length)
{
    for (const char *at = text, *end = text + size; at < end;) {
        const char *word = at;
        while (at < end && !ends_word(*at))
            at++;
        size_t length = (size_t)(at - word);
        const char *equals = memchr(word, '=', length);
        if (equals != NULL)
            teach(lesson, word, (size_t)(equals - word), equals + 1, (size_t)(at - equals) - 1);
        else if (length > 0 && *name != NULL)
            teach(lesson, *name, *name_length, word, length);
        if (length > 0) {
            *name = word[0] == '-' && equals == NULL ? word : NULL;
            *name_length = length;
        }
        at += at < end ? 1 : 0;
    }
}

static const char *undo_dollars(const char *text, size_t length, char *ret_text, size_t *ret_length)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        ret_text[used++] = text[i];
        i += text[i] == '$' && i + 1 < length && text[i + 1] == '$' ? 1 : 0;
    }
    *ret_length = used;
    return ret_text;
}

static void visit_item(struct lesson *lesson, const char *text, size_t length, const char **name,
                       size_t *name_length)
{
    const char *equals = memchr(text, '=', length);
    if (equals != NULL)
        teach(lesson, text, (size_t)(equals - text), equals + 1,
              length - (size_t)(equals - text) - 1);
    else if (*name != NULL)
        teach(lesson, *name, *name_length, text, length);
    else
        teach(lesson, "", 0, text, length);
    teach_words(lesson, text, length, name, name_length);
}

static void visit(struct lesson *lesson, struct fy_node *node, unsigned depth);

/* Two items have each a half of lesson->plain in turn: the second one looks back at the first. */
static void visit_sequence(struct lesson *lesson, struct fy_node *node, unsigned depth)
{
    const char *name = NULL;
    size_t length, name_length = 0, turn = 0;
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(&lesson->yaml, node, &at)) != NULL;) {
        const char *text = yaml_scalar(&lesson->yaml, item, &length);
        if (text == NULL) {
            visit(lesson, item, depth + 1);
            name = NULL;
            continue;
        }
        text = undo_dollars(text, length, lesson->plain + turn++ % 2 * lesson->plain_bytes,
                            &length);
        visit_item(lesson, text, length, &name, &name_length);
    }
}

static void visit_mapping(struct lesson *lesson, struct fy_node *node, unsigned depth)
{
    struct fy_node_pair *pair;
    void *at = NULL;
    size_t key_length, length;
    while ((pair = fy_node_mapping_iterate(node, &at)) != NULL) {
        struct fy_node *value = yaml_follow(&lesson->yaml, fy_node_pair_value(pair));
        const char *key = yaml_scalar(&lesson->yaml, fy_node_pair_key(pair), &key_length);
        const char *text = yaml_scalar(&lesson->yaml, value, &length), *name = NULL;
        if (text == NULL) {
            visit(lesson, value, depth + 1);
        } else if (key != NULL && !yaml_is_null(&lesson->yaml, value)) {
            text = undo_dollars(text, length, lesson->plain, &length);
            teach(lesson, key, key_length, text, length);
            teach_words(lesson, text, length, &name, &key_length);
        }
    }
}

static void visit(struct lesson *lesson, struct fy_node *node, unsigned depth)
{
    if (node == NULL || depth > NESTED_MAX || lesson->code != ERROR_OK)
        return;
    if (fy_node_is_mapping(node))
        visit_mapping(lesson, node, depth);
    else
        visit_sequence(lesson, node, depth);
}

static void learn_all(void *context)
{
    struct lesson *lesson = context;
    if (yaml_open(&lesson->yaml, lesson->yaml.text, lesson->yaml.text_bytes)) {
        spare_names(lesson);
        visit(lesson, lesson->yaml.root, 0);
    }
    yaml_close(&lesson->yaml);
}

enum error_code compose_secrets_learn(struct secrets *secrets, const char *rendered, size_t size,
                                      struct error *error)
{
    struct lesson lesson = {.secrets = secrets,
                            .error = error,
                            .code = ERROR_OK,
                            .plain_bytes = size + 1};
    lesson.plain = sodium_malloc(2 * lesson.plain_bytes);
    if (lesson.plain == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory to read the compose file");
    lesson.yaml = (struct yaml){.text = rendered, .text_bytes = size};
    bool whole = crash_contain(learn_all, &lesson);
    sodium_free(lesson.plain);
    if (!whole || lesson.yaml.starved)
        return error_set(error, ERROR_MEMORY, 0, "secrets", "", "out of memory");
    return lesson.code == ERROR_OK ? secrets_settle(secrets, error) : lesson.code;
}

/* The paths that are found, and how many. */
struct paths {
    struct yaml yaml;
    const char *section, *member; /* where they stand */
    struct bytes *list;
    unsigned count;
    struct error *error;
    enum error_code code;
};

/* In the short form or in the long one; false where it is neither. */
static bool add_path_of(struct paths *paths, struct fy_node *node)
{
    char path[512];
    struct fy_node *named = yaml_value(&paths->yaml, node, "path");
    yaml_copy(&paths->yaml, named != NULL ? named : node, path, sizeof path);
    if (path[0] == '\0')
        return false;
    if (paths->code == ERROR_OK && paths->count++ < COMPOSE_PATHS_MAX)
        paths->code = bytes_append(paths->list, path, strlen(path) + 1, paths->error);
    return true;
}

static void find_all(void *context)
{
    struct paths *paths = context;
    struct yaml *yaml = &paths->yaml;
    struct fy_node_pair *pair;
    void *at = NULL;
    struct fy_node *parts = yaml_open(yaml, yaml->text, yaml->text_bytes)
                                ? yaml_value(yaml, yaml->root, paths->section)
                                : NULL;
    while (parts != NULL && fy_node_is_mapping(parts)
           && (pair = fy_node_mapping_iterate(parts, &at)) != NULL) {
        struct fy_node *part = yaml_follow(yaml, fy_node_pair_value(pair)), *item,
                       *files = yaml_value(yaml, part, paths->member);
        void *item_at = NULL;
        if (files != NULL && !add_path_of(paths, files))
            while ((item = yaml_item(yaml, files, &item_at)) != NULL)
                (void)add_path_of(paths, item);
    }
    yaml_close(yaml);
}

static enum error_code find_files(const char *text, size_t size, const char *section,
                                  const char *member, struct bytes *ret_paths, struct error *error)
{
    struct paths paths = {.yaml = {.text = text, .text_bytes = size},
                          .section = section,
                          .member = member,
                          .list = ret_paths,
                          .error = error,
                          .code = ERROR_OK};
    bool whole = crash_contain(find_all, &paths);
    return whole && !paths.yaml.starved
               ? paths.code
               : error_set(error, ERROR_MEMORY, 0, "compose", "", "out of memory");
}

enum error_code compose_secrets_env_files(const char *source, size_t size, struct bytes *ret_paths,
                                          struct error *error)
{
    return find_files(source, size, "services", "env_file", ret_paths, error);
}

enum error_code compose_secrets_files(const char *rendered, size_t size, struct bytes *ret_paths,
                                      struct error *error)
{
    return find_files(rendered, size, "secrets", "file", ret_paths, error);
}
