#include "fsm/commands/world.h"

#include "actions/target/world_remote.h"
#include "actions/target/world_system.h"
#include "fsm/terminal/world_terminal.h"
#include "journal/store.h"

void world_of_machine(struct world *ret_world)
{
    *ret_world = (struct world){.store = store_lmdb(),
                                .terminal = terminal_system(),
                                .signals = signals_system()};
    world_system(ret_world);
    world_remote(ret_world);
}
