#include "fsm/commands/look/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/names.h"
#include "journal/format/text.h"

bool graph_edge_advances(const struct graph_edge *edge)
{
    return (edge->events & (1U << EVENT_DONE | 1U << EVENT_REARMED)) != 0;
}

static struct graph_edge *edge_between(struct graph_edge *edges, size_t *count, enum state from,
                                       enum state to)
{
    for (size_t i = 0; i < *count; i++)
        if (edges[i].from == from && edges[i].to == to)
            return &edges[i];
    edges[*count] = (struct graph_edge){.from = from, .to = to, .action = ACTION_NONE};
    return &edges[(*count)++];
}

size_t graph_edges(struct graph_edge ret_edges[GRAPH_EDGES_MAX])
{
    size_t rows, count = 0;
    const struct transition *row = machine_transitions(&rows);
    for (; rows-- > 0; row++) {
        struct graph_edge *edge = edge_between(ret_edges, &count, row->from, row->to);
        edge->events |= 1U << row->event;
        edge->procedures[row->procedure] = true;
        if (row->action != ACTION_NONE) {
            edge->action = row->action;
            edge->deadline_ms = row->deadline_ms;
        }
    }
    return count;
}

void graph_event_words(unsigned events, char *ret_text, size_t room)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (unsigned event = 1; event < EVENT_COUNT; event++) {
        if ((events & 1U << event) == 0 || used >= room)
            continue;
        int length = snprintf(ret_text + used, room - used, "%s%s", used > 0 ? ", " : "",
                              machine_event_name((enum event)event));
        used += length > 0 ? (size_t)length : 0;
    }
}

static void reach(struct graph_path *path, enum state state, const struct journal_entry *open,
                  const struct journal_entry *entry)
{
    if (path->reached[state]++ == 0 && strcmp(open->boot, entry->boot) == 0) {
        path->timed[state] = true;
        path->after_ms[state] = (entry->boottime_ns - open->boottime_ns) / 1000000;
    }
    path->now = state;
}

void graph_path_of(const struct deployment *deployment, struct graph_path *ret_path)
{
    struct graph_path path = {.drawn = true};
    const struct journal_entry *open = &deployment->entries[0];
    (void)snprintf(path.title, sizeof path.title, "deployment %llu, %s, begun %.19sZ",
                   (unsigned long long)deployment->number,
                   machine_procedure_name(deployment->procedure), open->utc);
    reach(&path, STATE_OPENED, open, open);
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *to = json_string_value(json_object_get(entry->body, "to"));
        if (strcmp(entry->type, ENTRY_TRANSITION) != 0 || to == NULL)
            continue;
        enum state from = path.now;
        reach(&path, machine_state_by_name(to), open, entry);
        path.taken[from][path.now] = true;
    }
    *ret_path = path;
}

static const char *color_of(enum phase phase)
{
    switch (phase) {
    case PHASE_PREPARING:
        return "#dbeafe";
    case PHASE_CHANGED:
        return "#fef3c7";
    case PHASE_REVERTING:
        return "#fee2e2";
    case PHASE_STUCK:
        return "#fca5a5";
    case PHASE_ENDED:
        return "#dcfce7";
    case PHASE_INVALID:
        break;
    }
    return "#ffffff";
}

static void add_dot_nodes(const struct graph_path *path, struct text *text)
{
    for (unsigned state = 1; state < STATE_COUNT; state++) {
        bool marked = path->drawn && path->reached[state] > 0;
        text_add_format(text, "  %s [fillcolor=\"%s\"%s%s];\n",
                        machine_state_name((enum state)state),
                        color_of(machine_phase((enum state)state)),
                        machine_is_hot((enum state)state) ? ", peripheries=2" : "",
                        marked ? ", penwidth=3" : "");
    }
}

static void add_dot_edge(const struct graph_path *path, const struct graph_edge *edge,
                         struct text *text)
{
    char events[128];
    graph_event_words(edge->events, events, sizeof events);
    text_add_format(text, "  %s -> %s [label=\"%s%s%s\"%s%s];\n", machine_state_name(edge->from),
                    machine_state_name(edge->to),
                    edge->action != ACTION_NONE ? machine_action_name(edge->action) : "",
                    edge->action != ACTION_NONE ? "\\n" : "", events,
                    graph_edge_advances(edge) ? "" : ", style=dashed, color=\"#b91c1c\"",
                    path->drawn && path->taken[edge->from][edge->to] ? ", penwidth=3" : "");
}

enum error_code graph_dot(const struct graph_path *path, struct bytes *ret_text,
                          struct error *error)
{
    CLEANUP_TEXT struct text text = {0};
    struct graph_edge *edges = calloc(GRAPH_EDGES_MAX, sizeof *edges);
    if (edges == NULL)
        return error_set(error, ERROR_MEMORY, 0, "graph", "", "out of memory");
    size_t count = graph_edges(edges);
    text_add_format(&text,
                    "digraph titan_fsm {\n  label=\"%s\";\n  node [shape=box, "
                    "style=\"filled,rounded\", fontname=\"sans-serif\"];\n"
                    "  edge [fontname=\"sans-serif\", fontsize=10];\n",
                    path->drawn ? path->title : "titan-fsm");
    add_dot_nodes(path, &text);
    for (size_t i = 0; i < count; i++)
        add_dot_edge(path, &edges[i], &text);
    text_add(&text, "}\n");
    free(edges);
    return text_give(&text, ret_text, error);
}
