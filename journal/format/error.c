#include "journal/format/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include "journal/format/bytes_print.h"

/* A path or name that does not fit must not look like another one that exists. */
static void mark_cut(char *text, size_t size, int length)
{
    static const char mark[] = "...";
    if (length >= 0 && (size_t)length < size)
        return;
    size_t end = size - sizeof mark;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) /* not within a UTF-8 sequence */
        end--;
    memcpy(text + end, mark, sizeof mark);
}

/* What a program on the target printed becomes part of one sentence. */
static void make_one_line(char *text)
{
    char *end = text;
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r' || *at == '\t')
            *at = ' ';
        if (*at != ' ')
            end = at + 1;
    }
    *end = '\0';
}

static atomic_bool memory_ran_out;

bool error_memory_ran_out(void)
{
    return atomic_load(&memory_ran_out);
}

void error_note_memory(void)
{
    atomic_store(&memory_ran_out, true);
}

enum error_code error_fill(struct error *error, enum error_code code, int library_code,
                           const char *where, const char *next, const char *what_format, ...)
{
    assert(error != NULL && code != ERROR_OK);
    if (code == ERROR_MEMORY || library_code == ENOMEM)
        error_note_memory();
    struct error filled = {.code = code, .library_code = library_code};
    mark_cut(filled.where, sizeof filled.where,
             snprintf(filled.where, sizeof filled.where, "%s", where != NULL ? where : ""));
    mark_cut(filled.next, sizeof filled.next,
             snprintf(filled.next, sizeof filled.next, "%s", next != NULL ? next : ""));
    va_list arguments;
    va_start(arguments, what_format);
    mark_cut(filled.what, sizeof filled.what,
             vsnprintf(filled.what, sizeof filled.what, what_format, arguments));
    va_end(arguments);
    make_one_line(filled.what);
    *error = filled; /* last, so that an old error may be quoted in the new one */
    return code;
}

static void print_part(FILE *stream, const char *text, const char *separator)
{
    if (text[0] == '\0')
        return;
    bytes_print_escaped(stream, text, strlen(text));
    fputs(separator, stream);
}

void error_print(FILE *stream, const char *program, const struct error *error)
{
    print_part(stream, program, ": ");
    print_part(stream, error->where, ": ");
    print_part(stream, error->what, error->next[0] != '\0' ? "; next: " : "");
    print_part(stream, error->next, "");
    fputc('\n', stream);
}
