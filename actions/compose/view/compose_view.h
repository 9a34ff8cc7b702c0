/* actions/compose/view/compose_view: the compose configuration as it is rendered with the env file,
 * and where in the compose file each part of it stands. Knows:     services, their environment,
 * mounts, published ports, users; not which of them is right, nor how YAML is read
 * (compose_view_read.c). Secrets:   every text of a view is a copy in locked memory, wiped by
 * compose_view_close(). A value of `variables` may be a secret: nothing of it may be recorded or
 * printed. Lines:     of the compose file on the target. A part without a line of its own (a
 * default, an env_file, an extended file) has the line that includes it, or that of its service; 0
 * only where the source does not mention it. */
#ifndef ACTIONS_COMPOSE_VIEW_H
#define ACTIONS_COMPOSE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "actions/compose/published.h"
#include "actions/target/target.h"

struct compose_variable {
    const char *name;
    const char *value; /* as the service's process receives it; NULL = not set */
    size_t length;
    char origin[64]; /* the variable that the compose file takes it from, "" = it stands there
                        itself */
    int line;
};

struct compose_mount {
    const char *source, *target; /* source: a path of the host; those that are none are left out */
    int line;
};

struct compose_service {
    const char *name;
    const char *image; /* "" = it is only built */
    const char *user;  /* "" = the image's */
    bool built, privileged, pulls_always;
    bool ends;        /* its restart policy is "no", in so many words */
    bool awaited;     /* another service waits until it has completed */
    int64_t replicas; /* 1 where nothing is said */
    int line, user_line, privileged_line;
    struct compose_variable *variables;
    struct published *ports;
    /* of a service named in volumes_from too, and of secrets and configs that are files */
    struct compose_mount *mounts;
    size_t variable_count, port_count, mount_count;
};

struct compose_view {
    struct compose_service *services;
    size_t count;
    char *text; /* sodium_malloc() */
    size_t text_bytes, used_bytes;
    struct target_span span; /* of the rendering, when it was read from a target */
};

/* Takes NULL. */
void compose_view_close(struct compose_view *view);

const struct compose_service *compose_view_service(const struct compose_view *view,
                                                   const char *name);
const struct compose_variable *compose_service_variable(const struct compose_service *service,
                                                        const char *name);

#endif
