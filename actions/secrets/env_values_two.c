/* Compose 2 and later: statements as compose-go reads them. The file is refused as a whole where
 * one of them has no form. */
#include "actions/secrets/env_values.h"

#include <ctype.h>
#include <string.h>

enum { NESTED_MAX = 16 };

struct statements {
    struct env_values *values;
    const char *at, *end;
    char *scratch; /* as large as the text */
    int line;
};

/* Of the blanks beyond ASCII, those two that an editor leaves: NEL and the no-break space. */
static size_t two_blank(const char *at, const char *end)
{
    if (*at == ' ' || *at == '\t' || *at == '\v' || *at == '\f' || *at == '\r')
        return 1;
    return end - at > 1 && *at == '\xc2' && (at[1] == '\x85' || at[1] == '\xa0') ? 2 : 0;
}

static const char *two_skip_blanks(const char *at, const char *end)
{
    for (size_t length; at < end && (length = two_blank(at, end)) > 0;)
        at += length;
    return at;
}

static bool is_name_letter(char c, bool first)
{
    return c == '_' || isalpha((unsigned char)c) || (!first && isdigit((unsigned char)c));
}

static bool two_expand(struct env_values *values, struct env_value *made, const char *at,
                       const char *end, unsigned depth);

/* The brace that ends `${...`, or NULL: what stands in it may have its own. */
static const char *two_closing(const char *at, const char *end)
{
    unsigned open = 0;
    for (; at < end && *at != '\n'; at++) {
        if (*at == '}' && --open == 0)
            return at;
        if (*at == '$' && end - at > 1 && at[1] == '{') {
            open++;
            at++;
        }
    }
    return NULL;
}

/* `${NAME}`, `:-` and `-`, `:+` and `+`, `:?` and `?`. */
static bool two_put_braced(struct env_values *values, struct env_value *made, const char *name,
                           const char *close, unsigned depth)
{
    const char *at = name;
    while (at < close && is_name_letter(*at, at == name))
        at++;
    const struct env_value *found = env_values_variable(values, made, name, (size_t)(at - name));
    bool colon = at < close && *at == ':';
    bool there = found != NULL && (!colon || found->length > 0);
    const char *sign = at + (colon ? 1 : 0);
    if (at == name || (at < close && (sign == close || strchr("-+?", *sign) == NULL)))
        return false;
    bool other = at < close && (*sign == '+' ? there : !there);
    if (other)
        return *sign != '?' && two_expand(values, made, sign + 1, close, depth + 1);
    if (found != NULL)
        env_values_put(values, found->value, found->length);
    return true;
}

static bool two_expand(struct env_values *values, struct env_value *made, const char *at,
                       const char *end, unsigned depth)
{
    bool good = depth < NESTED_MAX;
    while (good && at < end) {
        const char *name = at + 1, *rest = name;
        if (*at != '$' || name == end
            || (*name != '$' && *name != '{' && !is_name_letter(*name, true))) {
            env_values_put(values, at++, 1);
        } else if (*name == '$') {
            env_values_put(values, "$", 1);
            at = name + 1;
        } else if (*name == '{') {
            const char *close = two_closing(at, end);
            good = close != NULL && two_put_braced(values, made, name + 1, close, depth);
            at = close != NULL ? close + 1 : end;
        } else {
            while (rest < end && is_name_letter(*rest, false))
                rest++;
            const struct env_value *found = env_values_variable(values, made, name,
                                                                (size_t)(rest - name));
            if (found != NULL)
                env_values_put(values, found->value, found->length);
            at = rest;
        }
    }
    return good;
}

/* `\0` and octal digits: exactly three make a character; its zero is gone in any case. */
static size_t two_undo_octal(const char *at, const char *end, char *ret_text, size_t *ret_read)
{
    size_t digits = 0, used = 0;
    unsigned code = 0;
    while (digits < 3 && at + 2 + digits < end && isdigit((unsigned char)at[2 + digits]))
        digits++;
    for (size_t i = 0; i < digits; i++)
        code = at[2 + i] > '7' || code > 0xff ? 0x100 : code * 8 + (unsigned)(at[2 + i] - '0');
    *ret_read = 2 + digits;
    if (digits == 3 && code <= 0xff) {
        if (code >= 0x80)
            ret_text[used++] = (char)(0xc0 | code >> 6);
        ret_text[used++] = (char)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
        return used;
    }
    ret_text[used++] = '\\';
    memmove(ret_text + used, at + 2, digits);
    return used + digits;
}

/* In place: nothing grows. `\$` becomes `$$`, which is a dollar to what comes next. */
static size_t two_undo_escapes(char *text, size_t length)
{
    static const char letters[] = "abfnrtv\"\\", meanings[] = "\a\b\f\n\r\t\v\"\\";
    size_t used = 0, read;
    const char *end = text + length;
    for (const char *at = text; at < end;) {
        char next = *at == '\\' && end - at > 1 ? at[1] : '\0';
        const char *found = next != '\0' ? strchr(letters, next) : NULL;
        if (found != NULL) {
            text[used++] = meanings[found - letters];
            at += 2;
        } else if (next == '$') {
            text[used++] = '$';
            text[used++] = '$';
            at += 2;
        } else if (next == '0') {
            used += two_undo_octal(at, end, text + used, &read);
            at += read;
        } else {
            text[used++] = *at++;
        }
    }
    return used;
}

static bool two_put_quoted(struct statements *statements, struct env_value *made)
{
    char quote = *statements->at++, *scratch = statements->scratch;
    size_t used = 0;
    for (; statements->at < statements->end && *statements->at != quote; statements->at++) {
        const char *at = statements->at;
        bool escape = *at == '\\' && statements->end - at > 1;
        if (escape && at[1] != quote)
            scratch[used++] = *at;
        statements->at += escape ? 1 : 0;
        statements->line += *statements->at == '\n' ? 1 : 0;
        scratch[used++] = *statements->at;
    }
    if (statements->at == statements->end)
        return false;
    statements->at++;
    if (quote == '"')
        return two_expand(statements->values, made, scratch,
                          scratch + two_undo_escapes(scratch, used), 0);
    env_values_put(statements->values, scratch, used);
    return true;
}

static size_t two_trim(const char *text, size_t length)
{
    while (length > 0) {
        bool wide = length > 1 && two_blank(text + length - 2, text + length) == 2;
        if (!wide && !isspace((unsigned char)text[length - 1]))
            break;
        length -= wide ? 2 : 1;
    }
    return length;
}

static bool two_put_unquoted(struct statements *statements, struct env_value *made)
{
    const char *value = statements->at, *end = value;
    while (end < statements->end && *end != '\n')
        end++;
    statements->at = end < statements->end ? end + 1 : end;
    statements->line++;
    for (const char *at = value; at + 1 < end; at++)
        if (at[0] == ' ' && at[1] == '#')
            end = at;
    end = value + two_trim(value, (size_t)(end - value));
    return two_expand(statements->values, made, value, end, 0);
}

/* Behind the `=` or `:`, or a line's end: `*ret_given` tells which. */
static bool two_find_key(struct statements *statements, struct env_value *made, bool *ret_given)
{
    const char *at = statements->at, *end = statements->end;
    made->key = at;
    *ret_given = true;
    for (size_t blank; at < end && *at != '=' && *at != ':' && *at != '\n'; at += blank + !blank) {
        blank = two_blank(at, end);
        bool letter = isalnum((unsigned char)*at) || (unsigned char)*at >= 0x80
                      || (*at != '\0' && strchr("_.-[]", *at) != NULL);
        if (blank == 0 && !letter)
            return false;
    }
    if (at == end) { /* a word at the file's end has no name: whichever it is, it sets nothing */
        statements->at = end;
        *ret_given = false;
        return true;
    }
    *ret_given = *at != '\n';
    made->key_length = (size_t)(at - made->key);
    made->key_length = two_trim(made->key, made->key_length);
    statements->line += *at == '\n' ? 1 : 0;
    statements->at = two_skip_blanks(at + 1, end);
    return memchr(made->key, ' ', made->key_length) == NULL;
}

static bool two_read_statement(struct statements *statements)
{
    struct env_values *values = statements->values;
    struct env_value made = {.line = statements->line};
    bool given = false;
    if (statements->end - statements->at > 7 && memcmp(statements->at, "export", 6) == 0
        && two_blank(statements->at + 6, statements->end) > 0)
        statements->at = two_skip_blanks(statements->at + 6, statements->end);
    size_t begin = values->used_bytes;
    if (!two_find_key(statements, &made, &given))
        return false;
    if (!given)
        return true;
    bool quoted = statements->at < statements->end
                  && (*statements->at == '"' || *statements->at == '\'');
    bool good = quoted ? two_put_quoted(statements, &made) : two_put_unquoted(statements, &made);
    if (good)
        env_values_add(values, made, begin);
    return good;
}

bool env_values_read_two(struct env_values *values, const char *text, size_t size, char *scratch)
{
    struct statements statements = {
        .values = values, .at = text, .end = text + size, .scratch = scratch, .line = 1};
    bool good = true;
    while (good && statements.at < statements.end && !values->full) {
        const char *at = statements.at, *end = statements.end;
        if (*at == '\n') {
            statements.line++;
            statements.at++;
        } else if (two_blank(at, end) > 0) {
            statements.at += two_blank(at, end);
        } else if (*at == '#') {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            statements.at = newline != NULL ? newline : end;
        } else {
            good = two_read_statement(&statements);
        }
    }
    return good;
}
