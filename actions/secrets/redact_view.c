#include "actions/secrets/redact_view.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

void view_clear(struct view *view)
{
    if (view->bytes != NULL)
        sodium_memzero(view->bytes, view->capacity);
    free(view->bytes);
    free(view->from);
    free(view->to);
    *view = (struct view){0};
}

enum error_code view_open(size_t size, struct view *ret_view, struct error *error)
{
    size_t capacity = size + 1;
    struct view view = {.bytes = malloc(capacity),
                        .from = malloc(capacity * sizeof *view.from),
                        .to = malloc(capacity * sizeof *view.to),
                        .capacity = capacity};
    if (view.bytes == NULL || view.from == NULL || view.to == NULL) {
        view_clear(&view);
        return error_set(error, ERROR_MEMORY, 0, "secrets", "", "out of memory");
    }
    *ret_view = view;
    return ERROR_OK;
}

static uint32_t from_of(const struct view *view, size_t at)
{
    return view->from != NULL ? view->from[at] : (uint32_t)at;
}

static uint32_t to_of(const struct view *view, size_t at)
{
    return view->to != NULL ? view->to[at] : (uint32_t)at + 1;
}

static bool is_break(const struct view *view, size_t at)
{
    return view->from != NULL && view->from[at] == VIEW_BREAK;
}

/* One byte that stands for parent[first..last]. No decoding makes more bytes than it reads. */
static void emit(struct view *view, const struct view *parent, uint8_t byte, size_t first,
                 size_t last)
{
    view->bytes[view->size] = byte;
    view->from[view->size] = from_of(parent, first);
    view->to[view->size++] = to_of(parent, last);
}

static void emit_break(struct view *view)
{
    view->bytes[view->size] = 0;
    view->from[view->size] = VIEW_BREAK;
    view->to[view->size++] = VIEW_BREAK;
}

/* 0-15, or -1. */
static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `digits` hex digits at `at`, or -1. */
static int32_t hex_number(const struct view *parent, size_t at, size_t digits)
{
    int32_t number = 0;
    if (at + digits > parent->size)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        int digit = is_break(parent, at + i) ? -1 : hex_digit(parent->bytes[at + i]);
        if (digit < 0)
            return -1;
        number = number << 4 | digit;
    }
    return number;
}

static size_t emit_utf8(struct view *view, const struct view *parent, uint32_t character,
                        size_t first, size_t last)
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    if (character < 0x80) {
        emit(view, parent, (uint8_t)character, first, last);
        return last + 1;
    }
    unsigned length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    emit(view, parent, (uint8_t)(lead[length] | character >> 6 * (length - 1)), first, last);
    for (unsigned i = length - 1; i-- > 0;)
        emit(view, parent, (uint8_t)(0x80 | (character >> 6 * i & 0x3F)), first, last);
    return last + 1;
}

/* Decodes the escape at `at`. Returns the offset after it, or `at` where there is no escape. */
static size_t decode_escape(struct view *view, const struct view *parent, size_t at)
{
    static const char letters[] = "\"\\/'bfnrt", meanings[] = "\"\\/'\b\f\n\r\t";
    if (at + 1 >= parent->size || is_break(parent, at + 1))
        return at;
    uint8_t letter = parent->bytes[at + 1];
    const char *found = letter != 0 ? strchr(letters, letter) : NULL;
    if (found != NULL) {
        emit(view, parent, (uint8_t)meanings[found - letters], at, at + 1);
        return at + 2;
    }
    int32_t number = hex_number(parent, at + 2, letter == 'u' ? 4 : 2);
    if (letter == 'x' && number >= 0) {
        emit(view, parent, (uint8_t)number, at, at + 3);
        return at + 4;
    }
    if (letter != 'u' || number < 0)
        return at;
    bool pair = number >= 0xD800 && number < 0xDC00 && at + 7 < parent->size
                && parent->bytes[at + 6] == '\\' && parent->bytes[at + 7] == 'u';
    int32_t low = pair ? hex_number(parent, at + 8, 4) : -1;
    if (low >= 0xDC00 && low < 0xE000)
        return emit_utf8(view, parent,
                         0x10000 + ((uint32_t)(number - 0xD800) << 10) + (uint32_t)(low - 0xDC00),
                         at, at + 11);
    return emit_utf8(view, parent, (uint32_t)number, at, at + 5);
}

static size_t decode_percent(struct view *view, const struct view *parent, size_t at)
{
    int32_t number = hex_number(parent, at + 1, 2);
    if (number < 0)
        return at;
    emit(view, parent, (uint8_t)number, at, at + 2);
    return at + 3;
}

static size_t decode_doubled(struct view *view, const struct view *parent, size_t at)
{
    const uint8_t *byte = parent->bytes + at;
    size_t left = parent->size - at;
    size_t length = left >= 4 && memcmp(byte, "'\\''", 4) == 0 ? 4
                    : left >= 2 && byte[0] == byte[1]          ? 2
                                                               : 0;
    if (length == 0)
        return at;
    emit(view, parent, byte[0], at, at + length - 1);
    return at + length;
}

/* "2026-11-23T07:20:23.123456789Z " at the beginning of a line: its length, or 0. */
static size_t time_length(const uint8_t *text, size_t size)
{
    static const char form[] = "0000-00-00T00:00:00";
    size_t at = sizeof form - 1;
    if (size <= at)
        return 0;
    for (size_t i = 0; i < at; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != (uint8_t)form[i])
            return 0;
    while (at < size && text[at] != ' ' && text[at] != '\n' && at < 40)
        at++;
    return at < size && text[at] == ' ' ? at + 1 : 0;
}

/* Decodes escapes and copies all other bytes. */
static bool decode_escapes(const struct view *parent, enum decoding decoding, struct view *view)
{
    bool found = false;
    for (size_t at = 0; at < parent->size;) {
        uint8_t byte = parent->bytes[at];
        size_t next = at;
        if (is_break(parent, at)) {
            emit_break(view);
            at++;
            continue;
        }
        if (decoding == DECODING_JSON && byte == '\\')
            next = decode_escape(view, parent, at);
        else if (decoding == DECODING_DOUBLED && (byte == '$' || byte == '\''))
            next = decode_doubled(view, parent, at);
        else if ((decoding == DECODING_PERCENT || decoding == DECODING_FORM) && byte == '%')
            next = decode_percent(view, parent, at);
        else if (decoding == DECODING_TIMES && (at == 0 || parent->bytes[at - 1] == '\n'))
            next = at + time_length(parent->bytes + at, parent->size - at);
        found = found || next > at;
        if (next > at) {
            at = next;
            continue;
        }
        bool blank = decoding == DECODING_FORM && byte == '+';
        found = found || blank;
        emit(view, parent, blank ? ' ' : byte, at, at);
        at++;
    }
    return found;
}

/* What a character is in a run of digits: NONE ends the run, SKIPPED stands in it for nothing (a
 * line end of the wrapping), anything else is the digit's value and one. */
enum { NONE = 0, SKIPPED = 255 };

struct radix {
    uint8_t digit[256];
    unsigned bits;
};

static const struct radix hexadecimal = {
    .digit = {['0'] = 1,       ['1'] = 2,  ['2'] = 3,       ['3'] = 4,       ['4'] = 5,
              ['5'] = 6,       ['6'] = 7,  ['7'] = 8,       ['8'] = 9,       ['9'] = 10,
              ['a'] = 11,      ['b'] = 12, ['c'] = 13,      ['d'] = 14,      ['e'] = 15,
              ['f'] = 16,      ['A'] = 11, ['B'] = 12,      ['C'] = 13,      ['D'] = 14,
              ['E'] = 15,      ['F'] = 16, [' '] = SKIPPED, [':'] = SKIPPED, ['\n'] = SKIPPED,
              ['\r'] = SKIPPED},
    .bits = 4};
/* Both alphabets at once. */
static const struct radix base64 = {
    .digit = {['A'] = 1,        ['B'] = 2,       ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
              ['G'] = 7,        ['H'] = 8,       ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
              ['M'] = 13,       ['N'] = 14,      ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
              ['S'] = 19,       ['T'] = 20,      ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
              ['Y'] = 25,       ['Z'] = 26,      ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
              ['e'] = 31,       ['f'] = 32,      ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
              ['k'] = 37,       ['l'] = 38,      ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
              ['q'] = 43,       ['r'] = 44,      ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
              ['w'] = 49,       ['x'] = 50,      ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
              ['2'] = 55,       ['3'] = 56,      ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
              ['8'] = 61,       ['9'] = 62,      ['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
              ['\n'] = SKIPPED, ['\r'] = SKIPPED},
    .bits = 6};

static uint8_t digit_at(const struct view *parent, const struct radix *radix, size_t at)
{
    return is_break(parent, at) ? NONE : radix->digit[parent->bytes[at]];
}

/* Decodes one run of digits, parent[begin..end), after its first `skip` digits. */
static void decode_run(const struct view *parent, const struct radix *radix, size_t begin,
                       size_t end, unsigned skip, struct view *view)
{
    uint32_t held = 0;
    unsigned bits = 0;
    size_t first = begin; /* the digit that holds the oldest bit that is left */
    for (size_t at = begin; at < end; at++) {
        uint8_t digit = radix->digit[parent->bytes[at]];
        if (digit == SKIPPED)
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        if (bits == 0)
            first = at;
        held = held << radix->bits | (uint32_t)(digit - 1);
        bits += radix->bits;
        if (bits >= 8) {
            bits -= 8;
            emit(view, parent, (uint8_t)(held >> bits), first, at);
            first = at;
        }
    }
    emit_break(view);
}

static size_t digits_in_run(const struct view *parent, const struct radix *radix, size_t begin,
                            size_t end)
{
    size_t digits = 0;
    for (size_t at = begin; at < end; at++)
        digits += radix->digit[parent->bytes[at]] != SKIPPED;
    return digits;
}

/* A run that is long enough covers `least` places, so that these are looked at from the last one
 * backwards: what ends a run there is passed over at once. */
static bool decode_runs(const struct view *parent, enum decoding decoding, size_t shortest,
                        struct view *view)
{
    bool hex = decoding == DECODING_HEX || decoding == DECODING_HEX_ODD;
    const struct radix *radix = hex ? &hexadecimal : &base64;
    unsigned skip = (unsigned)decoding - (unsigned)(hex ? DECODING_HEX : DECODING_BASE64);
    size_t least = (shortest * 8 + radix->bits - 1) / radix->bits;
    for (size_t at = 0; at < parent->size && parent->size - at >= least;) {
        size_t begin = at + least, end = begin;
        while (begin > at && digit_at(parent, radix, begin - 1) != NONE)
            begin--;
        if (begin > at) {
            at = begin;
            continue;
        }
        while (end < parent->size && digit_at(parent, radix, end) != NONE)
            end++;
        if (digits_in_run(parent, radix, at, end) >= least)
            decode_run(parent, radix, at, end, skip, view);
        at = end + 1;
    }
    return view->size > 0;
}

/* Whether this encoding can occur at all: a search that is cheap compared with decoding. */
static bool has_sign(const struct view *parent, enum decoding decoding)
{
    switch (decoding) {
    case DECODING_TIMES:
        return time_length(parent->bytes, parent->size) > 0;
    case DECODING_JSON:
        return memchr(parent->bytes, '\\', parent->size) != NULL;
    case DECODING_DOUBLED:
        return memmem(parent->bytes, parent->size, "$$", 2) != NULL
               || memmem(parent->bytes, parent->size, "''", 2) != NULL;
    case DECODING_PERCENT:
        return memchr(parent->bytes, '%', parent->size) != NULL;
    case DECODING_FORM:
        return memchr(parent->bytes, '+', parent->size) != NULL;
    case DECODING_HEX:
    case DECODING_HEX_ODD:
    case DECODING_BASE64:
    case DECODING_BASE64_1:
    case DECODING_BASE64_2:
    case DECODING_BASE64_3:
        return true;
    case DECODING_COUNT:
        break;
    }
    return false;
}

bool view_decode(const struct view *parent, enum decoding decoding, size_t shortest,
                 struct view *view)
{
    view->size = 0;
    if (parent->size < shortest || !has_sign(parent, decoding))
        return false;
    return decoding >= DECODING_HEX ? decode_runs(parent, decoding, shortest, view)
                                    : decode_escapes(parent, decoding, view);
}
