#include "actions/secrets/env_file.h"

#include <string.h>

#include <sodium.h>

struct reader {
    const char *at, *end;
    char *scratch; /* locked, as large as the text: for values whose escapes are undone */
    env_receive_function *receive;
    void *context;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static bool is_key_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '-';
}

static enum error_code report_assignment(struct reader *reader, struct env_assignment *assignment,
                                         const char *value, size_t length, struct error *error)
{
    assignment->value = value;
    assignment->value_length = length;
    return reader->receive(reader->context, assignment, error);
}

/* The closing quote of the value that begins at `at`, or NULL. */
static const char *find_quote(const char *at, const char *end, char quote)
{
    for (; at < end; at++) {
        if (*at == quote)
            return at;
        if (*at == '\\' && at + 1 < end)
            at++;
    }
    return NULL;
}

static size_t undo_escapes(const char *text, size_t length, char *ret_text)
{
    static const char letters[] = "nrtabfv", meanings[] = "\n\r\t\a\b\f\v";
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\\' && i + 1 < length) {
            c = text[++i];
            const char *found = c != '\0' ? strchr(letters, c) : NULL;
            c = found != NULL ? meanings[found - letters] : c;
        }
        ret_text[used++] = c;
    }
    return used;
}

static enum error_code read_quoted(struct reader *reader, struct env_assignment *assignment,
                                   const char *begin, const char *end, struct error *error)
{
    size_t length = (size_t)(end - begin);
    enum error_code code = report_assignment(reader, assignment, begin, length, error);
    if (code != ERROR_OK || memchr(begin, '\\', length) == NULL)
        return code;
    return report_assignment(reader, assignment, reader->scratch,
                             undo_escapes(begin, length, reader->scratch), error);
}

static size_t trim(const char *value, size_t length)
{
    while (length > 0 && is_blank(value[length - 1]))
        length--;
    return length;
}

static enum error_code read_unquoted(struct reader *reader, struct env_assignment *assignment,
                                     const char *value, size_t length, struct error *error)
{
    length = trim(value, length);
    enum error_code code = report_assignment(reader, assignment, value, length, error);
    for (size_t i = 1; code == ERROR_OK && i < length; i++)
        if (value[i] == '#' && is_blank(value[i - 1]))
            return report_assignment(reader, assignment, value, trim(value, i), error);
    return code;
}

/* One assignment, or a line that is none; reader->at is behind the line. Lines of a value that goes
 * over several are read on their own too, because a quote that was forgotten must not hide the
 * assignments below it. */
static enum error_code read_assignment(struct reader *reader, struct error *error)
{
    const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    end = end != NULL ? end : reader->end;
    const char *at = skip_blanks(reader->at, end);
    reader->at = end < reader->end ? end + 1 : end;
    if (end - at > 7 && memcmp(at, "export", 6) == 0 && is_blank(at[6]))
        at = skip_blanks(at + 6, end);
    struct env_assignment assignment = {.key = at};
    while (at < end && is_key_letter(*at))
        at++;
    assignment.key_length = (size_t)(at - assignment.key);
    at = skip_blanks(at, end);
    if (assignment.key_length == 0 || at == end || (*at != '=' && *at != ':'))
        return ERROR_OK;
    at = skip_blanks(at + 1, end);
    const char *closing = at < end && (*at == '"' || *at == '\'')
                              ? find_quote(at + 1, reader->end, *at)
                              : NULL;
    enum error_code code = ERROR_OK;
    if (closing == NULL || closing > end)
        code = read_unquoted(reader, &assignment, at, (size_t)(end - at), error);
    return code == ERROR_OK && closing != NULL
               ? read_quoted(reader, &assignment, at + 1, closing, error)
               : code;
}

enum error_code env_file_read(const char *text, size_t size, env_receive_function *receive,
                              void *context, struct error *error)
{
    struct reader reader = {.at = text,
                            .end = text + size,
                            .receive = receive,
                            .context = context,
                            .scratch = sodium_malloc(size + 1)};
    if (reader.scratch == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets",
                         "raise the limit of locked memory (ulimit -l)",
                         "no locked memory to read the env file");
    enum error_code code = ERROR_OK;
    while (code == ERROR_OK && reader.at < reader.end)
        code = read_assignment(&reader, error);
    sodium_free(reader.scratch);
    return code;
}
