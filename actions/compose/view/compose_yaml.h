/* actions/compose/view/compose_yaml: looking things up in a compose file that has not been checked.
 * Private to compose_view.c
 * and compose_secrets.c.
 * Knows:     scalars, keys with what `<<` merges, aliases, lines; a little of compose (`extends`
 *            within one file), because lines need it.
 * Secrets:   the two documents lie in memory of the caller's; what the library has to unfold on the
 *            heap is remembered, and wiped by yaml_close(). The library would print lines that it
 *            cannot read on standard error (FYPCF_QUIET does not prevent it): it is given nowhere
 *            to print.
 * Memory:    the library crashes where it is short: all of this is called within crash_contain().
 * Untrusted: aliases and merges are followed by hand, in a bounded number of steps. Beyond it
 *            nothing is found. */
#ifndef ACTIONS_COMPOSE_YAML_H
#define ACTIONS_COMPOSE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <libfyaml.h>

enum { YAML_DEPTH_MAX = 8 };

struct yaml {
    struct fy_diag *diag;
    struct fy_document *document;
    struct fy_node *root;
    const char *text;
    size_t text_bytes;
    unsigned steps;
    bool starved; /* memory was short: what was found is not all that is there */
    struct {
        char *data;
        size_t size;
    } * unfolded;
    size_t unfolded_count;
};

/* False where it is no YAML, or nested deeper than any compose file. `text` stays where it is until
 * yaml_close(). */
bool yaml_open(struct yaml *yaml, const char *text, size_t text_bytes);
void yaml_close(struct yaml *yaml);

/* A scalar's text, not ended by NUL; NULL where the node is none, an alias, or not there. */
const char *yaml_scalar(struct yaml *yaml, struct fy_node *node, size_t *ret_length);
bool yaml_is(struct yaml *yaml, struct fy_node *node, const char *word);
/* Not there, or a null in plain style. */
bool yaml_is_null(struct yaml *yaml, struct fy_node *node);
/* Copied; "" where it is no scalar or does not fit. */
void yaml_copy(struct yaml *yaml, struct fy_node *node, char *ret_text, size_t capacity);
/* An alias is followed. */
struct fy_node *yaml_follow(struct yaml *yaml, struct fy_node *node);
/* A key as compose sees it: the mapping's own, else what `<<` merges into it. NULL = none. */
struct fy_node_pair *yaml_pair(struct yaml *yaml, struct fy_node *node, const char *key);
struct fy_node *yaml_value(struct yaml *yaml, struct fy_node *node, const char *key);
/* The next item of a sequence, followed; NULL at the end, or where it is no sequence. */
struct fy_node *yaml_item(struct yaml *yaml, struct fy_node *sequence, void **at);
/* Of a node's first scalar, from 1; 0 = it has none. */
int yaml_line(struct fy_node *node);
/* The service that `service` extends within the same file, NULL = none. */
struct fy_node *yaml_extended(struct yaml *yaml, struct fy_node *services, struct fy_node *service);
/* NAME in an environment of the source, a map or a list: its line (0 = it is not there). *ret_text
 * NULL: it stands there without a value. */
int yaml_entry(struct yaml *yaml, struct fy_node *environment, const char *name,
               const char **ret_text, size_t *ret_length);
/* The first variable that a text of the source is made of: $NAME, ${NAME...}; `$$` is a dollar.
 * Untouched where there is none. */
void yaml_origin(const char *text, size_t length, char *ret_name, size_t capacity);

#endif
