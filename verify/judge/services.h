/* verify/judge/services: what `compose.services` says of a service besides its name, and what of it
 * follows for its containers. journal/FORMAT.md, "Words" (row, one-shot, replicas, ended well, not
 * ours) and W-01.
 * Knows:     the rows of pull_images, and on the way back those of the snapshot; not the rules.
 * Untrusted: a service without a row has one container that does not end. */
#ifndef VERIFY_SERVICES_H
#define VERIFY_SERVICES_H

#include "verify/judge/audit.h"

struct service_row {
    bool declared; /* it has a row, and that is not `off` */
    bool once, one_shot, off;
    int64_t replicas;
};

/* The name in a line, in front of the first space; whether the rest has the form. */
struct slice services_name(struct slice line);
bool services_is_row(struct slice line);
bool services_is_off(struct slice line);

/* The service of the line is a one-shot, as `genesis` names Execution and Brain. */
bool services_is_one_shot(const struct genesis *genesis, struct slice line);

struct service_row services_row(const struct audit *audit, enum action action, const char *service);
bool services_is_good(const struct audit *audit, enum action action,
                      const struct listed *container);
/* It runs, or it is of a one-shot and ended well. */
bool services_is_present(const struct audit *audit, enum action action,
                         const struct listed *container);
size_t services_present(const struct audit *audit, enum action action,
                        const struct listing *containers, const char *service);
/* It may change under the driver's hand: services.restarts_allowed, and what is not ours. */
bool services_may_change(const struct audit *audit, const char *service);
/* The container is in a run that the last list of the snapshot does not have. */
bool services_is_new_run(const struct audit *audit, const struct listed *container);

#endif
