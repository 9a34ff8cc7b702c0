#include "actions/heard.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/text.h"

void heard_free(struct heard *heard)
{
    bytes_free(&heard->execution.lines);
    bytes_free(&heard->brain.lines);
    *heard = (struct heard){0};
}

void heard_lines_free(struct heard_lines *lines)
{
    bytes_free(&lines->all);
}

struct raw_line {
    const char *at;
    size_t length, time_length; /* time_length: 0 = it has no readable time */
};

static bool next_raw(const struct bytes *text, size_t *at, struct raw_line *ret_line)
{
    if (*at >= text->size)
        return false;
    const char *line = (const char *)text->data + *at;
    const char *newline = memchr(line, '\n', text->size - *at);
    size_t length = newline != NULL ? (size_t)(newline - line) : text->size - *at;
    const char *space = memchr(line, ' ', length);
    *at += length + 1;
    *ret_line = (struct raw_line){.at = line, .length = length};
    if (space != NULL && log_time_compare(line, (size_t)(space - line), "", 0) > 0)
        ret_line->time_length = (size_t)(space - line);
    return true;
}

static int compare_times(const struct raw_line *left, const struct raw_line *right)
{
    return log_time_compare(left->at, left->time_length, right->at, right->time_length);
}

/* It is of the run, and matches some pattern. */
static bool is_heard(const struct raw_line *line, const struct container *container,
                     const struct log_query *query)
{
    struct bytes one = {.data = (uint8_t *)(uintptr_t)line->at, .size = line->length};
    struct log_line read;
    size_t at = 0;
    if (line->time_length == 0 || !logs_next(&one, &at, logs_boundary(container), &read))
        return false;
    for (size_t i = 0; i < query->set_count; i++)
        if (log_matches_any(read.message, query->sets[i]))
            return true;
    return false;
}

/* Where the line stands in the first `size` bytes; SIZE_MAX = it does not. */
static size_t place_of_line(const struct bytes *text, size_t size, const struct raw_line *line)
{
    struct bytes known = {.data = text->data, .size = size};
    struct raw_line other;
    for (size_t at = 0, begin = 0; next_raw(&known, &at, &other); begin = at)
        if (other.length == line->length && memcmp(other.at, line->at, line->length) == 0)
            return begin;
    return SIZE_MAX;
}

/* What one answer shows of how the log grew. */
struct growth {
    struct raw_line first; /* of the answer that has a time */
    size_t known;
    bool fresh, broken;
};

/* Of the lines that were heard before, those that no rotation takes are there again: all that are
 * not older than the answer's first line. The last one is gone only where all of them may be. */
static bool misses_line(const struct heard_log *log, const struct growth *growth)
{
    struct raw_line line;
    size_t wanted = 0;
    if (growth->first.time_length == 0)
        return log->lines.size > 0;
    for (size_t at = 0; next_raw(&log->lines, &at, &line);)
        wanted += compare_times(&line, &growth->first) >= 0;
    return growth->known < wanted;
}

static enum error_code keep_line(const struct raw_line *line, struct bytes *all,
                                 struct error *error)
{
    enum error_code code = bytes_append(all, line->at, line->length, error);
    return code == ERROR_OK ? bytes_append(all, "\n", 1, error) : code;
}

static bool is_run_of(const struct heard_log *log, const struct container *container)
{
    return log != NULL && strcmp(log->container, container->id) == 0
           && strcmp(log->started_at, container->started_at) == 0;
}

enum error_code heard_join(const struct heard_log *log, const struct container *container,
                           const struct log_query *query, const struct bytes *output,
                           struct heard_lines *ret_lines, struct error *error)
{
    struct growth growth = {.known = 0};
    struct raw_line line;
    struct heard_lines lines = {.before = 0};
    bool same = is_run_of(log, container);
    enum error_code code = bytes_append(&lines.all, same ? log->lines.data : NULL,
                                        same ? log->lines.size : 0, error);
    lines.before = lines.all.size;
    for (size_t at = 0; code == ERROR_OK && next_raw(output, &at, &line);) {
        if (growth.first.time_length == 0)
            growth.first = line;
        if (place_of_line(&lines.all, lines.before, &line) != SIZE_MAX) {
            growth.broken = growth.broken || growth.fresh;
            growth.known++;
        } else if (is_heard(&line, container, query)) {
            growth.fresh = true;
            code = keep_line(&line, &lines.all, error);
        }
    }
    lines.broken = growth.broken || (same && misses_line(log, &growth));
    *ret_lines = lines;
    return code;
}

enum error_code heard_keep(struct heard_log *log, const struct container *container,
                           const struct log_query *query, const struct bytes *output,
                           struct error *error)
{
    CLEANUP_HEARD struct heard_lines lines = {.before = 0};
    enum error_code code = heard_join(log, container, query, output, &lines, error);
    if (code != ERROR_OK)
        return code;
    text_cut(log->container, sizeof log->container, container->id);
    text_cut(log->started_at, sizeof log->started_at, container->started_at);
    bytes_free(&log->lines);
    log->lines = lines.all;
    lines.all = (struct bytes){0};
    return ERROR_OK;
}

enum error_code heard_fetch(struct target *target, const struct heard_log *log,
                            const struct container *container, const struct log_query *query,
                            struct evidence *evidence, struct heard_lines *ret_lines,
                            bool *ret_failed, struct error *error)
{
    enum error_code code = logs_fetch(target, container, query, evidence, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *item = evidence_last(evidence, query->probe, NULL);
    struct bytes nothing = {0};
    *ret_failed = item->status != 0;
    code = heard_join(log, container, query, *ret_failed ? &nothing : &item->output, ret_lines,
                      error);
    ret_lines->broken = ret_lines->broken && !*ret_failed;
    return code;
}

static size_t endpoint_index(const struct heard *heard, const char *name)
{
    size_t i = 0;
    while (i < heard->endpoint_count && strcmp(heard->endpoints[i].name, name) != 0)
        i++;
    return i;
}

enum error_code heard_answer(struct heard *heard, const char *endpoint, bool word,
                             struct error *error)
{
    size_t i = endpoint_index(heard, endpoint);
    if (i == SETUP_NAMES_MAX)
        return error_set(error, ERROR_LIMIT, 0, endpoint, "take some of the endpoints away",
                         "there are more than %d endpoints", (int)SETUP_NAMES_MAX);
    if (i == heard->endpoint_count) {
        struct heard_endpoint made = {.plain = false};
        enum error_code code = text_exact(made.name, sizeof made.name, endpoint,
                                          "the name of an endpoint", error);
        if (code != ERROR_OK)
            return code;
        heard->endpoints[heard->endpoint_count++] = made;
    }
    heard->endpoints[i].plain = heard->endpoints[i].plain || !word;
    return ERROR_OK;
}

bool heard_expects_word(const struct heard *heard, const char *endpoint)
{
    size_t i = heard != NULL ? endpoint_index(heard, endpoint) : 0;
    return heard != NULL && i < heard->endpoint_count && !heard->endpoints[i].plain;
}
