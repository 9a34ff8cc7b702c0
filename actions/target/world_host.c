/* Random bytes, the environment and the name of this machine, and all tables of this header in one
 * call. */
#include "actions/target/world_system.h"

#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

static void random_fill(void *context, void *data, size_t size)
{
    (void)context;
    randombytes_buf(data, size);
}

const struct world_random *world_random_system(void)
{
    static const struct world_random random = {.fill = random_fill};
    return &random;
}

static const char *host_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static void host_read_name(void *context, char *ret_name, size_t size)
{
    (void)context;
    if (gethostname(ret_name, size) != 0)
        ret_name[0] = '\0';
    ret_name[size - 1] = '\0'; /* gethostname() does not end a name that it truncates */
}

static int64_t host_process_id(void *context)
{
    (void)context;
    return getpid();
}

const struct world_host *world_host_system(void)
{
    static const struct world_host host = {.environment = host_environment,
                                           .host_name = host_read_name,
                                           .process_id = host_process_id};
    return &host;
}

void world_system(struct world *world)
{
    world->clock = world_clock_system();
    world->random = world_random_system();
    world->host = world_host_system();
    world->disk = world_disk_system();
    world->local = world_local_system();
}
