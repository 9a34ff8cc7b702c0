/* journal/format/clock: the clocks of this machine, behind one interface so that a simulation can
 * replace them.
 * Clocks:    boottime_ns is CLOCK_BOOTTIME, which runs during suspend and is never stepped. All
 *            deadlines and durations use it. utc is the wall clock; it is recorded for people and
 *            nothing is computed from it.
 * Ownership: `struct clock` is a value with a context. The real one is in
 *            actions/target/world_clock.c. */
#ifndef JOURNAL_CLOCK_H
#define JOURNAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/error.h"

enum { BOOT_ID_LENGTH = 36, UTC_LENGTH = 30 };

struct clock_reading {
    char utc[UTC_LENGTH + 1]; /* 2026-11-23T07:20:23.123456789Z */
    int64_t utc_ns;           /* the same, since 1970 */
    char boot[BOOT_ID_LENGTH + 1];
    int64_t boottime_ns;
};

struct clock {
    void *context;
    enum error_code (*read)(void *context, struct clock_reading *ret_reading, struct error *error);
    /* Sleeps until boottime_ns on the boot clock, or less when a signal arrives. */
    enum error_code (*sleep_until)(void *context, int64_t boottime_ns, struct error *error);
};

/* The form above, strictly; false for any other text. */
bool clock_utc_parse(const char *utc, int64_t *ret_utc_ns);
/* The same way back; false, and "", for a time that the form cannot hold. */
bool clock_utc_write(int64_t utc_ns, char ret_utc[UTC_LENGTH + 1]);
int64_t clock_boottime_ns(const struct clock *clock); /* asserts that the boot clock can be read */

#endif
