#include "actions/target/world_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum error_code clock_read_boot_id(char ret_boot[BOOT_ID_LENGTH + 1], struct error *error)
{
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = descriptor >= 0 ? read(descriptor, ret_boot, BOOT_ID_LENGTH) : -1;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    if (got != BOOT_ID_LENGTH)
        return error_set(error, ERROR_SYSTEM, number, path, "mount /proc",
                         "the kernel's boot id cannot be read");
    ret_boot[BOOT_ID_LENGTH] = '\0';
    return ERROR_OK;
}

static enum error_code clock_read_system(void *context, struct clock_reading *ret_reading,
                                         struct error *error)
{
    (void)context;
    struct timespec wall, boot;
    struct clock_reading reading;
    if (clock_gettime(CLOCK_REALTIME, &wall) != 0 || clock_gettime(CLOCK_BOOTTIME, &boot) != 0)
        return error_set(error, ERROR_SYSTEM, errno, "clock", "", "the clocks cannot be read: %s",
                         strerror(errno));
    enum error_code code = clock_read_boot_id(reading.boot, error);
    if (code != ERROR_OK)
        return code;
    reading.utc_ns = wall.tv_sec * 1000000000 + wall.tv_nsec;
    reading.boottime_ns = boot.tv_sec * 1000000000 + boot.tv_nsec;
    if (!clock_utc_write(reading.utc_ns, reading.utc))
        return error_set(error, ERROR_SYSTEM, 0, "clock", "set the wall clock",
                         "the wall clock is out of the range that can be written");
    *ret_reading = reading;
    return ERROR_OK;
}

static enum error_code clock_sleep_until_system(void *context, int64_t boottime_ns,
                                                struct error *error)
{
    (void)context;
    struct timespec until = {.tv_sec = boottime_ns / 1000000000,
                             .tv_nsec = boottime_ns % 1000000000};
    int number = clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL);
    if (number != 0 && number != EINTR)
        return error_set(error, ERROR_SYSTEM, number, "clock", "", "cannot sleep: %s",
                         strerror(number));
    return ERROR_OK;
}

const struct clock *world_clock_system(void)
{
    static const struct clock clock = {.context = NULL,
                                       .read = clock_read_system,
                                       .sleep_until = clock_sleep_until_system};
    return &clock;
}
