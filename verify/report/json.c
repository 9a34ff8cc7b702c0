#include "verify/report/json.h"

#include <string.h>

#include "journal/format/bytes.h"

void json_write_string(FILE *stream, const char *text)
{
    bool good = bytes_is_utf8(text, strlen(text));
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(stream, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            fprintf(stream, "\\u%04x", c);
        else
            fputc(c >= 0x80 && !good ? '?' : c, stream);
    }
    fputc('"', stream);
}

void json_write_pair(FILE *stream, const char *key, const char *text)
{
    fprintf(stream, "\"%s\":", key);
    json_write_string(stream, text);
}
