/* tests/world/moment: a point in the story that a journal tells, at which the driver dies or the
 * world changes. */
#ifndef WORLD_MOMENT_H
#define WORLD_MOMENT_H

#include "tests/world/scripted.h"

/* After the nth entry whose bytes hold `word` was written. */
struct moment {
    const char *word;
    unsigned nth;                        /* 0 = the first */
    void (*act)(struct scripted *world); /* NULL = the driver dies */
    struct scripted *world;
    unsigned seen;
    bool happened;
};

/* Borrowed until it is cleared. */
void moment_set(struct scripted *scripted, struct moment *moment);
/* No moment any more, and a driver that lives. */
void moment_clear(struct scripted *scripted);

/* The journal as it was, so that something else may follow. */
struct journal_mark {
    size_t entry_count;
};
struct journal_mark moment_mark(const struct scripted *scripted);
void moment_rewind(struct scripted *scripted, struct journal_mark mark);

#endif
