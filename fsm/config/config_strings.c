#include "fsm/config/config_strings.h"

#include <stdlib.h>
#include <string.h>

const char *strings_keep(struct config_strings *strings, const char *text, size_t length)
{
    char **list = reallocarray(strings->list, strings->count + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    strings->list = list;
    list[strings->count] = strndup(text, length);
    return list[strings->count] != NULL ? list[strings->count++] : NULL;
}

void strings_free(struct config_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->list[i]);
    free(strings->list);
    *strings = (struct config_strings){0};
}
