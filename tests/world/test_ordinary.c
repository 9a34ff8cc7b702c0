/* Goal: an ordinary stack has more than long-running services, and it is released and rolled back
 * too: a migration that ends, a service of several containers, one with 0 replicas, one of a
 * profile that is not active. */
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
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
enum { COMPLETED = 0, ROLLED_BACK = 10, ABORTED = 11 };

static const char MIGRATES[] = "    depends_on:\n"
                               "      migrate:\n"
                               "        condition: service_completed_successfully\n"
                               "  migrate:\n"
                               "    image: registry.test/migrate:latest\n";
static const char ENDS[] = "  migrate:\n"
                           "    image: registry.test/migrate:latest\n"
                           "    restart: \"no\"\n";
static const char TWICE[] = "    deploy:\n"
                            "      replicas: 2\n";
static const char PROFILE[] = "  debug:\n"
                              "    image: registry.test/debug:latest\n"
                              "    profiles: [\"debug\"]\n";

static struct scripted *extended_for(const struct person_choice *how, const char *more)
{
    struct scripted *world = person_begins(91, how);
    (void)titan_build(&world->titan, "registry.test/migrate", "", 0);
    (void)titan_build(&world->titan, "registry.test/debug", "", 0);
    titan_extend(&world->titan, more);
    return world;
}

static struct scripted *extended(const char *more)
{
    return extended_for(&choice, more);
}

static void expect_verdict(struct scripted *world, const char *words)
{
    char *report = NULL;
    if (verdict_of(world, &choice, &report) != 0 || strstr(report, words) == NULL)
        fail_msg("%s\n%s", report, person_said());
    free(report);
}

static void ends_with(struct scripted *world, int wanted)
{
    if (person_runs(world, "begin release --reason test") != 0)
        fail_msg("%s", person_said());
    int status = person_runs(world, GO);
    if (status != wanted)
        fail_msg("%d in %s\n%s", status, person_state(world), person_said());
}

static size_t starts_of(const struct titan *titan, const char *service)
{
    size_t count = 0;
    for (size_t i = 0; i < titan->seen.start_count; i++)
        count += strcmp(titan->seen.starts[i], service) == 0;
    return count;
}

static size_t running_of(const struct titan *titan, const char *service)
{
    size_t count = 0;
    for (size_t i = 0; i < titan->container_count; i++)
        count += titan->containers[i].there && titan->containers[i].running
                 && strcmp(titan->containers[i].service, service) == 0;
    return count;
}

static const char *const migrations[] = {MIGRATES, ENDS};
#define MIGRATION_ORDER "[migrate, titan-execution, titan-brain]"
enum { MIGRATIONS = 2, MIGRATION_WAYS = 2 * MIGRATIONS };

/* Each way to declare the migration: `order` does not name it, or it does. */
static struct scripted *migrating(size_t way)
{
    struct person_choice how = choice;
    how.order = way < MIGRATIONS ? NULL : MIGRATION_ORDER;
    return extended_for(&how, migrations[way % MIGRATIONS]);
}

static void publish(struct scripted *world, unsigned migrate_faults, unsigned web_faults)
{
    titan_publish(&world->titan, &(struct titan_release){.subject = "a", .web_faults = web_faults});
    (void)titan_build(&world->titan, "registry.test/migrate", "", migrate_faults);
}

/* Also when `order` names it: the `up` of all services does not start it again. */
static void migration_runs_once_and_is_good(void **state)
{
    (void)state;
    for (size_t way = 0; way < MIGRATION_WAYS; way++) {
        struct scripted *world = migrating(way);
        size_t before = starts_of(&world->titan, "migrate");
        publish(world, 0, 0);
        ends_with(world, COMPLETED);
        assert_non_null(strstr(person_said(), "a rollback does not undo what these do: migrate"));
        assert_int_equal(starts_of(&world->titan, "migrate"), before + 1);
        expect_verdict(world, "");
        scripted_close(world);
    }
}

/* The old images run again, the migration does not, and the claim says that it is partial. */
static void migration_does_not_run_again_on_the_way_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIGRATIONS; i++) {
        struct scripted *world = extended(migrations[i]);
        size_t before = starts_of(&world->titan, "migrate");
        publish(world, 0, FAULT_UNHEALTHY);
        ends_with(world, ROLLED_BACK);
        assert_int_equal(starts_of(&world->titan, "migrate"), before + 1);
        expect_verdict(world, "it is partial: what these did is not undone: migrate");
        scripted_close(world);
    }
}

static void migration_that_fails_rolls_back(void **state)
{
    (void)state;
    for (size_t way = 0; way < MIGRATION_WAYS; way++) {
        struct scripted *world = migrating(way);
        size_t before = starts_of(&world->titan, "migrate");
        publish(world, FAULT_EXITS, 0);
        ends_with(world, ROLLED_BACK);
        assert_true(starts_of(&world->titan, "migrate") <= before + 2);
        expect_verdict(world, "it is partial");
        scripted_close(world);
    }
}

static void die_after_the_migration(struct titan *titan, void *context)
{
    (void)titan;
    ((struct scripted *)context)->dead = true;
}

/* The resumed driver looks at what was done, and does not do it again. */
static void migration_does_not_run_again_after_an_interruption(void **state)
{
    struct person_choice how = choice;
    (void)state;
    how.order = MIGRATION_ORDER;
    struct scripted *world = extended_for(&how, MIGRATES);
    size_t before = starts_of(&world->titan, "migrate");
    publish(world, 0, 0);
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    while (strcmp(person_state(world), "guarded") != 0)
        assert_int_equal(person_runs(world, "advance --rearm yes --confirm " PERSON_TARGET), 0);
    titan_at(&world->titan, world->timeline.now_ns + 4000000000, die_after_the_migration, world);
    (void)person_runs(world, GO);
    assert_true(world->dead);
    assert_int_equal(starts_of(&world->titan, "migrate"), before + 1);
    world->dead = false;
    timeline_move(&world->timeline, world->timeline.now_ns + 60000000000);
    if (person_runs(world, "resume --rearm yes --confirm " PERSON_TARGET) != COMPLETED)
        fail_msg("%s", person_said());
    assert_int_equal(starts_of(&world->titan, "migrate"), before + 1);
    expect_verdict(world, "");
    scripted_close(world);
}

static void migration_runs_once_in_a_policy_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIGRATIONS; i++) {
        struct scripted *world = extended(migrations[i]);
        size_t before = starts_of(&world->titan, "migrate");
        titan_publish(&world->titan,
                      &(struct titan_release){.subject = "a", .policy = "{\"max_position\": 2}\n"});
        (void)titan_build(&world->titan, "registry.test/migrate", "", 0);
        if (person_runs(world, "begin policy --reason test") != 0
            || person_runs(world, GO) != COMPLETED)
            fail_msg("%s", person_said());
        assert_int_equal(starts_of(&world->titan, "migrate"), before + 1);
        expect_verdict(world, "");
        scripted_close(world);
    }
}

static void both_replicas_run_after(unsigned web_faults, int wanted)
{
    struct scripted *world = extended(TWICE);
    publish(world, 0, web_faults);
    ends_with(world, wanted);
    assert_int_equal(running_of(&world->titan, "web"), 2);
    expect_verdict(world, "");
    scripted_close(world);
}

/* The origin's newest commit, with two containers of `service`. */
static void declare_twice(struct titan *titan, const char *service)
{
    char text[8192], wanted[80];
    const struct titan_commit *origin = titan->origin;
    const char *old = NULL;
    for (size_t i = 0; i < origin->tracked_count; i++)
        if (strcmp(origin->tracked[i].name, TITAN_COMPOSE_FILE) == 0)
            old = origin->tracked[i].text;
    (void)snprintf(wanted, sizeof wanted, "  %s:\n", service);
    assert_non_null(old);
    const char *at = strstr(old, wanted);
    assert_non_null(at);
    at += strlen(wanted);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - old), old, TWICE, at);
    titan_publish(titan, &(struct titan_release){.subject = "twice"});
    titan_track(titan, &titan->commits[titan->commit_count - 1], TITAN_COMPOSE_FILE, text);
}

/* Who trades has one container: it is said before anything is touched. */
static void replicas_of_who_trades_are_refused(void **state)
{
    static const char *const services[] = {"titan-execution", "titan-brain"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scripted *world = person_begins(91, &choice);
        declare_twice(&world->titan, services[i]);
        ends_with(world, ABORTED);
        assert_non_null(strstr(person_said(), "declares 2 containers of"));
        assert_int_equal(running_of(&world->titan, services[i]), 1);
        expect_verdict(world, "");
        scripted_close(world);
    }
}

static void all_replicas_are_the_service(void **state)
{
    (void)state;
    both_replicas_run_after(0, COMPLETED);
}

static void all_replicas_are_restored(void **state)
{
    (void)state;
    both_replicas_run_after(FAULT_UNHEALTHY, ROLLED_BACK);
}

static void more_containers_than_services_fit(void **state)
{
    (void)state;
    struct scripted *world = extended("    deploy:\n      replicas: 36\n");
    publish(world, 0, FAULT_UNHEALTHY);
    ends_with(world, ROLLED_BACK);
    assert_int_equal(running_of(&world->titan, "web"), 36);
    expect_verdict(world, "");
    scripted_close(world);
}

/* Compose takes names that Docker does not take for a repository. */
static void service_of_any_name_is_restored(void **state)
{
    static const char *const names[] = {"Web", "UI-", "_a", "a__b", "a...b", "x.Y_z-2", "0"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char more[200];
        (void)snprintf(more, sizeof more, "  %s:\n    image: registry.test/debug:latest\n",
                       names[i]);
        struct scripted *world = extended(more);
        publish(world, 0, FAULT_UNHEALTHY);
        (void)titan_build(&world->titan, "registry.test/debug", "", 0);
        ends_with(world, ROLLED_BACK);
        assert_int_equal(running_of(&world->titan, names[i]), 1);
        expect_verdict(world, "");
        scripted_close(world);
    }
}

/* `--scale` by hand: the release brings as many as are declared, the rollback as many as ran. */
static void service_that_was_scaled_by_hand_is_restored(void **state)
{
    static const char up[] = "cd " TITAN_DIRECTORY
                             " && docker-compose -p titan -f " TITAN_COMPOSE_FILE
                             " --env-file " TITAN_ENV_FILE " up -d --scale web=3 web";
    struct arena arena = {0};
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct scripted *world = extended("");
        struct grow output = {.arena = &arena}, errors = {.arena = &arena};
        assert_int_equal(titan_run(&world->titan, &arena, up, "", 0, &output, &errors), 0);
        timeline_move(&world->timeline, world->timeline.now_ns + 20000000000);
        publish(world, 0, fails ? FAULT_UNHEALTHY : 0);
        ends_with(world, fails ? ROLLED_BACK : COMPLETED);
        assert_int_equal(running_of(&world->titan, "web"), fails ? 3 : 1);
        expect_verdict(world, "");
        scripted_close(world);
    }
    arena_free(&arena);
}

static void service_without_replicas_has_none(void **state)
{
    (void)state;
    struct scripted *world = extended("    deploy:\n      replicas: 2\n"
                                      "  migrate:\n"
                                      "    image: registry.test/migrate:latest\n"
                                      "    deploy:\n      replicas: 0\n");
    publish(world, 0, 0);
    ends_with(world, COMPLETED);
    assert_int_equal(running_of(&world->titan, "migrate"), 0);
    expect_verdict(world, "");
    scripted_close(world);
}

static void end_one(struct scripted *world)
{
    titan_running(&world->titan, "web")->running = false;
}

/* In the window a service is all of its containers. */
static void replica_that_is_gone_fails_the_window(void **state)
{
    (void)state;
    struct scripted *world = extended(TWICE);
    struct moment moment = {.word = "\"to\":\"verified\"", .act = end_one};
    publish(world, 0, 0);
    moment_set(world, &moment);
    ends_with(world, ROLLED_BACK);
    moment_clear(world);
    assert_true(moment.happened);
    assert_int_equal(running_of(&world->titan, "web"), 2);
    expect_verdict(world, "");
    scripted_close(world);
}

static size_t count_of(const char *text, const char *words)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static void restart_debug(struct scripted *world)
{
    titan_restart(&world->titan, titan_running(&world->titan, "debug"));
}

/* It is not ours: not pulled, not started, not removed and not judged, even when it changes during
 * the window. */
static void service_of_an_inactive_profile_is_left_alone(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct scripted *world = extended(PROFILE);
        const struct titan_image *image =
            titan_tag(&world->titan, "registry.test/debug:latest")->there;
        struct titan_container *debug = titan_create(&world->titan, "titan", "debug",
                                                     "titan_debug_1", image, "x");
        struct moment moment = {.word = "\"n\":2,", .act = restart_debug};
        titan_start(&world->titan, debug);
        publish(world, 0, fails ? FAULT_UNHEALTHY : 0);
        moment_set(world, &moment);
        ends_with(world, fails ? ROLLED_BACK : COMPLETED);
        moment_clear(world);
        assert_int_equal(count_of(person_said(), "debug runs, of a profile"), 1);
        assert_true(debug->there && debug->running);
        assert_int_equal(debug->restarts, !fails);
        expect_verdict(world, "");
        scripted_close(world);
    }
}

/* The second file has one service more, and one that the first has with another image. */
static void services_of_several_files_are_one_stack(void **state)
{
    static const struct person_choice several = {.window_ms = 1000,
                                                 .interval_ms = 500,
                                                 .files = "[docker-compose.prod.yml, state/a.yml]"};
    static const char more[] = "services:\n"
                               "  debug:\n"
                               "    image: registry.test/debug:latest\n";
    (void)state;
    for (unsigned bad = 0; bad < 2; bad++) {
        struct scripted *world = person_begins(91, &several);
        (void)titan_build(&world->titan, "registry.test/debug", "", 0);
        (void)files_put(&world->titan.files, TITAN_DIRECTORY "/state/a.yml", 0644, more,
                        strlen(more));
        titan_publish(&world->titan,
                      &(struct titan_release){.subject = "a",
                                              .web_faults = bad > 0 ? FAULT_UNHEALTHY : 0});
        ends_with(world, bad > 0 ? ROLLED_BACK : COMPLETED);
        assert_int_equal(starts_of(&world->titan, "debug") > 0, true);
        assert_int_equal(running_of(&world->titan, "debug"), bad > 0 ? 0 : 1);
        char *report = NULL;
        if (verdict_of(world, &several, &report) != 0)
            fail_msg("%s\n%s", report, person_said());
        free(report);
        scripted_close(world);
    }
}

/* An error is asked about again while the service may still start, and shown where it stays. */
static void responder_that_loads_is_asked_again(void **state)
{
    static const struct {
        const char *begin, *policy;
        unsigned faults;
        int status;
    } rows[] = {
        {"begin release --reason test", NULL, 0, COMPLETED},
        {"begin policy --reason test", "p2", 0, COMPLETED},
        {"begin release --reason test", NULL, FAULT_ODD_REPLY, ROLLED_BACK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scripted *world = person_begins(91, &choice);
        titan_publish(&world->titan, &(struct titan_release){.subject = "a",
                                                             .policy = rows[i].policy,
                                                             .execution_faults = rows[i].faults});
        world->titan.loading_ms = 5000;
        timeline_move(&world->timeline, world->timeline.now_ns + INT64_C(6000000000));
        if (person_runs(world, rows[i].begin) != 0)
            fail_msg("%s", person_said());
        int status = person_runs(world, GO);
        if (status != rows[i].status)
            fail_msg("row %zu: %d in %s\n%s", i, status, person_state(world), person_said());
        if (rows[i].faults != 0)
            assert_non_null(strstr(person_said(), "names no policy hash: \"{\"stream\""));
        expect_verdict(world, "");
        scripted_close(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migration_runs_once_and_is_good),
        cmocka_unit_test(migration_does_not_run_again_on_the_way_back),
        cmocka_unit_test(migration_that_fails_rolls_back),
        cmocka_unit_test(migration_does_not_run_again_after_an_interruption),
        cmocka_unit_test(migration_runs_once_in_a_policy_change),
        cmocka_unit_test(all_replicas_are_the_service),
        cmocka_unit_test(replicas_of_who_trades_are_refused),
        cmocka_unit_test(all_replicas_are_restored),
        cmocka_unit_test(service_of_any_name_is_restored),
        cmocka_unit_test(more_containers_than_services_fit),
        cmocka_unit_test(service_that_was_scaled_by_hand_is_restored),
        cmocka_unit_test(service_without_replicas_has_none),
        cmocka_unit_test(replica_that_is_gone_fails_the_window),
        cmocka_unit_test(service_of_an_inactive_profile_is_left_alone),
        cmocka_unit_test(services_of_several_files_are_one_stack),
        cmocka_unit_test(responder_that_loads_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
