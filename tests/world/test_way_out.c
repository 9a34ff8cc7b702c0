/* Goal: the way to safety depends on nothing: with any one thing missing Execution is disarmed or
 * said not to be, what can be restored is restored, and there is a way on from every end.
 * How:       a release in the scripted world, from one moment of it on one thing is broken; what
 *            came of it is read from the Titan itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
#define RESUME "resume --rearm yes --confirm " PERSON_TARGET
#define SAMPLE "\"type\":\"sample\""
enum {
    IS_COMPLETED = 0,
    IS_ROLLED_BACK = 10,
    IS_ROLLBACK_FAILED = 12,
    IS_JOURNAL_WRITE = 19,
    SECOND_MS = 1000
};
static const struct person_choice choice = {.window_ms = 30000};

static struct scripted *begun(void)
{
    struct scripted *world = person_begins(61, &choice);
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    return world;
}

static void ends(int status, int wanted, struct scripted *world, const char *state)
{
    if (status != wanted || strcmp(person_state(world), state) != 0)
        fail_msg("%d in %s, and %d in %s was wanted\n%s", status, person_state(world), wanted,
                 state, person_said());
}

static void says(const char *words)
{
    if (strstr(person_said(), words) == NULL)
        fail_msg("it is not said that \"%s\"\n%s", words, person_said());
}

static bool is_armed(struct scripted *world)
{
    const struct titan_container *execution = titan_running(&world->titan, "titan-execution");
    return execution != NULL && execution->armed;
}

static size_t disarms(const struct scripted *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->titan.seen.received_count; i++)
        count += strncmp(world->titan.seen.received[i], "DISARM ", 7) == 0;
    return count;
}

static bool runs_as_before(struct scripted *world, const char *service, size_t image)
{
    const struct titan_container *container = titan_running(&world->titan, service);
    return container != NULL && container->image == &world->titan.images[image];
}

static void is_proven(struct scripted *world, int wanted)
{
    char *report = NULL;
    if (verdict_of(world, &choice, &report) != wanted)
        fail_msg("%s\n%s", report, person_said());
    free(report);
}

static int broken_at(struct scripted *world, const char *word, unsigned nth,
                     void (*act)(struct scripted *world))
{
    struct moment moment = {.word = word, .nth = nth, .act = act};
    moment_set(world, &moment);
    int status = person_runs(world, GO);
    assert_true(moment.happened);
    moment_clear(world);
    return status;
}

/* What is broken, and mended after a while. */
static void mend_docker(struct titan *titan, void *context)
{
    (void)context;
    titan->docker_down = false;
}

static void mend_bus(struct titan *titan, void *context)
{
    (void)context;
    titan->bus_down = false;
}

static void docker_away_for_ever(struct scripted *world)
{
    world->titan.docker_down = true;
}

static void docker_away(struct scripted *world)
{
    docker_away_for_ever(world);
    titan_at(&world->titan, world->timeline.now_ns + 2 * SECOND_MS * 1000000LL, mend_docker, NULL);
}

static void bus_away_for_ever(struct scripted *world)
{
    world->titan.bus_down = true;
}

static void bus_away(struct scripted *world)
{
    bus_away_for_ever(world);
    titan_at(&world->titan, world->timeline.now_ns + 2 * SECOND_MS * 1000000LL, mend_bus, NULL);
}

static void stop_brain(struct scripted *world)
{
    titan_running(&world->titan, "titan-brain")->running = false;
}

/* A container that does not run has no address: that is a failed sample, and then a rollback. */
static void stopped_container_behind_an_endpoint(void **state)
{
    static const char *const words[] = {SAMPLE, "\"to\":\"switched\""};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scripted *world = begun();
        ends(broken_at(world, words[i], 0, stop_brain), IS_ROLLED_BACK, world, "rolled_back");
        assert_false(is_armed(world));
        is_proven(world, 0);
        scripted_close(world);
    }
}

/* One sample fails, and the release is as healthy as it was. */
static void what_is_away_for_two_seconds_fails_a_sample(void **state)
{
    void (*const acts[])(struct scripted *) = {docker_away, bus_away};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (unsigned nth = 0; nth < 2; nth++) {
            struct scripted *world = begun();
            ends(broken_at(world, SAMPLE, nth, acts[i]), IS_COMPLETED, world, "completed");
            assert_true(is_armed(world));
            is_proven(world, 0);
            scripted_close(world);
        }
}

/* DISARM needs no Docker: it is sent, and that nobody can see it is said. */
static void docker_away_for_good(void **state)
{
    (void)state;
    struct scripted *world = begun();
    ends(broken_at(world, SAMPLE, 1, docker_away_for_ever), IS_ROLLBACK_FAILED, world,
         "rollback_failed");
    assert_false(is_armed(world));
    says("DISARM was sent");
    says("NOT seen disarmed");
    world->titan.docker_down = false;
    ends(person_runs(world, RESUME), IS_ROLLED_BACK, world, "rolled_back");
    assert_true(runs_as_before(world, "web", 2));
    scripted_close(world);
}

/* The link is away from a call whose line has a word, for so long. */
struct outage {
    struct scripted *world;
    const char *word;
    int64_t length_ns, until_ns;
    bool after; /* the command was run, and its outcome is lost */
};

static enum error_code lose_link(void *context, const struct scripted_call *call,
                                 struct error *error)
{
    struct outage *outage = context;
    int64_t now_ns = outage->world->timeline.now_ns;
    if (call->kind == CALL_APPEND || call->kind == CALL_WRITE)
        return ERROR_OK;
    if (outage->until_ns == 0 && call->after == outage->after
        && strstr(call->detail, outage->word) != NULL)
        outage->until_ns = now_ns + outage->length_ns;
    return outage->until_ns > now_ns
               ? error_set(error, ERROR_UNREACHABLE, 0, "target", "", "the link is lost")
               : ERROR_OK;
}

static struct scripted *unlinked(struct outage *outage)
{
    struct scripted *world = begun();
    outage->world = world;
    world->fault = lose_link;
    world->fault_context = outage;
    return world;
}

static void link_away_during_the_switch(void **state)
{
    (void)state;
    for (int after = 0; after <= 1; after++) {
        struct outage outage = {.word = "up -d", .length_ns = 2000000000, .after = after != 0};
        struct scripted *world = unlinked(&outage);
        ends(person_runs(world, GO), IS_COMPLETED, world, "completed");
        assert_true(outage.until_ns > 0);
        says("trying again");
        is_proven(world, 0);
        scripted_close(world);
    }
}

/* Nothing can be reached: nothing is claimed either. */
static void link_away_for_good(void **state)
{
    (void)state;
    struct outage outage = {.word = "up -d", .length_ns = INT64_MAX / 2};
    struct scripted *world = unlinked(&outage);
    ends(person_runs(world, GO), IS_ROLLBACK_FAILED, world, "rollback_failed");
    says("could NOT be sent");
    says("unknown whether Execution is armed");
    world->fault = NULL;
    ends(person_runs(world, RESUME), IS_ROLLED_BACK, world, "rolled_back");
    assert_false(is_armed(world));
    scripted_close(world);
}

/* The bus is gone for good: Execution's container is removed, and the others are brought back. */
static void bus_away_for_good(void **state)
{
    (void)state;
    struct scripted *world = begun();
    ends(broken_at(world, SAMPLE, 0, bus_away_for_ever), IS_ROLLBACK_FAILED, world,
         "rollback_failed");
    assert_false(is_armed(world));
    assert_true(runs_as_before(world, "titan-execution", 0));
    assert_true(runs_as_before(world, "titan-brain", 1));
    assert_true(runs_as_before(world, "web", 2));
    says("restored: ");
    world->titan.bus_down = false;
    titan_restart(&world->titan, titan_running(&world->titan, "titan-brain"));
    ends(person_runs(world, "rollback --reason mended --confirm " PERSON_TARGET), IS_ROLLED_BACK,
         world, "rolled_back");
    scripted_close(world);
}

static void hold_lock(struct scripted *world)
{
    (void)files_put(&world->titan.files, TITAN_LOCK, 0640, "held", 4);
    titan_running(&world->titan, "web")->healthy = false;
    stop_brain(world);
}

/* Another script holds the lock: DISARM goes past it, the way back waits and says so. */
static void lock_held_for_good(void **state)
{
    (void)state;
    struct scripted *world = begun();
    ends(broken_at(world, SAMPLE, 0, hold_lock), IS_ROLLBACK_FAILED, world, "rollback_failed");
    assert_false(is_armed(world));
    says("deploy.lock");
    files_find(&world->titan.files, TITAN_LOCK)->content.size = 0;
    ends(person_runs(world, RESUME), IS_ROLLED_BACK, world, "rolled_back");
    scripted_close(world);
}

static void mend_git(struct titan *titan, void *context)
{
    (void)context;
    titan->broken = NULL;
}

static void git_away(struct scripted *world)
{
    world->titan.broken = "git checkout";
    titan_running(&world->titan, "web")->healthy = false;
    stop_brain(world);
    titan_at(&world->titan, world->timeline.now_ns + 20 * SECOND_MS * 1000000LL, mend_git, NULL);
}

/* What hinders git may pass, as a disk that was full does: the way back does not end at once. */
static void git_that_cannot_restore_is_tried_again(void **state)
{
    (void)state;
    struct scripted *world = begun();
    ends(broken_at(world, SAMPLE, 0, git_away), IS_ROLLED_BACK, world, "rolled_back");
    assert_false(is_armed(world));
    says("restore: fatal: this is broken: checkout");
    says("; trying again");
    scripted_close(world);
}

/* The journal cannot be written from its nth entry on. */
struct full {
    struct scripted *world;
    unsigned left;
    bool bus_too;
};

static enum error_code refuse_entries(void *context, const struct scripted_call *call,
                                      struct error *error)
{
    struct full *full = context;
    if (call->kind != CALL_APPEND || call->after || (full->left > 0 && full->left-- > 0))
        return ERROR_OK;
    full->world->titan.bus_down = full->bus_too;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the journal cannot be written");
}

/* What is said to have been sent was received, and what was not is not said. */
static void check_full(unsigned entries, bool bus_too, bool *ret_hot)
{
    struct scripted *world = begun();
    struct full full = {.world = world, .left = entries, .bus_too = bus_too};
    world->fault = refuse_entries;
    world->fault_context = &full;
    size_t before = disarms(world);
    int status = person_runs(world, GO);
    world->fault = NULL;
    bool said = strstr(person_said(), "DISARM was sent") != NULL,
         not_said = strstr(person_said(), "DISARM could NOT be sent") != NULL;
    *ret_hot = said || not_said;
    if (status != IS_JOURNAL_WRITE && status != IS_COMPLETED)
        fail_msg("entry %u: %d\n%s", entries, status, person_said());
    if (status == IS_JOURNAL_WRITE && said != (disarms(world) > before))
        fail_msg("entry %u: what is said of DISARM is not so\n%s", entries, person_said());
    if (*ret_hot && is_armed(world))
        fail_msg("entry %u: Execution is armed\n%s", entries, person_said());
    world->titan.bus_down = false;
    if (status == IS_JOURNAL_WRITE && *ret_hot)
        (void)person_runs(world, RESUME);
    scripted_close(world);
}

static void journal_full_at_each_entry(void **state)
{
    unsigned hot = 0;
    (void)state;
    for (unsigned entries = 0; entries < 26; entries++) {
        bool was_hot = false;
        check_full(entries, entries % 3 == 2, &was_hot);
        hot += was_hot;
    }
    assert_true(hot >= 8);
}

/* DISARM needs no compose: neither for sending, nor for the look, nor to know the project. */
static void compose_that_hangs_delays_no_disarm(void **state)
{
    (void)state;
    static const struct person_choice unnamed = {.window_ms = 30000, .unnamed = true};
    struct scripted *world = person_begins(61, &unnamed);
    world->hangs = "docker-compose ";
    int64_t began_ns = world->timeline.now_ns;
    int status = person_runs(world, "disarm --reason test");
    if (status != 0)
        fail_msg("%d\n%s", status, person_said());
    says("seen disarmed");
    assert_false(is_armed(world));
    assert_true(world->timeline.now_ns - began_ns < 3000 * INT64_C(1000000));
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(compose_that_hangs_delays_no_disarm),
                                       cmocka_unit_test(stopped_container_behind_an_endpoint),
                                       cmocka_unit_test(
                                           what_is_away_for_two_seconds_fails_a_sample),
                                       cmocka_unit_test(docker_away_for_good),
                                       cmocka_unit_test(link_away_during_the_switch),
                                       cmocka_unit_test(link_away_for_good),
                                       cmocka_unit_test(bus_away_for_good),
                                       cmocka_unit_test(lock_held_for_good),
                                       cmocka_unit_test(git_that_cannot_restore_is_tried_again),
                                       cmocka_unit_test(journal_full_at_each_entry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
