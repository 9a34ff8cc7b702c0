/* actions/interlock: is Execution armed? Commanded through the bus; observed only in
 * what Execution itself shows.
 * Rule:      journal/FORMAT.md, "Reading it", Interlock. Everything else is
 *            unknown.
 * Evidence:  compose.containers logs.execution interlock.marker, bus.publish. */
#ifndef ACTIONS_INTERLOCK_H
#define ACTIONS_INTERLOCK_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

enum interlock { INTERLOCK_INVALID = 0, INTERLOCK_DISARMED, INTERLOCK_ARMED, INTERLOCK_UNKNOWN };

struct interlock_view {
    enum interlock interlock;
    /* a disarm_received line with the nonce follows every line that says armed */
    bool received;
    char container[80]; /* id of Execution's container, "" = none */
    char started_at[40];
};

const char *interlock_name(enum interlock interlock);

/* nonce may be NULL. Execution missing or not running is UNKNOWN. */
enum error_code interlock_look(struct target *target, const char *nonce, struct evidence *evidence,
                               struct interlock_view *ret_view, struct error *error) CHECKED;
/* The reading alone, of lines that were already fetched. marker: "present", "absent", "" where it
 * is not configured. */
void interlock_read(const struct setup_services *services, const struct bytes *lines,
                    const char *started_at, const char *nonce, const char *marker,
                    struct interlock_view *view);

/* Publishes "<nonce> <reason>". *ret_sent false: the bus refused it. */
enum error_code interlock_send(struct target *target, bool arm, const char *nonce,
                               const char *reason, struct evidence *evidence, bool *ret_sent,
                               struct error *error) CHECKED;

#endif
