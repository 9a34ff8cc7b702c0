/* tests/world/ending: one way in which a deployment goes, and what it must come to: the edge that
 * it takes, the state and the exit status at its end, the verdict over its journal. */
#ifndef WORLD_ENDING_H
#define WORLD_ENDING_H

#include "tests/world/moment.h"
#include "tests/world/story.h"

enum ending_verdict { WANT_PROVEN = 0, WANT_VIOLATED = 1, WANT_UNDECIDABLE = 3 };

struct ending {
    const char *name;
    bool policy; /* else a release */
    struct titan_release release;
    struct person_choice choice;
    void (*arrange)(struct scripted *world); /* before it is begun; NULL = nothing */
    enum state at;          /* what comes before this state is gone through once for all endings */
    const char *begin, *go; /* further words of `begin`; instead of GO */
    /* a moment (moment.h); where the driver dies in it, the command `then` goes on after `away_ms`
     * (NULL = resume) */
    const char *word;
    unsigned nth;
    void (*act)(struct scripted *world);
    int64_t away_ms;
    const char *then;

    enum state from; /* this edge is taken; INVALID = none is asked for */
    enum event event;
    enum state to;
    const char *reason; /* part of what the last command says; NULL = anything */
    enum state end;
    int status;
    enum ending_verdict verdict;
};

void ending_check(const struct ending *ending);

/* What happens in worlds. */
void ending_dirty_tree(struct scripted *world);
void ending_clean_tree(struct scripted *world);
void ending_sick_web(struct scripted *world);
void ending_restart_web(struct scripted *world);
void ending_other_container(struct scripted *world);
void ending_stranger_disarms(struct scripted *world);
void ending_silent_responder(struct scripted *world);
void ending_mend(struct scripted *world); /* what `arrange` broke */

#endif
