#include "fsm/terminal/print.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/bytes.h"

void print_escaped(const char *text)
{
    if (text != NULL)
        bytes_print_escaped(stdout, text, strlen(text));
}

enum error_code print_json(const json_t *object, struct error *error)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) != 0)
        return error_set(error, ERROR_MEMORY, 0, "standard output", "",
                         "the output cannot be written");
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
    return ERROR_OK;
}
