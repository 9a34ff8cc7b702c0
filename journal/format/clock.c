#include "journal/format/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_boottime_ns(const struct clock *clock)
{
    struct clock_reading reading;
    struct error error;
    enum error_code code = clock->read(clock->context, &reading, &error);
    assert(code == ERROR_OK);
    (void)code;
    return reading.boottime_ns;
}

bool clock_utc_parse(const char *utc, int64_t *ret_utc_ns)
{
    static const char form[] = "0000-00-00T00:00:00.000000000Z";
    if (strlen(utc) != UTC_LENGTH)
        return false;
    for (size_t i = 0; i < UTC_LENGTH; i++)
        if (form[i] == '0' ? utc[i] < '0' || utc[i] > '9' : utc[i] != form[i])
            return false;
    struct tm time = {0};
    int nanoseconds = 0;
    if (sscanf(utc, "%4d-%2d-%2dT%2d:%2d:%2d.%9dZ", &time.tm_year, &time.tm_mon, &time.tm_mday,
               &time.tm_hour, &time.tm_min, &time.tm_sec, &nanoseconds)
        != 7)
        return false;
    struct tm given = time;
    time.tm_year -= 1900;
    time.tm_mon -= 1;
    time_t seconds = timegm(
        &time); /* turns 31 February into a day of March, so the fields are compared after it */
    if (time.tm_mday != given.tm_mday || time.tm_mon != given.tm_mon - 1
        || time.tm_hour != given.tm_hour || time.tm_min != given.tm_min
        || time.tm_sec != given.tm_sec)
        return false;
    *ret_utc_ns = (int64_t)seconds * 1000000000 + nanoseconds;
    return true;
}

bool clock_utc_write(int64_t utc_ns, char ret_utc[UTC_LENGTH + 1])
{
    char seconds[24];
    int64_t nanoseconds = utc_ns % 1000000000;
    time_t whole = utc_ns / 1000000000;
    struct tm parts;
    ret_utc[0] = '\0';
    if (utc_ns < 0 || gmtime_r(&whole, &parts) == NULL
        || strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts) != 19)
        return false;
    (void)snprintf(ret_utc, UTC_LENGTH + 1, "%.19s.%09lldZ", seconds, (long long)nanoseconds);
    return true;
}
