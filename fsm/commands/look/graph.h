/* fsm/commands/look/graph: the machine as a picture, drawn from the table (machine.h), with the
 * path of a deployment marked where one is given.
 * Knows:     which edges belong together and where a state is placed; no state or edge by name,
 *            so that the picture follows the table.
 * Formats:   SVG 1.1 (self-contained, light and dark), and the DOT language of Graphviz.
 * Ownership: `ret_text` is empty before and the caller's afterwards. */
#ifndef FSM_GRAPH_H
#define FSM_GRAPH_H

#include "fsm/past/deployment.h"

/* All edges from one state to another, for any event. */
struct graph_edge {
    enum state from, to;
    unsigned events;                  /* bits 1 << EVENT_* */
    bool procedures[PROCEDURE_COUNT]; /* those that have it */
    enum action action;               /* ACTION_NONE where no action leads along it */
    int64_t deadline_ms;
};

enum { GRAPH_EDGES_MAX = STATE_COUNT * STATE_COUNT };

/* The path of one deployment. */
struct graph_path {
    bool drawn; /* false: the machine alone */
    char title[160];
    unsigned reached[STATE_COUNT]; /* how often */
    bool taken[STATE_COUNT][STATE_COUNT];
    bool timed[STATE_COUNT];
    int64_t after_ms[STATE_COUNT]; /* first reached, since `open`, on one boot clock */
    enum state now;
};

size_t graph_edges(struct graph_edge ret_edges[GRAPH_EDGES_MAX]);
bool graph_edge_advances(const struct graph_edge *edge); /* by DONE or REARMED */
/* "failed, mismatch" */
void graph_event_words(unsigned events, char *ret_text, size_t room);

void graph_path_of(const struct deployment *deployment, struct graph_path *ret_path);

enum error_code graph_dot(const struct graph_path *path, struct bytes *ret_text,
                          struct error *error) CHECKED;
enum error_code graph_svg(const struct graph_path *path, struct bytes *ret_text,
                          struct error *error) CHECKED; /* graph_svg.c */

#endif
