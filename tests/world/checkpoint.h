/* tests/world/checkpoint: a scripted world as it stood at one moment, which it can be put back to
 * as often as a test wants. Knows:     what may change in a world; no driver has it open meanwhile.
 * Its journal may have grown since, not have been cut shorter than it was. Ownership:
 * checkpoint_free() before the world is closed. */
#ifndef WORLD_CHECKPOINT_H
#define WORLD_CHECKPOINT_H

#include "tests/world/scripted.h"

struct checkpoint;
struct checkpoint *checkpoint_take(struct scripted *world);
void checkpoint_return(const struct checkpoint *checkpoint);
void checkpoint_free(struct checkpoint *checkpoint);

#endif
