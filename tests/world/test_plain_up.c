/* Goal: after a rollback a plain `docker compose up -d` changes nothing: the restored containers
 * have their declared names and configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/verdict.h"

static const char UP[] = "cd " TITAN_DIRECTORY " && docker-compose -p titan -f " TITAN_COMPOSE_FILE
                         " --env-file " TITAN_ENV_FILE " up -d";
static const char *const services[] = {"titan-execution", "titan-brain", "web"};
enum { SERVICES = 3 };

static struct scripted *roll_back(uint64_t seed, const struct person_choice *choice)
{
    struct scripted *world = person_begins(seed, choice);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "bad", .web_faults = FAULT_UNHEALTHY});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    int status = person_runs(world, "run --rearm yes --confirm " PERSON_TARGET);
    if (status != 10)
        fail_msg("%d\n%s", status, person_said());
    return world;
}

static void run_plain(struct scripted *world)
{
    struct arena arena = {0};
    struct grow output = {.arena = &arena}, errors = {.arena = &arena};
    assert_int_equal(titan_run(&world->titan, &arena, UP, "", 0, &output, &errors), 0);
    arena_free(&arena);
}

static void plain_up_after_a_rollback_changes_nothing(void **state)
{
    (void)state;
    const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
    const struct titan_container *before[SERVICES];
    struct scripted *world = roll_back(71, &choice);
    char *report = NULL;
    assert_non_null(strstr(person_said(), "a plain `docker compose up -d` brings up the same"));
    assert_int_equal(verdict_of(world, &choice, &report), 0);
    assert_non_null(strstr(report, "a plain up brings up the same images"));
    free(report);
    for (size_t i = 0; i < SERVICES; i++)
        before[i] = titan_running(&world->titan, services[i]);
    run_plain(world);
    for (size_t i = 0; i < SERVICES; i++)
        assert_ptr_equal(titan_running(&world->titan, services[i]), before[i]);
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_up_after_a_rollback_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
