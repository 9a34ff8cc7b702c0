#include "verify/report/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/judge/machine.h"
#include "verify/report/report.h"

enum { LINES_MAX = 1024, LINE_BYTES = 128 };

struct lines {
    size_t count;
    char line[LINES_MAX][LINE_BYTES];
};

__attribute__((format(printf, 2, 3))) static void add_policy_line(struct lines *lines,
                                                                  const char *format, ...)
{
    va_list arguments;
    assert(lines->count < LINES_MAX);
    va_start(arguments, format);
    int length = vsnprintf(lines->line[lines->count++], LINE_BYTES, format, arguments);
    va_end(arguments);
    assert(length > 0 && length < LINE_BYTES);
}

static void add_edges(bool policy, const char *procedure, enum state from, struct lines *lines)
{
    for (unsigned event = 1; event < EVENTS; event++)
        for (unsigned to = 1; to < STATES; to++)
            if (machine_allows(policy, from, (enum event)event, (enum state)to))
                add_policy_line(lines, "edge %s %s %s %s", procedure, state_name(from),
                                event_name((enum event)event), state_name((enum state)to));
}

/* An act counts where its step can succeed: `disarmed` has one of its own, but not under release.
 */
static void add_actions(bool policy, const char *procedure, enum state from, struct lines *lines)
{
    enum state next = machine_next(policy, from);
    for (unsigned action = 1; action < ACTIONS; action++)
        if (machine_action_belongs(policy, from, (enum action)action)
            && machine_allows(policy, from, EVENT_DONE, next))
            add_policy_line(lines, "act %s %s %s", procedure, state_name(from),
                            action_name((enum action)action));
}

static void add_limits(const struct limits *limits, struct lines *lines)
{
#define POLICY_LIMIT(name) add_policy_line(lines, "limit %s %lld", #name, (long long)limits->name);
    NAMES_LIMITS(POLICY_LIMIT)
    add_policy_line(lines, "approvals policy %lld", (long long)limits->approvals_policy);
    add_policy_line(lines, "approvals release %lld", (long long)limits->approvals_release);
    for (unsigned i = 0; i < limits->checklist_count; i++)
        add_policy_line(lines, "checklist %s", limits->checklist[i]);
}

static int compare_policy_lines(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void free_lines(struct lines **lines)
{
    free(*lines);
}

enum error_code policy_text(const struct limits *limits, struct bytes *ret_text,
                            struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct lines *lines __attribute__((cleanup(free_lines))) = calloc(1, sizeof *lines);
    if (lines == NULL)
        return error_set(error, ERROR_MEMORY, 0, "", "", "out of memory");
    for (unsigned policy = 0; policy < 2; policy++) {
        for (unsigned from = 1; from < STATES; from++) {
            add_edges(policy == 1, policy == 1 ? "policy" : "release", (enum state)from, lines);
            add_actions(policy == 1, policy == 1 ? "policy" : "release", (enum state)from, lines);
        }
    }
    for (unsigned claim = 1; claim < CLAIMS; claim++)
        add_policy_line(lines, "claim %s", claim_name((enum claim)claim));
    add_limits(limits, lines);
    qsort(lines->line, lines->count, sizeof lines->line[0], compare_policy_lines);
    enum error_code code = bytes_append_format(&text, error, "titan-policy-v1\n");
    for (size_t i = 0; code == ERROR_OK && i < lines->count; i++)
        code = bytes_append_format(&text, error, "%s\n", lines->line[i]);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_text);
    *ret_text = text;
    text = (struct bytes){0};
    return ERROR_OK;
}
