/* verify/page/markup: foreign text into HTML and SVG, so that it is text there and nothing else.
 * Rule:      whatever comes from a journal goes through here, and only between tags: never into a
 *            tag, an attribute, an address, a style. Control characters, bidirectional controls and
 *            bytes that are not UTF-8 are shown as bytes_print_escaped() shows them.
 * Errors:    of writing are the stream's; output.h asks it once, at the end. */
#ifndef VERIFY_MARKUP_H
#define VERIFY_MARKUP_H

#include <stdio.h>

#include "verify/read/tree.h"

void markup_text(FILE *stream, struct slice text); /* on one line: a newline is shown as \x0a */
void markup_word(FILE *stream, const char *word);
void markup_short(FILE *stream, struct slice text,
                  size_t bytes_max); /* cut between characters, with three dots */
/* A <pre> with at most so many bytes, and a sentence behind it that says what was left out. */
void markup_block(FILE *stream, struct slice text, size_t bytes_max);
void markup_duration(FILE *stream,
                     int64_t ms); /* "3.4 s", "2 min 3 s", "4 h 2 min": the two units that matter */
void markup_clock(FILE *stream, int64_t ms); /* "4:02:03.4": to be compared with another */

#endif
