/* tests/stack/standin_template: {{.A.B}} {{json .A}} {{json (index .A "k")}} {{if
 * .A}}..{{else}}..{{end}} {{range .A}}..{{end}}, {{if eq (index (split . "=") 0) "NAME"}}. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ending { ENDING_INVALID = 0, ENDING_TEXT, ENDING_ELSE, ENDING_END };

static const json_t *follow(const json_t *value, const char *path, size_t length)
{
    const char *at = path, *end = path + length;
    while (value != NULL && at < end && *at == '.') {
        size_t name = strcspn(at + 1, ". )}");
        if (at + 1 + name > end)
            name = (size_t)(end - at - 1);
        if (name > 0)
            value = json_object_get(value, text("%.*s", (int)name, at + 1));
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
        die(64, "template parsing error: index without a quoted key");
    return json_object_get(found, text("%.*s", (int)strcspn(key + 1, "\""), key + 1));
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

static void print_json(const json_t *value)
{
    if (value == NULL)
        (void)fputs("null", stdout);
    else
        (void)json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void print_plain(const json_t *value)
{
    if (json_is_string(value))
        (void)fputs(json_string_value(value), stdout);
    else if (value == NULL)
        (void)fputs("<no value>", stdout);
    else
        print_json(value);
}

static const char *walk(const char *at, const json_t *value, bool print, enum ending *ret_ending);

static const char *walk_if(const char *at, const json_t *value, bool taken, bool print)
{
    enum ending ending;
    at = walk(at, value, print && taken, &ending);
    if (ending == ENDING_ELSE)
        at = walk(at, value, print && !taken, &ending);
    if (ending != ENDING_END)
        die(64, "template parsing error: unexpected EOF");
    return at;
}

static const char *walk_range(const char *at, const json_t *items, bool print)
{
    enum ending ending;
    const char *end = walk(at, NULL, false, &ending);
    for (size_t i = 0; print && i < json_array_size(items); i++)
        (void)walk(at, json_array_get(items, i), true, &ending);
    const char *key;
    json_t *item;
    if (print && json_is_object(items))
        json_object_foreach ((json_t *)(uintptr_t)items, key, item)
            (void)walk(at, item, true, &ending);
    return end;
}

static const char *walk(const char *at, const json_t *value, bool print, enum ending *ret_ending)
{
    for (;;) {
        const char *open = strstr(at, "{{");
        if (print)
            (void)printf("%.*s", (int)(open != NULL ? open - at : (ptrdiff_t)strlen(at)), at);
        *ret_ending = ENDING_TEXT;
        if (open == NULL)
            return at + strlen(at);
        const char *close = strstr(open, "}}");
        if (close == NULL)
            die(64, "template parsing error: unclosed action");
        char *action = text("%.*s", (int)(close - open - 2), open + 2);
        at = close + 2;
        if (strcmp(action, "end") == 0 || strcmp(action, "else") == 0) {
            *ret_ending = action[1] == 'n' ? ENDING_END : ENDING_ELSE;
            return at;
        }
        if (strncmp(action, "if ", 3) == 0)
            at = walk_if(at, value, is_condition(value, action + 3), print);
        else if (strncmp(action, "range ", 6) == 0)
            at = walk_range(at, evaluate(value, action + 6), print);
        else if (print && strncmp(action, "json ", 5) == 0)
            print_json(evaluate(value, action + 5));
        else if (print)
            print_plain(evaluate(value, action));
    }
}

void template_print(const char *format, const json_t *value)
{
    enum ending ending;
    (void)walk(format, value, true, &ending);
    (void)putchar('\n');
}
