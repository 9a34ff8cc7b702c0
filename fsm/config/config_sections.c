#include "fsm/config/config_sections.h"

#include <string.h>

static bool begins_section(const char *line, size_t size)
{
    return size > 0
           && ((line[0] >= 'a' && line[0] <= 'z') || (line[0] >= 'A' && line[0] <= 'Z')
               || line[0] == '_');
}

static bool is_wanted_section(const char *line, size_t size, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t length = strlen(*names);
        if (size > length && memcmp(line, *names, length) == 0 && line[length] == ':')
            return true;
    }
    return false;
}

void sections_keep(struct bytes *text, const char *const *names)
{
    char *at = (char *)text->data, *end = at + text->size;
    bool kept = false;
    while (at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop != NULL ? stop : end) - at);
        if (begins_section(at, size))
            kept = is_wanted_section(at, size, names);
        if (!kept)
            memset(at, ' ', size);
        at += size + (stop != NULL);
    }
}
