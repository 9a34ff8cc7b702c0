/* Goal: what an operator is told to do next can be done. Each state of both procedures and of the
 * way back, with and without an open step, beside a living driver and behind a dead one: status,
 * explain and log say what is so, and each command that they name is accepted there; so is each
 * that the end of such a command names, and what that end says of Execution is true. What `explain`
 * calls refused is refused.
 * usage: test_world_next [SCENARIO]
 * How:       at each entry of a run a process is forked, in which the driver dies. What was tried
 *            once in a state is not tried there again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fsm/exit_status.h"
#include "tests/world/named.h"
#include "tests/world/story.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
enum { TRIED_MAX = 1 << 14, DEPTH_MAX = 3 };

static void dirty_tree(struct scripted *world)
{
    (void)files_put(&world->titan.files, TITAN_DIRECTORY "/VERSION", 0644, "edited", 6);
}

static void docker_goes_away(struct scripted *world)
{
    world->titan.docker_down = true;
}

static void git_goes_away(struct scripted *world)
{
    world->titan.git_down = true;
}

static const struct scenario {
    const char *name, *begin, *go; /* go: NULL = GO */
    struct person_choice choice;
    struct titan_release release;
    const char *changes_in; /* this state, for good */
    void (*change)(struct scripted *world);
    void (*arrange)(struct scripted *world);
} scenarios[] = {
    {.name = "release", .begin = "begin release --reason test", .release = {.subject = "two"}},
    {.name = "policy",
     .begin = "begin policy --reason test",
     .release = {.subject = "two", .policy = "p2"}},
    {.name = "release-fails",
     .begin = "begin release --reason test",
     .release = {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {.name = "policy-fails",
     .begin = "begin policy --reason test",
     .release = {.subject = "bad", .policy = "p2", .brain_policy = "p3"}},
    {.name = "release-aborts",
     .begin = "begin release --reason test",
     .release = {.subject = "bad", .web_faults = FAULT_NO_PULL}},
    {.name = "rollback-fails",
     .begin = "begin release --reason test",
     .release = {.subject = "bad", .web_faults = FAULT_UNHEALTHY},
     .changes_in = "reverted",
     .change = docker_goes_away},
    {.name = "abort-fails",
     .begin = "begin release --reason test",
     .release = {.subject = "bad", .web_faults = FAULT_NO_PULL},
     .changes_in = "aborting",
     .change = git_goes_away},
    {.name = "preflight-fails",
     .begin = "begin release --reason test",
     .release = {.subject = "two"},
     .arrange = dirty_tree},
    {.name = "release-unasked",
     .begin = "begin release --reason test",
     .go = "run --confirm " PERSON_TARGET,
     .release = {.subject = "two"}},
    {.name = "unconfirmed",
     .begin = "begin policy --reason test",
     .go = "run",
     .release = {.subject = "two", .policy = "p2"}},
    {.name = "unarmed",
     .begin = "begin release --reason test",
     .choice = {.unarmed = true},
     .release = {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {.name = "approvals",
     .begin = "begin policy --reason test",
     .choice = {.approvals = 1},
     .release = {.subject = "two", .policy = "p2"}},
};

static const struct scenario *scenario;
static struct {
    unsigned problems, commands, looks, states;
    uint64_t tried[TRIED_MAX];
} * shared;
static unsigned depth;
static FILE *loud; /* a command's own output is in memory while it runs */

static void tell(struct scripted *world, const char *command, int status, const char *what)
{
    (void)fprintf(loud, "BAD %s, %s, %s: %s (exit %d)\n%s----\n", scenario->name,
                  person_state(world), command, what, status, person_said());
    shared->problems++;
}

/* True once for each combination. */
static bool is_new(const char *word, const struct scripted *world, const char *state)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    char key[400], action[64] = "", type[64];
    const struct scripted_entry *last = &world->stored.entries[world->stored.entry_count - 1];
    if (scripted_word(last, "type", type) && strcmp(type, "intent") == 0)
        (void)scripted_word(last, "action", action);
    (void)snprintf(key, sizeof key, "%s|%s|%s|%s", scenario->name, word, state, action);
    for (const char *byte = key; *byte != '\0'; byte++)
        hash = (hash ^ (uint8_t)*byte) * UINT64_C(1099511628211);
    for (size_t at = hash % TRIED_MAX;; at = (at + 1) % TRIED_MAX) {
        if (shared->tried[at] == hash)
            return false;
        if (shared->tried[at] == 0) {
            shared->tried[at] = hash;
            return true;
        }
    }
}

/* A process of its own, which this one waits for; true in the new one. */
static bool try_aside(void)
{
    int status;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        return true;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        (void)fprintf(loud, "a case ended with %d\n", status);
        shared->problems++;
    }
    return false;
}

static const char *true_state(struct scripted *world)
{
    const struct titan_container *execution = titan_running(&world->titan, "titan-execution");
    return execution == NULL ? "gone" : execution->armed ? "armed" : "disarmed";
}

/* What is said of Execution as of now, the last time. */
static void check_truth(struct scripted *world, const char *line, int status)
{
    static const char *const words[][2] = {{"Execution is armed now", "armed"},
                                           {"Execution is disarmed now", "disarmed"},
                                           {"Execution is seen disarmed", "disarmed"},
                                           {"Execution is gone", "gone"},
                                           {"Execution does not run now", "gone"}};
    const char *last = NULL, *wanted = NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (const char *at = person_said(); (at = strstr(at, words[i][0])) != NULL; at++)
            if ((at == person_said() || at[-1] == ' ') && strncmp(at - 8, "whether ", 8) != 0
                && (last == NULL || at > last)) {
                last = at;
                wanted = words[i][1];
            }
    if (wanted != NULL && strcmp(wanted, true_state(world)) != 0)
        tell(world, line, status, "what is said of Execution is not so");
    bool ended_badly = status == EXIT_ROLLED_BACK || status == EXIT_ROLLBACK_FAILED;
    if (wanted == NULL && ended_badly
        && strstr(person_said(), "whether Execution is armed") == NULL)
        tell(world, line, status, "it does not say what Execution is now");
}

static void check_text(struct scripted *world, const char *line, int status)
{
    const char *what = named_bad_words(person_said());
    if (what != NULL)
        tell(world, line, status, what);
}

static bool is_accepted(int status)
{
    return status != EXIT_INTERNAL && status != EXIT_USAGE && status != EXIT_CONFIG
           && status != EXIT_HELD && status != EXIT_KEY_REFUSED && status != EXIT_REFUSED
           && status != EXIT_JOURNAL_DAMAGED && status != EXIT_JOURNAL_WRITE
           && status != EXIT_UNREACHABLE;
}

static void look_around(struct scripted *world);
static void try_all(struct scripted *world, const char *text, bool accepted);

/* One command in a world of its own, and all that its end names. */
static void try_command(struct scripted *world, const char *line, bool accepted)
{
    char key[NAMED_BYTES + 16];
    (void)snprintf(key, sizeof key, "%s%s", accepted ? "" : "not ", line);
    if (depth >= DEPTH_MAX || strstr(line, "--watch") != NULL
        || (!accepted && strncmp(line, "begin", 5) == 0) || strncmp(line, "accept", 6) == 0
        || strncmp(line, "approve", 7) == 0 || !is_new(key, world, person_state(world))
        || !try_aside())
        return;
    shared->commands++;
    depth++;
    char *was = strdup(person_state(world));
    size_t entries = world->stored.entry_count;
    int status = person_runs(world, line);
    bool nothing_done = world->stored.entry_count == entries; /* and it says why */
    /* What somebody else did right before the first change is named, and stops it. */
    bool stopped = status == EXIT_REFUSED && strstr(person_said(), "NOT AS RECORDED") != NULL;
    if (is_accepted(status) != accepted && (accepted || !nothing_done) && !stopped)
        tell(world, was, status, accepted ? line : key);
    check_text(world, line, status);
    check_truth(world, line, status);
    char *said = strdup(person_said());
    if (accepted) {
        const char *next = strstr(said, "next: ");
        if (next == NULL)
            next = strstr(said, "a person is needed");
        if (next != NULL)
            try_all(world, next, true);
        look_around(world);
    }
    _exit(0);
}

static void try_all(struct scripted *world, const char *text, bool accepted)
{
    char line[NAMED_BYTES];
    while (named_next(&text, line))
        try_command(world, line, accepted);
}

/* Where explain says what is possible, and what is not. */
static void try_explained(struct scripted *world, char *text)
{
    if (strstr(text, "has no deployment yet") != NULL) {
        try_all(world, text, true);
        return;
    }
    char *possible = strstr(text, "from here:"), *refused = strstr(text, "  Refused:"),
         *always = strstr(text, "  Always:");
    if (possible == NULL || refused == NULL || always == NULL || refused < possible) {
        tell(world, "explain", 0, "it does not say what can be done");
        return;
    }
    refused[0] = always[0] = '\0';
    try_all(world, possible, true);
    try_all(world, refused + 1, false);
    try_all(world, always + 1, true);
}

static void look_around(struct scripted *world)
{
    static const char *const lines[] = {
        "status",         "explain", "log",      "status --json", "status --prometheus",
        "log transition", "roster",  "settings", "drift"};
    if (!is_new("look", world, person_state(world)))
        return;
    shared->states++;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int status = person_runs(world, lines[i]);
        shared->looks++;
        if (status != EXIT_DONE && status != EXIT_DRIFT)
            tell(world, lines[i], status, "it does not look");
        check_text(world, lines[i], status);
        char *said = strdup(person_said()), *next = strstr(said, "next   ");
        if (i == 0 && next == NULL)
            tell(world, lines[i], status, "no next");
        if (i == 0 && next != NULL)
            try_all(world, next, true);
        if (i == 1)
            try_explained(world, said);
        free(said);
    }
}

static void look_beside(struct scripted *world)
{
    enum state state = machine_state_by_name(person_state(world));
    if (machine_phase(state) == PHASE_ENDED || !is_new("beside", world, person_state(world)))
        return;
    int status = person_runs(world, "status");
    shared->looks++;
    if (status != 0 || strstr(person_said(), " lives") == NULL
        || strstr(person_said(), "next        titan-fsm status --watch\n") == NULL)
        tell(world, "status beside it", status, "it lives, and that is not said");
    check_text(world, "status beside it", status);
}

static char *announced; /* by a colleague's DISARM: what it does to the deployment */

/* A colleague disarms beside the living driver; true in the process where it was so. */
static bool disarm_beside(struct scripted *world)
{
    enum state state = machine_state_by_name(person_state(world));
    if (machine_phase(state) == PHASE_ENDED || !is_new("disarms", world, person_state(world))
        || !try_aside())
        return false;
    int status = person_runs(world, "disarm --reason smells-wrong");
    announced = strdup(person_said());
    shared->commands++;
    if (status != (world->titan.docker_down ? EXIT_STEP_FAILED : EXIT_DONE))
        tell(world, "disarm beside it", status, "it is not accepted");
    check_text(world, "disarm beside it", status);
    check_truth(world, "disarm beside it", status);
    return true;
}

/* What was announced has come, and nobody is told to undo what a person did. */
static void check_announced(struct scripted *world, int status)
{
    const char *state = person_state(world);
    bool back = strstr(announced, "this DISARM rolls it back") != NULL,
         on = strstr(announced, "goes on") != NULL || strstr(announced, "or it ends") != NULL,
         open = strstr(announced, " is open in ") != NULL;
    bool failed = strcmp(state, "rolled_back") == 0 || strcmp(state, "rollback_failed") == 0;
    if (back && !on && !failed)
        tell(world, "disarm beside it", status, announced);
    bool asks = strstr(announced, "asks a person") != NULL;
    if (strstr(announced, "ends now") != NULL && strcmp(state, "completed") != 0)
        tell(world, "disarm beside it", status, announced);
    if ((on || asks) && !back && failed && scenario->release.web_faults == 0
        && scenario->release.brain_policy == NULL)
        tell(world, "disarm beside it", status, announced);
    if (open && strstr(person_said(), "next: titan-fsm arm") != NULL)
        tell(world, "disarm beside it", status, "a person's DISARM is answered by arm");
}

/* Behind each entry the driver dies, in a process of its own. */
static enum error_code die_here(void *context, const struct scripted_call *call,
                                struct error *error)
{
    struct scripted *world = context;
    static bool inside;
    if (call->kind != CALL_APPEND || !call->after || inside)
        return ERROR_OK;
    if (scenario->change != NULL && strcmp(person_state(world), scenario->changes_in) == 0)
        scenario->change(world);
    inside = true;
    look_beside(world);
    if (disarm_beside(world))
        return ERROR_OK; /* in the new process nothing more happens */
    inside = false;
    if (!is_new("dies", world, person_state(world)) || !try_aside())
        return ERROR_OK;
    inside = true; /* in the new process for good */
    world->dead = true;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the driver has died");
}

static void walk(void)
{
    struct scripted *world = person_begins(81, &scenario->choice);
    pid_t whole = getpid();
    titan_publish(&world->titan, &scenario->release);
    if (scenario->arrange != NULL)
        scenario->arrange(world);
    look_around(world);
    world->fault = die_here;
    world->fault_context = world;
    int status = person_runs(world, scenario->begin);
    if (getpid() == whole || (announced != NULL && !world->dead))
        status = person_runs(world, scenario->go != NULL ? scenario->go : GO);
    world->fault = NULL;
    world->dead = false;
    if (announced != NULL)
        check_announced(world, status);
    if (getpid() == whole || announced != NULL) {
        check_text(world, GO, status);
        check_truth(world, GO, status);
        const char *next = strstr(person_said(), "next: ");
        char *said = strdup(next != NULL ? next : person_said());
        try_all(world, said, true);
        free(said);
    }
    look_around(world);
    if (getpid() != whole)
        _exit(0);
    scripted_close(world);
}

int main(int argc, char **argv)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    loud = stderr;
    if (shared == MAP_FAILED)
        abort();
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        scenario = &scenarios[i];
        if (argc < 2 || strcmp(argv[1], scenario->name) == 0)
            walk();
    }
    (void)printf("%u states, %u looks, %u commands that were named; %u problems\n", shared->states,
                 shared->looks, shared->commands, shared->problems);
    return shared->problems == 0 && shared->commands > 10 ? 0 : 1;
}
