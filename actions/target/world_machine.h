/* actions/target/world_machine: random bytes, host and files of this machine, for `struct world`
 * (journal/format/world.h, which says what each function means). */
#ifndef ACTIONS_WORLD_MACHINE_H
#define ACTIONS_WORLD_MACHINE_H

#include "journal/format/world.h"

extern const struct world_random machine_random;
extern const struct world_host machine_host;
extern const struct world_disk machine_disk;

#endif
