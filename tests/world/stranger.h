/* tests/world/stranger: what somebody else may do to a target while a deployment runs. */
#ifndef WORLD_STRANGER_H
#define WORLD_STRANGER_H

#include "tests/world/person.h"

#define STRANGER_NONCE "a stranger"

enum stranger_kind {
    STRANGER_HARMLESS = 0, /* what it did may stay: the truth about the target is asked */
    STRANGER_ARMS,
    STRANGER_DISARMS,       /* whoever permitted ARM before is not obeyed any more */
    STRANGER_TURNS_BRAIN,   /* its last line contradicts the parity */
    STRANGER_EDITS_FILES,   /* the tree or the env file */
    STRANGER_CHANGES_IMAGES /* a tag */
};

struct stranger {
    const char *name;
    enum stranger_kind kind;
    bool (*act)(struct scripted *world); /* false = there is nothing to do it to */
};

const struct stranger *stranger_list(size_t *ret_count);
/* The tree and the env file as they were before the stranger. */
void stranger_mends_files(struct scripted *world);

#endif
