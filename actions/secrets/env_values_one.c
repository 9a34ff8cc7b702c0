/* Compose 1.29: lines as python-dotenv reads them. */
#include "actions/secrets/env_values.h"

#include <string.h>

struct lines {
    struct env_values *values;
    const char *at, *end;
    int line;
};

static bool one_is_newline(char c)
{
    return c == '\n' || c == '\r';
}

static bool one_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || (c >= 0x1c && c <= 0x1f);
}

static const char *one_skip_blanks(const char *at, const char *end)
{
    while (at < end && one_is_blank(*at))
        at++;
    return at;
}

/* Files are opened as text: CR LF and CR alone are a line's end. */
static void one_next_line(struct lines *lines)
{
    while (lines->at < lines->end && !one_is_newline(*lines->at))
        lines->at++;
    if (lines->at < lines->end) {
        bool both = *lines->at == '\r' && lines->end - lines->at > 1 && lines->at[1] == '\n';
        lines->at += both ? 2 : 1;
        lines->line++;
    }
}

/* `${NAME}` and `${NAME:-default}`, the default only where NAME is not there at all; all else
 * stands for itself. */
static void one_expand(struct env_values *values, struct env_value *made, const char *at,
                       const char *end)
{
    while (at < end) {
        const char *name = at + 2, *name_end = name, *close;
        bool opens = end - at > 2 && at[0] == '$' && at[1] == '{';
        while (opens && name_end < end && *name_end != '}' && *name_end != ':')
            name_end++;
        const char *other = opens && end - name_end > 2 && memcmp(name_end, ":-", 2) == 0
                                ? name_end + 2
                                : NULL;
        close = opens && name_end < end
                    ? (const char *)memchr(other != NULL ? other : name_end, '}',
                                           (size_t)(end - (other != NULL ? other : name_end)))
                    : NULL;
        if (close == NULL || (other == NULL && close != name_end)) {
            env_values_put(values, at++, 1);
            continue;
        }
        const struct env_value *found = env_values_variable(values, made, name,
                                                            (size_t)(name_end - name));
        if (found != NULL)
            env_values_put(values, found->value, found->length);
        else if (other != NULL)
            env_values_put(values, other, (size_t)(close - other));
        at = close + 1;
    }
}

/* The quote that ends the value: the first one without a backslash before it, else the last one. */
static const char *one_closing(const char *at, const char *end, char quote)
{
    const char *escaped = NULL;
    for (; at < end && *at != quote; at++)
        if (*at == '\\' && end - at > 1 && at[1] == quote)
            escaped = ++at;
    return at < end ? at : escaped;
}

/* What is put is looked through for variables only then: an escape may make one. */
static void one_put_quoted(struct env_values *values, const char *at, const char *end, char quote)
{
    static const char letters[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";
    for (; at < end; at++) {
        char c = *at;
        if (c == '\r') {
            c = '\n';
            at += end - at > 1 && at[1] == '\n' ? 1 : 0;
        }
        const char *found = c == '\\' && end - at > 1 && at[1] != '\0' ? strchr(letters, at[1])
                                                                       : NULL;
        if (found != NULL && (quote == '"' || found - letters < 2)) {
            c = meanings[found - letters];
            at++;
        }
        env_values_put(values, &c, 1);
    }
}

static size_t one_trim(const char *value, size_t length)
{
    while (length > 0 && one_is_blank(value[length - 1]))
        length--;
    return length;
}

/* Up to the line's end, or a comment behind a blank. */
static void one_put_unquoted(struct lines *lines)
{
    const char *value = lines->at, *end = value;
    while (end < lines->end && !one_is_newline(*end))
        end++;
    lines->at = end;
    for (const char *at = value + 1; at < end; at++)
        if (*at == '#' && one_is_blank(at[-1]))
            end = at;
    env_values_put(lines->values, value, one_trim(value, (size_t)(end - value)));
}

/* False: this line is none. */
static bool one_put_value(struct lines *lines)
{
    char quote = lines->at < lines->end ? *lines->at : '\n';
    if (quote != '"' && quote != '\'') {
        one_put_unquoted(lines);
        return true;
    }
    const char *begin = lines->at + 1, *close = one_closing(begin, lines->end, quote);
    if (close == NULL)
        return false;
    one_put_quoted(lines->values, begin, close, quote);
    for (; lines->at <= close; lines->at++)
        lines->line += *lines->at == '\n' ? 1 : 0;
    lines->at = one_skip_blanks(lines->at, lines->end);
    return lines->at == lines->end || one_is_newline(*lines->at) || *lines->at == '#';
}

static bool one_find_key(struct lines *lines, struct env_value *made)
{
    bool quoted = *lines->at == '\'';
    const char *at = lines->at + (quoted ? 1 : 0);
    made->key = at;
    while (at < lines->end
           && (quoted ? *at != '\''
                      : *at != '#' && *at != '=' && !one_is_blank(*at) && !one_is_newline(*at)))
        at++;
    made->key_length = (size_t)(at - made->key);
    if (quoted && (at == lines->end || made->key_length == 0))
        return false;
    lines->at = one_skip_blanks(at + (quoted ? 1 : 0), lines->end);
    return made->key_length > 0;
}

/* A key without `=` is there, and empty. */
static void one_read_line(struct lines *lines)
{
    struct env_values *values = lines->values;
    struct env_value made = {.line = lines->line};
    if (lines->end - lines->at > 7 && memcmp(lines->at, "export", 6) == 0
        && one_is_blank(lines->at[6]))
        lines->at = one_skip_blanks(lines->at + 6, lines->end);
    size_t raw = values->used_bytes;
    bool good = lines->at < lines->end && *lines->at != '#' && one_find_key(lines, &made);
    if (good && lines->at < lines->end && *lines->at == '=') {
        lines->at = one_skip_blanks(lines->at + 1, lines->end);
        good = one_put_value(lines);
    } else if (good) {
        good = lines->at == lines->end || one_is_newline(*lines->at) || *lines->at == '#';
    }
    size_t begin = values->used_bytes;
    if (good) {
        one_expand(values, &made, values->text + raw, values->text + begin);
        env_values_add(values, made, begin);
    }
    one_next_line(lines);
}

static bool is_utf8(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i++];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || more > size - i)
            return false;
        for (; more > 0; more--)
            if (((unsigned char)text[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

bool env_values_read_one(struct env_values *values, const char *text, size_t size)
{
    struct lines lines = {.values = values, .at = text, .end = text + size, .line = 1};
    if (!is_utf8(text, size))
        return false;
    while (lines.at < lines.end && !values->full) {
        if (one_is_newline(*lines.at))
            one_next_line(&lines);
        else if (one_is_blank(*lines.at))
            lines.at++;
        else
            one_read_line(&lines);
    }
    return true;
}
