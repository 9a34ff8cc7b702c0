/* tests/world/titan_guard: the guard's process on the target: its own text is run there, a round of
 * its loop at a time, when something becomes due; between two rounds it sleeps.
 * Not shown: what it keeps in its variables from one round to the next (how long it has waited for
 *            the lock). */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD "/opt/titan/state/guard"

enum { PID = 4900 };
static const int64_t POLL_NS = 500000000, TURN_NS = 30000000000, AGAIN_NS = 1000000000;

static const struct file *file_of(struct titan *titan, const char *name)
{
    char path[80];
    (void)snprintf(path, sizeof path, GUARD "/%s", name);
    return files_find(&titan->files, path);
}

bool titan_guard_has_fired(struct titan *titan)
{
    return file_of(titan, "fired") != NULL;
}

static int64_t due_ns(struct titan *titan)
{
    const struct file *due = file_of(titan, "due"), *turn = file_of(titan, "turn");
    char boot[64];
    int begun = 0;
    long long deadline_ms = 0, turn_ms = 0;
    if (due == NULL
        || sscanf(grow_string((struct grow *)&due->content), "%*s %*s %*s %d %63s %lld", &begun,
                  boot, &deadline_ms)
               != 3
        || begun != 1)
        return due == NULL ? 0 : INT64_MAX; /* withdrawn: it ends */
    if (strcmp(boot, titan->timeline->target_boot) != 0)
        return 0;
    if (turn != NULL
        && sscanf(grow_string((struct grow *)&turn->content), "%*s %lld", &turn_ms) == 1)
        return turn_ms * 1000000 + TURN_NS + POLL_NS;
    return deadline_ms * 1000000 + POLL_NS;
}

int64_t titan_guard_next_ns(struct titan *titan)
{
    if (!titan->guard.lives || titan->guard.busy)
        return INT64_MAX;
    int64_t due = due_ns(titan);
    return due < titan->guard.not_before_ns ? titan->guard.not_before_ns : due;
}

void titan_guard_round(struct titan *titan)
{
    struct grow output, errors;
    titan->guard.busy = true;
    titan->guard.not_before_ns = titan->timeline->now_ns + AGAIN_NS;
    (void)titan_run(titan, &titan->arena, "cd " GUARD " && exec sh ./start", "", 0, &output,
                    &errors);
    titan->guard.busy = false;
    titan->guard.lives = file_of(titan, "alive") != NULL;
}

/* setsid sh ./start */
bool titan_setsid(struct sh *shell, int count, char **words, int *ret_status)
{
    struct titan *titan = shell->context;
    if (count != 3 || strcmp(words[0], "setsid") != 0)
        return false;
    titan->guard.lives = true;
    titan->guard.start = titan->lines;
    titan_guard_round(titan);
    *ret_status = 0;
    return true;
}

int titan_guard_pid(const struct titan *titan)
{
    return titan->guard.lives ? PID : 0;
}
