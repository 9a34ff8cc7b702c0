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
