/* tests/world/timeline: the time of a scripted world: a boot clock that moves only when somebody
 * waits or works, a wall clock beside it, a boot id. Whoever lives in the world is told of each
 * step.
 * Units: nanoseconds. */
#ifndef WORLD_TIMELINE_H
#define WORLD_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/clock.h"

struct timeline {
    int64_t now_ns, wall_offset_ns; /* boot clock; what is added for the wall clock */
    unsigned slow_read;     /* the reading from here on before which the driver waits; 0 = none */
    int64_t driver_boot_ns; /* when the driver's machine was started: its boot clock is behind */
    char boot[BOOT_ID_LENGTH + 1];        /* of the driver's machine */
    char target_boot[BOOT_ID_LENGTH + 1]; /* the same at first */
    /* The clock stands at now_ns: what was due until then happens. */
    void (*passed)(void *context);
    void *context;
    const bool *is_dead; /* the one who waits has died: the sleep fails */
    struct clock clock;  /* the interface, for struct world */
};

void timeline_begin(struct timeline *timeline);
/* To that moment, in one step; an earlier one is no step back. */
void timeline_move(struct timeline *timeline, int64_t until_ns);
/* "2026-11-23T07:20:23.123456789Z" of a moment on the boot clock. */
void timeline_utc(const struct timeline *timeline, int64_t at_ns, char ret_utc[UTC_LENGTH + 1]);

#endif
