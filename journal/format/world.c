#include "journal/format/world.h"

#include <assert.h>

enum { RANDOM_BYTES_MAX = 64 };

void world_random_hex(const struct world *world, size_t bytes, char *ret_hex)
{
    uint8_t data[RANDOM_BYTES_MAX];
    assert(bytes <= sizeof data);
    world->random->fill(world->random->context, data, bytes);
    bytes_hex(data, bytes, ret_hex);
}

enum error_code world_read_file(const struct world *world, const char *path, size_t size_max,
                                struct bytes *ret_data, struct error *error)
{
    return world->disk->read(world->disk->context, path, size_max, ret_data, error);
}

enum error_code world_write_file(const struct world *world, const char *path, enum world_write how,
                                 unsigned mode, const void *data, size_t size, struct error *error)
{
    return world->disk->write(world->disk->context, path, how, mode, data, size, error);
}
