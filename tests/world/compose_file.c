#include "tests/world/compose_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

static const char NAME_LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                   "_";

/* KEY of the env file, NULL = not set. */
static const char *find_value(struct sh *shell, const char *env, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = env; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            return arena_copy(shell->arena, line + length + 1, strcspn(line + length + 1, "\n"));
        if (line[strcspn(line, "\n")] == '\0')
            break;
    }
    return NULL;
}

/* The inside of ${...}; NULL = a required one is missing, said. */
static const char *substitute(struct sh *shell, const char *env, const char *inside)
{
    size_t length = strspn(inside, NAME_LETTERS);
    const char *name = arena_copy(shell->arena, inside, length), *rest = inside + length;
    const char *value = find_value(shell, env, name);
    bool colon = *rest == ':';
    rest += colon;
    if (value != NULL && (!colon || value[0] != '\0'))
        return value;
    if (*rest == '-')
        return rest + 1;
    if (*rest == '?') {
        sh_printf(shell, 2, "Missing mandatory value for \"environment\" option: %s\n", rest + 1);
        return NULL;
    }
    if (value == NULL)
        sh_printf(shell, 2, "The %s variable is not set. Defaulting to a blank string.\n", name);
    return value != NULL ? value : "";
}

static const char *interpolate(struct sh *shell, const char *env, const char *word)
{
    struct grow made = {.arena = shell->arena};
    while (*word != '\0') {
        size_t plain = strcspn(word, "$"), inside;
        grow_bytes(&made, word, plain);
        word += plain;
        if (*word == '\0')
            break;
        if (word[1] != '{')
            sh_refuse(shell, "a variable of a compose file: %.40s", word);
        inside = strcspn(word + 2, "}");
        const char *value = substitute(shell, env, arena_copy(shell->arena, word + 2, inside));
        if (value == NULL)
            return NULL;
        grow_text(&made, value);
        word += inside + 3;
    }
    return grow_string(&made);
}

/* "  key: value" or "  key:". */
static bool read_line(struct sh *shell, const char *env, char *line, json_t **stack,
                      size_t *indents, size_t *depth)
{
    size_t indent = strspn(line, " ");
    char *key = line + indent, *colon = strchr(key, ':');
    if (key[0] == '\0' || key[0] == '#')
        return true;
    if (colon == NULL || strpbrk(key, "{[|>&*") == key || *key == '-')
        sh_refuse(shell, "a line of a compose file: %s", line);
    while (*depth > 0 && indents[*depth] >= indent)
        --*depth;
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " ");
    size_t length = strlen(value);
    if (length == 0) {
        json_t *inner = json_object_get(stack[*depth], key);
        if (inner == NULL) {
            inner = json_object();
            (void)json_object_set_new(stack[*depth], key, inner);
        }
        if (++*depth == DEPTH_MAX)
            sh_refuse(shell, "so deep a compose file");
        stack[*depth] = inner;
        indents[*depth] = indent;
        return true;
    }
    if (value[0] == '[') {
        (void)json_object_set_new(stack[*depth], key, json_loads(value, 0, NULL));
        return true;
    }
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value[length - 1] = '\0';
        value++;
    }
    const char *text = interpolate(shell, env, value);
    if (text != NULL)
        (void)json_object_set_new(stack[*depth], key, json_string(text));
    return text != NULL;
}

static bool read_file(struct sh *shell, const char *name, const char *env, json_t *model)
{
    json_t *stack[DEPTH_MAX] = {model};
    size_t indents[DEPTH_MAX] = {0}, depth = 0, size = 0;
    const char *data = NULL;
    if (strcmp(name, "-") == 0)
        sh_read_all(shell, &data, &size);
    else if (!sh_read_file(shell, name, &data, &size)) {
        sh_printf(shell, 2, ".FileNotFoundError: [Errno 2] No such file or directory: './%s'\n",
                  name);
        return false;
    }
    indents[0] = 0;
    for (const char *at = data, *end = data + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        char *line = arena_copy(shell->arena, at, length);
        if (line[0] != ' ')
            depth = 0;
        if (!read_line(shell, env, line, stack, indents, &depth))
            return false;
        at += length + 1;
    }
    return true;
}

json_t *compose_file_load(struct sh *shell, const char *const *files, size_t count,
                          const char *env_file)
{
    json_t *model = json_object();
    const char *data = "", *env;
    size_t size = 0;
    bool good = true;
    if (env_file != NULL && !sh_read_file(shell, env_file, &data, &size)) {
        sh_printf(shell, 2, "Couldn't find env file: %s\n", env_file);
        good = false;
    }
    env = arena_copy(shell->arena, data, size);
    for (size_t i = 0; good && i < count; i++)
        good = read_file(shell, files[i], env, model);
    if (good && json_is_object(json_object_get(model, "services")))
        return model;
    json_decref(model);
    return NULL;
}

const char *compose_file_value(struct sh *shell, const char *env_file, const char *key)
{
    const char *data = "";
    size_t size = 0;
    if (env_file == NULL || !sh_read_file(shell, env_file, &data, &size))
        return NULL;
    return find_value(shell, arena_copy(shell->arena, data, size), key);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void print_level(struct sh *shell, const json_t *object, int depth)
{
    enum { NAMES_MAX = 64 };
    const char *names[NAMES_MAX], *key;
    json_t *item;
    size_t count = 0;
    json_object_foreach ((json_t *)(uintptr_t)object, key, item)
        if (count < NAMES_MAX)
            names[count++] = key;
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        item = json_object_get(object, names[i]);
        sh_printf(shell, 1, "%*s%s:", depth, "", names[i]);
        if (json_is_object(item)) {
            sh_print(shell, 1, "\n", 1);
            print_level(shell, item, depth + 2);
        } else {
            char *text = json_dumps(item, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
            sh_printf(shell, 1, " %s\n", text);
            free(text);
        }
    }
}

void compose_file_print(struct sh *shell, const json_t *model)
{
    print_level(shell, model, 0);
}
