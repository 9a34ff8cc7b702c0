#include "tests/world/sh.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { MODE_FIELDS = 1, MODE_ONE, MODE_PATTERN };
enum { FIELDS_MAX = 256 };

struct expansion {
    struct sh *shell;
    enum mode mode;
    struct grow current;
    bool started; /* a field has begun, though it may be empty: "" */
    char *fields[FIELDS_MAX];
    int count;
};

static void expand_text(struct expansion *expansion, const char *at, const char *end, bool quoted);

static void put(struct expansion *expansion, char c, bool quoted)
{
    if (expansion->mode == MODE_PATTERN && quoted && strchr("*?[]!\\-", c) != NULL)
        grow_bytes(&expansion->current, "\\", 1);
    grow_bytes(&expansion->current, &c, 1);
    expansion->started = true;
}

/* Many at once. */
static void put_run(struct expansion *expansion, const char *run, size_t length, bool quoted)
{
    if (expansion->mode == MODE_PATTERN && quoted) {
        for (size_t i = 0; i < length; i++)
            put(expansion, run[i], quoted);
    } else if (length > 0) {
        grow_bytes(&expansion->current, run, length);
        expansion->started = true;
    }
}

static void end_field(struct expansion *expansion)
{
    if (!expansion->started)
        return;
    if (expansion->count == FIELDS_MAX - 1)
        sh_refuse(expansion->shell, "too many words");
    expansion->fields[expansion->count++] = arena_copy(expansion->shell->arena,
                                                       grow_string(&expansion->current),
                                                       expansion->current.size);
    expansion->current = (struct grow){.arena = expansion->shell->arena};
    expansion->started = false;
}

static void put_value(struct expansion *expansion, const char *value, bool quoted)
{
    const char *ends = !quoted && expansion->mode == MODE_FIELDS ? " \t\n" : "";
    for (const char *at = value;; at++) {
        size_t run = strcspn(at, ends);
        put_run(expansion, at, run, quoted);
        at += run;
        if (*at == '\0')
            return;
        end_field(expansion);
    }
}

static char *expand_part(struct sh *shell, const char *text, size_t length, enum mode mode)
{
    struct expansion expansion = {.shell = shell, .mode = mode, .current = {.arena = shell->arena}};
    expand_text(&expansion, text, text + length, false);
    return arena_copy(shell->arena, grow_string(&expansion.current), expansion.current.size);
}

/* The end of a bracket that was opened before `at`, quotes and inner brackets left out. */
static const char *closing(const struct sh *shell, const char *at, char open, char close)
{
    bool quoted = false;
    for (int depth = 1; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '\'' && !quoted) {
            at += strcspn(at + 1, "'") + 1;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (*at == open) {
            depth++;
        } else if (*at == close && --depth == 0) {
            return at;
        }
    }
    sh_refuse(shell, "a bracket that is not closed");
}

static int64_t add_up(struct sh *shell, const char **at);

static int64_t read_number(struct sh *shell, const char **at)
{
    char *end;
    *at += strspn(*at, " ");
    if (**at == '(') {
        ++*at;
        int64_t value = add_up(shell, at);
        *at += **at == ')';
        return value;
    }
    if (isalpha((unsigned char)**at)) {
        size_t length = strcspn(*at, " +-*^()");
        const char *named = sh_get(shell, arena_copy(shell->arena, *at, length));
        *at += length;
        return named != NULL ? strtoll(named, NULL, 0) : 0;
    }
    int64_t value = strtoll(*at, &end, 0);
    if (end == *at)
        sh_refuse(shell, "an arithmetic: %.40s", *at);
    *at = end;
    return value;
}

/* Sums of numbers and variables: + - ^ and, closer, *; in brackets too, 0x numbers. */
static int64_t add_up(struct sh *shell, const char **at)
{
    int64_t sum = 0;
    char operation = '+';
    for (;;) {
        int64_t value = read_number(shell, at);
        for (*at += strspn(*at, " "); **at == '*'; *at += strspn(*at, " ")) {
            ++*at;
            value *= read_number(shell, at);
        }
        sum = operation == '+' ? sum + value : operation == '-' ? sum - value : (sum ^ value);
        if (**at == '\0' || **at == ')')
            return sum;
        operation = *(*at)++;
        if (strchr("+-^", operation) == NULL)
            sh_refuse(shell, "an operator in an arithmetic: %c", operation);
    }
}

static const char *substitute(struct expansion *expansion, const char *at, bool quoted)
{
    struct sh *shell = expansion->shell;
    const char *end = closing(shell, at, '(', ')');
    if (*at == '(') { /* $((...)) */
        const char *sum = expand_part(shell, at + 1, (size_t)(end - at - 2), MODE_ONE);
        put_value(expansion, arena_text(shell->arena, "%lld", (long long)add_up(shell, &sum)),
                  quoted);
        return end + 1;
    }
    struct grow output = {.arena = shell->arena}, text = {.arena = shell->arena};
    shell->substituted = sh_subshell(shell, arena_copy(shell->arena, at, (size_t)(end - at)),
                                     &output);
    for (size_t i = 0; i < output.size; i += strlen(output.data + i) + 1)
        grow_text(&text, output.data + i);
    while (text.size > 0 && text.data[text.size - 1] == '\n')
        text.data[--text.size] = '\0';
    put_value(expansion, grow_string(&text), quoted);
    return end + 1;
}

static const char *special(struct sh *shell, const char *name)
{
    if (strcmp(name, "?") == 0)
        return arena_text(shell->arena, "%d", shell->status);
    if (strcmp(name, "#") == 0)
        return arena_text(shell->arena, "%d", shell->argument_count);
    if (strcmp(name, "$") == 0)
        return shell->pid != 0 ? arena_text(shell->arena, "%d", shell->pid) : "4711";
    if (isdigit((unsigned char)name[0])) {
        int number = atoi(name);
        return number >= 1 && number <= shell->argument_count ? shell->arguments[number - 1] : NULL;
    }
    return sh_get(shell, name);
}

static size_t name_length(const char *at)
{
    if (strchr("?#$@*", *at) != NULL || isdigit((unsigned char)*at))
        return 1;
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    return length;
}

/* The value without its shortest (# %) or longest (## %%) beginning or end of that form. */
static const char *strip(struct sh *shell, const char *value, const char *operation, size_t length)
{
    bool beginning = operation[0] == '#', longest = operation[1] == operation[0];
    const char *pattern = expand_part(shell, operation + 1 + longest, length - 1 - longest,
                                      MODE_PATTERN);
    size_t size = strlen(value);
    for (size_t i = 0; i <= size; i++) {
        size_t cut = longest ? size - i : i;
        const char *part = beginning ? arena_copy(shell->arena, value, cut) : value + size - cut;
        if (sh_match(pattern, part))
            return beginning ? value + cut : arena_copy(shell->arena, value, size - cut);
    }
    return value;
}

static const char *braced(struct expansion *expansion, const char *at, bool quoted)
{
    struct sh *shell = expansion->shell;
    const char *end = closing(shell, at, '{', '}');
    bool counts = *at == '#' && at[1] != '}';
    at += counts;
    size_t length = name_length(at);
    const char *value = special(shell, arena_copy(shell->arena, at, length)),
               *operation = at + length;
    if (counts)
        value = arena_text(shell->arena, "%zu", value != NULL ? strlen(value) : 0);
    else if (*operation == '#' || *operation == '%')
        value = strip(shell, value != NULL ? value : "", operation, (size_t)(end - operation));
    else if (*operation == '-' || (*operation == ':' && operation[1] == '-')) {
        bool empty = value == NULL || (*operation == ':' && value[0] == '\0');
        const char *word = operation + 1 + (*operation == ':');
        value = empty ? expand_part(shell, word, (size_t)(end - word), MODE_ONE) : value;
    } else if (*operation != '}')
        sh_refuse(shell, "an expansion: ${%.40s", at);
    put_value(expansion, value != NULL ? value : "", quoted);
    return end + 1;
}

static const char *expand_dollar(struct expansion *expansion, const char *at, bool quoted)
{
    struct sh *shell = expansion->shell;
    if (*at == '(')
        return substitute(expansion, at + 1, quoted);
    if (*at == '{')
        return braced(expansion, at + 1, quoted);
    size_t length = *at == '\0' ? 0 : name_length(at);
    if (length == 0) {
        put(expansion, '$', quoted);
        return at;
    }
    if (*at == '@' && quoted) {
        for (int i = 0; i < shell->argument_count; i++) {
            if (i > 0)
                end_field(expansion);
            put_value(expansion, shell->arguments[i], true);
            expansion->started = true;
        }
        return at + 1;
    }
    const char *value = special(shell, arena_copy(shell->arena, at, length));
    put_value(expansion, value != NULL ? value : "", quoted);
    return at + length;
}

static void expand_text(struct expansion *expansion, const char *at, const char *end, bool quoted)
{
    while (at < end) {
        if (*at == '\'' && !quoted) {
            expansion->started = true;
            size_t run = strcspn(++at, "'");
            put_run(expansion, at, run, true);
            at += run + 1;
        } else if (*at == '"' && !quoted) {
            const char *inner = at + 1, *close = inner;
            bool lone = inner[0] == '$' && inner[1] == '@'; /* "$@" without arguments: no field */
            while (*close != '"')
                close = *close == '\\' ? close + 2
                        : close[0] == '$' && close[1] == '('
                            ? closing(expansion->shell, close + 2, '(', ')') + 1
                        : close[0] == '$' && close[1] == '{'
                            ? closing(expansion->shell, close + 2, '{', '}') + 1
                            : close + 1;
            expansion->started = expansion->started || !lone;
            expand_text(expansion, inner, close, true);
            at = close + 1;
        } else if (*at == '\\' && (!quoted || strchr("$\"\\\n", at[1]) != NULL)) {
            put(expansion, at[1], true);
            at += 2;
        } else if (*at == '$') {
            at = expand_dollar(expansion, at + 1, quoted);
        } else {
            size_t run = 1;
            while (at + run < end && strchr("'\"\\$", at[run]) == NULL)
                run++;
            put_run(expansion, at, run, quoted);
            at += run;
        }
    }
}

int sh_expand(struct sh *shell, const struct sh_word *words, char ***ret_fields)
{
    struct expansion expansion = {.shell = shell,
                                  .mode = MODE_FIELDS,
                                  .current = {.arena = shell->arena}};
    for (; words != NULL; words = words->next) {
        expand_text(&expansion, words->text, words->text + words->length, false);
        end_field(&expansion);
    }
    size_t size = sizeof(char *) * (size_t)(expansion.count + 1);
    *ret_fields = arena_take(shell->arena, size);
    memcpy(*ret_fields, expansion.fields, size - sizeof(char *));
    return expansion.count;
}

char *sh_expand_one(struct sh *shell, const struct sh_word *word)
{
    return expand_part(shell, word->text, word->length, MODE_ONE);
}

bool sh_case_matches(struct sh *shell, const struct sh_word *pattern, const char *subject)
{
    return sh_match(expand_part(shell, pattern->text, pattern->length, MODE_PATTERN), subject);
}

/* One [...] that begins at `*pattern`, which is moved past it. */
static bool match_set(const char **pattern, char c)
{
    const char *at = *pattern + 1;
    bool negated = *at == '!', found = false;
    for (at += negated; *at != ']' && *at != '\0'; at++) {
        at += *at == '\\';
        if (at[1] == '-' && at[2] != ']') {
            found = found || (c >= at[0] && c <= at[2]);
            at += 2;
        } else {
            found = found || c == *at;
        }
    }
    *pattern = at + 1;
    return found != negated;
}

bool sh_match(const char *pattern, const char *text)
{
    while (*pattern != '\0') {
        if (*pattern == '*') {
            while (*pattern == '*')
                pattern++;
            for (;; text++) {
                if (sh_match(pattern, text))
                    return true;
                if (*text == '\0')
                    return false;
            }
        }
        if (*text == '\0')
            return false;
        if (*pattern == '[') {
            if (!match_set(&pattern, *text))
                return false;
        } else if (*pattern == '?') {
            pattern++;
        } else {
            pattern += *pattern == '\\';
            if (*pattern++ != *text)
                return false;
        }
        text++;
    }
    return *text == '\0';
}
