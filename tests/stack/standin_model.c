/* tests/stack/standin_model: compose files as docker-compose 1.29 reads them: several files over
 * one another, variables from the shell, then from the env file, an unset one blanked with a
 * warning and status 0. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

struct scope {
    json_t *file; /* what the env file sets */
    json_t *warned;
    const char *service;
};

static json_t *read_env_file(const char *path, bool must_exist)
{
    char line[4096];
    json_t *values = json_object();
    FILE *file = fopen(path, "re");
    if (file == NULL && must_exist)
        die(1, "Couldn't find env file: %s", path);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        char *equals = strchr(line, '=');
        if (line[0] == '#' || equals == NULL)
            continue;
        *equals = '\0';
        char *value = equals + 1;
        size_t length = strlen(value);
        if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
            value[length - 1] = '\0';
            value++;
        }
        (void)json_object_set_new(values, line, json_string(value));
    }
    if (file != NULL)
        (void)fclose(file);
    return values;
}

static const char *look_up(const struct scope *scope, const char *name)
{
    const char *shell = getenv(name);
    return shell != NULL ? shell : json_string_value(json_object_get(scope->file, name));
}

static char *blank(struct scope *scope, const char *name)
{
    if (json_object_get(scope->warned, name) == NULL)
        (void)fprintf(stderr, "The %s variable is not set. Defaulting to a blank string.\n", name);
    (void)json_object_set_new(scope->warned, name, json_true());
    return text("%s", "");
}

/* The inside of ${...}: NAME, NAME:-default, NAME-default, NAME:?why, NAME?why. */
static char *substitute(struct scope *scope, const char *inside, const char *whole)
{
    size_t length = strspn(inside,
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    char *name = text("%.*s", (int)length, inside);
    const char *rest = inside + length, *value = look_up(scope, name);
    bool colon = rest[0] == ':';
    rest += colon ? 1 : 0;
    bool present = value != NULL && (!colon || value[0] != '\0');
    if (length == 0 || (rest[0] != '\0' && rest[0] != '-' && rest[0] != '?'))
        die(1, "Invalid interpolation format for service \"%s\": \"%s\"", scope->service, whole);
    if (present)
        return text("%s", value);
    if (rest[0] == '-')
        return text("%s", rest + 1);
    if (rest[0] == '?')
        die(1,
            "Missing mandatory value for \"environment\" option interpolating %s in service "
            "\"%s\": %s",
            whole, scope->service, rest + 1);
    return value != NULL ? text("%s", value) : blank(scope, name);
}

static char *interpolate(struct scope *scope, const char *word)
{
    char *made = text("%s", "");
    for (const char *at = word; *at != '\0';) {
        size_t plain = strcspn(at, "$");
        made = text("%s%.*s", made, (int)plain, at);
        at += plain;
        if (at[0] == '\0')
            break;
        size_t name = strspn(at + 1,
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
        if (at[1] == '$') {
            made = text("%s$", made);
            at += 2;
        } else if (at[1] == '{' && strchr(at, '}') != NULL) {
            size_t length = strcspn(at + 2, "}");
            made = text("%s%s", made, substitute(scope, text("%.*s", (int)length, at + 2), word));
            at += length + 3;
        } else if (name > 0) {
            made = text("%s%s", made, substitute(scope, text("%.*s", (int)name, at + 1), word));
            at += name + 1;
        } else {
            die(1, "Invalid interpolation format for service \"%s\": \"%s\"", scope->service, word);
        }
    }
    return made;
}

static json_t *interpolate_all(struct scope *scope, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t index;
    if (json_is_string(value))
        return json_string(interpolate(scope, json_string_value(value)));
    json_t *made = json_is_object(value)  ? json_object()
                   : json_is_array(value) ? json_array()
                                          : json_deep_copy(value);
    if (json_is_object(value))
        json_object_foreach ((json_t *)(uintptr_t)value, key, item)
            (void)json_object_set_new(made, key, interpolate_all(scope, item));
    if (json_is_array(value))
        json_array_foreach (value, index, item)
            (void)json_array_append_new(made, interpolate_all(scope, item));
    return made;
}

static json_t *convert(struct fy_node *node)
{
    void *at = NULL;
    if (node == NULL)
        return json_null();
    if (fy_node_is_mapping(node)) {
        json_t *object = json_object();
        for (struct fy_node_pair *pair; (pair = fy_node_mapping_iterate(node, &at)) != NULL;)
            (void)json_object_set_new(object, fy_node_get_scalar0(fy_node_pair_key(pair)),
                                      convert(fy_node_pair_value(pair)));
        return object;
    }
    if (fy_node_is_sequence(node)) {
        json_t *array = json_array();
        for (struct fy_node *item; (item = fy_node_sequence_iterate(node, &at)) != NULL;)
            (void)json_array_append_new(array, convert(item));
        return array;
    }
    size_t length = 0;
    const char *scalar = fy_node_get_scalar(node, &length);
    bool quoted = fy_node_get_style(node) == FYNS_DOUBLE_QUOTED
                  || fy_node_get_style(node) == FYNS_SINGLE_QUOTED;
    return length == 0 && !quoted ? json_null() : json_stringn(scalar, length);
}

static json_t *read_file(const char *path)
{
    static const struct fy_parse_cfg quiet = {.flags = FYPCF_QUIET};
    bool piped = strcmp(path, "-") == 0;
    FILE *probe = piped ? stdin : fopen(path, "re");
    if (probe == NULL)
        die(1, ".FileNotFoundError: [Errno 2] No such file or directory: './%s'", path);
    struct fy_document *document = piped ? fy_document_build_from_fp(&quiet, stdin)
                                         : fy_document_build_from_file(&quiet, path);
    (void)fclose(probe);
    if (document == NULL || !fy_node_is_mapping(fy_document_root(document)))
        die(1, "yaml.scanner.ScannerError: in \"./%s\": the file cannot be parsed", path);
    json_t *value = convert(fy_document_root(document));
    fy_document_destroy(document);
    return value;
}

json_t *model_list(const json_t *value)
{
    json_t *list = json_array(), *item;
    const char *key;
    size_t index;
    if (json_is_object(value))
        json_object_foreach ((json_t *)(uintptr_t)value, key, item)
            (void)json_array_append_new(
                list, json_string(json_is_string(item) ? text("%s=%s", key, json_string_value(item))
                                                       : text("%s", key)));
    else if (json_is_array(value))
        json_array_foreach (value, index, item)
            (void)json_array_append(list, item);
    else if (json_is_string(value))
        for (char *copy = text("%s", json_string_value(value)), *word = strtok(copy, " ");
             word != NULL; word = strtok(NULL, " "))
            (void)json_array_append_new(list, json_string(word));
    return list;
}

/* "environment" and "labels" are joined by their keys, "volumes" by appending, anything else is
 * replaced. */
static void merge_service(json_t *base, const json_t *over)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)over, key, value) {
        json_t *there = json_object_get(base, key);
        if (json_is_object(there) && json_is_object(value)
            && (strcmp(key, "environment") == 0 || strcmp(key, "labels") == 0))
            (void)json_object_update(there, value);
        else if (json_is_array(there) && json_is_array(value) && strcmp(key, "volumes") == 0)
            (void)json_array_extend(there, value);
        else
            (void)json_object_set(base, key, value);
    }
}

json_t *model_load(const char *const *files, size_t file_count, const char *env_file)
{
    struct scope scope = {.file = read_env_file(env_file != NULL ? env_file : ".env",
                                                env_file != NULL),
                          .warned = json_object()};
    json_t *model = NULL;
    const char *name;
    json_t *service;
    for (size_t i = 0; i < file_count; i++) {
        json_t *file = read_file(files[i]);
        if (model == NULL) {
            model = file;
            (void)state_object(model, "services");
            continue;
        }
        if (strcmp(state_string(model, "version"), state_string(file, "version")) != 0)
            die(1,
                "Version mismatch: file ./%s specifies version %s but extension file %s uses "
                "version %s",
                files[0], state_string(model, "version"), files[i], state_string(file, "version"));
        json_object_foreach (json_object_get(file, "services"), name, service)
            merge_service(state_object(json_object_get(model, "services"), name), service);
    }
    json_object_foreach (json_object_get(model, "services"), name, service) {
        scope.service = name;
        (void)json_object_set_new(json_object_get(model, "services"), name,
                                  interpolate_all(&scope, service));
    }
    json_object_foreach (json_object_get(model, "services"), name, service)
        if (json_object_get(service, "image") == NULL && json_object_get(service, "build") == NULL)
            die(1,
                "The Compose file is invalid because:\nService %s has neither an image nor a build "
                "context specified. At least one must be provided.",
                name);
    return model;
}

static void print_scalar(const json_t *value)
{
    const char *word = json_string_value(value);
    if (word == NULL) {
        (void)puts(json_is_null(value) ? " null" : json_is_true(value) ? " true" : " false");
        return;
    }
    bool plain = word[0] != '\0'
                 && strspn(word,
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-@:")
                        == strlen(word)
                 && strspn(word, "0123456789.") != strlen(word) && strchr("-@:", word[0]) == NULL
                 && word[strlen(word) - 1] != ':';
    if (plain)
        (void)printf(" %s\n", word);
    else
        (void)printf(" %s\n", json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII));
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void print(const json_t *value, int depth)
{
    const char *names[256], *key;
    json_t *item;
    size_t count = 0, index;
    if (json_is_array(value)) {
        json_array_foreach (value, index, item) {
            (void)printf("%*s-", depth - 2 > 0 ? depth - 2 : 0, "");
            print_scalar(item);
        }
        return;
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, item)
        if (count < sizeof names / sizeof names[0])
            names[count++] = key;
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        item = json_object_get(value, names[i]);
        bool nested = (json_is_object(item) && json_object_size(item) > 0)
                      || (json_is_array(item) && json_array_size(item) > 0);
        (void)printf("%*s%s:", depth, "", names[i]);
        if (!nested && (json_is_object(item) || json_is_array(item))) {
            (void)puts(json_is_object(item) ? " {}" : " []");
        } else if (!nested) {
            print_scalar(item);
        } else {
            (void)putchar('\n');
            print(item, depth + 2);
        }
    }
}

void model_print(const json_t *model)
{
    print(model, 0);
}
