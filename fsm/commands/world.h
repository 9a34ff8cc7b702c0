/* fsm/commands/world: the one place that chooses the real implementations of
 * journal/format/world.h. main() calls it once; tests fill a world of their own. */
#ifndef FSM_COMMANDS_WORLD_H
#define FSM_COMMANDS_WORLD_H

#include "journal/format/world.h"

void world_of_machine(struct world *ret_world);

#endif
