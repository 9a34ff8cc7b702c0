/* actions/target/world_system: the real implementations of what needs no library but the C library
 * and libsodium: clock, random bytes, this machine's identity, its disk and its local sockets.
 * Knows:     system calls; not what is read, written or sent.
 * Contracts: journal/format/world.h. Each table is static and needs no context. */
#ifndef ACTIONS_WORLD_SYSTEM_H
#define ACTIONS_WORLD_SYSTEM_H

#include "journal/format/world.h"

const struct clock *world_clock_system(void);
const struct world_random *world_random_system(void);
const struct world_host *world_host_system(void);
const struct world_disk *world_disk_system(void);
const struct world_local *world_local_system(void);

/* Sets these five and leaves the other tables of *world as they are. */
void world_system(struct world *world);

#endif
