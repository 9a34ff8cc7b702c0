/* Layout:    edges that advance run downwards; the two procedures are side by side between the
 *            halves that they share. Aborts are on the left, rollbacks on the right.
 * Rails:     an edge of a failure runs along a rail beside its column, because drawn one by one
 *            they would hide everything else.
 * Placing:   rows and columns follow from the table. A state's row is its distance from the first
 *            state; its column says whether one procedure has it, both have it, or it is part of
 *            going back. */
#include "fsm/commands/look/graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "journal/format/text.h"

enum {
    NODE_WIDTH = 158,
    NODE_HEIGHT = 30,
    ROW_HEIGHT = 58,
    TOP = 64,
    ABORT_X = 20,
    RELEASE_X = 236,
    SHARED_X = 336,
    POLICY_X = 436,
    BACK_X = 694,
    WIDTH = 900,
    LEFT_RAIL_X = 207,
    RIGHT_RAIL_X = 652,
    FAILED_RAIL_X = 876,
    ROWS_NONE = -1
};

struct sheet {
    struct text text;
    const struct graph_path *path;
    struct graph_edge edges[GRAPH_EDGES_MAX];
    size_t edge_count;
    int x[STATE_COUNT], y[STATE_COUNT]; /* left upper corner */
    int height;
};

static bool is_back(enum state state)
{
    enum phase phase = machine_phase(state);
    return phase == PHASE_REVERTING || phase == PHASE_STUCK;
}

/* Rows below a first state, along the edges that advance. The longest way counts, so that a shared
 * half begins after both procedures. */
static void measure_rows(const struct sheet *sheet, enum state first, int rows[STATE_COUNT])
{
    for (unsigned state = 0; state < STATE_COUNT; state++)
        rows[state] = ROWS_NONE;
    rows[first] = 0;
    for (unsigned pass = 0; pass < STATE_COUNT; pass++)
        for (size_t i = 0; i < sheet->edge_count; i++) {
            const struct graph_edge *edge = &sheet->edges[i];
            if (graph_edge_advances(edge) && rows[edge->from] != ROWS_NONE
                && rows[edge->to] < rows[edge->from] + 1)
                rows[edge->to] = rows[edge->from] + 1;
        }
}

/* A state of one procedure alone: no edge of the other one leaves it. */
static enum procedure only_of(const struct sheet *sheet, enum state state)
{
    bool has[PROCEDURE_COUNT] = {false};
    for (size_t i = 0; i < sheet->edge_count; i++)
        for (unsigned procedure = 1; procedure < PROCEDURE_COUNT; procedure++)
            has[procedure] = has[procedure]
                             || (sheet->edges[i].from == state
                                 && sheet->edges[i].procedures[procedure]);
    return has[PROCEDURE_RELEASE] == has[PROCEDURE_POLICY] ? PROCEDURE_INVALID
           : has[PROCEDURE_RELEASE]                        ? PROCEDURE_RELEASE
                                                           : PROCEDURE_POLICY;
}

static void place_state(struct sheet *sheet, enum state state, int x, int half_rows)
{
    sheet->x[state] = x;
    sheet->y[state] = TOP + half_rows * ROW_HEIGHT / 2
                      - (half_rows % 2 != 0
                             ? 9
                             : 0); /* a rail from between two rows passes above the label there */
    if (sheet->y[state] + NODE_HEIGHT > sheet->height)
        sheet->height = sheet->y[state] + NODE_HEIGHT;
}

static void place_forward(struct sheet *sheet)
{
    int rows[STATE_COUNT];
    measure_rows(sheet, STATE_OPENED, rows);
    for (unsigned each = 1; each < STATE_COUNT; each++) {
        enum state state = (enum state)each;
        if (rows[state] == ROWS_NONE || is_back(state))
            continue;
        switch (only_of(sheet, state)) {
        case PROCEDURE_RELEASE:
            place_state(sheet, state, RELEASE_X - 20, 2 * rows[state] + 1);
            break; /* between the rows of the other, so that its rails pass */
        case PROCEDURE_POLICY:
            place_state(sheet, state, POLICY_X + 20, 2 * rows[state]);
            break;
        case PROCEDURE_INVALID:
        case PROCEDURE_COUNT:
            place_state(sheet, state, SHARED_X, 2 * rows[state]);
            break;
        }
    }
}

static void place_back(struct sheet *sheet, enum state first, int x, int row)
{
    int rows[STATE_COUNT], last = row;
    measure_rows(sheet, first, rows);
    for (unsigned state = 1; state < STATE_COUNT; state++) {
        if (rows[state] == ROWS_NONE)
            continue;
        place_state(sheet, (enum state)state, x, 2 * (row + rows[state]));
        last = row + rows[state] > last ? row + rows[state] : last;
    }
    for (unsigned state = 1; x == BACK_X && state < STATE_COUNT; state++)
        if (machine_phase((enum state)state) == PHASE_STUCK)
            place_state(sheet, (enum state)state, x, 2 * ++last + 1);
}

static void layout(struct sheet *sheet)
{
    sheet->edge_count = graph_edges(sheet->edges);
    place_forward(sheet);
    place_back(sheet, STATE_ABORTING, ABORT_X, 3);
    place_back(sheet, STATE_ROLLING_BACK, BACK_X, 7);
}

static int middle(const struct sheet *sheet, enum state state)
{
    return sheet->y[state] + NODE_HEIGHT / 2;
}

static const char *class_of(const struct sheet *sheet, const struct graph_edge *edge)
{
    bool taken = sheet->path->drawn && sheet->path->taken[edge->from][edge->to];
    return graph_edge_advances(edge) ? (taken ? "go taken" : "go")
           : taken                   ? "wrong taken"
                                     : "wrong";
}

static void put_title(struct sheet *sheet, const struct graph_edge *edge)
{
    char events[128];
    graph_event_words(edge->events, events, sizeof events);
    text_add_format(&sheet->text, "<title>%s to %s: %s%s%s%s</title>",
                    machine_state_name(edge->from), machine_state_name(edge->to), events,
                    edge->action != ACTION_NONE ? ", by " : "",
                    edge->action != ACTION_NONE ? machine_action_name(edge->action) : "",
                    edge->procedures[PROCEDURE_RELEASE] == edge->procedures[PROCEDURE_POLICY] ? ""
                    : edge->procedures[PROCEDURE_RELEASE] ? " (release)"
                                                          : " (policy)");
}

static void put_label(struct sheet *sheet, const struct graph_edge *edge, int x, int y,
                      const char *anchor)
{
    if (edge->action != ACTION_NONE)
        text_add_format(&sheet->text, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>", x, y,
                        anchor, machine_action_name(edge->action));
}

/* Down to the next state, or past others and in from the side. The action is written beside the
 * line. */
static void put_forward(struct sheet *sheet, const struct graph_edge *edge)
{
    int x1 = sheet->x[edge->from] + NODE_WIDTH / 2, y1 = sheet->y[edge->from] + NODE_HEIGHT,
        x2 = sheet->x[edge->to] + NODE_WIDTH / 2, y2 = sheet->y[edge->to];
    text_add_format(&sheet->text, "<g class=\"%s\">", class_of(sheet, edge));
    put_title(sheet, edge);
    if (y2 - y1 > ROW_HEIGHT) {
        int down = x1 - (y2 - y1) / 16, side = sheet->x[edge->to] - 3;
        text_add_format(&sheet->text, "<path d=\"M%d %d V%d H%d\" marker-end=\"url(#go)\"/>", down,
                        y1, middle(sheet, edge->to), side);
        put_label(sheet, edge, down - 10, middle(sheet, edge->to) + 3, "end");
    } else {
        text_add_format(&sheet->text,
                        "<path d=\"M%d %d C%d %d %d %d %d %d\" marker-end=\"url(#go)\"/>", x1, y1,
                        x1, y1 + 18, x2, y2 - 18, x2, y2 - 2);
        put_label(sheet, edge,
                  (x1 + x2) / 2
                      + (x2 < x1   ? -10
                         : x2 > x1 ? 44
                                   : 8),
                  (y1 + y2) / 2 + (x1 == x2 ? 3 : -4), x2 < x1 ? "end" : "start");
    }
    text_add(&sheet->text, "</g>\n");
}

/* Sideways to the rail, along it, and sideways into the next state. */
static void put_rail(struct sheet *sheet, const struct graph_edge *edge)
{
    bool aborts = sheet->x[edge->to] == ABORT_X, fails = machine_phase(edge->to) == PHASE_STUCK;
    int rail = aborts ? LEFT_RAIL_X : fails ? FAILED_RAIL_X : RIGHT_RAIL_X;
    int from_y = middle(sheet, edge->from), to_y = middle(sheet, edge->to);
    int from_x = sheet->x[edge->from] + (rail > sheet->x[edge->from] ? NODE_WIDTH : 0),
        to_x = sheet->x[edge->to] + (rail > sheet->x[edge->to] ? NODE_WIDTH : 0);
    text_add_format(&sheet->text, "<g class=\"%s\">", class_of(sheet, edge));
    put_title(sheet, edge);
    text_add_format(&sheet->text,
                    "<path d=\"M%d %d H%d V%d H%d\" marker-end=\"url(#wrong)\"/></g>\n", from_x,
                    from_y, rail, to_y, to_x + (rail > to_x ? 3 : -3));
}

/* An edge back to its own state: a retry. Beside a state of the way forward, above one of the way
 * back. */
static void put_loop(struct sheet *sheet, const struct graph_edge *edge)
{
    int x = sheet->x[edge->from] + NODE_WIDTH, y = sheet->y[edge->from];
    text_add_format(&sheet->text, "<g class=\"%s\">", class_of(sheet, edge));
    put_title(sheet, edge);
    if (is_back(edge->from))
        text_add_format(&sheet->text,
                        "<path d=\"M%d %d c2 -16 22 -16 22 -2\" marker-end=\"url(#wrong)\"/></g>\n",
                        x - 30, y);
    else
        text_add_format(&sheet->text,
                        "<path d=\"M%d %d c18 -6 18 20 3 14\" marker-end=\"url(#wrong)\"/></g>\n",
                        x, y + 8);
}

static void put_state(struct sheet *sheet, enum state state)
{
    static const char *const classes[] = {
        [PHASE_INVALID] = "",        [PHASE_PREPARING] = "preparing",
        [PHASE_CHANGED] = "changed", [PHASE_REVERTING] = "reverting",
        [PHASE_STUCK] = "stuck",     [PHASE_ENDED] = "ended"};
    const struct graph_path *path = sheet->path;
    bool reached = path->drawn && path->reached[state] > 0;
    text_add_format(
        &sheet->text,
        "<g class=\"state %s%s%s\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>",
        classes[machine_phase(state)], reached ? " reached" : "",
        path->drawn && path->now == state ? " now" : "", sheet->x[state], sheet->y[state],
        NODE_WIDTH, NODE_HEIGHT);
    if (machine_is_hot(state))
        text_add_format(
            &sheet->text,
            "<rect class=\"hot\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>",
            sheet->x[state] + 3, sheet->y[state] + 3, NODE_WIDTH - 6, NODE_HEIGHT - 6);
    text_add_format(&sheet->text, "<text x=\"%d\" y=\"%d\">%s", sheet->x[state] + NODE_WIDTH / 2,
                    middle(sheet, state) + 4, machine_state_name(state));
    if (reached && path->timed[state] && state != STATE_OPENED)
        text_add_format(&sheet->text, " <tspan class=\"time\">+%lld.%lld s</tspan>",
                        (long long)path->after_ms[state] / 1000,
                        (long long)path->after_ms[state] % 1000 / 100);
    text_add(&sheet->text, "</text></g>\n");
}

static void put_head(struct sheet *sheet)
{
    text_add_format(&sheet->text,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                    "height=\"%d\" role=\"img\" aria-label=\"The states of a deployment\">\n",
                    WIDTH, sheet->height + 56, WIDTH, sheet->height + 56);
    text_add(&sheet->text,
             "<style>text{font:12px "
             "ui-sans-serif,system-ui,sans-serif;fill:#111827}.bg{fill:#fff}.state "
             "text{text-anchor:middle}.state rect{stroke:#6b7280}"
             ".state .hot{fill:none;stroke-dasharray:none;stroke-width:.7}.preparing "
             "rect{fill:#dbeafe}.changed rect{fill:#fef3c7}.reverting rect{fill:#fee2e2}"
             ".stuck rect{fill:#fca5a5}.ended rect{fill:#dcfce7}");
    text_add(&sheet->text,
             "path{fill:none;stroke-width:1.4}.go path{stroke:#374151}.go "
             "text{font-size:10px;fill:#4b5563}.wrong path{stroke:#b91c1c;stroke-dasharray:4 3}"
             ".taken path{stroke-width:3.2;stroke-dasharray:none}.state.reached "
             "rect{stroke:#111827;stroke-width:2.4}.state.now rect{stroke:#1d4ed8;stroke-width:3.4}"
             ".state .hot,.state.reached .hot,.state.now "
             ".hot{fill:none;stroke-width:.7}.time{font-size:10px;fill:#374151}");
    text_add(&sheet->text,
             "@media(prefers-color-scheme:dark){.bg{fill:#0d1117}.legend,.head{fill:#e5e7eb}.go "
             "path{stroke:#9ca3af}.go text{fill:#9ca3af}.wrong path{stroke:#f87171}"
             ".state.reached rect{stroke:#f9fafb}.state.now rect{stroke:#60a5fa}}</style>\n");
    text_add(
        &sheet->text,
        "<defs><marker id=\"go\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"8\" "
        "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
        "<path d=\"M0 0L8 4L0 8z\" style=\"fill:#6b7280;stroke:none\"/></marker><marker "
        "id=\"wrong\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"8\" "
        "markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 "
        "8z\" style=\"fill:#b91c1c;stroke:none\"/></marker></defs>\n");
    text_add_format(
        &sheet->text,
        "<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n<text class=\"head\" x=\"20\" y=\"26\" "
        "font-weight=\"bold\">%s</text>\n",
        WIDTH, sheet->height + 56,
        sheet->path->drawn
            ? sheet->path->title
            : "titan-fsm: forward is down; failures lead left (aborted) or right (rolled back)");
}

static void put_legend(struct sheet *sheet)
{
    text_add_format(
        &sheet->text,
        "<text class=\"legend\" x=\"20\" y=\"%d\" style=\"font-size:11px\">blue: no service has "
        "changed; yellow: a service may have changed; red: going back; "
        "green: ended. Double border: hot, continues without a pause.</text>\n</svg>\n",
        sheet->height + 36);
}

enum error_code graph_svg(const struct graph_path *path, struct bytes *ret_text,
                          struct error *error)
{
    struct sheet *sheet = calloc(1, sizeof *sheet);
    if (sheet == NULL)
        return error_set(error, ERROR_MEMORY, 0, "graph", "", "out of memory");
    sheet->path = path;
    layout(sheet);
    put_head(sheet);
    for (unsigned taken = 0; taken < 2; taken++) /* the path is drawn over the rest */
        for (size_t i = 0; i < sheet->edge_count; i++) {
            const struct graph_edge *edge = &sheet->edges[i];
            if ((path->drawn && path->taken[edge->from][edge->to]) != (taken == 1))
                continue;
            if (edge->from == edge->to)
                put_loop(sheet, edge);
            else if (graph_edge_advances(edge))
                put_forward(sheet, edge);
            else
                put_rail(sheet, edge);
        }
    for (unsigned state = 1; state < STATE_COUNT; state++)
        put_state(sheet, (enum state)state);
    put_legend(sheet);
    enum error_code code = text_give(&sheet->text, ret_text, error);
    text_clear(&sheet->text);
    free(sheet);
    return code;
}
