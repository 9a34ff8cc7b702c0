#include "verify/page/axis.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

static const int64_t REAL_MS_MAX =
    (int64_t)1000 * 1000 * 1000
    * 1000; /* thirty years: so that no sum of hostile times overflows */
enum { BOOT_WIDTH_MS = 10000, LOOK_BACK = 512 };

static void add_break(struct axis *axis, struct axis_break wait)
{
    axis->breaks = memory_grown(axis->breaks, axis->break_count + 1, sizeof *axis->breaks);
    axis->breaks[axis->break_count++] = wait;
}

static int64_t shortened(int64_t ms)
{
    return ms < AXIS_WAIT_MS ? ms : AXIS_WAIT_MS;
}

/* When entry `at` came, counted from the first: by the last entry before it of the same boot. False
 * where there is none near. */
static bool real_time(const struct deployment *deployment, const struct axis *axis, size_t at,
                      int64_t *ret_ms)
{
    const struct entry *entry = deployment->entries[at];
    for (size_t i = at; i-- > 0 && at - i <= LOOK_BACK;) {
        const struct entry *before = deployment->entries[i];
        if (strcmp(before->boot, entry->boot) != 0)
            continue;
        int64_t span_ms = (entry->boottime_ns - before->boottime_ns)
                          / 1000000; /* neither is negative */
        int64_t real_ms = axis->real_ms[i]
                          + (span_ms > 0 ? span_ms < REAL_MS_MAX ? span_ms : REAL_MS_MAX : 0);
        real_ms = real_ms < REAL_MS_MAX ? real_ms : REAL_MS_MAX;
        *ret_ms = real_ms > axis->real_ms[at - 1] ? real_ms : axis->real_ms[at - 1];
        return true;
    }
    *ret_ms = axis->real_ms[at - 1];
    return false;
}

void axis_build(const struct deployment *deployment, struct axis *ret_axis)
{
    struct axis axis = {.count = deployment->count};
    axis.at_ms = memory_zeroed(axis.count, sizeof *axis.at_ms);
    axis.real_ms = memory_zeroed(axis.count, sizeof *axis.real_ms);
    for (size_t i = 1; i < axis.count; i++) {
        bool known = real_time(deployment, &axis, i, &axis.real_ms[i]);
        int64_t wait_ms = axis.real_ms[i] - axis.real_ms[i - 1],
                drawn_ms = known ? shortened(wait_ms) : BOOT_WIDTH_MS;
        axis.at_ms[i] = axis.at_ms[i - 1] + drawn_ms;
        if (!known || wait_ms > AXIS_WAIT_MS)
            add_break(&axis, (struct axis_break){.at_ms = axis.at_ms[i - 1] + drawn_ms / 2,
                                                 .real_ms = wait_ms,
                                                 .unknown = !known});
    }
    axis.end_ms = axis.count > 0 && axis.at_ms[axis.count - 1] > 1000 ? axis.at_ms[axis.count - 1]
                                                                      : 1000;
    axis_free(ret_axis);
    *ret_axis = axis;
}

int64_t axis_after(struct axis *axis, size_t entry, int64_t ms)
{
    int64_t wanted_ms = axis->real_ms[entry] + ms;
    size_t at = entry;
    while (at + 1 < axis->count && axis->real_ms[at + 1] <= wanted_ms)
        at++;
    int64_t into_ms = wanted_ms - axis->real_ms[at];
    if (at + 1 < axis->count) {
        int64_t span_ms = axis->real_ms[at + 1] - axis->real_ms[at]; /* above into_ms, so not 0 */
        return axis->at_ms[at] + into_ms * (axis->at_ms[at + 1] - axis->at_ms[at]) / span_ms;
    }
    int64_t place_ms = axis->at_ms[at] + shortened(into_ms);
    if (into_ms > AXIS_WAIT_MS)
        add_break(axis, (struct axis_break){.at_ms = axis->at_ms[at] + AXIS_WAIT_MS / 2,
                                            .real_ms = into_ms});
    axis->end_ms = place_ms > axis->end_ms ? place_ms : axis->end_ms;
    return place_ms;
}

void axis_free(struct axis *axis)
{
    free(axis->at_ms);
    free(axis->real_ms);
    free(axis->breaks);
    *axis = (struct axis){0};
}
