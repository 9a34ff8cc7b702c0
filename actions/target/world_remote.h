/* actions/target/world_remote: the real implementations of what lies beyond this machine: the way
 * to a target, its bus, HTTP, and connections that are only attempted. Each is in a file of its
 * own. Libraries: libssh in ssh.c only, nats.c in bus_nats.c only, libcurl in http_curl.c only.
 * Besides these files and process.c, none of actions/ opens a socket, waits or starts a process.
 * Contracts: journal/format/world.h. Each table is static and needs no context. */
#ifndef ACTIONS_WORLD_REMOTE_H
#define ACTIONS_WORLD_REMOTE_H

#include "journal/format/world.h"

/* connect.c: process.c where setup.local is set, else ssh.c. */
const struct world_target *world_target_system(void);
const struct world_bus *world_bus_system(void);     /* bus_nats.c */
const struct world_http *world_http_system(void);   /* http_curl.c */
const struct world_reach *world_reach_system(void); /* reach_sockets.c */

/* Sets these four and leaves the other tables of *world as they are. */
void world_remote(struct world *world);

#endif
