/* Goal: whatever changes between what was recorded, or approved, and the first change stops the
 * deployment before anything is touched, and is named; what does not stop it is harmless, and why
 * stands in its row.
 * How:       each change x each moment x both procedures is a world of its own. The target itself
 * is asked which containers were started and what Execution received; then the operator gives up,
 * and the whole journal is verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/verdict.h"

#define CONFIRM " --confirm " PERSON_TARGET
#define PATH(name) TITAN_DIRECTORY "/" name
enum { MOMENTS = 3, SERVICES = 3 };

static const char *const services[SERVICES] = {"titan-execution", "titan-brain", "web"};

static void append(struct scripted *world, const char *path, const char *more)
{
    char text[2048];
    const struct file *file = files_find(&world->titan.files, path);
    int size = snprintf(text, sizeof text, "%.*s%s", (int)file->content.size,
                        (const char *)file->content.data, more);
    (void)files_put(&world->titan.files, path, file->mode, text, (size_t)size);
}

static void edits_tree(struct scripted *world)
{
    append(world, PATH("VERSION"), "\n");
}

static void edits_policy(struct scripted *world)
{
    append(world, PATH(TITAN_POLICY_FILE), "\n");
}

static void edits_compose(struct scripted *world)
{
    append(world, PATH(TITAN_COMPOSE_FILE), "    environment:\n      STRANGE: \"1\"\n");
}

static void edits_env(struct scripted *world)
{
    append(world, PATH(TITAN_ENV_FILE), "STRANGE=1\n");
}

static void opens_env(struct scripted *world)
{
    files_make(&world->titan.files, PATH(TITAN_ENV_FILE), 0)->mode = 0644;
}

static void moves_commit(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_check_out(titan, titan->head == titan->origin ? titan->origin->parent : titan->origin);
}

/* By hand: Docker counts only what it restarts itself. */
static void restarts_service(struct scripted *world, const char *service)
{
    struct titan_container *container = titan_running(&world->titan, service);
    titan_restart(&world->titan, container);
    container->restarts--;
}

static void restarts_web(struct scripted *world)
{
    restarts_service(world, "web");
}

static void restarts_brain(struct scripted *world)
{
    restarts_service(world, "titan-brain");
}

static void web_dies(struct scripted *world)
{
    titan_restart(&world->titan, titan_running(&world->titan, "web"));
}

static void execution_dies(struct scripted *world)
{
    titan_restart(&world->titan, titan_running(&world->titan, "titan-execution"));
}

static void stops_web(struct scripted *world)
{
    titan_running(&world->titan, "web")->running = false;
}

static void tags_web(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_tag(titan, "registry.test/web:latest")->here = titan_build(titan, "registry.test/web", "",
                                                                     0);
}

static void prunes_web(struct scripted *world)
{
    titan_tag(&world->titan, "registry.test/web:latest")->here = NULL;
}

static void arms(struct scripted *world)
{
    titan_receive(&world->titan, true, "a stranger", strlen("a stranger"));
}

static void brain_names_another(struct scripted *world)
{
    titan_log(&world->titan, titan_running(&world->titan, "titan-brain"),
              "Policy hash handshake OK. Enabling signal processing. Hash: %064d", 7);
}

static const struct change {
    const char *name;
    void (*act)(struct scripted *world);
    const char *said;              /* of it, where it is found by the last look */
    bool unarmed;                  /* Execution is found disarmed */
    const char *harmless[MOMENTS]; /* why it goes on all the same; NULL = it stops */
    bool awaited; /* a policy change that disarmed before goes on, and asks before it arms */
} changes[] = {
    {"the commit is moved", moves_commit, "the commit was ",
     .harmless = {"update_code goes to the commit that was asked for, wherever the tree was"}},
    {"a file of the tree is edited", edits_tree, "what the tree has besides its commit"},
    {"the policy file is edited", edits_policy, "the policy files (their fingerprint)"},
    {"the compose file is edited", edits_compose, "the rendered configuration"},
    {"the env file is edited", edits_env, "the env file (its fingerprint)"},
    {"the env file is opened", opens_env, "mode, owner and group of the env file was 600"},
    {"a container is re-created", ending_other_container, "of web is new"},
    {"a container is restarted", restarts_web, "of web was started at"},
    {"Brain is restarted", restarts_brain, "of titan-brain was started at"},
    {"Execution dies and is restarted", execution_dies, "of titan-execution was started at"},
    {"web dies and is restarted", web_dies,
     .harmless = {"its own policy restarted it", "the same", "the same"}},
    {"a container is stopped", stops_web, "of web was running and is exited"},
    {"a tag is moved", tags_web, "the image of web was ",
     .harmless = {"what the pull brings is recorded, shown and approved"}},
    {"an image is pruned", prunes_web, "and is gone", .harmless = {"the pull brings it"}},
    {"Execution is disarmed", ending_stranger_disarms, "Execution was armed and is disarmed",
     .awaited = true},
    {"Execution is armed", arms, "Execution was disarmed and is armed", .unarmed = true},
    {"Brain names another hash", brain_names_another, "the policy hash was "},
};

static const struct moment_of {
    const char *name, *word[2]; /* of a release, of a policy change */
} moments[MOMENTS] = {
    {"between connect and pulled", {"\"to\":\"connected\"", "\"to\":\"connected\""}},
    {"between pulled and guarded", {"\"to\":\"pulled\"", "\"to\":\"pulled\""}},
    {"right before the first change",
     {"\"action\":\"switch_services\"", "\"action\":\"deploy_execution\""}},
};

/* What stood when the change was made: nothing of it may be another at the end but by it. */
static struct {
    const struct change *change;
    const struct titan_container *containers[SERVICES];
    size_t starts, received;
} before;

static void change_and_remember(struct scripted *world)
{
    before.change->act(world);
    for (size_t i = 0; i < SERVICES; i++)
        before.containers[i] = titan_running(&world->titan, services[i]);
    before.starts = world->titan.seen.start_count;
    before.received = world->titan.seen.received_count;
}

static const char *touched(struct scripted *world, bool policy)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (titan_running(&world->titan, services[i]) != before.containers[i])
            return "a service runs in another container";
    if (world->titan.seen.start_count != before.starts)
        return "a container was started";
    /* The DISARM of a policy change goes before its first change. */
    if (!policy && world->titan.seen.received_count != before.received)
        return "Execution got a command";
    return NULL;
}

static void check_verdict(struct scripted *world, const struct person_choice *choice,
                          const char *what)
{
    char *report = NULL;
    int verdict = verdict_of(world, choice, &report);
    if (verdict != 0)
        fail_msg("%s: the verdict is %d\n%s", what, verdict, report);
    free(report);
}

static void check_stopped(struct scripted *world, const struct change *change, bool policy,
                          bool looked, int status, const char *what)
{
    const char *wrong = touched(world, policy);
    if (wrong != NULL)
        fail_msg("%s: %s\n%s", what, wrong, person_said());
    if (status == 0 || strcmp(person_state(world), "completed") == 0)
        fail_msg("%s: it is not stopped: %d\n%s", what, status, person_said());
    if (looked && strstr(person_said(), change->said) == NULL)
        fail_msg("%s: it is not said that %s\n%s", what, change->said, person_said());
    if (strcmp(person_state(world), "aborted") != 0)
        (void)person_runs(world, "abort --reason stranger");
    if (strcmp(person_state(world), "aborted") != 0) { /* an edit stands in the way of git */
        titan_check_out(&world->titan, world->titan.head);
        (void)person_runs(world, "resume" CONFIRM);
    }
    assert_string_equal(person_state(world), "aborted");
    wrong = touched(world, policy);
    if (wrong != NULL)
        fail_msg("%s: after the abort %s", what, wrong);
}

static void try_change(const struct change *change, unsigned moment, bool policy)
{
    char what[160];
    const struct person_choice choice = {.window_ms = 1000,
                                         .interval_ms = 500,
                                         .unarmed = change->unarmed};
    struct moment come = {.word = moments[moment].word[policy], .act = change_and_remember};
    struct scripted *world = person_begins(51, &choice);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "two", .policy = policy ? "p2" : NULL});
    (void)snprintf(what, sizeof what, "%s, %s: %s", policy ? "policy" : "release",
                   moments[moment].name, change->name);
    assert_int_equal(person_runs(world, policy ? "begin policy --reason test"
                                               : "begin release --reason test"),
                     0);
    before.change = change;
    moment_set(world, &come);
    int status = person_runs(world, "run --rearm yes" CONFIRM);
    if (!come.happened)
        fail_msg("%s: its moment does not come\n%s", what, person_said());
    moment_clear(world);
    if (change->awaited && policy && moment == MOMENTS - 1) {
        assert_string_equal(person_state(world), "parity_verified");
        assert_int_equal(person_runs(world, "rollback --reason stranger" CONFIRM), 10);
    } else if (change->harmless[moment] != NULL) {
        if (strcmp(person_state(world), "completed") != 0)
            fail_msg("%s: it is stopped: %s\n%s", what, change->harmless[moment], person_said());
    } else {
        check_stopped(world, change, policy, moment > 0, status, what);
    }
    check_verdict(world, &choice, what);
    scripted_close(world);
}

static void try_all(bool policy)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        for (unsigned moment = 0; moment < MOMENTS; moment++)
            try_change(&changes[i], moment, policy);
}

static void release_stops_before_the_first_change(void **state)
{
    (void)state;
    try_all(false);
}

static void policy_stops_before_the_first_change(void **state)
{
    (void)state;
    try_all(true);
}

/* A moment within the last look: the nth thing that the driver asks for behind the intent. */
struct within {
    struct scripted *world;
    unsigned nth, asked;
    bool looking, acted, over; /* over: a service was changed */
    size_t received;
};

static enum error_code ask_within(void *context, const struct scripted_call *call,
                                  struct error *error)
{
    struct within *within = context;
    struct scripted *world = within->world;
    (void)error;
    if (call->kind == CALL_APPEND && call->after) {
        const struct bytes *last = &world->stored.entries[world->stored.entry_count - 1].value;
        const char *word = moments[MOMENTS - 1].word[0];
        within->looking = within->looking
                          || memmem(last->data, last->size, word, strlen(word)) != NULL;
    } else if (within->looking && !within->acted && !within->over && !call->after) {
        within->over = strstr(call->detail, "up -d") != NULL;
        if (within->over || within->asked++ < within->nth)
            return ERROR_OK;
        within->acted = true;
        ending_stranger_disarms(world);
        within->received = world->titan.seen.received_count;
    }
    return ERROR_OK;
}

/* Whatever the driver asks for next, it hears of the DISARM before the container and its log are
 * gone, and does not arm again, though it was told to. False: the look was over before that. */
static bool try_disarm_within(unsigned nth)
{
    char what[80];
    const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
    struct scripted *world = person_begins(52, &choice);
    struct within within = {.world = world, .nth = nth};
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    (void)snprintf(what, sizeof what, "disarmed in front of call %u of the last look", nth);
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    world->fault = ask_within;
    world->fault_context = &within;
    (void)person_runs(world, "run --rearm yes" CONFIRM);
    moment_clear(world);
    const struct titan *titan = &world->titan;
    for (size_t i = within.received; within.acted && i < titan->seen.received_count; i++)
        if (strncmp(titan->seen.received[i], "ARM ", 4) == 0)
            fail_msg("%s: the driver armed again\n%s", what, person_said());
    check_verdict(world, &choice, what);
    scripted_close(world);
    return within.acted;
}

static void nobody_disarms_unheard(void **state)
{
    (void)state;
    unsigned nth = 0;
    while (try_disarm_within(nth))
        nth++;
    assert_in_range(nth, 10, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_disarms_unheard),
                                       cmocka_unit_test(release_stops_before_the_first_change),
                                       cmocka_unit_test(policy_stops_before_the_first_change)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
