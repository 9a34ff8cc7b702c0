/* Goal: the names in the configuration are found. Policy files are in the tree, or the release
 * stops; if the configuration names no project, it is the one that compose itself finds; a commit
 * that gives the project another name stops before anything is changed. */
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

#define GO "run --rearm no --confirm " PERSON_TARGET
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500, .unnamed = true};
enum { DONE = 0, ABORTED = 11 };

static struct scripted *begins(const struct titan_release *release)
{
    struct scripted *world = person_begins(83, &choice);
    titan_publish(&world->titan, release);
    int status = person_runs(world, "begin release --reason test");
    if (status != DONE)
        fail_msg("begin: %d\n%s", status, person_said());
    return world;
}

static void expect_verdict(struct scripted *world)
{
    char *report = NULL;
    int status = verdict_of(world, &choice, &report);
    if (status != 0)
        fail_msg("%s", report);
    free(report);
}

static void name_of_the_same_project_completes(void **state)
{
    (void)state;
    struct scripted *world = begins(&(struct titan_release){.subject = "a", .project = "titan"});
    int status = person_runs(world, GO);
    if (status != DONE)
        fail_msg("%d\n%s", status, person_said());
    expect_verdict(world);
    scripted_close(world);
}

static size_t count_containers(const struct titan *titan)
{
    size_t count = 0;
    for (size_t i = 0; i < titan->container_count; i++)
        count += titan->containers[i].there && strcmp(titan->containers[i].project, "titan") == 0;
    return count;
}

static void name_of_another_project_stops_before_the_pull(void **state)
{
    (void)state;
    struct scripted *world = begins(&(struct titan_release){.subject = "a", .project = "other"});
    size_t before = count_containers(&world->titan);
    int status = person_runs(world, GO);
    if (status != ABORTED)
        fail_msg("%d\n%s", status, person_said());
    assert_non_null(strstr(person_said(), "calls the project other and not titan"));
    assert_int_equal(count_containers(&world->titan), before);
    for (size_t i = 0; i < world->titan.container_count; i++)
        assert_string_not_equal(world->titan.containers[i].project, "other");
    expect_verdict(world);
    scripted_close(world);
}

/* Begins a release that changes the policy file, with this list of policy files. */
static int release_of_a_policy(const char *policy_files)
{
    const struct person_choice with = {.window_ms = 1000,
                                       .interval_ms = 500,
                                       .policy_files = policy_files};
    struct scripted *world = person_begins(84, &with);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "a", .policy = "{\"max_position\": 2}\n"});
    int status = person_runs(world, "begin release --reason test");
    if (status == DONE)
        status = person_runs(world, GO);
    scripted_close(world);
    return status;
}

static void policy_files_are_paths_of_the_repository(void **state)
{
    (void)state;
    static const char *const names[] = {TITAN_POLICY_FILE, ("./" TITAN_POLICY_FILE), "config",
                                        "config/", ".//config"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int status = release_of_a_policy(names[i]);
        if (status != ABORTED || strstr(person_said(), "changes the policy file") == NULL)
            fail_msg("%s: %d\n%s", names[i], status, person_said());
    }
}

static void policy_files_that_match_nothing_stop_it(void **state)
{
    (void)state;
    static const char *const names[] = {"config/risk_polcy.json", (TITAN_POLICY_FILE ", conf"),
                                        "\"config/*\""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int status = release_of_a_policy(names[i]);
        if (status != ABORTED || strstr(person_said(), "no file of the tree") == NULL)
            fail_msg("%s: %d\n%s", names[i], status, person_said());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_of_the_same_project_completes),
        cmocka_unit_test(name_of_another_project_stops_before_the_pull),
        cmocka_unit_test(policy_files_are_paths_of_the_repository),
        cmocka_unit_test(policy_files_that_match_nothing_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
