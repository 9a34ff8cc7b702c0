#include "actions/compose/compose_complaint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, UNSET_MAX = 4 };

static bool is_variable_letter(char c)
{
    return c == '_' || isalnum((unsigned char)c);
}

/* The next variable that compose only warns about and blanks: `The X variable is not set`, from
 * version 2 with the name in escaped quotes. NULL = no more. */
static const char *next_unset(const char *at, char ret_name[NAME_MAX_BYTES])
{
    const char *found = strstr(at, " variable is not set");
    if (found == NULL)
        return NULL;
    const char *end = found, *begin;
    while (end > at && !is_variable_letter(end[-1]) && end[-1] != '\n')
        end--;
    for (begin = end; begin > at && is_variable_letter(begin[-1]); begin--)
        continue;
    (void)snprintf(ret_name, NAME_MAX_BYTES, "%.*s", (int)(end - begin), begin);
    return found + 1;
}

/* The first line, from 1, outside a comment in which `name` stands as $NAME or ${NAME...}; with
 * `required`, as ${NAME?...} or ${NAME:?...}. 0 = none. */
static int line_of_variable(const char *source, const char *name, bool required)
{
    int line = 1;
    bool comment = false, blank = true;
    for (const char *at = source; *at != '\0'; at++) {
        if (*at == '\n') {
            line++;
            comment = false;
            blank = true;
            continue;
        }
        comment = comment || (blank && *at == '#');
        blank = *at == ' ' || *at == '\t';
        if (*at != '$' || comment)
            continue;
        if (at[1] == '$') {
            at++;
            continue;
        }
        const char *word = at + (at[1] == '{' ? 2 : 1), *rest = word + strlen(name);
        if (strncmp(word, name, strlen(name)) == 0 && !is_variable_letter(*rest)
            && (!required || *rest == '?' || (*rest == ':' && rest[1] == '?')))
            return line;
    }
    return 0;
}

/* The line of a ${NAME:?...} whose name or message the complaint repeats. */
static int line_of_required(const char *source, const char *complaint)
{
    for (const char *at = source; (at = strstr(at, "${")) != NULL; at += 2) {
        size_t name_length = 0, words;
        while (is_variable_letter(at[2 + name_length]))
            name_length++;
        const char *rest = at + 2 + name_length;
        rest += *rest == ':' ? 1 : 0;
        if (*rest != '?' || name_length == 0 || name_length >= NAME_MAX_BYTES)
            continue;
        char name[NAME_MAX_BYTES], said[160];
        words = strcspn(rest + 1, "}\n");
        (void)snprintf(name, sizeof name, "%.*s", (int)name_length, at + 2);
        (void)snprintf(said, sizeof said, "%.*s", (int)(words < 150 ? words : 150), rest + 1);
        if (strstr(complaint, name) != NULL || (said[0] != '\0' && strstr(complaint, said) != NULL))
            return line_of_variable(source, name, true);
    }
    return 0;
}

/* "line 17" of a complaint about the form of the file; the last one is the most exact. */
static int line_of_complaint(const char *complaint)
{
    int line = 0;
    for (const char *at = complaint; (at = strstr(at, "line ")) != NULL; at++)
        (void)sscanf(at, "line %9d", &line);
    return line;
}

/* The last line of a traceback names the failure; the lines of any other complaint are joined. */
static void join_lines(char *text)
{
    const char *last = strrchr(text, '\n');
    char *to = text;
    if (strstr(text, "Traceback (most recent call last)") != NULL && last != NULL)
        memmove(text, last + 1, strlen(last + 1) + 1);
    for (const char *from = text; *from != '\0'; from++) {
        bool blank = *from == '\n' || *from == ' ';
        if (!blank || (to > text && to[-1] != ' '))
            *to++ = blank ? ' ' : *from;
    }
    *to = '\0';
}

void complaint_copy(const struct bytes *errors, char *ret_text, size_t capacity)
{
    const char *text = errors->size > 0 ? (const char *)errors->data : "no reason given", *from,
               *to;
    if ((from = strstr(text, "interpolating {")) != NULL
        && (to = strstr(from, " in service ")) != NULL)
        (void)snprintf(ret_text, capacity, "%.*s%.200s", (int)(from - text), text, to + 1);
    else if ((from = strstr(text, "nvalid interpolation format")) != NULL
             && (to = strstr(from, ": \"")) != NULL)
        (void)snprintf(ret_text, capacity, "%.*s", (int)(to - text), text);
    else
        (void)snprintf(ret_text, capacity, "%s", text);
    for (char *line = ret_text, *end;
         (end = strchr(line, '\n')) != NULL;) { /* version 2 warns about other things first */
        const char *warns = strstr(line, "level=warning");
        if (warns != NULL && warns < end)
            memmove(line, end + 1, strlen(end + 1) + 1);
        else
            line = end + 1;
    }
    for (size_t length = strlen(ret_text); length > 0 && ret_text[length - 1] == '\n'; length--)
        ret_text[length - 1] = '\0';
    join_lines(ret_text);
}

bool complaint_has_unset(const char *complaint)
{
    char name[NAME_MAX_BYTES];
    return next_unset(complaint, name) != NULL;
}

int complaint_line(const char *complaint, const char *source)
{
    int line = line_of_required(source, complaint);
    return line > 0 ? line : line_of_complaint(complaint);
}

void complaint_place(const char *file, int line, char *ret_where, size_t capacity)
{
    (void)snprintf(ret_where, capacity, line > 0 ? "%.140s:%d" : "%.140s", file, line);
}

enum error_code complaint_say_unset(const char *file, const char *complaint, const char *source,
                                    struct error *error)
{
    char name[NAME_MAX_BYTES], where[160] = "", words[320] = "";
    unsigned count = 0;
    for (const char *at = complaint; count < UNSET_MAX && (at = next_unset(at, name)) != NULL;
         count++) {
        char place[160];
        size_t used = strlen(words);
        complaint_place(file, line_of_variable(source, name, false), place, sizeof place);
        if (count == 0)
            (void)snprintf(where, sizeof where, "%s", place);
        (void)snprintf(words + used, sizeof words - used, "%s%s%s%s", count > 0 ? ", " : "", name,
                       count > 0 ? " of " : "", count > 0 ? place : "");
    }
    return error_set(error, ERROR_REMOTE, 0, where, "set it in the env file",
                     "%s is not set, and compose would blank it", words);
}
