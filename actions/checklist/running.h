/* actions/checklist/running: every container that runs on the target, of this project or not, and
 * what it was given of the host.
 * Knows:     mounts, published ports, user, privilege, a DOCKER_HOST in its environment; not which
 *            of them are right.
 * Secrets:   of the environment only DOCKER_HOST is asked for. */
#ifndef ACTIONS_RUNNING_H
#define ACTIONS_RUNNING_H

#include <jansson.h>

#include "actions/compose/published.h"
#include "actions/target/target.h"

struct running_mount {
    const char *source; /* path on the host */
    const char *volume; /* name of the volume, "" = it is bound */
};

struct running_container {
    const char *name;
    const char *service;     /* "" = it is not of this project */
    const char *user;        /* "" = root */
    const char *docker_host; /* "" = not set */
    bool privileged;
    struct running_mount *mounts;
    struct published *ports;
    size_t mount_count, port_count;
};

struct running {
    struct running_container *list;
    size_t count;
    json_t *records;         /* what the texts are borrowed from */
    struct target_span span; /* of the question */
};

/* ERROR_REMOTE where Docker does not answer, ERROR_PROTOCOL where its answer cannot be read. */
enum error_code running_open(struct target *target, struct running **ret_running,
                             struct error *error) CHECKED;
/* The lines of RUNNING_TEMPLATE; containers of another project have no service. */
enum error_code running_read(const struct bytes *lines, const char *project,
                             struct running **ret_running, struct error *error) CHECKED;
/* Takes NULL. */
void running_close(struct running *running);

#endif
