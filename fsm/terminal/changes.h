/* fsm/terminal/changes: what the first step that changes a running service will change, for the
 * person who confirms it.
 * Knows:     the before snapshot and the pulled images (from the journal), subjects of the
 *            commits between and today's configurations (from the target, read only); not
 *            whether it is confirmed (confirm.h).
 * Source:    deployment standard 3 and 6: a deliberate act. What is unknown is printed as
 *            unknown, never left out.
 * Ownership: changes_clear() releases the subjects; it takes an empty one. */
#ifndef FSM_CHANGES_H
#define FSM_CHANGES_H

#include <stdio.h>

#include <jansson.h>

#include "fsm/past/snapshot.h"

enum fate { FATE_INVALID = 0, FATE_LEFT, FATE_RECREATED, FATE_STARTED, FATE_REMOVED, FATE_UNKNOWN };

struct change {
    char service[64], name[256]; /* name: of the image */
    char before[80], after[80];  /* image ids; "" = none */
    enum fate fate;
    const char *why; /* a literal */
};

struct changes {
    const char *target; /* borrowed from the configuration */
    uint64_t deployment;
    enum procedure procedure;
    char before[COMMIT_HEX + 1], after[COMMIT_HEX + 1];
    struct bytes subjects; /* "<short commit> <subject>" a line, newest first; at most
                              CHANGES_SUBJECTS_MAX and one */
    struct change list[2 * SETUP_NAMES_MAX];
    size_t count;
    char policy_before[SHA256_HEX + 1], policy_after[SHA256_HEX + 1]; /* "" = not known */
    bool has_policy, policy_file; /* policy_file: the repository's policy file changes */
    char health[400];             /* endpoints that are not healthy before; "" = all are */
    char missing[400];            /* of Execution, Brain and the responder before; "" = nothing */
    char partial[400];            /* one-shots, which a rollback does not undo; "" = none */
    char drift[800];              /* what had drifted before this deployment; "" = nothing */
    char env[400];                /* what a rollback does to the env file; "" = nothing special */
    char differs[1200]; /* what is not as it was recorded or approved; "" = nothing (last_look.h) */
};

enum { CHANGES_SUBJECTS_MAX = 20 };

void changes_clear(struct changes *changes);

/* Fills empty `changes` for the open deployment, which is in `guarded`. */
enum error_code changes_read(struct driver *driver, struct changes *changes, struct error *error)
    CHECKED;

/* changes_show.c. One screen; everything foreign is escaped. */
void changes_print(FILE *stream, const struct changes *changes);
/* The event `change` of fsm/terminal/events.md. NULL without memory. */
json_t *changes_json(const struct changes *changes);

#endif
