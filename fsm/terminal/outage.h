/* fsm/terminal/outage: how long services were unavailable in one deployment, and how long Execution
 * was disarmed: from the evidence in the journal alone. For people; no claim rests on it. A service
 * counts as unavailable
 *            - from the moment at which the `compose.up` (or `act`) was sent that replaced its
 *            container, or from the first look at which it was ill,
 *            - to the moment at which the first look that found it well came back. Well: its
 *            container runs (healthy, where it has a check of its own), and every endpoint that
 *              belongs to it (a container's check, a command in it, a URL with the host
 *              service:NAME) answers well; a look that does not ask such an endpoint ends nothing.
 *            So the figure is at most too long, never too short, as far as anybody looked: between
 *            two looks that both found it well it counts as available.
 * An endpoint that belongs to no service by its configuration has a row of its own: from the first
 * bad answer to the first good one behind it. What was asked while
 *            services were still awaited after a switch is not in the journal, so that its row is
 *            zero unless a sample, or the look of a step, found it ill.
 * Disarmed   from the first act that may have taken its arms since Execution was last seen armed
 * (the intent of a DISARM, by hand too, or of making it safe; the `compose.up` of
 *            a switch behind which it was not seen armed, or that switch's intent where it was
 *            interrupted; where the guard fired, the last look before that),
 *            to the moment at which it was seen armed again. What is tried again
 *            behind that, a second rollback for one, begins nothing anew: at most too long here
 *            too, never too short.
 * Resolution is limits.sample_interval_ms within the window, and the distance of two recorded looks
 * outside it.
 * Clock:     the driver's boot clock; over two boots nothing can be said (`measured` false). */
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
    bool changed;  /* something was done to a service; else there is nothing to say */
    struct outage_row rows[2 * SETUP_NAMES_MAX];
    size_t count;
    int64_t disarmed_ns; /* -1 = it was not disarmed, or had not been armed before */
    bool still_disarmed; /* then up to the last entry */
    int64_t resolution_ms;
};

/* Of driver->deployment, which has ended or stands still. */
enum error_code outage_measure(struct driver *driver, struct outage *ret_outage,
                               struct error *error) CHECKED;

/* outage_show.c. A few lines, or the event `unavailable` of fsm/terminal/events.md (NULL without
 * memory). */
void outage_print(FILE *stream, const struct outage *outage);
json_t *outage_json(const struct outage *outage);

#endif
