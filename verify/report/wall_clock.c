#include "verify/report/wall_clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum error_code wall_clock_utc(char ret_utc[WALL_CLOCK_BYTES], struct error *error)
{
    struct timespec now;
    struct tm broken;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || gmtime_r(&now.tv_sec, &broken) == NULL
        || strftime(ret_utc, WALL_CLOCK_BYTES, "%Y-%m-%dT%H:%M:%SZ", &broken)
               != WALL_CLOCK_BYTES - 1)
        return error_set(error, ERROR_SYSTEM, errno, "", "set this machine's clock",
                         "the time of day cannot be read: %s", strerror(errno));
    return ERROR_OK;
}
