#include "verify/page/markup.h"

#include <string.h>

#include "journal/format/bytes.h"

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* The five characters are ASCII, so cutting at them never cuts within a character. */
static void write_escaped(FILE *stream, struct slice text, bool newlines)
{
    size_t from = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char *entity = text.at[i] == '\n' && newlines ? "\n" : entity_of(text.at[i]);
        if (entity == NULL)
            continue;
        bytes_print_escaped(stream, text.at + from, i - from);
        fputs(entity, stream);
        from = i + 1;
    }
    bytes_print_escaped(stream, text.at + from, text.length - from);
}

void markup_text(FILE *stream, struct slice text)
{
    write_escaped(stream, text, false);
}

void markup_word(FILE *stream, const char *word)
{
    write_escaped(stream, slice_of(word), false);
}

static struct slice cut(struct slice text, size_t bytes_max)
{
    if (text.length <= bytes_max)
        return text;
    size_t length = bytes_max;
    while (length > 0 && bytes_max - length < 3
           && ((unsigned char)text.at[length] & 0xC0)
                  == 0x80) /* a character has at most three of these */
        length--;
    return (struct slice){text.at, length};
}

void markup_short(FILE *stream, struct slice text, size_t bytes_max)
{
    struct slice begin = cut(text, bytes_max);
    write_escaped(stream, begin, false);
    if (begin.length < text.length)
        fputs("...", stream);
}

void markup_block(FILE *stream, struct slice text, size_t bytes_max)
{
    struct slice begin = cut(text, bytes_max);
    fputs("<pre>", stream);
    if (begin.length > 0 && begin.at[0] == '\n')
        fputc('\n', stream); /* HTML drops the first newline of a <pre> */
    write_escaped(stream, begin, true);
    fputs("</pre>", stream);
    if (begin.length < text.length)
        fprintf(
            stream,
            "<p class=\"left-out\">%zu of %zu bytes are left out here; the journal has them.</p>",
            text.length - begin.length, text.length);
}

void markup_clock(FILE *stream, int64_t ms)
{
    fprintf(stream, "%lld:%02lld:%02lld.%lld", (long long)(ms / 3600000),
            (long long)(ms / 60000 % 60), (long long)(ms / 1000 % 60), (long long)(ms / 100 % 10));
}

void markup_duration(FILE *stream, int64_t ms)
{
    int64_t days = ms / 86400000, hours = ms / 3600000 % 24, minutes = ms / 60000 % 60,
            seconds = ms / 1000 % 60, tenths = ms / 100 % 10;
    if (days > 0)
        fprintf(stream, "%lld d %lld h", (long long)days, (long long)hours);
    else if (hours > 0)
        fprintf(stream, "%lld h %lld min", (long long)hours, (long long)minutes);
    else if (minutes > 0)
        fprintf(stream, "%lld min %lld s", (long long)minutes, (long long)seconds);
    else
        fprintf(stream, "%lld.%lld s", (long long)seconds, (long long)tenths);
}
