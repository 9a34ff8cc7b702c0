/* actions/heard: the lines of one run of a container that were recorded so far. A line once
 * recorded stays heard, also when the log is rotated.
 * Rule:      journal/FORMAT.md, "Logs" (H-04: a log grows at its end only).
 * Ownership: heard_free() releases the lines; whoever drives keeps them (fsm/past/remembered.h) and
 *            lends them to the target. */
#ifndef ACTIONS_HEARD_H
#define ACTIONS_HEARD_H

#include "actions/logs.h"

/* Of the run that was looked at last. */
struct heard_log {
    char container[80], started_at[40]; /* "" = nothing was heard */
    struct bytes lines;                 /* those that match some pattern, in their order */
};

/* How an endpoint answered so far, of good HTTP statuses: W-01. */
struct heard_endpoint {
    char name[128];
    bool plain; /* without a status word, at least once */
};

struct heard {
    struct heard_log execution, brain;
    struct heard_endpoint endpoints[SETUP_NAMES_MAX];
    size_t endpoint_count;
};
void heard_free(struct heard *heard);

/* An answer to `endpoint` with a good HTTP status came; `word`: with a status word. */
enum error_code heard_answer(struct heard *heard, const char *endpoint, bool word,
                             struct error *error) CHECKED;
/* Whether all of an endpoint's answers had one, and there were some. heard: NULL = none. */
bool heard_expects_word(const struct heard *heard, const char *endpoint);

/* What was heard of this run before, and then what `output` has besides. */
struct heard_lines {
    struct bytes all;
    size_t before; /* bytes of `all` that were heard before */
    /* A line is gone that no rotation takes, or stands in front of one that was there first. */
    bool broken;
};
#define CLEANUP_HEARD __attribute__((cleanup(heard_lines_free)))
void heard_lines_free(struct heard_lines *lines);

/* log: NULL = nothing was heard. */
enum error_code heard_join(const struct heard_log *log, const struct container *container,
                           const struct log_query *query, const struct bytes *output,
                           struct heard_lines *ret_lines, struct error *error) CHECKED;
/* From now on the log is of this run, and has the new lines too. */
enum error_code heard_keep(struct heard_log *log, const struct container *container,
                           const struct log_query *query, const struct bytes *output,
                           struct error *error) CHECKED;

/* Fetches a log and joins it with what the target's driver has heard. Evidence: the query's probe.
 * *ret_failed: the log could not be read, and `ret_lines` has what was heard before. */
enum error_code heard_fetch(struct target *target, const struct heard_log *log,
                            const struct container *container, const struct log_query *query,
                            struct evidence *evidence, struct heard_lines *ret_lines,
                            bool *ret_failed, struct error *error) CHECKED;

#endif
