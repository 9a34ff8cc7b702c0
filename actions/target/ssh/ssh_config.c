#include "actions/target/ssh/ssh_config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "actions/target/ssh/ssh_pattern.h"
#include "journal/format/text.h"

enum { CONFIG_HOST_MAX = 300, LINE_MAX_BYTES = 4096 };

/* The next word of a line, which may be quoted; a comment ends the line. NULL at its end. */
static char *take_value(char **at)
{
    char *from = *at + strspn(*at, " \t\r\f");
    if (*from == '\0' || *from == '#')
        return NULL;
    bool quoted = *from == '"';
    from += quoted;
    char *end = from + strcspn(from, quoted ? "\"" : " \t\r\f");
    *at = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return from;
}

/* A keyword may be followed by `=`. */
static char *take_keyword(char **at)
{
    char *from = *at + strspn(*at, " \t\r\f");
    if (*from == '\0' || *from == '#')
        return NULL;
    char *end = from + strcspn(from, " \t\r\f=");
    char *value = end + strspn(end, " \t\r\f");
    value += *value == '=';
    *end = '\0';
    *at = value;
    return from;
}

/* A pattern with `!` that matches takes the host out, whatever else matches. */
static bool patterns_match(char *at, const char *host)
{
    bool found = false;
    for (char *word = take_value(&at); word != NULL; word = take_value(&at)) {
        bool negated = word[0] == '!';
        if (!ssh_pattern_matches(host, word + negated, strlen(word + negated)))
            continue;
        if (negated)
            return false;
        found = true;
    }
    return found;
}

/* Reads a line for one host. `*is_for_host` changes at each section; the value, once found. */
static const char *read_config_line(char *line, const char *host, const char *keyword,
                                    bool *is_for_host)
{
    char *at = line;
    const char *word = take_keyword(&at);
    if (word == NULL)
        return NULL;
    if (strcasecmp(word, "host") == 0) {
        *is_for_host = patterns_match(at, host);
        return NULL;
    }
    if (strcasecmp(word, "match") == 0) {
        const char *criterion = take_value(&at);
        *is_for_host = criterion != NULL && strcasecmp(criterion, "all") == 0;
        return NULL;
    }
    return *is_for_host && strcasecmp(word, keyword) == 0 ? take_value(&at) : NULL;
}

enum error_code ssh_config_find(const struct bytes *text, const char *host, const char *keyword,
                                char *ret_value, size_t size, struct error *error)
{
    char lower[CONFIG_HOST_MAX] = "";
    bool is_for_host = true;
    ret_value[0] = '\0';
    for (size_t i = 0; host[i] != '\0' && i + 1 < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)host[i]);
    const char *at = (const char *)text->data, *end = at + text->size;
    while (at < end) {
        char line[LINE_MAX_BYTES];
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        size_t kept = length < sizeof line ? length : sizeof line - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        const char *value = read_config_line(line, lower, keyword, &is_for_host);
        if (value != NULL)
            return text_exact(ret_value, size, value, keyword, error);
        at += length + 1;
    }
    return ERROR_OK;
}
