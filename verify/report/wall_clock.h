/* verify/report/wall_clock: the time of day that an attestation names as its own. No verdict looks
 * at a clock. */
#ifndef VERIFY_WALL_CLOCK_H
#define VERIFY_WALL_CLOCK_H

#include "journal/format/error.h"

enum { WALL_CLOCK_BYTES = sizeof "2026-11-23T07:20:23Z" };

enum error_code wall_clock_utc(char ret_utc[WALL_CLOCK_BYTES], struct error *error) CHECKED;

#endif
