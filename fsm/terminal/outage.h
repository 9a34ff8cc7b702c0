/* fsm/terminal/outage: how long services were unavailable in one deployment, and how long
 * Execution was disarmed, measured from the evidence in the journal alone. For people; no claim
 * uses it.
 * Service:   unavailable from the moment at which the `compose.up` (or `act`) that replaced its
 *            container was sent, or from the first look that found it bad; until the first look
 *            that found it good was answered. Good: its container runs (healthy, if it has a
 *            check of its own), and every endpoint that belongs to it (a container's check, a
 *            command in it, a URL with the host service:NAME) answers well. A look that does not
 *            ask such an endpoint ends nothing.
 * Bound:     a figure is at most too long, never too short, as far as anything was measured:
 *            between two looks that both found a service good it counts as available.
 * Endpoint:  one that belongs to no service has a row of its own, from its first bad answer to
 *            the next good one. The journal does not hold the polls of services that were still
 *            awaited after a switch, so its row is zero unless a sample or the look of a step
 *            found it bad.
 * Disarmed:  only where a look shows it. From the first act that may have disarmed Execution since
 *            it was last seen armed, until it was seen armed again. Such an act is the intent of a
 * DISARM (by hand too) or of making Execution safe; the `compose.up` of a switch after which it was
 * not seen armed, or that switch's intent where it was interrupted; where the guard fired, the last
 * look before that. A second attempt does not restart the measurement. Resolution:
 * limits.sample_interval_ms in the window, and the distance of two recorded looks outside it.
 * Clock:     the driver's boot clock; across two boots nothing can be measured (`measured`
 *            false). */
#ifndef FSM_OUTAGE_H
#define FSM_OUTAGE_H

#include <stdio.h>

#include <jansson.h>

#include "fsm/driver.h"

struct outage_row {
    char name[64];
    bool endpoint;              /* of an endpoint, and not of a service */
    int64_t total_ns, since_ns; /* since: unavailable from here on, 0 = available */
};

struct outage {
    bool measured; /* all on one boot */
    bool changed;  /* a service was changed; otherwise nothing is printed */
    struct outage_row rows[2 * SETUP_NAMES_MAX];
    size_t count;
    int64_t disarmed_ns; /* -1 = it was not disarmed, or was not armed before */
    bool still_disarmed; /* disarmed_ns lasts until the last entry */
    int64_t resolution_ms;
};

/* For driver->deployment, which has ended or whose rollback failed. */
enum error_code outage_measure(struct driver *driver, struct outage *ret_outage,
                               struct error *error) CHECKED;

/* outage_disarmed.c: the part of it about Execution. */
enum error_code outage_measure_disarmed(struct driver *driver, struct outage *outage,
                                        struct error *error) CHECKED;

/* outage_show.c. A few lines, or the event `unavailable` of fsm/terminal/events.md (NULL without
 * memory). */
void outage_print(FILE *stream, const struct outage *outage);
json_t *outage_json(const struct outage *outage);

#endif
