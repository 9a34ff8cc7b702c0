/* Goal: everything broken once, everywhere. Whatever the driver reaches fails in every way in every
 * state, once, for five seconds and for ever, and each end is one that may be: prepared and
 * nothing changed, completed as the procedure says, or Execution disarmed, gone, or said not to be;
 * and when it is whole again, there is a way on to an end.
 * usage: test_world_broken SCENARIO [all | STEP | CALL FAULT SPAN]
 * How:       one calm run. At each call of each state that was not made there before, a process is
 *            forked for every fault of that call; it goes on from there with the fault, and the
 *            calm run goes on without. The last line of a problem is the command that repeats it.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fsm/exit_status.h"
#include "tests/world/broken.h"
#include "tests/world/broken_judge.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define CONFIRM "--confirm " PERSON_TARGET
enum { KNOWN_MAX = 4096, TIMES = 1, STEP = 7, TOO_LONG_S = 600 };
/* What fails for ever is tried until the time of a way back is over, and that often is enough. */
/* The driver by itself: what a guard makes of a target that is away for longer than it waits is
 * another matter (test_guard.py). */
static const struct person_choice choice = {.window_ms = 10000,
                                            .rollback_ms = 45000,
                                            .unguarded = true};

static const struct scenario {
    const char *name, *begin, *run;
    struct titan_release release;
} scenarios[] = {
    {"release", "begin release --reason test", "run --rearm yes " CONFIRM, {.subject = "two"}},
    {"policy",
     "begin policy --reason test",
     "run --rearm yes " CONFIRM,
     {.subject = "two", .policy = "p2"}},
    {"release-fails",
     "begin release --reason test",
     "run --rearm yes " CONFIRM,
     {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {"policy-fails",
     "begin policy --reason test",
     "run --rearm yes " CONFIRM,
     {.subject = "bad", .policy = "p2", .brain_policy = "p3"}},
    {"release-aborts",
     "begin release --reason test",
     "run --rearm yes " CONFIRM,
     {.subject = "bad", .web_faults = FAULT_NO_PULL}},
};

/* Counted by all processes. */
static struct total {
    unsigned cases, met, problems, completed, rolled_back, aborted, other, proven, undecidable;
} * total;

static const struct scenario *scenario;
static struct judge_before as_found;
static unsigned step = STEP, jobs = 2, busy;
static struct {
    unsigned at;
    const char *fault, *span;
} wanted; /* one case; at 0 = all */

/* Where the deployment is: its state, and the action whose intent is open. */
static struct {
    size_t read;
    char state[32], action[32];
} place = {.state = "opened"};

static struct known {
    uint64_t same;
    char state[32], action[32];
    unsigned times;
} known[KNOWN_MAX];
static size_t known_count;

static void copy_word(const struct bytes *entry, const char *key, char word[32])
{
    const char *found = memmem(entry->data, entry->size, key, strlen(key));
    word[0] = '\0';
    if (found != NULL)
        (void)sscanf(found + strlen(key), "%31[a-z_]", word);
}

static void follow_place(const struct scripted_store *stored)
{
    char type[32];
    for (; place.read < stored->entry_count; place.read++) {
        const struct bytes *entry = &stored->entries[place.read].value;
        copy_word(entry, "\"type\":\"", type);
        if (strcmp(type, "transition") == 0) {
            copy_word(entry, "\"to\":\"", place.state);
            place.action[0] = '\0';
        } else if (strcmp(type, "intent") == 0) {
            copy_word(entry, "\"action\":\"", place.action);
        }
    }
}

/* False where this call was made in this place often enough. */
static bool is_new(const struct broken_visit *visit)
{
    for (size_t i = 0; i < known_count; i++)
        if (known[i].same == visit->same && strcmp(known[i].state, place.state) == 0
            && strcmp(known[i].action, place.action) == 0)
            return known[i].times++ < TIMES;
    if (known_count == KNOWN_MAX)
        abort();
    struct known *made = &known[known_count++];
    *made = (struct known){.same = visit->same, .times = 1};
    memcpy(made->state, place.state, sizeof made->state);
    memcpy(made->action, place.action, sizeof made->action);
    return true;
}

static void describe(char *text, size_t size)
{
    const struct broken_visit *visit = &broken.first;
    const char *detail = visit->detail, *script = strstr(detail, "sh -c '");
    for (; script != NULL; script = strstr(script + 7, "sh -c '"))
        detail = script + 7;
    int length = snprintf(text, size, "%s %s/%s, %s: %.70s", scenario->name, place.state,
                          place.action, broken_call_name(visit->call), detail);
    for (int i = 0; i < length && (size_t)i < size; i++)
        if (text[i] == '\n' || text[i] == '|' || text[i] == ';')
            text[i] = ' ';
}

static char described[256];

/* One write, so that lines of two processes do not mix. */
static void tell(const char *what, const char *end, int status, const char *said)
{
    char text[4096];
    const char *last = said;
    for (const char *line = said; *line != '\0'; line++)
        if (line[0] == '\n' && line[1] != '\0')
            last = line + 1;
    int size = snprintf(text, sizeof text,
                        "BAD %s; %s %s | %s exit %d%s | %s | %.*s\n"
                        "    test_world_broken %s %u %s %s\n",
                        described, broken.fault != NULL ? broken.fault->name : "",
                        broken_span_name(broken.span), end, status,
                        judge_is_armed(broken.world) ? " ARMED" : "", what,
                        (int)strcspn(last, "\n") > 300 ? 300 : (int)strcspn(last, "\n"), last,
                        scenario->name, broken.first.at,
                        broken.fault != NULL ? broken.fault->name : "",
                        broken_span_name(broken.span));
    if (size > 0 && write(STDERR_FILENO, text, (size_t)size) < 0)
        abort();
    __atomic_add_fetch(&total->problems, 1, __ATOMIC_RELAXED);
}

static enum state state_now(struct scripted *world)
{
    follow_place(&world->stored);
    return machine_state_by_name(place.state);
}

static bool has_ended(enum state state)
{
    return machine_phase(state) == PHASE_ENDED;
}

/* What an operator would try, one after the other, when nothing is broken any more. */
static int go_on(struct scripted *world, int status)
{
    static const char *const lines[] = {
        "resume --rearm yes " CONFIRM,     "rollback --reason test " CONFIRM,
        "abort --reason test " CONFIRM,    NULL, /* the tenancy expires */
        "takeover --reason test",          "resume --rearm yes " CONFIRM,
        "rollback --reason test " CONFIRM, "abort --reason test " CONFIRM};
    timeline_move(&world->timeline, world->timeline.now_ns + 400000000);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (has_ended(state_now(world)))
            break;
        if (lines[i] == NULL)
            timeline_move(&world->timeline, world->timeline.now_ns + INT64_C(7200) * 1000000000);
        else
            status = person_runs(world, lines[i]);
        if (wanted.at != 0 && lines[i] != NULL)
            (void)fprintf(stderr, "---- %s\n%s---- exit %d\n", lines[i], person_said(), status);
    }
    return status;
}

static void count_end(enum state state, int verdict)
{
    unsigned *counter = state == STATE_COMPLETED     ? &total->completed
                        : state == STATE_ROLLED_BACK ? &total->rolled_back
                        : state == STATE_ABORTED     ? &total->aborted
                                                     : &total->other;
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
    if (verdict == 0)
        __atomic_add_fetch(&total->proven, 1, __ATOMIC_RELAXED);
    if (verdict > 1)
        __atomic_add_fetch(&total->undecidable, 1, __ATOMIC_RELAXED);
}

static bool was_disarmed; /* said by the command that met the fault */

static bool judge(struct scripted *world, int status, bool mended)
{
    char *said = strdup(person_said());
    struct judge_end end = {.world = world,
                            .before = &as_found,
                            .state = state_now(world),
                            .status = status,
                            .said = said,
                            .disarmed = was_disarmed};
    const char *problem = judge_problem(&end);
    if (problem == NULL && mended && !has_ended(end.state))
        problem = "NO WAY ON: whole again, and it comes to no end";
    if (problem != NULL)
        tell(problem, machine_state_name(end.state), status, said);
    free(said);
    return problem == NULL;
}

/* An entry could not be written: nothing more is done but DISARM, and a DISARM that is announced
 * was received. */
static bool judge_write(struct scripted *world, int status)
{
    const char *said = person_said(), *problem = NULL;
    const struct titan *titan = &world->titan;
    bool runs = titan_running(&world->titan, "titan-execution") != NULL;
    if (broken.first.call != BROKEN_APPEND || broken.fault->code != ERROR_JOURNAL_WRITE)
        return true;
    if (status != EXIT_JOURNAL_WRITE)
        problem = "JOURNAL: the exit is not 19";
    else if (broken.changes != broken.changes_before && runs)
        problem = "JOURNAL: something more was done to the target";
    else if (judge_says_disarmed(said) && runs
             && titan->seen.received_count == broken.received_before)
        problem = "JOURNAL: a DISARM was announced, and none was received";
    if (problem != NULL)
        tell(problem, machine_state_name(state_now(world)), status, said);
    return problem == NULL;
}

/* The journal must tell what happened: an end that may be is not a violation. */
static bool judge_journal(struct scripted *world, int status)
{
    char *report = NULL, what[400] = "";
    int verdict = verdict_of(world, &choice, &report);
    const char *line = broken_violation(report);
    count_end(state_now(world), verdict);
    if (line != NULL)
        (void)snprintf(what, sizeof what, "VERDICT: %.*s", (int)strcspn(line, "\n"), line);
    if (wanted.at != 0)
        (void)fputs(report, stderr);
    if (line != NULL)
        tell(what, machine_state_name(state_now(world)), status, person_said());
    free(report);
    return line == NULL;
}

/* In the process of one case, behind its command. */
static _Noreturn void end_case(struct scripted *world, int status)
{
    if (wanted.at != 0)
        (void)fprintf(stderr, "%s\n%s---- exit %d, met %u times, Execution is %s\n", described,
                      person_said(), status, broken.met,
                      judge_is_armed(world) ? "armed" : "not armed");
    broken_mend();
    __atomic_add_fetch(&total->met, broken.met > 0, __ATOMIC_RELAXED);
    bool good = judge_write(world, status) && judge(world, status, false);
    was_disarmed = judge_says_disarmed(person_said());
    status = go_on(world, status);
    good = good && judge(world, status, true);
    good = good && judge_journal(world, status);
    _exit(good ? 0 : 1);
}

static void wait_for_one(void)
{
    int status;
    pid_t pid = wait(&status);
    busy--;
    if (pid > 0 && WIFSIGNALED(status)) {
        (void)fprintf(stderr, "(signal %d)\n", WTERMSIG(status));
        total->problems++;
    }
}

/* True in the process of the case. */
static bool fork_case(void)
{
    if (busy == jobs)
        wait_for_one();
    total->cases++;
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid > 0) {
        busy++;
        return false;
    }
    (void)alarm(TOO_LONG_S);
    return true;
}

static bool choose(const struct broken_visit *visit, const struct broken_fault *fault,
                   enum broken_span span)
{
    static unsigned turn;
    bool mine = wanted.at == visit->at && strcmp(wanted.fault, fault->name) == 0
                && strcmp(wanted.span, broken_span_name(span)) == 0;
    if (wanted.at != 0 ? !mine : turn++ % step != 0 || !fork_case())
        return false;
    broken.fault = fault;
    broken.span = span;
    broken.first = *visit;
    describe(described, sizeof described);
    return true;
}

static bool hunt(const struct broken_visit *visit)
{
    const struct broken_fault *fault;
    follow_place(&broken.world->stored);
    if (wanted.at != 0 ? wanted.at != visit->at : !is_new(visit))
        return false;
    for (size_t i = 0; (fault = broken_fault_of(visit->call, i)) != NULL; i++)
        for (enum broken_span span = SPAN_ONCE; span <= SPAN_AREA; span++)
            if (choose(visit, fault, span))
                return true;
    return false;
}

static void report_crash(int signal)
{
    tell(signal == SIGALRM ? "HANG" : "CRASH", "?", signal, "");
    _exit(1);
}

static void break_everything(void)
{
    struct scripted *world = person_begins(51, &choice);
    judge_remember(world, &as_found);
    titan_publish(&world->titan, &scenario->release);
    if (person_runs(world, scenario->begin) != 0)
        abort();
    broken_wrap(world);
    broken.hunt = hunt;
    (void)signal(SIGALRM, report_crash);
    (void)signal(SIGABRT, report_crash);
    (void)signal(SIGSEGV, report_crash);
    int status = person_runs(world, scenario->run);
    if (broken.fault != NULL)
        end_case(world, status);
    while (busy > 0)
        wait_for_one();
    scripted_close(world);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (strcmp(argv[1], scenarios[i].name) == 0)
            scenario = &scenarios[i];
    if (scenario == NULL || (argc != 2 && argc != 3 && argc != 5)) {
        (void)fputs("usage: test_world_broken SCENARIO [all | STEP | CALL FAULT SPAN]\n", stderr);
        return 2;
    }
    if (argc == 3)
        step = strcmp(argv[2], "all") == 0 ? 1 : (unsigned)strtoul(argv[2], NULL, 10);
    if (step == 0)
        abort();
    if (argc == 5) {
        wanted.at = (unsigned)strtoul(argv[2], NULL, 10);
        wanted.fault = argv[3];
        wanted.span = argv[4];
    }
    total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (total == MAP_FAILED)
        abort();
    break_everything();
    (void)printf("%s: %u calls, %u cases (%u met): %u completed, %u rolled back, %u aborted, %u "
                 "other; %u proven, %u undecidable; %u problems\n",
                 scenario->name, broken.count, total->cases, total->met, total->completed,
                 total->rolled_back, total->aborted, total->other, total->proven,
                 total->undecidable, total->problems);
    return total->problems == 0 ? 0 : 1;
}
