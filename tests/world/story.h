/* tests/world/story: what a journal tells of its last deployment: which edges of the table were
 * taken, how what was interrupted was resumed. Counted over a whole test program. */
#ifndef WORLD_STORY_H
#define WORLD_STORY_H

#include "fsm/machine.h"
#include "tests/world/person.h"

struct story {
    enum procedure procedure;
    enum state state;
    bool ended;
    enum state edges[STATE_COUNT][EVENT_COUNT]; /* [from][event]: where it led to; INVALID = not */
};

/* Reads the last deployment and counts what it tells. */
struct story story_read(const struct scripted *scripted);
/* The engine is told an event, as a command or a guard would tell it; its exit status. */
int story_event(struct scripted *scripted, enum event event);
/* The newest entry is the transition along this edge; then it counts as taken. */
bool story_ends_with(const struct scripted *scripted, const struct transition *edge);
bool story_was_taken(const struct transition *edge);
/* "arm unknown repeat" and so on, each once, in the order of their first time. */
const char *const *story_resumptions(size_t *ret_count);

#endif
