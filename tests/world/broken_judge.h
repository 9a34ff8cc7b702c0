/* tests/world/broken_judge: what a scripted world is really like when the driver has ended, and
 * whether that end may be.
 * Knows:     the target as it was found and as it was published; nothing of what was broken. */
#ifndef WORLD_BROKEN_JUDGE_H
#define WORLD_BROKEN_JUDGE_H

#include "fsm/machine.h"
#include "tests/world/person.h"

enum { JUDGE_SERVICES = 3 };

/* As it was before `begin`. */
struct judge_before {
    const struct titan_container *containers[JUDGE_SERVICES];
    const struct titan_image *images[JUDGE_SERVICES];
    const struct titan_commit *installed;
    struct bytes env;
    bool armed;
};

/* How one command of the driver ended. */
struct judge_end {
    struct scripted *world;
    const struct judge_before *before;
    enum state state;
    int status;       /* of the command */
    const char *said; /* by it */
    bool disarmed;    /* it was said before that Execution was disarmed */
};

void judge_remember(struct scripted *world, struct judge_before *ret_before);
/* What must not be in this end; NULL = nothing. */
const char *judge_problem(const struct judge_end *end);
bool judge_is_armed(const struct scripted *world);
/* An emergency: the driver said that it disarmed. */
bool judge_says_disarmed(const char *said);

#endif
