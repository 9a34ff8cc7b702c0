#include "fsm/terminal/print.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/bytes.h"

void print_escaped(const char *text)
{
    if (text != NULL)
        bytes_print_escaped(stdout, text, strlen(text));
}
