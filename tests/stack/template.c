#include "template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *what)
{
    (void)fprintf(stderr, "template parsing error: %s\n", what);
    exit(64);
}

enum ending { ENDING_INVALID = 0, ENDING_TEXT, ENDING_ELSE, ENDING_END };

static const json_t *follow(const json_t *value, const char *path, size_t length)
{
    const char *at = path, *end = path + length;
    while (value != NULL && at < end && *at == '.') {
        size_t name = strcspn(at + 1, ". )}");
        if (at + 1 + name > end)
            name = (size_t)(end - at - 1);
        if (name > 0)
            value = json_object_getn(value, at + 1, name);
        at += 1 + name;
    }
    return value;
}

/* A path, or (index PATH "key"). */
static const json_t *evaluate(const json_t *value, const char *expression)
{
    expression += strspn(expression, " (");
    if (strncmp(expression, "index ", 6) != 0)
        return follow(value, expression, strcspn(expression, " )}"));
    const char *path = expression + 6 + strspn(expression + 6, " ");
    const char *key = strchr(path, '"');
    const json_t *found = follow(value, path, strcspn(path, " "));
    if (key == NULL)
        refuse("index without a quoted key");
    return json_object_getn(found, key + 1, strcspn(key + 1, "\""));
}

static bool is_true(const json_t *value)
{
    return value != NULL && !json_is_null(value) && !json_is_false(value)
           && !(json_is_string(value) && json_string_length(value) == 0)
           && !(json_is_array(value) && json_array_size(value) == 0)
           && !(json_is_object(value) && json_object_size(value) == 0)
           && !(json_is_integer(value) && json_integer_value(value) == 0);
}

/* if eq (index (split . "=") 0) "NAME": a text that begins with NAME=. */
static bool is_condition(const json_t *value, const char *expression)
{
    static const char begins[] = "eq (index (split . \"=\") 0) \"";
    if (strncmp(expression, begins, sizeof begins - 1) != 0)
        return is_true(evaluate(value, expression));
    const char *name = expression + sizeof begins - 1, *word = json_string_value(value);
    size_t length = strcspn(name, "\"");
    return word != NULL && strncmp(word, name, length) == 0 && word[length] == '=';
}

static void print_json(FILE *stream, const json_t *value)
{
    if (value == NULL)
        (void)fputs("null", stream);
    else
        (void)json_dumpf(value, stream, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void print_plain(FILE *stream, const json_t *value)
{
    if (json_is_string(value))
        (void)fputs(json_string_value(value), stream);
    else if (value == NULL)
        (void)fputs("<no value>", stream);
    else
        print_json(stream, value);
}

static const char *walk(const char *at, const json_t *value, FILE *stream, enum ending *ret_ending);

static const char *walk_if(const char *at, const json_t *value, bool taken, FILE *stream)
{
    enum ending ending;
    at = walk(at, value, taken ? stream : NULL, &ending);
    if (ending == ENDING_ELSE)
        at = walk(at, value, taken ? NULL : stream, &ending);
    if (ending != ENDING_END)
        refuse("unexpected EOF");
    return at;
}

static const char *walk_range(const char *at, const json_t *items, FILE *stream)
{
    enum ending ending;
    const char *end = walk(at, NULL, NULL, &ending);
    for (size_t i = 0; stream != NULL && i < json_array_size(items); i++)
        (void)walk(at, json_array_get(items, i), stream, &ending);
    const char *key;
    json_t *item;
    if (stream != NULL && json_is_object(items))
        json_object_foreach ((json_t *)(uintptr_t)items, key, item)
            (void)walk(at, item, stream, &ending);
    return end;
}

static const char *walk(const char *at, const json_t *value, FILE *stream, enum ending *ret_ending)
{
    for (;;) {
        const char *open = strstr(at, "{{");
        if (stream != NULL)
            (void)fprintf(stream, "%.*s", (int)(open != NULL ? open - at : (ptrdiff_t)strlen(at)),
                          at);
        *ret_ending = ENDING_TEXT;
        if (open == NULL)
            return at + strlen(at);
        const char *close = strstr(open, "}}");
        if (close == NULL)
            refuse("unclosed action");
        char action[200];
        if ((size_t)snprintf(action, sizeof action, "%.*s", (int)(close - open - 2), open + 2)
            >= sizeof action)
            refuse("a long action");
        at = close + 2;
        if (strcmp(action, "end") == 0 || strcmp(action, "else") == 0) {
            *ret_ending = action[1] == 'n' ? ENDING_END : ENDING_ELSE;
            return at;
        }
        if (strncmp(action, "if ", 3) == 0)
            at = walk_if(at, value, is_condition(value, action + 3), stream);
        else if (strncmp(action, "range ", 6) == 0)
            at = walk_range(at, evaluate(value, action + 6), stream);
        else if (stream != NULL && strncmp(action, "json ", 5) == 0)
            print_json(stream, evaluate(value, action + 5));
        else if (stream != NULL)
            print_plain(stream, evaluate(value, action));
    }
}

void template_print(FILE *stream, const char *format, const json_t *value)
{
    enum ending ending;
    (void)walk(format, value, stream, &ending);
    (void)fputc('\n', stream);
}
