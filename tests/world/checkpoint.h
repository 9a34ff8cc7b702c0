/* tests/world/checkpoint: a scripted world as it was at one moment; a test can restore it any
 * number of times.
 * Knows:     what may change in a world; no driver has it open meanwhile. Its journal may have
 * grown since, but not become shorter. Ownership: checkpoint_free() before the world is closed. */
#ifndef WORLD_CHECKPOINT_H
#define WORLD_CHECKPOINT_H

#include "tests/world/scripted.h"

struct checkpoint;
struct checkpoint *checkpoint_take(struct scripted *world);
void checkpoint_return(const struct checkpoint *checkpoint);
void checkpoint_free(struct checkpoint *checkpoint);

#endif
