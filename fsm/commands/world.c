#include "fsm/commands/world.h"

#include "fsm/terminal/world_terminal.h"

void world_of_machine(struct world *ret_world)
{
    *ret_world = (struct world){.clock = clock_system(),
                                .terminal = terminal_system(),
                                .signals = signals_system()};
}
