/* verify/page/axis: where on the picture of a deployment a moment lies. Long waits are drawn short,
 * and said to be.
 * Clock:     the driver's boot clock. Between two boots (or machines) no time is known: such a step
 *            has a width and no duration.
 * Units:     milliseconds, both real and drawn; nothing runs backwards, whatever a journal says.
 * Ownership: axis_free() releases; it takes an empty one. */
#ifndef VERIFY_AXIS_H
#define VERIFY_AXIS_H

#include "verify/judge/audit.h"

enum { AXIS_WAIT_MS = 30000 }; /* the longest wait that is drawn at its length */

struct axis_break {
    int64_t at_ms;   /* drawn, its middle */
    int64_t real_ms; /* how long it was */
    bool unknown;    /* another boot: how long is not known */
};

struct axis {
    size_t count;             /* one for each entry of the deployment, in its order */
    int64_t *at_ms, *real_ms; /* drawn; since the first entry */
    int64_t end_ms;           /* drawn, of everything asked for so far */
    struct axis_break *breaks;
    size_t break_count;
};

void axis_build(const struct deployment *deployment, struct axis *ret_axis);
/* The drawn place of the moment `ms` after an entry. Behind the last entry the axis grows by it. */
int64_t axis_after(struct axis *axis, size_t entry, int64_t ms);
void axis_free(struct axis *axis);
#define CLEANUP_AXIS __attribute__((cleanup(axis_free)))

#endif
