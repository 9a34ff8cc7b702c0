#include "journal/format/bytes_print.h"

#include <stdint.h>

/* Length of the well-formed UTF-8 character at `at` (RFC 3629: shortest form, no surrogates, at
 * most U+10FFFF), 0 if there is none. */
static size_t utf8_length(const uint8_t *at, size_t left, uint32_t *ret_character)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    for (size_t n = 0; n < 4; n++) {
        if ((at[0] & forms[n].mask) != forms[n].lead)
            continue;
        if (left < n + 1)
            return 0;
        uint32_t character = (uint32_t)(at[0] & (uint8_t)~forms[n].mask);
        for (size_t i = 1; i <= n; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return 0;
            character = character << 6 | (at[i] & 0x3F);
        }
        bool sound = character >= forms[n].least && character <= 0x10FFFF
                     && (character < 0xD800 || character > 0xDFFF);
        *ret_character = character;
        return sound ? n + 1 : 0;
    }
    return 0;
}

bool bytes_is_utf8(const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t length = at[i] < 0x80 ? 1 : utf8_length(at + i, size - i, &character);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

static bool may_be_shown(uint32_t character)
{
    bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
    bool direction = character == 0x061C || (character >= 0x200B && character <= 0x200F)
                     || (character >= 0x2028 && character <= 0x202E)
                     || (character >= 0x2060 && character <= 0x206F) || character == 0xFEFF;
    return !control && !direction;
}

void bytes_print_escaped(FILE *stream, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size;) {
        uint32_t character = 0;
        size_t length = utf8_length(at + i, size - i, &character);
        if (length > 0 && may_be_shown(character)) {
            (void)fwrite(at + i, 1, length, stream);
            i += length;
            continue;
        }
        for (size_t k = 0; k < (length > 0 ? length : 1); k++)
            (void)fprintf(stream, "\\x%02x", at[i++]);
    }
}
