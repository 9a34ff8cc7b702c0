/* actions/secrets/redact_view: the same bytes as a reader would see them who undoes one encoding,
 * each byte knowing where in the original it came from. Inside redact only. A view holds decoded
 * secrets: view_clear() wipes it.
 * Units:     offsets into the outermost text; a text is at most 4 GiB - 2. */
#ifndef ACTIONS_REDACT_VIEW_H
#define ACTIONS_REDACT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/error.h"

enum decoding {
    /* the time before each line of a log, so that a value of several lines is joined again */
    DECODING_TIMES = 0,
    DECODING_JSON,    /* \" \n \u0041 \x41 */
    DECODING_DOUBLED, /* $$ of compose, '' of YAML, '\'' of sh */
    DECODING_PERCENT, /* %41 */
    DECODING_FORM,    /* %41, and + for a blank */
    DECODING_HEX,
    DECODING_HEX_ODD, /* from the first digit of a run, from its second */
    DECODING_BASE64,
    DECODING_BASE64_1,
    DECODING_BASE64_2,
    DECODING_BASE64_3, /* from the first letter of a run, from its second, ... */
    DECODING_COUNT,
};

/* A byte whose `from` is VIEW_BREAK separates two texts: no match crosses it. */
#define VIEW_BREAK UINT32_MAX

struct view {
    uint8_t *bytes;
    uint32_t *from, *to; /* NULL: byte i is [i, i + 1) of the text */
    size_t size, capacity;
};

/* Capacity for what at most `size` bytes decode to. */
enum error_code view_open(size_t size, struct view *ret_view, struct error *error) CHECKED;
/* Decodes `parent` into `view`, in place of what was there; false where this encoding has no sign
 * in it. Runs that could not hold `shortest` bytes are left out. */
bool view_decode(const struct view *parent, enum decoding decoding, size_t shortest,
                 struct view *view);
void view_clear(struct view *view);

#endif
