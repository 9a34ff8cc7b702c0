#include "verify/report/terminal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "journal/format/wrap.h"

enum { COLUMNS_LEAST = 40 };

/* Written in memory first, where the stream is a terminal that says how wide it is. */
struct page_of_lines {
    FILE *stream, *memory;
    char *text;
    size_t size;
    unsigned columns;
};

static FILE *lines_open(struct page_of_lines *lines, FILE *stream)
{
    struct winsize size = {0};
    int descriptor = fileno(stream);
    bool known = descriptor >= 0 && isatty(descriptor) == 1
                 && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_LEAST;
    *lines = (struct page_of_lines){.stream = stream, .columns = size.ws_col};
    lines->memory = known ? open_memstream(&lines->text, &lines->size) : NULL;
    return lines->memory != NULL ? lines->memory : stream;
}

static void lines_close(struct page_of_lines *lines)
{
    if (lines->memory != NULL && fclose(lines->memory) == 0)
        wrap_print(lines->stream, lines->text, lines->columns);
    free(lines->text);
}

void terminal_print_report(const struct report *report)
{
    struct page_of_lines lines;
    report_text(report, lines_open(&lines, stdout));
    lines_close(&lines);
}

void terminal_print_error(const struct error *error)
{
    struct page_of_lines lines;
    error_print(lines_open(&lines, stderr), "titan-verify", error);
    lines_close(&lines);
}
