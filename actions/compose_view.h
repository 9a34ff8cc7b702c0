/* actions/compose_view: the compose configuration as it is rendered with the env file, and where in the compose file each part of it stands.
 * Knows:     services, their environment, mounts, published ports, users; not what of it is right.
 * Secrets:   the rendered text holds secrets: it lives in locked memory and is wiped by compose_view_close(). Values are borrowed from it, and
 *            nothing of them may be recorded or printed.
 * Lines:     of the compose file on the target; 0 where a part has no line of its own (a default, an extended file). */
#ifndef ACTIONS_COMPOSE_VIEW_H
#define ACTIONS_COMPOSE_VIEW_H

#include <stdbool.h>

#include "actions/target.h"

struct compose_view;

struct compose_port {
    char address[64];               /* of the host, "" = every one */
    int published_first, published_last;        /* 0 = one that Docker chooses */
    char protocol[8];
    int line;
};

struct compose_mount {
    const char *source, *target;    /* borrowed; source "" where it is no path of the host */
    int line;
};

/* Renders and reads. ERROR_REMOTE where it does not render, with the reason. */
enum error_code compose_view_open(struct target *target, struct compose_view **ret_view, struct error *error) CHECKED;
void compose_view_close(struct compose_view *view);

size_t compose_view_services(const struct compose_view *view);
const char *compose_view_service(const struct compose_view *view, size_t index);
bool compose_view_has_service(const struct compose_view *view, const char *service);
int compose_view_line(const struct compose_view *view, const char *service, const char *key);       /* key NULL: of the service itself */
/* The value that the service's process gets, with its length; NULL where the variable is not set. *ret_line is that of the environment entry. */
const char *compose_view_variable(const struct compose_view *view, const char *service, const char *name, size_t *ret_length, int *ret_line);
const char *compose_view_user(const struct compose_view *view, const char *service);                /* "" = the image's */
const char *compose_view_network_mode(const struct compose_view *view, const char *service);
size_t compose_view_ports(const struct compose_view *view, const char *service);
bool compose_view_port(const struct compose_view *view, const char *service, size_t index, struct compose_port *ret_port);
size_t compose_view_mounts(const struct compose_view *view, const char *service);
bool compose_view_mount(const struct compose_view *view, const char *service, size_t index, struct compose_mount *ret_mount);

#endif
