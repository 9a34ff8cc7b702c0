/* actions/compose/declared: what the rendered file says of each service besides its name, as
 * `compose.services` records it: how many containers it is to have, and whether it ends.
 * Format:    journal/FORMAT.md, "Evidence", and "Words" (one-shot, replicas, not ours).
 * Pure:      no target. Whether a container is good depends on its service, so that this is asked
 *            here. A service of which no row is known has one container that does not end. */
#ifndef ACTIONS_DECLARED_H
#define ACTIONS_DECLARED_H

#include "actions/compose/containers.h"
#include "journal/format/text.h"

struct declared_row {
    char service[64];
    bool once;        /* another service waits until it has completed */
    bool ends;        /* its restart policy is "no" */
    bool off;         /* of a profile that is not active: not ours */
    int64_t replicas; /* 1 where nothing is said */
};

struct declared {
    struct declared_row list[SETUP_NAMES_MAX];
    size_t count;
};

enum error_code declared_read(const struct bytes *lines, struct declared *ret_declared,
                              struct error *error) CHECKED;
/* The line of one service, with its newline. */
enum error_code declared_append(struct bytes *lines, const struct declared_row *row,
                                struct error *error) CHECKED;

/* Never NULL. Borrowed. */
const struct declared_row *declared_find(const struct declared *declared, const char *service);
bool declared_is_one_shot(const struct declared_row *row);
/* running, and healthy where it has a check of its own; of a one-shot also ended well, and where
 * another service waits for that only then. What is not ours is not judged. */
bool declared_is_good(const struct declared *declared, const struct container *container);
/* How many of its containers run, and of a one-shot ended well besides. */
size_t declared_present(const struct declared *declared, const struct containers *containers,
                        const char *service);

#endif
