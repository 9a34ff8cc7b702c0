/* The machine in the verifier's own words against the driver's table: every path accepted, every
 * pair that is not in it rejected. One procedure a process: the word on the command line; with
 * `all` each path goes through each of its cycles too. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "verify/judge/machine.h"

enum { PATH_MAX_EDGES = 40, PATHS_MIN = 500 };

static const char *procedure;
static bool with_all;

static bool is_listed(const char *from, const char *event, const char *to)
{
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(edges[i].procedure, procedure) == 0 && strcmp(edges[i].from, from) == 0
            && strcmp(edges[i].event, event) == 0)
            return strcmp(edges[i].to, to) == 0;
    return false;
}

/* By name, over all of STATE x EVENT x STATE. */
static void machine_allows_every_triple_as_listed(void **state)
{
    (void)state;
    unsigned allowed = 0;
    for (unsigned from = 1; from < STATES; from++) {
        for (unsigned event = 1; event < EVENTS; event++) {
            for (unsigned to = 1; to < STATES; to++) {
                const char *names[] = {state_name((enum state)from), event_name((enum event)event),
                                       state_name((enum state)to)};
                bool allows = machine_allows(strcmp(procedure, "policy") == 0, (enum state)from,
                                             (enum event)event, (enum state)to);
                if (allows != is_listed(names[0], names[1], names[2]))
                    fail_msg("%s: %s by %s to %s", procedure, names[0], names[1], names[2]);
                allowed += allows;
            }
        }
    }
    assert_in_range(allowed, 70, 130);
}

static void machine_act_belongs_as_listed(void **state)
{
    (void)state;
    size_t count, belonging = 0, listed = 0;
    const struct forge_edge *edges = forge_edges(&count);
    for (unsigned from = 1; from < STATES; from++)
        for (unsigned act = 1; act < ACTIONS; act++)
            belonging += machine_action_belongs(strcmp(procedure, "policy") == 0, (enum state)from,
                                                (enum action)act);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(edges[i].procedure, procedure) != 0 || strcmp(edges[i].action, "none") == 0)
            continue;
        listed++;
        assert_true(machine_action_belongs(strcmp(procedure, "policy") == 0,
                                           state_by_name(slice_of(edges[i].from)),
                                           action_by_name(slice_of(edges[i].action))));
    }
    /* the other procedure's states are never reached here: their actions may be named, and the edge
     * is refused */
    assert_true(belonging >= listed);
}

/* Brings a forge to a state of this procedure; false where it is never reached. */
static bool bring_to(struct forge *forge, const char *stage)
{
    static const char *const behind[] = {"safe", "reverted", "redeployed", "rolled_back"};
    bool policy = strcmp(procedure, "policy") == 0;
    forge_genesis(forge);
    forge_open(forge, procedure);
    if (strcmp(stage, "aborting") == 0 || strcmp(stage, "aborted") == 0) {
        forge_take(forge, "abort");
        forge_until(forge, stage);
        return true;
    }
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(stage, behind[i]) == 0
            || (i == 0
                && (strcmp(stage, "rolling_back") == 0 || strcmp(stage, "rollback_failed") == 0))) {
            forge_until(forge, policy ? "execution_deployed" : "switched");
            forge_take(forge, "failed");
            if (strcmp(stage, "rollback_failed") == 0)
                forge_take(forge, "failed");
            else
                forge_until(forge, stage);
            return true;
        }
    }
    bool other = policy ? strcmp(stage, "switched") == 0 || strcmp(stage, "verified") == 0
                        : strcmp(stage, "disarmed") == 0 || strncmp(stage, "execution_", 10) == 0
                              || strcmp(stage, "brain_deployed") == 0
                              || strcmp(stage, "parity_verified") == 0;
    forge_until(forge, other                                    ? "guarded"
                       : strcmp(stage, "armed") == 0 && !policy ? "verified"
                                                                : stage);
    if (!policy && strcmp(stage, "armed") == 0)
        forge_take(forge, "rearmed");
    return !other;
}

static void pop(struct forge *forge, size_t count, const char *stage)
{
    while (forge->count > count)
        bytes_free(&forge->values[--forge->count]);
    (void)snprintf(forge->state, sizeof forge->state, "%s", stage);
}

static bool is_rejected(const struct forge *forge)
{
    return forge_judge(forge, NULL, CLAIM_PROCEDURE).verdict == VERDICT_VIOLATED;
}

/* All (event, to) from one state, with everything else as it must be: the intent, its action, the
 * evidence. */
static unsigned forge_all_from(const char *stage)
{
    unsigned rejected = 0;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.samples = 0;
    forge.guard = true;
    bool reached = bring_to(&forge, stage);
    (void)snprintf(forge.state, sizeof forge.state, "%s", stage);
    size_t quiet = forge.count;
    int64_t epoch = forge.epoch;
    for (unsigned event = 1; event < EVENTS; event++) {
        const char *name = event_name((enum event)event);
        forge.epoch = epoch; /* whatever an event before has freed */
        bool answers = machine_answers_intent((enum event)event);
        const char *action = strcmp(name, "rearmed") == 0 && strcmp(stage, "verified") == 0
                                 ? "arm"
                                 : forge_action_of(procedure, stage);
        int64_t intent = answers && action != NULL
                             ? (int64_t)forge_intent(&forge, action, -1, false)
                             : -1;
        json_t *evidence = event == EVENT_GUARD_FIRED ? forge_fired(&forge)
                           : (event == EVENT_DONE || event == EVENT_REARMED) && action != NULL
                               ? forge_evidence(&forge, action)
                               : json_array();
        size_t ready = forge.count;
        for (unsigned to = 1; to < STATES; to++) {
            forge_transition(&forge, intent, name, state_name((enum state)to),
                             json_incref(evidence));
            bool wanted = !reached || !is_listed(stage, name, state_name((enum state)to));
            if (is_rejected(&forge) != wanted)
                fail_msg("%s: %s by %s to %s is %s", procedure, stage, name,
                         state_name((enum state)to), wanted ? "accepted" : "rejected");
            rejected += wanted;
            pop(&forge, ready, stage);
        }
        json_decref(evidence);
        pop(&forge, quiet, stage);
    }
    return rejected;
}

static void verify_forged_edge_of_every_triple_rejected(void **state)
{
    (void)state;
    unsigned rejected = 0;
    for (unsigned from = 1; from < STATES; from++)
        rejected += forge_all_from(state_name((enum state)from));
    print_message("%s: %u forged edges rejected\n", procedure, rejected);
    assert_in_range(rejected, 5000, 25 * 10 * 25);
}

struct path {
    const struct forge_edge *edges[PATH_MAX_EDGES];
    size_t count;
};

static unsigned paths_taken;

static void take_path(const struct path *path)
{
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.samples = 0;
    forge.guard = true;
    forge_genesis(&forge);
    forge_open(&forge, procedure);
    for (size_t i = 0; i < path->count; i++)
        forge_take(&forge, path->edges[i]->event);
    if (strcmp(forge.state, "rollback_failed") == 0)
        (void)forge_append(&forge, "attestation", forge.deployment,
                           json_pack("{s:s, s:s, s:s, s:s}", "item", "rollback_failed", "answer",
                                     "accepted", "reason", "seen to by hand", "operator", "alice"));
    struct finding finding = forge_judge(&forge, NULL, CLAIM_PROCEDURE);
    if (finding.verdict != VERDICT_PROVEN) {
        for (size_t i = 0; i < path->count; i++)
            print_error("%s -%s-> ", path->edges[i]->from, path->edges[i]->event);
        fail_msg("%s at entry %llu", finding.sentence, (unsigned long long)finding.entry);
    }
    paths_taken++;
}

static bool holds(const struct path *path, size_t count, const char *stage)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(path->edges[i]->from, stage) == 0)
            return true;
    return false;
}

/* Every simple cycle through the state at `place`, that touches no state before it, taken once in
 * the middle of the path. */
static void with_cycles(const struct path *path, size_t place, struct path *cycle)
{
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    const char *home = path->edges[place]->from,
               *here = cycle->count > 0 ? cycle->edges[cycle->count - 1]->to : home;
    for (size_t i = 0; i < count; i++) {
        const struct forge_edge *edge = &edges[i];
        if (strcmp(edge->procedure, procedure) != 0 || strcmp(edge->from, here) != 0
            || holds(path, place, edge->to))
            continue;
        bool closed = strcmp(edge->to, home) == 0;
        if (!closed && holds(cycle, cycle->count, edge->to))
            continue;
        cycle->edges[cycle->count++] = edge;
        if (closed) {
            struct path whole = {.count = 0};
            for (size_t k = 0; k < place; k++)
                whole.edges[whole.count++] = path->edges[k];
            for (size_t k = 0; k < cycle->count; k++)
                whole.edges[whole.count++] = cycle->edges[k];
            for (size_t k = place; k < path->count; k++)
                whole.edges[whole.count++] = path->edges[k];
            take_path(&whole);
        } else {
            with_cycles(path, place, cycle);
        }
        cycle->count--;
    }
}

static void walk(struct path *path)
{
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    const char *here = path->count > 0 ? path->edges[path->count - 1]->to : "opened";
    bool ended = strcmp(here, "completed") == 0 || strcmp(here, "aborted") == 0
                 || strcmp(here, "rolled_back") == 0;
    if (ended || strcmp(here, "rollback_failed") == 0) {
        take_path(path);
        for (size_t place = 0; with_all && ended && place < path->count; place++)
            with_cycles(path, place, &(struct path){.count = 0});
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(edges[i].procedure, procedure) != 0 || strcmp(edges[i].from, here) != 0
            || strcmp(edges[i].to, here) == 0 || holds(path, path->count, edges[i].to))
            continue;
        path->edges[path->count++] = &edges[i];
        walk(path);
        path->count--;
    }
}

static void verify_every_path_accepted(void **state)
{
    (void)state;
    walk(&(struct path){.count = 0});
    print_message("%s: %u paths accepted\n", procedure, paths_taken);
    assert_true(paths_taken >= PATHS_MIN);
}

int main(int argc, char **argv)
{
    procedure = argc > 1 ? argv[1] : "release";
    with_all = argc > 2 && strcmp(argv[2], "all") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_allows_every_triple_as_listed),
        cmocka_unit_test(machine_act_belongs_as_listed),
        cmocka_unit_test(verify_forged_edge_of_every_triple_rejected),
        cmocka_unit_test(verify_every_path_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
