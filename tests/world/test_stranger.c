/* Goal: whatever a stranger does in whatever state, nothing unsafe is accepted.
 * Usage:     test_world_stranger release|policy|release-fails|policy-fails [all]
 * How:       four deployments, both procedures, each well and rolled back. Before the first command
 * of each action, and behind each sample, a stranger does one thing; each pair is a world of its
 * own. What it came to is judged by the target itself: who armed Execution, what the running images
 * were made with, which containers run, what the files are. The journal is not asked, and the
 * verifier may not call proven what was not safe. all:       every pair; else every fifth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/machine.h"
#include "tests/world/stranger.h"
#include "tests/world/verdict.h"

#define CONFIRM "--confirm " PERSON_TARGET
enum { SERVICES = 3, IMAGES = SERVICES, VIOLATED = 1, STEP = 5 };
static const char *const services[SERVICES] = {"titan-execution", "titan-brain", "web"};
static const struct person_choice choice = {.window_ms = 10000};

static const struct scenario {
    const char *name, *begin;
    struct titan_release release;
} scenarios[] = {
    {"release", "begin release --reason test", {.subject = "two"}},
    {"policy", "begin policy --reason test", {.subject = "two", .policy = "p2"}},
    {"release-fails",
     "begin release --reason test",
     {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {"policy-fails",
     "begin policy --reason test",
     {.subject = "bad", .policy = "p2", .brain_policy = "p3"}},
};

/* One pair of a moment and a stranger. */
struct visit {
    const struct scenario *scenario;
    const struct stranger *stranger;
    struct scripted *world;
    unsigned at, count; /* at 0 = nobody comes */
    bool came, acted;
    char state[64];                                   /* the action, or "sample" */
    size_t received;                                  /* before the stranger's deed */
    const struct titan_container *brain;              /* that was made to speak */
    const struct titan_image *first[IMAGES];          /* that ran before */
    const struct titan_image *pulled[IMAGES];         /* what the tags meant behind the pull */
    const struct titan_commit *installed, *published; /* commits */
    struct bytes env;
};

static struct {
    unsigned pairs, nothing, completed, rolled_back, aborted, other, proven, violated, undecidable;
    unsigned problems, excused;
} total;

enum { UNWATCHED = 1, SEEN, STRICT };
/* UNWATCHED: no rule watches it there. SEEN: the driver does not, and the verifier violates it.
 * STRICT: all is well at the end, and a rule of FORMAT.md violates what was seen on the way. */
static const struct exception {
    int kind;
    const char *state, *stranger, *why; /* state NULL = any */
} exceptions[] = {
    {UNWATCHED, "complete", NULL, "confirm has looked for the last time"},
    {UNWATCHED, NULL, "edits the env file", "no rule compares it between snapshot and rollback"},
    {UNWATCHED, "verify_release", "moves the tree", "the switch looked at it last"},
    {UNWATCHED, "verify_parity", "moves the tree", "Brain's deployment looked at it last"},
    {UNWATCHED, "arm", "moves the tree", "the switch looked at it last"},
    {UNWATCHED, "observe_window", "moves the tree", "the window looks at no files"},
    {UNWATCHED, "sample", "moves the tree", "the window looks at no files"},
    {UNWATCHED, "confirm", "moves the tree", "confirm looks at no files"},
    {SEEN, "verify_restored", "starts a second Brain", "R-02 counts, the driver does not"},
    {STRICT, NULL, "starts a second Brain", "P-30: the driver does not compare Brain's containers"},
    {STRICT, NULL, "starts a second Execution", "P-30, and P-12: which log is a sample's?"},
    {STRICT, NULL, "restarts Execution armed", "L-05 holds in make_safe, which disarms it"},
    {STRICT, "make_safe", "arms", "L-05 holds in make_safe, which disarms it"},
    {STRICT, "observe_window", "Brain is demoted", "W-15 does not know H-12"},
    {STRICT, "sample", "Brain is demoted", "W-15 does not know H-12"},
};

static bool may_be(const struct exception *exception, const struct visit *visit, int verdict,
                   bool safe)
{
    return (exception->state == NULL || strcmp(exception->state, visit->state) == 0)
           && (exception->stranger == NULL
               || strcmp(exception->stranger, visit->stranger->name) == 0)
           && (exception->kind == UNWATCHED
                   ? !safe
                   : verdict == VIOLATED && safe == (exception->kind == STRICT));
}

static bool is_excused(const struct visit *visit, int verdict, bool safe)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (may_be(&exceptions[i], visit, verdict, safe))
            return true;
    return false;
}

static void tell_problem(const struct visit *visit, const char *end, int verdict, const char *what,
                         const char *report)
{
    total.problems++;
    print_error("%s, %s (%u): a stranger: %s: %s, verdict %d: %s\n", visit->scenario->name,
                visit->state, visit->at, visit->stranger->name, end, verdict, what);
    for (const char *line = report; line != NULL && *line != '\0';) {
        const char *next = strchr(line, '\n');
        if (strncmp(line, "  VIOLATED", 10) == 0)
            print_error("%.*s\n", next != NULL ? (int)(next - line) : (int)strlen(line), line);
        line = next != NULL ? next + 1 : NULL;
    }
}

static void remember_images(struct titan *titan, const struct titan_image *ret_images[IMAGES])
{
    static const char *const names[IMAGES] = {"registry.test/execution:latest",
                                              "registry.test/brain:latest",
                                              "registry.test/web:latest"};
    for (size_t i = 0; i < IMAGES; i++)
        ret_images[i] = titan_tag(titan, names[i])->here;
}

/* As the snapshot has them. */
static void remember_files(struct visit *visit)
{
    const struct titan *titan = &visit->world->titan;
    const struct file *env = files_find(&titan->files, TITAN_DIRECTORY "/" TITAN_ENV_FILE);
    visit->installed = titan->head;
    visit->env = (struct bytes){.data = (void *)env->content.data, .size = env->content.size};
}

static bool holds(const struct bytes *entry, const char *text)
{
    return memmem(entry->data, entry->size, text, strlen(text)) != NULL;
}

static void name_state(struct visit *visit, const struct bytes *entry)
{
    static const char action[] = "\"action\":\"";
    const char *found = memmem(entry->data, entry->size, action, strlen(action));
    (void)snprintf(visit->state, sizeof visit->state, "sample");
    if (holds(entry, "\"type\":\"intent\"") && found != NULL)
        (void)sscanf(found + strlen(action), "%63[a-z_]", visit->state);
}

static enum error_code come(void *context, const struct scripted_call *call, struct error *error)
{
    struct visit *visit = context;
    struct scripted_store *stored = &visit->world->stored;
    (void)error;
    if (call->kind != CALL_APPEND || !call->after)
        return ERROR_OK;
    const struct bytes *entry = &stored->entries[stored->entry_count - 1].value;
    if (holds(entry, "\"to\":\"connected\""))
        remember_files(visit);
    if (holds(entry, "\"to\":\"pulled\""))
        remember_images(&visit->world->titan, visit->pulled);
    if (visit->came
        || !(holds(entry, "\"type\":\"intent\"") || holds(entry, "\"type\":\"sample\"")))
        return ERROR_OK;
    if (++visit->count != visit->at)
        return ERROR_OK;
    visit->came = true;
    name_state(visit, entry);
    visit->received = visit->world->titan.seen.received_count;
    visit->brain = titan_running(&visit->world->titan, "titan-brain");
    visit->acted = visit->stranger->act(visit->world);
    return ERROR_OK;
}

static unsigned running(const struct titan *titan, const char *service)
{
    unsigned count = 0;
    for (size_t i = 0; i < titan->container_count; i++)
        count += titan->containers[i].there && titan->containers[i].running
                 && strcmp(titan->containers[i].service, service) == 0;
    return count;
}

/* What is wrong with what runs; NULL = nothing. */
static const char *wrong_stack(struct visit *visit, const struct titan_image *images[IMAGES])
{
    struct titan *titan = &visit->world->titan;
    for (size_t i = 0; i < SERVICES; i++) {
        if (running(titan, services[i]) != 1)
            return "a service has not one container";
        if (titan_running(titan, services[i])->image != images[i])
            return "a service runs from another image";
    }
    if (strcmp(images[0]->policy, images[1]->policy) != 0)
        return "Execution and Brain have different policies";
    return NULL;
}

static const char *wrong_files(const struct visit *visit, const struct titan_commit *commit)
{
    const struct file *env = files_find(&visit->world->titan.files,
                                        TITAN_DIRECTORY "/" TITAN_ENV_FILE);
    if (visit->world->titan.head != commit)
        return "the tree is at another commit";
    if (env->content.size != visit->env.size
        || memcmp(env->content.data, visit->env.data, visit->env.size) != 0)
        return "the env file is another";
    return NULL;
}

static bool is_strange(const char *payload)
{
    return payload == NULL || strcmp(payload, STRANGER_NONCE) == 0;
}

/* An ARM of the driver behind somebody else's DISARM, which nobody answered. */
static bool armed_again(const struct visit *visit)
{
    const struct titan *titan = &visit->world->titan;
    for (size_t i = visit->received + 1; i < titan->seen.received_count; i++)
        if (strncmp(titan->seen.received[i], "ARM ", 4) == 0)
            return true;
    return false;
}

static const char *wrong_completed(struct visit *visit)
{
    const struct titan_container *execution = titan_running(&visit->world->titan, services[0]);
    const char *wrong = wrong_stack(visit, visit->pulled);
    if (wrong == NULL && execution->armed && is_strange(execution->armed_by))
        wrong = "completed with Execution armed by somebody else";
    if (wrong == NULL && visit->stranger->kind == STRANGER_TURNS_BRAIN
        && titan_running(&visit->world->titan, services[1]) == visit->brain)
        wrong = "completed over Brain's last line, which contradicts";
    return wrong != NULL ? wrong : wrong_files(visit, visit->published);
}

static const char *wrong_rolled_back(struct visit *visit)
{
    const struct titan_container *execution = titan_running(&visit->world->titan, services[0]);
    if (execution != NULL && execution->armed)
        return "Execution is armed after the rollback";
    const char *wrong = wrong_stack(visit, visit->first);
    return wrong != NULL ? wrong : wrong_files(visit, visit->installed);
}

/* What is unsafe in this end; NULL = nothing. */
static const char *unsafe(struct visit *visit, const char *end)
{
    if (visit->stranger->kind == STRANGER_DISARMS && visit->acted && armed_again(visit))
        return "the driver armed after somebody else's DISARM";
    if (strcmp(end, "completed") == 0)
        return wrong_completed(visit);
    if (strcmp(end, "rolled_back") == 0)
        return wrong_rolled_back(visit);
    return NULL;
}

static bool has_ended(const char *state)
{
    return strcmp(state, "completed") == 0 || strcmp(state, "rolled_back") == 0
           || strcmp(state, "aborted") == 0;
}

/* As an operator would: once more, then back; where that fails, with the files as they were. */
static const char *drive_to_end(struct scripted *world)
{
    static const char *const lines[] = {"run --rearm yes " CONFIRM, "resume --rearm yes " CONFIRM,
                                        "rollback --reason test " CONFIRM,
                                        "abort --reason test " CONFIRM};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!has_ended(person_state(world)))
            (void)person_runs(world, lines[i]);
    if (!has_ended(person_state(world))) {
        stranger_mends_files(world);
        (void)person_runs(world, lines[2]);
    }
    return person_state(world);
}

static void count_end(const char *end, int verdict)
{
    total.completed += strcmp(end, "completed") == 0;
    total.rolled_back += strcmp(end, "rolled_back") == 0;
    total.aborted += strcmp(end, "aborted") == 0;
    total.other += !has_ended(end);
    total.proven += verdict == 0;
    total.violated += verdict == VIOLATED;
    total.undecidable += verdict > VIOLATED;
}

static void judge(struct visit *visit, const char *end)
{
    char *report = NULL;
    int verdict = verdict_of(visit->world, &choice, &report);
    const char *wrong = unsafe(visit, end);
    bool safe = wrong == NULL;
    if (safe && has_ended(end) && verdict != 0)
        wrong = "an honest run is not proven";
    if (wrong != NULL && is_excused(visit, verdict, safe))
        total.excused++;
    else if (wrong != NULL)
        tell_problem(visit, end, verdict, wrong, report);
    count_end(end, verdict);
    free(report);
}

static void begin_visit(struct visit *visit)
{
    struct scripted *world = visit->world = person_begins(41, &choice);
    remember_files(visit);
    remember_images(&world->titan, visit->first);
    titan_publish(&world->titan, &visit->scenario->release);
    visit->published = world->titan.origin;
    if (person_runs(world, visit->scenario->begin) != 0)
        fail_msg("%s", person_said());
    world->fault = come;
    world->fault_context = visit;
}

/* false = the deployment has no such moment */
static bool make_visit(struct visit *visit)
{
    begin_visit(visit);
    const char *end = drive_to_end(visit->world);
    bool came = visit->came;
    if (came && visit->acted) {
        total.pairs++;
        judge(visit, end);
    }
    total.nothing += came && !visit->acted;
    scripted_close(visit->world);
    return came;
}

static const struct scenario *scenario; /* the one that was asked for */
static unsigned step = STEP;

static void no_stranger_is_believed(void **state)
{
    size_t count;
    const struct stranger *strangers = stranger_list(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool came = true;
        for (unsigned at = 1 + (unsigned)i % step; came; at += step) {
            struct visit visit = {.scenario = scenario, .stranger = &strangers[i], .at = at};
            came = make_visit(&visit);
        }
    }
    print_message("%u pairs (and %u with nothing to do): %u completed, %u rolled back, %u aborted, "
                  "%u other; %u proven, %u violated, %u undecidable; %u excused\n",
                  total.pairs, total.nothing, total.completed, total.rolled_back, total.aborted,
                  total.other, total.proven, total.violated, total.undecidable, total.excused);
    assert_int_equal(total.problems, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_stranger_is_believed)};
    for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0)
            scenario = &scenarios[i];
    if (argc > 2 && strcmp(argv[2], "all") == 0)
        step = 1;
    if (scenario == NULL) {
        (void)fputs("usage: test_world_stranger SCENARIO [all]\n", stderr);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
