#include "verify/read/utc.h"

#include <string.h>

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

static int utc_digits(const char *text, unsigned count)
{
    int value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

/* Days since 1970 of a date of the Gregorian calendar (counted from March, so that the leap day is
 * the last of its year). */
static int64_t days_of(int year, int month, int day)
{
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t from_march = (month + 9) % 12;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (from_march * 306 + 5) / 10
           + day - 1 - 719468;
}

static bool read_decimals(struct slice *rest, int64_t *ret_ns)
{
    unsigned decimals = 0;
    int64_t ns = 0;
    if (rest->length > 0 && rest->at[0] == '.') {
        *rest = slice_from(*rest, 1);
        for (; rest->length > 0 && is_decimal(rest->at[0]); *rest = slice_from(*rest, 1))
            if (decimals++ < 9)
                ns = ns * 10 + (rest->at[0] - '0');
        if (decimals == 0 || decimals > 9)
            return false;
    }
    for (; decimals < 9; decimals++)
        ns *= 10;
    *ret_ns = ns;
    return true;
}

bool utc_read(struct slice text, int64_t *ret_ns)
{
    static const char form[] = "0000-00-00T00:00:00";
    const size_t length = sizeof form - 1;
    int64_t decimals_ns;
    if (text.length <= length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (form[i] == '0' ? !is_decimal(text.at[i]) : text.at[i] != form[i])
            return false;
    const char *at = text.at;
    int year = utc_digits(at, 4), month = utc_digits(at + 5, 2), day = utc_digits(at + 8, 2),
        hour = utc_digits(at + 11, 2), minute = utc_digits(at + 14, 2),
        second = utc_digits(at + 17, 2);
    struct slice rest = slice_from(text, length);
    if (!read_decimals(&rest, &decimals_ns) || !(slice_is(rest, "Z") || slice_is(rest, "+00:00"))
        || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60
        || year > 2200)
        return false;
    int64_t seconds = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *ret_ns = year < 1700 ? UTC_NEVER : seconds * 1000000000 + decimals_ns;
    return true;
}
