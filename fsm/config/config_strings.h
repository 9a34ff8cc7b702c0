/* fsm/config/config_strings: copies of text that live as long as the configuration.
 * Ownership: strings_free() releases all of them; it takes an empty list. */
#ifndef FSM_CONFIG_STRINGS_H
#define FSM_CONFIG_STRINGS_H

#include <stddef.h>

struct config_strings {
    char **list;
    size_t count;
};

/* A copy of the first `length` bytes; NULL when memory is short. */
const char *strings_keep(struct config_strings *strings, const char *text, size_t length);
void strings_free(struct config_strings *strings);

#endif
