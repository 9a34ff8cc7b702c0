#include "fsm/terminal/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/format/bytes.h"
#include "journal/format/wrap.h"

enum { COLUMNS_LEAST = 40 };

void print_escaped(const char *text)
{
    if (text != NULL)
        bytes_print_escaped(stdout, text, strlen(text));
}

/* 0: no terminal, or one that does not say how wide it is. */
static unsigned columns_of(const struct world_terminal *terminal, int descriptor)
{
    unsigned rows, columns = 0;
    bool known = terminal->is_terminal(terminal->context, descriptor)
                 && terminal->size(terminal->context, &rows, &columns);
    return known && columns >= COLUMNS_LEAST ? columns : 0;
}

void print_line(const struct world *world, const struct text *line)
{
    unsigned columns = columns_of(world->terminal, STDOUT_FILENO);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = columns > 0 ? open_memstream(&text, &size) : NULL;
    const char *said = text_string(line);
    bytes_print_escaped(stream != NULL ? stream : stdout, said, strlen(said));
    if (stream != NULL && fclose(stream) == 0)
        wrap_print(stdout, text, columns);
    (void)fputc('\n', stdout);
    free(text);
}

void print_text(const struct world_terminal *terminal, void (*write)(FILE *stream))
{
    unsigned columns = columns_of(terminal, STDOUT_FILENO);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = columns > 0 ? open_memstream(&text, &size) : NULL;
    write(stream != NULL ? stream : stdout);
    if (stream != NULL && fclose(stream) == 0)
        wrap_print(stdout, text, columns);
    free(text);
}

void print_failure(const struct world_terminal *terminal, const struct error *error)
{
    unsigned columns = columns_of(terminal, STDERR_FILENO);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = columns > 0 ? open_memstream(&text, &size) : NULL;
    error_print(stream != NULL ? stream : stderr, "titan-fsm", error);
    if (stream != NULL && fclose(stream) == 0)
        wrap_print(stderr, text, columns);
    free(text);
}
