/* The real way to a target: a child process of this machine, or ssh. */
#include "actions/target/world_remote.h"
#include "actions/target/setup.h"
#include "actions/target/target_backend.h"

static enum error_code connect_target(void *context, const struct setup_target *setup,
                                      const struct clock *clock,
                                      const struct target_backend **ret_backend, void **ret_handle,
                                      struct error *error)
{
    (void)context;
    return setup->local ? process_backend_open(clock, ret_backend, ret_handle, error)
                        : ssh_backend_open(setup, clock, ret_backend, ret_handle, error);
}

const struct world_target *world_target_system(void)
{
    static const struct world_target target = {.open = connect_target};
    return &target;
}

void world_remote(struct world *world)
{
    world->target = world_target_system();
    world->bus = world_bus_system();
    world->http = world_http_system();
    world->reach = world_reach_system();
}
