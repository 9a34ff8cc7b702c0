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

static void print_whole_line(struct print_page *page)
{
    struct error ignored;
    if (bytes_append(&page->line, "", 1, &ignored) == ERROR_OK)
        wrap_print(page->before, (const char *)page->line.data, page->columns);
    page->line.size = 0;
}

static ssize_t take_page(void *context, const char *data, size_t size)
{
    struct print_page *page = context;
    struct error ignored;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t part = end != NULL ? (size_t)(end - data) + 1 - at : size - at;
        if (bytes_append(&page->line, data + at, part, &ignored) != ERROR_OK)
            return 0;
        at += part;
        if (end != NULL)
            print_whole_line(page);
    }
    return (ssize_t)size;
}

void print_page_begin(const struct world_terminal *terminal, struct print_page *page)
{
    *page = (struct print_page){.columns = columns_of(terminal, STDOUT_FILENO)};
    FILE *stream = page->columns > 0
                       ? fopencookie(page, "w", (cookie_io_functions_t){.write = take_page})
                       : NULL;
    if (stream == NULL)
        return;
    (void)setvbuf(stream, NULL, _IOLBF, 0);
    page->before = stdout;
    stdout = stream;
}

void print_page_end(struct print_page *page)
{
    if (page->before == NULL)
        return;
    (void)fclose(stdout);
    stdout = page->before;
    if (page->line.size > 0)
        print_whole_line(page);
    bytes_free(&page->line);
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
