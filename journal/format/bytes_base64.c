/* Base64 by a table: what is read and written so is public (signatures, keys' public halves, what a
 * bundle carries), and libsodium's, which takes the same time for any secret, is ten times slower.
 */
#include "journal/format/bytes.h"

#include <errno.h>
#include <stdlib.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { IS_DIGIT = 0x80 };

/* The value of each character that has one, with IS_DIGIT; 0 of every other byte. */
#define DIGIT(character, value) [character] = IS_DIGIT | value
static const uint8_t digits[256] = {
    DIGIT('A', 0),  DIGIT('B', 1),  DIGIT('C', 2),  DIGIT('D', 3),  DIGIT('E', 4),  DIGIT('F', 5),
    DIGIT('G', 6),  DIGIT('H', 7),  DIGIT('I', 8),  DIGIT('J', 9),  DIGIT('K', 10), DIGIT('L', 11),
    DIGIT('M', 12), DIGIT('N', 13), DIGIT('O', 14), DIGIT('P', 15), DIGIT('Q', 16), DIGIT('R', 17),
    DIGIT('S', 18), DIGIT('T', 19), DIGIT('U', 20), DIGIT('V', 21), DIGIT('W', 22), DIGIT('X', 23),
    DIGIT('Y', 24), DIGIT('Z', 25), DIGIT('a', 26), DIGIT('b', 27), DIGIT('c', 28), DIGIT('d', 29),
    DIGIT('e', 30), DIGIT('f', 31), DIGIT('g', 32), DIGIT('h', 33), DIGIT('i', 34), DIGIT('j', 35),
    DIGIT('k', 36), DIGIT('l', 37), DIGIT('m', 38), DIGIT('n', 39), DIGIT('o', 40), DIGIT('p', 41),
    DIGIT('q', 42), DIGIT('r', 43), DIGIT('s', 44), DIGIT('t', 45), DIGIT('u', 46), DIGIT('v', 47),
    DIGIT('w', 48), DIGIT('x', 49), DIGIT('y', 50), DIGIT('z', 51), DIGIT('0', 52), DIGIT('1', 53),
    DIGIT('2', 54), DIGIT('3', 55), DIGIT('4', 56), DIGIT('5', 57), DIGIT('6', 58), DIGIT('7', 59),
    DIGIT('8', 60), DIGIT('9', 61), DIGIT('+', 62), DIGIT('/', 63),
};

static size_t encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

static void encode(const uint8_t *from, size_t size, uint8_t *to)
{
    for (; size >= 3; size -= 3, from += 3, to += 4) {
        uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        to[0] = (uint8_t)alphabet[three >> 18];
        to[1] = (uint8_t)alphabet[three >> 12 & 63];
        to[2] = (uint8_t)alphabet[three >> 6 & 63];
        to[3] = (uint8_t)alphabet[three & 63];
    }
    if (size == 0)
        return;
    uint32_t rest = (uint32_t)from[0] << 16 | (size > 1 ? (uint32_t)from[1] << 8 : 0);
    to[0] = (uint8_t)alphabet[rest >> 18];
    to[1] = (uint8_t)alphabet[rest >> 12 & 63];
    to[2] = size > 1 ? (uint8_t)alphabet[rest >> 6 & 63] : '=';
    to[3] = '=';
}

enum error_code bytes_base64(const void *data, size_t size, struct bytes *ret_text,
                             struct error *error)
{
    struct bytes text = {.size = encoded_size(size)};
    text.data = malloc(text.size + 1);
    if (text.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    encode(data, size, text.data);
    text.data[text.size] = 0;
    bytes_free(ret_text);
    *ret_text = text;
    return ERROR_OK;
}

/* IS_DIGIT where all four are. */
static unsigned decode_four(const uint8_t from[4], uint8_t to[3])
{
    unsigned a = digits[from[0]], b = digits[from[1]], c = digits[from[2]], d = digits[from[3]];
    unsigned bits = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
    return a & b & c & d & IS_DIGIT;
}

/* The last four characters: with their padding, and with no bit set that says nothing. Returns how
 * many bytes they are; 0 = they are not canonical. */
static size_t decode_last(const uint8_t from[4], uint8_t to[3])
{
    size_t padding = from[3] != '=' ? 0 : from[2] != '=' ? 1 : 2;
    const uint8_t filled[4] = {from[0], from[1], padding > 1 ? 'A' : from[2],
                               padding > 0 ? 'A' : from[3]};
    bool good = decode_four(filled, to) != 0 && (padding < 1 || to[2] == 0)
                && (padding < 2 || to[1] == 0);
    return good ? 3 - padding : 0;
}

static bool decode(const uint8_t *from, size_t length, uint8_t *to, size_t *ret_size)
{
    unsigned all = IS_DIGIT;
    *ret_size = 0;
    if (length == 0)
        return true;
    if (length % 4 != 0)
        return false;
    for (; length > 4; length -= 4, from += 4, *ret_size += 3)
        all &= decode_four(from, to + *ret_size);
    size_t last = decode_last(from, to + *ret_size);
    *ret_size += last;
    return last > 0 && all != 0;
}

enum error_code bytes_from_base64(const char *text, size_t length, struct bytes *ret_data,
                                  struct error *error)
{
    CLEANUP_BYTES struct bytes data = {.data = malloc(length / 4 * 3 + 4)};
    if (data.data == NULL)
        return error_set(error, ERROR_MEMORY, errno, "", "", "out of memory");
    if (!decode((const uint8_t *)text, length, data.data, &data.size)) {
        data.size = 0;
        return error_set(error, ERROR_DAMAGED, 0, "", "", "this is not canonical base64");
    }
    data.data[data.size] = 0;
    bytes_free(ret_data);
    *ret_data = data;
    data = (struct bytes){0};
    return ERROR_OK;
}
