/* actions/checklist/reach: which tcp ports of an address answer to a connection made from this
 * machine, not through the tunnel.
 * Knows:     sockets, names, one deadline for all attempts, which run in parallel; not which port
 *            should answer.
 * Evidence:  OPEN and REFUSED came back from the other side. SILENT is a time-out or an
 *            administrative refusal on the way: no answer, but no way in either. NOWHERE: no
 *            attempt could be made at all (no route from here). */
#ifndef ACTIONS_REACH_H
#define ACTIONS_REACH_H

#include "journal/format/clock.h"
#include "journal/format/error.h"

#include <stddef.h>

enum reach_result { REACH_INVALID = 0, REACH_OPEN, REACH_REFUSED, REACH_SILENT, REACH_NOWHERE };

enum { REACH_PORTS_MAX = 64 };

struct reach {
    int port;
    /* of all addresses of the name: the first of the list above that one of them gave */
    enum reach_result result;
};

/* ERROR_UNREACHABLE where the name has no address. At most REACH_PORTS_MAX. */
enum error_code reach_try(const char *address, struct reach *attempts, size_t count,
                          int64_t within_ms, const struct clock *clock, struct error *error)
    CHECKED;

#endif
