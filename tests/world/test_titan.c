/* Goal: the Titan of the scripted world answers docker, compose, git and the bus as the real ones
 * do, and its services do by themselves what the field saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/scripted.h"

static int set_up(void **state)
{
    struct scripted *scripted = scripted_open(7);
    titan_install(&scripted->titan, true);
    *state = scripted;
    return 0;
}

static int tear_down(void **state)
{
    scripted_close(*state);
    return 0;
}

/* What a script prints in the target's directory; it must end with 0. */
static const char *printed(struct scripted *scripted, const char *script)
{
    static char kept[8192];
    struct arena arena = {0};
    struct grow output, errors;
    const char *line = arena_text(&arena, "cd " TITAN_DIRECTORY " && { %s\n}", script);
    int status = titan_run(&scripted->titan, &arena, line, "", 0, &output, &errors);
    if (status != 0)
        fail_msg("%s ended with %d: %s", script, status, errors.data);
    assert_true(output.size < sizeof kept);
    memcpy(kept, output.data, output.size + 1);
    arena_free(&arena);
    return kept;
}

static void wait_ms(struct scripted *scripted, int64_t ms)
{
    timeline_move(&scripted->timeline, scripted->timeline.now_ns + ms * 1000000);
}

#define UP "docker-compose -p titan -f " TITAN_COMPOSE_FILE " --env-file " TITAN_ENV_FILE " up -d "

static void install_three_services_armed(void **state)
{
    struct scripted *scripted = *state;
    const char *said = printed(scripted,
                               "for c in $(docker ps -a -q --no-trunc --filter "
                               "label=com.docker.compose.project=titan); do "
                               "docker inspect --format '{{.Name}} {{.State.Status}}' $c; "
                               "done");
    assert_string_equal(said, "/titan_web_1 running\n/titan_titan-brain_1 running\n"
                              "/titan_titan-execution_1 running\n");
    said = printed(scripted, "docker logs --timestamps --since 2026-01-01T00:00:00Z "
                             "titan_titan-execution_1 2>&1");
    assert_non_null(strstr(said, "Risk Policy Loaded. Hash: "));
    assert_non_null(strstr(said, "Execution initialized DISARMED"));
    assert_non_null(strstr(said, "EXECUTION ARMED: by hand, before"));
    said = printed(scripted, "docker logs --timestamps --since 2026-01-01T00:00:00Z --tail 1 "
                             "titan_titan-brain_1 2>&1");
    assert_non_null(strstr(said, "Policy hash handshake OK"));
}

static void up_unchanged_leaves_containers_alone(void **state)
{
    struct scripted *scripted = *state;
    const char *id = titan_running(&scripted->titan, "web")->id;
    (void)printed(scripted, UP);
    assert_ptr_equal(titan_running(&scripted->titan, "web")->id, id);
    (void)printed(scripted, UP "--no-deps --force-recreate 'web'");
    assert_ptr_not_equal(titan_running(&scripted->titan, "web")->id, id);
}

static void pull_and_up_recreates_with_new_image(void **state)
{
    struct scripted *scripted = *state;
    struct titan *titan = &scripted->titan;
    const struct titan_image *old = titan_running(titan, "web")->image;
    titan_publish(titan, &(struct titan_release){.subject = "second"});
    (void)printed(scripted,
                  "docker-compose -p titan -f " TITAN_COMPOSE_FILE " --env-file " TITAN_ENV_FILE
                  " pull 'titan-execution' 'titan-brain' 'web'");
    (void)printed(scripted, UP);
    assert_ptr_not_equal(titan_running(titan, "web")->image, old);
    assert_null(titan_image(titan, old->id)); /* nothing names it any more */
    assert_false(titan_running(titan, "titan-execution")->armed);
}

static void marker_survives_restart_and_not_recreation(void **state)
{
    struct scripted *scripted = *state;
    struct titan *titan = &scripted->titan;
    titan_restart(titan, titan_running(titan, "titan-execution"));
    wait_ms(scripted, 1000);
    assert_true(titan_running(titan, "titan-execution")->armed);
    (void)printed(scripted, UP "--force-recreate 'titan-execution'");
    wait_ms(scripted, 1000);
    assert_false(titan_running(titan, "titan-execution")->armed);
}

static void git_fast_forward_and_back(void **state)
{
    struct scripted *scripted = *state;
    char before[42], after[42];
    (void)strcpy(before, printed(scripted, "git rev-parse HEAD"));
    titan_publish(&scripted->titan, &(struct titan_release){.subject = "second", .policy = "p2"});
    (void)printed(scripted, "git fetch -q origin '+refs/heads/main:refs/remotes/origin/main' && "
                            "git merge -q --ff-only \"$(git rev-parse refs/remotes/origin/main)\"");
    (void)strcpy(after, printed(scripted, "git rev-parse HEAD"));
    assert_string_not_equal(before, after);
    assert_string_equal(printed(scripted, "cat " TITAN_POLICY_FILE), "p2");
    assert_string_equal(printed(scripted, "git status --porcelain --untracked-files=no"), "");
    struct arena arena = {0};
    assert_string_equal(printed(scripted, arena_text(&arena,
                                                     "git diff --name-only --no-renames %.40s "
                                                     "%.40s --",
                                                     before, after)),
                        "VERSION\n" TITAN_POLICY_FILE "\n");
    (void)printed(scripted, arena_text(&arena, "git checkout -q -B main %.40s", before));
    assert_string_equal(printed(scripted, "git rev-parse HEAD"), before);
    (void)printed(scripted, "echo x > " TITAN_POLICY_FILE);
    assert_string_equal(printed(scripted, "git status --porcelain --untracked-files=no"),
                        " M " TITAN_POLICY_FILE "\n");
    arena_free(&arena);
}

static void brain_before_execution_loses_handshake(void **state)
{
    struct scripted *scripted = *state;
    struct titan *titan = &scripted->titan;
    titan_restart(titan, titan_running(titan, "titan-brain"));
    titan_running(titan, "titan-execution")->answers = false;
    wait_ms(scripted, 8000);
    const char *said = printed(scripted, "docker logs --timestamps --since 2026-01-01T00:00:00Z "
                                         "--tail 1 titan_titan-brain_1 2>&1");
    assert_non_null(strstr(said, "CRITICAL: Policy hash handshake FAILED"));
}

static void same_seed_gives_same_bytes(void **state)
{
    struct scripted *scripted = *state, *again = scripted_open(7);
    char first[8192];
    uint8_t one[32], two[32];
    titan_install(&again->titan, true);
    static const char script[] = "docker inspect --format '{{json .}}' titan_titan-brain_1";
    (void)strcpy(first, printed(scripted, script));
    assert_string_equal(first, printed(again, script));
    scripted->world.random->fill(scripted->world.random->context, one, sizeof one);
    again->world.random->fill(again->world.random->context, two, sizeof two);
    assert_memory_equal(one, two, sizeof one);
    scripted_close(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(install_three_services_armed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(up_unchanged_leaves_containers_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pull_and_up_recreates_with_new_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(marker_survives_restart_and_not_recreation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(git_fast_forward_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(brain_before_execution_loses_handshake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(same_seed_gives_same_bytes, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
