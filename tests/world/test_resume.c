/* Goal: whatever was interrupted is settled as fsm/reconcile.h says: every action, with everything
 * that may be found of it and every way on, is met; afterwards the deployment comes to its end and
 * its journal is proven.
 * How:       the driver dies right after the intent of each action (nothing was sent), right before
 *            the entry that concludes it (everything was done), and where there is something
 *            between the two, there. What the reconciliations say is collected and compared with
 *            the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
#define GO " --rearm yes --confirm " PERSON_TARGET

/* action, found, then: all that the engine can come to. */
static const char *const resumptions[] = {
    "run_preflight unknown repeat",
    "connect unknown repeat",
    "update_code not_done repeat",
    "update_code done repeat",
    "pull_images unknown repeat",
    "lay_guard unknown repeat",
    "switch_services unknown repeat",
    "switch_services unknown fail",
    "verify_release unknown repeat",
    "verify_release unknown fail",
    "disarm not_done repeat",
    "disarm done continue",
    "deploy_execution not_done repeat",
    "deploy_execution partial repeat",
    "deploy_execution done continue",
    "deploy_execution unknown fail",
    "verify_execution unknown repeat",
    "deploy_brain not_done repeat",
    "deploy_brain partial repeat",
    "deploy_brain done continue",
    "verify_parity unknown repeat",
    "arm unknown repeat",
    "arm unknown fail",
    "observe_window not_done continue",
    "observe_window partial continue",
    "observe_window partial fail",
    "confirm unknown repeat",
    "complete unknown repeat",
    "make_safe unknown repeat",
    "revert unknown repeat",
    "redeploy unknown repeat",
    "verify_restored unknown repeat",
    "restore_code unknown repeat",
};

struct cut {
    const char *begin, *end;
    struct titan_release release;
    enum action action;
    enum state at;    /* it goes on from there; INVALID = from its beginning */
    bool before;      /* dies before the next entry after the intent, else right after the intent */
    unsigned skip;    /* entries between the intent and the one at which it dies */
    int64_t away_ms;  /* until the next driver; 0 = 400 */
    const char *back; /* instead of `resume` */
    void (*meanwhile)(struct scripted *world);
};

/* Dies right after an intent, or before the entry that is to follow it: once for each action, or
 * only for the one that is asked for. */
struct cutter {
    struct scripted *world;
    enum action only; /* INVALID = each in turn */
    bool before;
    unsigned skip; /* entries after the intent that are let pass */
    bool cut[ACTION_COUNT];
    bool seen; /* the intent, and not yet what is to follow */
};

static enum action action_of_last(const struct scripted *world)
{
    const struct bytes *last = &world->stored.entries[world->stored.entry_count - 1].value;
    char word[64];
    if (memmem(last->data, last->size, "\"type\":\"intent\"", 15) == NULL)
        return ACTION_INVALID;
    for (enum action action = ACTION_NONE + 1; action < ACTION_COUNT; action++) {
        (void)snprintf(word, sizeof word, "\"action\":\"%s\"", machine_action_name(action));
        if (memmem(last->data, last->size, word, strlen(word)) != NULL)
            return action;
    }
    return ACTION_INVALID;
}

static bool is_to_be_cut(struct cutter *cutter)
{
    enum action action = action_of_last(cutter->world);
    if (action == ACTION_INVALID || cutter->cut[action]
        || (cutter->only != ACTION_INVALID && cutter->only != action))
        return false;
    cutter->cut[action] = true;
    return true;
}

static enum error_code cut_off(void *context, const struct scripted_call *call, struct error *error)
{
    struct cutter *cutter = context;
    if (call->kind != CALL_APPEND || (!call->after && !cutter->seen))
        return ERROR_OK;
    if (call->after && !cutter->seen)
        cutter->seen = is_to_be_cut(cutter);
    if (!cutter->seen || (cutter->before && call->after))
        return ERROR_OK;
    if (cutter->skip > 0) {
        cutter->skip--;
        return ERROR_OK;
    }
    cutter->seen = false;
    cutter->world->dead = true;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the driver has died");
}

static void return_after(struct scripted *world, int64_t away_ms)
{
    world->dead = false;
    timeline_move(&world->timeline, world->timeline.now_ns + away_ms * 1000000);
}

static void come_to_the_end(struct scripted *world, const struct cut *cut)
{
    for (int i = 0; strcmp(person_state(world), cut->end) != 0; i++) {
        if (i == 3)
            fail_msg("%s: it stands in %s\n%s", cut->begin, person_state(world), person_said());
        (void)person_runs(world, "resume" GO);
    }
}

static struct scripted *begin_cut(const struct cut *cut, struct cutter *cutter)
{
    struct scripted *world = beginning_of(&(struct beginning){.seed = 41,
                                                              .choice = choice,
                                                              .release = cut->release,
                                                              .begin = cut->begin,
                                                              .go = "run" GO,
                                                              .state = cut->at});
    cutter->world = world;
    world->fault = cut_off;
    world->fault_context = cutter;
    return world;
}

static void end_cut(struct scripted *world, const struct cut *cut)
{
    char *report = NULL;
    moment_clear(world);
    come_to_the_end(world, cut);
    (void)story_read(world);
    if (verdict_of(world, &choice, &report) != 0)
        fail_msg("%s:\n%s\n%s", cut->begin, report, person_said());
    free(report);
}

static void check_cut(const struct cut *cut)
{
    struct cutter cutter = {.only = cut->action, .before = cut->before, .skip = cut->skip};
    struct scripted *world = begin_cut(cut, &cutter);
    (void)person_runs(world, "resume" GO);
    if (!world->dead)
        fail_msg("%s of %s does not come\n%s", machine_action_name(cut->action), cut->begin,
                 person_said());
    moment_clear(world);
    if (cut->meanwhile != NULL)
        cut->meanwhile(world);
    return_after(world, cut->away_ms > 0 ? cut->away_ms : 400);
    (void)person_runs(world, cut->back != NULL ? cut->back : "resume" GO);
    end_cut(world, cut);
}

/* One deployment in which the driver dies at the same place of each action. */
static void check_each(const struct cut *cut, unsigned wanted)
{
    struct cutter cutter = {.before = cut->before};
    struct scripted *world = begin_cut(cut, &cutter);
    unsigned deaths = 0;
    for (bool died = true; died; deaths += died) {
        (void)person_runs(world, "resume" GO);
        died = world->dead;
        return_after(world, 400);
    }
    assert_int_equal(deaths, wanted);
    end_cut(world, cut);
}

static void every_action_cut_twice(void **state)
{
    static const struct {
        struct cut cut;
        unsigned deaths;
    } rows[] = {
        {{"begin release --reason test", "completed", {.subject = "two"}}, 11},
        {{"begin policy --reason test", "completed", {.subject = "two", .policy = "p2"}}, 14},
        {{"begin release --reason test",
          "rolled_back",
          {.subject = "two", .web_faults = FAULT_UNHEALTHY}},
         11},
        {{"begin release --reason test",
          "aborted",
          {.subject = "two", .web_faults = FAULT_NO_PULL}},
         5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int before = 0; before <= 1; before++) {
            struct cut cut = rows[i].cut;
            cut.before = before != 0;
            check_each(&cut, rows[i].deaths);
        }
}

static void no_execution(struct scripted *world)
{
    struct titan_container *container = titan_running(&world->titan, "titan-execution");
    container->there = container->running = false;
}

static void no_brain(struct scripted *world)
{
    struct titan_container *container = titan_running(&world->titan, "titan-brain");
    container->there = container->running = false;
}

static void deaf_execution(struct scripted *world)
{
    for (size_t i = 0; i < world->titan.image_count; i++)
        world->titan.images[i].faults |= FAULT_DEAF_DISARM;
}

#define POLICY "begin policy --reason test"
#define RELEASE "begin release --reason test"
#define BACK "rollback --reason enough --confirm " PERSON_TARGET

static void what_is_found_between_is_settled(void **state)
{
    static const struct titan_release two = {.subject = "two"},
                                      other = {.subject = "two", .policy = "p2"};
    const struct cut cuts[] = {
        {POLICY, "rolled_back", other, ACTION_DEPLOY_EXECUTION, STATE_GUARDED,
         .meanwhile = no_execution},
        {POLICY, "completed", other, ACTION_DEPLOY_BRAIN, STATE_GUARDED, .meanwhile = no_brain},
        {RELEASE, "completed", two, ACTION_OBSERVE_WINDOW, STATE_GUARDED, true, .skip = 1},
        {RELEASE, "rolled_back", two, ACTION_OBSERVE_WINDOW, STATE_GUARDED, true, .skip = 1,
         .away_ms = 12000},
        {RELEASE, "rolled_back", two, ACTION_ARM, STATE_GUARDED, .meanwhile = deaf_execution},
        {RELEASE, "rolled_back", two, ACTION_SWITCH_SERVICES, STATE_GUARDED, true, .back = BACK},
        {RELEASE, "rolled_back", two, ACTION_VERIFY_RELEASE, STATE_GUARDED, .back = BACK},
        {POLICY, "rolled_back", other, ACTION_DEPLOY_EXECUTION, STATE_GUARDED, true, .back = BACK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        check_cut(&cuts[i]);
}

static void every_resumption_met(void **state)
{
    size_t count, wanted = sizeof resumptions / sizeof resumptions[0], wrong = 0;
    const char *const *met = story_resumptions(&count);
    (void)state;
    for (size_t i = 0; i < wanted; i++) {
        size_t at = 0;
        while (at < count && strcmp(met[at], resumptions[i]) != 0)
            at++;
        if (at == count)
            print_error("not met: %s\n", resumptions[i]);
        wrong += at == count;
    }
    for (size_t at = 0; at < count; at++) {
        size_t i = 0;
        while (i < wanted && strcmp(met[at], resumptions[i]) != 0)
            i++;
        if (i == wanted)
            print_error("not in the table: %s\n", met[at]);
        wrong += i == wanted;
    }
    print_message("%zu resumptions\n", count);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_action_cut_twice),
                                       cmocka_unit_test(what_is_found_between_is_settled),
                                       cmocka_unit_test(every_resumption_met)};
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
