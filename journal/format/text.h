/* journal/format/text: gluing text together, and copying it into fixed arrays.
 * Builder:   a struct text remembers its first failure; adding after one does nothing. The caller
 *            asks once, at the end, with text_failed(). So gluing needs no ladder of checks.
 * Ownership: a struct text owns its bytes; text_clear() wipes and releases them and accepts an
 * empty one. text_give() hands them over. Arrays:    an identity is never cut: text_exact() fails
 * where it does not fit. text_cut() is for people only. Untrusted: text_add_quoted() is the only
 * way by which a foreign byte gets into a script. */
#ifndef JOURNAL_FORMAT_TEXT_H
#define JOURNAL_FORMAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "journal/format/bytes.h"

/* Behind the name of what was counted: "s", but for one. */
static inline const char *text_many(uint64_t count)
{
    return count == 1 ? "" : "s";
}

struct text {
    struct bytes bytes;
    size_t capacity;      /* of its memory */
    struct error failure; /* code ERROR_OK: none */
};
void text_clear(struct text *text);
#define CLEANUP_TEXT __attribute__((cleanup(text_clear)))

void text_add(struct text *text, const char *words);
void text_add_bytes(struct text *text, const void *data, size_t size);
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* 'word' quoted for sh. A NUL cannot occur in a word; every other byte stands for itself. */
void text_add_quoted(struct text *text, const char *word);
/* What another builder holds; its failure becomes the failure of `text`. */
void text_add_text(struct text *text, const struct text *other);
void text_add_quoted_text(struct text *text, const struct text *word);

/* The first failure, copied to *error; false where there was none. */
bool text_failed(const struct text *text, struct error *error) CHECKED;
/* "" while nothing was added. */
const char *text_string(const struct text *text);
/* text_failed(), or the bytes handed over: *ret_bytes is the caller's and `text` is empty. */
enum error_code text_give(struct text *text, struct bytes *ret_bytes, struct error *error) CHECKED;

/* Copies `from` whole, or ERROR_LIMIT and ret_to untouched: `what` names it in the error. */
enum error_code text_exact(char *ret_to, size_t size, const char *from, const char *what,
                           struct error *error) CHECKED;
/* Copies as much as fits, ending before a UTF-8 sequence that would be cut. */
void text_cut(char *ret_to, size_t size, const char *from);

#endif
