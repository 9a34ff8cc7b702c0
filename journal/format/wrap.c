#include "journal/format/wrap.h"

#include <stdbool.h>
#include <string.h>

static bool begins_cell(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

static size_t cells_of(const char *text, size_t length)
{
    size_t cells = 0;
    for (size_t i = 0; i < length; i++)
        cells += begins_cell(text[i]);
    return cells;
}

/* Where the sentence of a line begins, in cells. */
static size_t indent_of(const char *line, size_t length, unsigned columns)
{
    size_t leading = 0, indent;
    while (leading < length && line[leading] == ' ')
        leading++;
    indent = leading + 2;
    for (size_t i = leading + 2, cells = leading + 2; i < length && cells <= columns / 2; i++) {
        if (line[i] != ' ' && line[i - 1] == ' ' && line[i - 2] == ' ')
            indent = cells;
        cells += begins_cell(line[i]);
    }
    return indent < columns / 2 ? indent : leading + 2;
}

/* How many bytes of the line fit into so many cells, up to a blank; the whole first word where it
 * is longer. */
static size_t fits_into(const char *line, size_t length, size_t cells)
{
    size_t end = 0, at = 0, used = 0;
    while (at < length && line[at] == ' ')
        at++, used++;
    for (; at < length && (used <= cells || end == 0); at++) {
        if (line[at] == ' ')
            end = at;
        used += begins_cell(line[at]);
    }
    return at == length && (used <= cells || end == 0) ? length : end;
}

static void wrap_line(FILE *stream, const char *line, size_t length, unsigned columns)
{
    size_t indent = indent_of(line, length, columns), room = columns;
    while (cells_of(line, length) > room) {
        size_t part = fits_into(line, length, room);
        fprintf(stream, "%.*s", (int)part, line);
        while (part < length && line[part] == ' ')
            part++;
        line += part;
        length -= part;
        if (length == 0)
            return;
        fprintf(stream, "\n%*s", (int)indent, "");
        room = columns - indent;
    }
    fprintf(stream, "%.*s", (int)length, line);
}

void wrap_print(FILE *stream, const char *text, unsigned columns)
{
    if (columns == 0) {
        fputs(text, stream);
        return;
    }
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        wrap_line(stream, text, length, columns);
        text += length;
        if (*text == '\n') {
            fputc('\n', stream);
            text++;
        }
    }
}
