/* journal/format/bytes_print: foreign bytes on a terminal, and what is UTF-8.
 * Untrusted: bytes_print_escaped() is the only way by which foreign bytes reach a terminal. */
#ifndef JOURNAL_BYTES_PRINT_H
#define JOURNAL_BYTES_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

bool bytes_is_utf8(const void *data, size_t size);
/* Control characters, DEL, C1 controls, bidirectional controls and bytes that are not UTF-8 are
 * printed as \xNN; all other characters as they are. */
void bytes_print_escaped(FILE *stream, const void *data, size_t size);

#endif
