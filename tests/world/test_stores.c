/* Goal: whichever way Docker keeps its images, a release whose content did not change completes,
 * and a rollback finds the image that ran, although the tag was moved, everything that no container
 * uses was pruned and the registry is gone. An abort gives the tags back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET

enum { ROLLED_BACK = 10, ABORTED = 11 };

/* A tag that was moved, a prune, a registry that is gone: each bit one of them. */
static unsigned trouble;

static void make_trouble(struct scripted *world)
{
    struct titan *titan = &world->titan;
    const char *name = titan->builds_web ? "titan_web" : "registry.test/web:latest";
    if ((trouble & 1) != 0)
        titan_name(titan, name, titan_running(titan, "titan-brain")->image, titan->builds_web);
    if ((trouble & 2) != 0)
        titan_prune(titan);
    titan->registry_down = (trouble & 4) != 0;
}

static void expect(struct scripted *world, const struct person_choice *choice, const char *go,
                   int wanted)
{
    char *report = NULL;
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    int status = person_runs(world, go);
    int verdict = verdict_of(world, choice, &report);
    if (status != wanted || verdict != 0)
        fail_msg("store %d%s%s, trouble %u: status %d, verdict %d\n%s\n%s", (int)choice->store,
                 choice->by_manifest ? " by manifest" : "", choice->builds_web ? " built" : "",
                 trouble, status, verdict, person_said(), report);
    free(report);
}

/* Behind the pull: the name means again what it meant. */
static void give_up(struct scripted *world, const struct person_choice *choice)
{
    char *report = NULL;
    const char *name = choice->builds_web ? "titan_web" : "registry.test/web:latest";
    const char *before = titan_tag(&world->titan, name)->here->id;
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    for (unsigned i = 0; strcmp(person_state(world), "pulled") != 0 && i < 8; i++)
        assert_int_equal(person_runs(world, "advance"), 0);
    assert_string_not_equal(titan_tag(&world->titan, name)->here->id, before);
    assert_int_equal(person_runs(world, "abort --reason test"), ABORTED);
    if (verdict_of(world, choice, &report) != 0
        || strcmp(titan_tag(&world->titan, name)->here->id, before) != 0)
        fail_msg("store %d: %s\n%s", (int)choice->store, person_said(), report);
    free(report);
}

/* A release that leaves web as it is, one that is rolled back, one that is given up. */
static void deploy(uint64_t seed, const struct person_choice *choice)
{
    struct moment moment = {.word = "\"to\":\"switched\"", .act = make_trouble};
    struct scripted *world = person_begins(seed, choice);
    titan_publish(&world->titan, &(struct titan_release){.subject = "same", .web_unchanged = true});
    expect(world, choice, GO, 0);
    const char *ran = titan_running(&world->titan, "web")->image->id;
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "bad", .web_faults = FAULT_UNHEALTHY});
    moment_set(world, &moment);
    expect(world, choice, GO, ROLLED_BACK);
    moment_clear(world);
    assert_true(moment.happened);
    assert_string_equal(titan_running(&world->titan, "web")->image->id, ran);
    world->titan.registry_down = false;
    titan_publish(&world->titan, &(struct titan_release){.subject = "given up"});
    give_up(world, choice);
    scripted_close(world);
}

/* Every store, either rule of compose, a pulled and a built web, and each trouble in turn. */
static void each_store(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned store = STORE_CLASSIC; store < TITAN_STORES; store++)
            for (unsigned kind = 0; kind < 4; kind++) {
                const struct person_choice choice = {.window_ms = 1000,
                                                     .interval_ms = 500,
                                                     .store = (enum titan_store)store,
                                                     .by_manifest = (kind & 1) != 0,
                                                     .builds_web = (kind & 2) != 0};
                trouble = (round + 2 * kind + store + 7) % 8;
                deploy(1000 + round, &choice);
            }
}

static void healthy_releases_complete_and_rollbacks_find_their_image(void **state)
{
    each_store(*(const unsigned *)*state);
}

/* `all`: a thousand of each in every store. */
int main(int count, char **words)
{
    unsigned rounds = count == 2 && strcmp(words[1], "all") == 0 ? 250 : 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(healthy_releases_complete_and_rollbacks_find_their_image,
                                  &rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
