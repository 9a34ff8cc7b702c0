/* actions/logs: what a container printed since it was started, and how a line of it is read.
 * Format:    journal/FORMAT.md, "Reading it". Lines of an earlier start never count: they are left
 *            out by `--since` and refused again by their time. */
#ifndef ACTIONS_LOGS_H
#define ACTIONS_LOGS_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

/* Which lines of a container's log. */
struct log_query {
    const char *probe; /* PROBE_LOGS_* */
    /* Only lines that hold the literal beginning of one of these patterns; set_count 0 = all. */
    const struct setup_patterns *const *sets;
    size_t set_count;
    int64_t tail; /* at most so many lines; 0 = all */
};
/* Evidence: the query's probe, subject the service. */
enum error_code logs_fetch(struct target *target, const struct container *container,
                           const struct log_query *query, struct evidence *evidence,
                           struct error *error) CHECKED;

/* Of Execution the lines that tell its state or its policy hash, of Brain those of its handshake.
 * `ret_sets` is what the query borrows. */
enum { LOG_SETS_MAX = 5 };
struct log_sets {
    const struct setup_patterns *sets[LOG_SETS_MAX];
};
struct log_query logs_query_execution(const struct setup_services *services,
                                      struct log_sets *ret_sets);
struct log_query logs_query_brain(const struct setup_services *services, struct log_sets *ret_sets);

struct log_line {
    const char *time; /* RFC 3339 */
    size_t time_length;
    char message[1024]; /* emoji and level skipped; truncated to its capacity */
};

/* Where the lines of the container's present run begin, RFC 3339: the end of the run before, or its
 * creation. Not its start: a fast program's first line can be stamped before that. */
const char *logs_boundary(const struct container *container);
/* The next line at *at; false at the end. Lines before `boundary` are skipped, and lines without a
 * time. */
bool logs_next(const struct bytes *text, size_t *at, const char *boundary,
               struct log_line *ret_line);

/* Matches at the start of the message. %H and %N stand for one word, whatever it says: what a line
 * names is read by policy_words.h, whose nonce it carries by log_nonce(). */
bool log_matches(const char *message, const char *pattern);
bool log_matches_any(const char *message, const struct setup_patterns *patterns);

/* A message that begins as one of the patterns does up to its %N: the word that stands there. False
 * where none does. */
bool log_nonce(const char *message, const struct setup_patterns *patterns, char *ret_word,
               size_t size);

/* RFC 3339 in UTC with any number of decimals: <0, 0, >0. Unreadable sorts before everything. */
int log_time_compare(const char *left, size_t left_length, const char *right, size_t right_length);

#endif
