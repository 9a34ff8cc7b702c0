#include "tests/world/timeline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t BEGIN_NS = 1000000000000;      /* the machine has run for a while */
static const int64_t WALL_NS = 1795418423123456789; /* 2026-11-23 */
static const int64_t SLOW_NS = 300000000;
static const char BOOT[] = "0b5e7a11-cafe-4000-8000-000000000001";

void timeline_utc(const struct timeline *timeline, int64_t at_ns, char ret_utc[UTC_LENGTH + 1])
{
    int64_t wall_ns = at_ns + timeline->wall_offset_ns;
    time_t seconds = (time_t)(wall_ns / 1000000000);
    struct tm parts;
    char text[24];
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret_utc, UTC_LENGTH + 1, "%s.%09lldZ", text, (long long)(wall_ns % 1000000000));
}

static enum error_code read_clock(void *context, struct clock_reading *ret_reading,
                                  struct error *error)
{
    struct timeline *timeline = context;
    (void)error;
    if (timeline->slow_read > 0 && --timeline->slow_read == 0)
        timeline_move(timeline, timeline->now_ns + SLOW_NS);
    ret_reading->utc_ns = timeline->now_ns + timeline->wall_offset_ns;
    timeline_utc(timeline, timeline->now_ns, ret_reading->utc);
    memcpy(ret_reading->boot, timeline->boot, sizeof ret_reading->boot);
    ret_reading->boottime_ns = timeline->now_ns - timeline->driver_boot_ns;
    return ERROR_OK;
}

static enum error_code sleep_until(void *context, int64_t boottime_ns, struct error *error)
{
    struct timeline *timeline = context;
    if (timeline->is_dead != NULL && *timeline->is_dead)
        return error_set(error, ERROR_SYSTEM, 0, "clock", "", "the driver has died");
    timeline_move(timeline, boottime_ns + timeline->driver_boot_ns);
    return ERROR_OK;
}

void timeline_begin(struct timeline *timeline)
{
    *timeline = (struct timeline){.now_ns = BEGIN_NS, .wall_offset_ns = WALL_NS - BEGIN_NS};
    timeline->clock = (struct clock){.context = timeline,
                                     .read = read_clock,
                                     .sleep_until = sleep_until};
    memcpy(timeline->boot, BOOT, sizeof timeline->boot);
    memcpy(timeline->target_boot, BOOT, sizeof timeline->target_boot);
}

void timeline_move(struct timeline *timeline, int64_t until_ns)
{
    if (until_ns > timeline->now_ns)
        timeline->now_ns = until_ns;
    if (timeline->passed != NULL)
        timeline->passed(timeline->context);
}
