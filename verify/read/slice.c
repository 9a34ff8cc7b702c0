#include "verify/read/slice.h"

#include <string.h>

bool slice_is(struct slice text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

bool slice_equal(struct slice left, struct slice right)
{
    return left.length == right.length
           && (left.length == 0 || memcmp(left.at, right.at, left.length) == 0);
}

bool slice_begins(struct slice text, const char *word)
{
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.at, word, length) == 0;
}

struct slice slice_of(const char *word)
{
    return (struct slice){word, strlen(word)};
}

struct slice slice_from(struct slice text, size_t at)
{
    return (struct slice){text.at + at, text.length - at};
}

struct slice slice_head(struct slice text, size_t most)
{
    return (struct slice){text.at, text.length < most ? text.length : most};
}

struct slice slice_word(struct slice text)
{
    const char *space = text.length > 0 ? memchr(text.at, ' ', text.length) : NULL;
    return slice_head(text, space != NULL ? (size_t)(space - text.at) : text.length);
}

bool slice_copy(struct slice text, char *ret_text, size_t room)
{
    bool fits = text.length < room
                && (text.length == 0 || memchr(text.at, '\0', text.length) == NULL);
    if (fits && text.length > 0)
        memcpy(ret_text, text.at, text.length);
    ret_text[fits ? text.length : 0] = '\0';
    return fits;
}

bool slice_line(struct slice *rest, struct slice *ret_line)
{
    if (rest->length == 0)
        return false;
    const char *newline = memchr(rest->at, '\n', rest->length);
    size_t length = newline != NULL ? (size_t)(newline - rest->at) : rest->length;
    *ret_line = (struct slice){rest->at, length};
    size_t taken = newline != NULL ? length + 1 : length;
    *rest = (struct slice){rest->at + taken, rest->length - taken};
    return true;
}
