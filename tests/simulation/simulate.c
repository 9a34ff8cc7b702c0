/* Goal: whatever happens to a deployment, the verifier says of its journal what the world knows.
 * How:       each seed is a world of its own (tests/world), the unmodified driver in it, and up to
 *            three things that happen: it dies, a call fails, a reply is lost, everything takes
 *            long, somebody else disarms. Then the deployment goes to its end, and the real
 *            verifier judges the journal, in this process.
 * Asked:     the verdict is proven (nothing that happens here breaks the standard, so anything else
 *            is a false alarm); what runs, and whether Execution is armed, is what the end of the
 *            journal says (else the proof is false); every tenth seed gives the same bytes twice.
 * Usage:     test_simulation FIRST COUNT
 * Replay:    test_simulation SEED 1 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fsm/exit_status.h"
#include "tests/world/ending.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

enum { RESUMES_MAX = 12, CALLS_MAX = 220, HAPPENINGS_MAX = 3, TWICE = 10, SERVICES = 3 };
static const int64_t RESTART_NS = 400000000, DELAY_NS = 700000000;
#define GO " --rearm yes --confirm " PERSON_TARGET
static const char *const services[SERVICES] = {"titan-execution", "titan-brain", "web"};

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
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

enum happening { DEATH, FAILURE, NO_REPLY, DELAY, DISARM, HAPPENINGS };
static const char *const happening_names[HAPPENINGS] = {"dies", "fails", "no reply", "delay",
                                                        "disarmed"};

struct simulation {
    uint64_t seed, chance;
    struct scripted *scripted;
    const struct titan_image *before[SERVICES];
    struct {
        enum happening what;
        unsigned at; /* the call of the driver */
    } happenings[HAPPENINGS_MAX];
    unsigned happening_count, happened, calls;
};

/* The same each time for a seed, and scattered (splitmix64). */
static uint64_t draw(struct simulation *simulation)
{
    uint64_t z = simulation->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool counts(enum happening what, const struct scripted_call *call)
{
    bool away = call->kind != CALL_APPEND && call->kind != CALL_WRITE,
         changes = !away || call->kind == CALL_CHANGE || call->kind == CALL_PUBLISH;
    return what == DEATH      ? call->after && changes
           : what == NO_REPLY ? call->after && away
                              : !call->after && away;
}

static enum error_code happens(struct simulation *simulation, enum happening what,
                               const struct scripted_call *call, struct error *error)
{
    struct scripted *scripted = simulation->scripted;
    simulation->happened++;
    switch (what) {
    case DEATH:
        scripted->dead = true;
        return error_set(error, call->kind == CALL_APPEND ? ERROR_JOURNAL_WRITE : ERROR_UNREACHABLE,
                         0, "", "", "the driver has died");
    case FAILURE:
    case NO_REPLY:
        return error_set(error, what == NO_REPLY ? ERROR_TIMEOUT : ERROR_UNREACHABLE, 0,
                         "the target", "wait", "there was no answer");
    case DELAY:
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + DELAY_NS);
        break;
    case DISARM:
        ending_stranger_disarms(scripted);
        break;
    case HAPPENINGS:
        break;
    }
    return ERROR_OK;
}

static enum error_code ask(void *context, const struct scripted_call *call, struct error *error)
{
    struct simulation *simulation = context;
    if (simulation->happened == simulation->happening_count)
        return ERROR_OK;
    simulation->calls += !call->after;
    enum happening what = simulation->happenings[simulation->happened].what;
    return simulation->calls >= simulation->happenings[simulation->happened].at
                   && counts(what, call)
               ? happens(simulation, what, call, error)
               : ERROR_OK;
}

static bool is_at(const struct simulation *simulation, const char *state)
{
    return strcmp(person_state(simulation->scripted), state) == 0;
}

static bool is_over(const struct simulation *simulation)
{
    return is_at(simulation, "completed") || is_at(simulation, "rolled_back")
           || is_at(simulation, "aborted");
}

/* What was open goes to its end; where a person must decide, they go back. */
static bool finish(struct simulation *simulation)
{
    struct scripted *scripted = simulation->scripted;
    for (unsigned i = 0; !is_over(simulation) && i < RESUMES_MAX; i++) {
        scripted->dead = false;
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + RESTART_NS);
        int status = person_runs(scripted, "resume" GO);
        if ((status == EXIT_NEEDS_PERSON || status == EXIT_REFUSED)
            && person_runs(scripted, "rollback --reason doubt") != 0)
            (void)person_runs(scripted, "abort --reason doubt");
    }
    return is_over(simulation);
}

static void arrange(struct simulation *simulation, const struct person_choice *choice)
{
    simulation->scripted = person_begins(1 + simulation->seed, choice);
    for (size_t i = 0; i < SERVICES; i++)
        simulation->before[i] = titan_running(&simulation->scripted->titan, services[i])->image;
    simulation->happening_count = (unsigned)(draw(simulation) % (HAPPENINGS_MAX + 1));
    for (unsigned i = 0, at = 0; i < simulation->happening_count; i++) {
        at += 1 + (unsigned)(draw(simulation) % (CALLS_MAX / simulation->happening_count));
        simulation->happenings[i].at = at;
        simulation->happenings[i].what = (enum happening)(draw(simulation) % HAPPENINGS);
    }
}

/* NULL, or in which way the world is not as the end of the journal says. */
static const char *falsehood(const struct simulation *simulation)
{
    struct titan *titan = &simulation->scripted->titan;
    for (size_t i = 0; i < SERVICES; i++) {
        const struct titan_container *container = titan_running(titan, services[i]);
        bool as_before = container != NULL && container->image == simulation->before[i];
        if (container == NULL)
            return "a service does not run";
        if (as_before == is_at(simulation, "completed"))
            return "a service runs from another image";
    }
    return is_at(simulation, "rolled_back") && titan_running(titan, services[0])->armed
               ? "Execution is armed behind a rollback"
               : NULL;
}

static void digest_of(const struct scripted_store *stored, uint8_t ret_digest[SHA256_BYTES])
{
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init(&hash);
    for (size_t i = 0; i < stored->entry_count; i++)
        crypto_hash_sha256_update(&hash, stored->entries[i].value.data,
                                  stored->entries[i].value.size);
    crypto_hash_sha256_final(&hash, ret_digest);
}

static void tell(const struct simulation *simulation, const char *what, const char *report)
{
    (void)printf("seed %llu, %s: %s\n  again with: test_simulation %llu 1\n",
                 (unsigned long long)simulation->seed, scenarios[simulation->seed % SCENARIOS].name,
                 what, (unsigned long long)simulation->seed);
    for (unsigned i = 0; i < simulation->happened; i++)
        (void)printf("  at call %u: %s\n", simulation->happenings[i].at,
                     happening_names[simulation->happenings[i].what]);
    (void)printf("  it ended in %s\n%s", person_state(simulation->scripted), report);
}

/* False: the world and the verdict differ, and it is told. */
static bool deploy(uint64_t seed, uint8_t ret_digest[SHA256_BYTES])
{
    struct simulation simulation = {.seed = seed, .chance = seed};
    uint64_t choices = draw(&simulation);
    const struct person_choice choice = {.window_ms = 1000,
                                         .interval_ms = 500,
                                         .unarmed = choices % 3 == 0,
                                         .container = choices >> 8 & 1};
    const struct scenario *scenario = &scenarios[seed % SCENARIOS];
    arrange(&simulation, &choice);
    struct scripted *scripted = simulation.scripted;
    titan_publish(&scripted->titan, &scenario->release);
    bool begun = person_runs(scripted, scenario->begin) == 0;
    scripted->fault = ask;
    scripted->fault_context = &simulation;
    (void)person_runs(scripted, "run" GO);
    bool ended = begun && finish(&simulation);
    char *report = NULL;
    int verdict = ended ? verdict_of(scripted, &choice, &report) : 0;
    const char *wrong = !begun         ? "it was not begun"
                        : !ended       ? "it does not come to its end"
                        : verdict != 0 ? "a false alarm"
                                       : falsehood(&simulation);
    if (wrong != NULL)
        tell(&simulation, wrong, report != NULL ? report : "");
    digest_of(&scripted->stored, ret_digest);
    free(report);
    scripted_close(scripted);
    return wrong == NULL;
}

static bool simulate(uint64_t seed)
{
    uint8_t first[SHA256_BYTES], second[SHA256_BYTES];
    bool good = deploy(seed, first);
    if (!good || seed % TWICE != 0)
        return good;
    good = deploy(seed, second) && memcmp(first, second, sizeof first) == 0;
    if (!good)
        (void)printf("seed %llu: not the same journal twice\n", (unsigned long long)seed);
    return good;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: test_simulation FIRST COUNT\n", stderr);
        return 2;
    }
    uint64_t first = strtoull(argv[1], NULL, 10), count = strtoull(argv[2], NULL, 10), wrong = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        wrong += !simulate(seed);
    (void)printf("%llu deployments, %llu wrong\n", (unsigned long long)count,
                 (unsigned long long)wrong);
    return wrong == 0 ? 0 : 1;
}
