#include "fsm/commands/world.h"

#include "actions/target/world_machine.h"
#include "actions/target/world_remote.h"
#include "fsm/terminal/world_terminal.h"

void world_of_machine(struct world *ret_world)
{
    *ret_world = (struct world){.clock = clock_system(),
                                .random = &machine_random,
                                .host = &machine_host,
                                .disk = &machine_disk,
                                .terminal = terminal_system(),
                                .signals = signals_system()};
    world_remote(ret_world);
}
