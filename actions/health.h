/* actions/health: every configured endpoint, asked once. Missing is never healthy,
 *            and an error of a question is an endpoint without an answer.
 * Evidence:  health, one item an endpoint, always all of them (journal/FORMAT.md). */
#ifndef ACTIONS_HEALTH_H
#define ACTIONS_HEALTH_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

struct health_view {
    bool good[SETUP_NAMES_MAX]; /* in the order of setup.endpoints */
    bool all_good;
    char text[300]; /* the first that is not good, in words */
};

enum error_code health_look(struct target *target, const struct containers *containers,
                            struct evidence *evidence, struct health_view *ret_view,
                            struct error *error) CHECKED;
/* The service that answers an endpoint, not ended by a zero: its length; 0 = none is known. */
size_t health_service(const struct setup_endpoint *endpoint, const char **ret_service);
/* The item of an endpoint that could not be asked, because of *error. */
enum error_code health_unanswered(const struct clock *clock, const char *endpoint, int64_t sent_ns,
                                  struct evidence *evidence, struct error *error) CHECKED;

#endif
