/* Goal: the way back to a commit depends on nothing but git itself: not on hooks, not on a lock
 * that a killed git left behind, not on a filter. A real git in a real repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actions/git.h"
#include "tests/actions/local_target.h"

static const char JOURNAL[] = "00112233445566778899aabbccddeeff";
static struct local_target local;
static char before[41];

static void shell(const char *script)
{
    assert_int_equal(local_target_shell(&local, script), 0);
}

/* Two commits on main; the tree is at the second one. */
static int set_up(void **state)
{
    (void)state;
    if (local_target_open(&local) != 0)
        return -1;
    shell("git init -q -b main . && git config user.name t && git config user.email t@t && "
          "echo one > file && git add file && git commit -qm one && git rev-parse HEAD > state/one "
          "&& echo two > file && git commit -qam two && "
          "printf '{\"journal\":\"00112233445566778899aabbccddeeff\",\"deployment\":3,\"epoch\":2,'"
          " > state/deployment.json");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/state/one", local.directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(before, 1, 40, file), 40);
    return fclose(file);
}

static int tear_down(void **state)
{
    (void)state;
    local_target_close(&local);
    return 0;
}

/* Its status, and whether its output has `words`. */
static int restore(const char *words)
{
    struct target_tenancy tenancy = {.journal = JOURNAL, .deployment = 3, .epoch = 2};
    struct evidence evidence = {.count = 0};
    struct error error;
    int status = -1;
    assert_int_equal(git_restore(local.target, &tenancy, before, "main", &evidence, &status,
                                 &error),
                     ERROR_OK);
    const struct evidence_item *item = evidence_last(&evidence, "act", "restore");
    if (strstr(item->output.size > 0 ? (const char *)item->output.data : "", words) == NULL)
        fail_msg("%s", (const char *)item->output.data);
    evidence_clear(&evidence);
    return status;
}

static void restore_runs_no_hook(void **state)
{
    (void)state;
    shell(
        "mkdir -p .git/hooks; for h in post-checkout reference-transaction post-index-change; do "
        "printf '#!/bin/sh\\ntouch ran; exit 1\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done; "
        "git config core.fsmonitor 'touch ran; false; #'");
    assert_int_equal(restore(""), 0);
    shell("[ ! -e ran ] && [ \"$(cat file)\" = one ] && git config --unset core.fsmonitor && "
          "[ \"$(git symbolic-ref --short HEAD)\" = main ]");
}

static void restore_stale_locks_are_removed(void **state)
{
    (void)state;
    shell("for l in index.lock HEAD.lock refs/heads/main.lock; do : > .git/$l; "
          "touch -d '1 hour ago' .git/$l; done");
    assert_int_equal(restore("removed the stale .git/index.lock"), 0);
    shell("[ \"$(cat file)\" = one ] && [ ! -e .git/index.lock ] && [ ! -e .git/HEAD.lock ]");
}

static void restore_lock_that_is_held_stays_and_is_named(void **state)
{
    (void)state;
    shell(": > .git/index.lock; touch -d '1 hour ago' .git/index.lock; "
          "sleep 40 < .git/index.lock & echo $! > state/pid");
    assert_int_not_equal(restore("is held by pid"), 0);
    shell("[ \"$(cat file)\" = two ] && [ -e .git/index.lock ]; kill $(cat state/pid)");
}

static void restore_required_filter_that_cannot_run_is_left_out(void **state)
{
    (void)state;
    shell("echo '*.big filter=lfs' > .gitattributes; echo pointer > a.big; git add -A; "
          "git commit -qm three; git rev-parse HEAD > state/three; echo later > a.big; "
          "git commit -qam four; for k in smudge process; do "
          "git config filter.lfs.$k 'no-such-program-at-all'; done; "
          "git config filter.lfs.required true");
    char path[128], kept[41];
    memcpy(kept, before, sizeof kept);
    (void)snprintf(path, sizeof path, "%s/state/three", local.directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(before, 1, 40, file), 40);
    (void)fclose(file);
    assert_int_equal(restore("a filter of git does not work"), 0);
    memcpy(before, kept, sizeof kept);
    shell("[ \"$(cat a.big)\" = pointer ]");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(restore_runs_no_hook),
        CASE(restore_stale_locks_are_removed),
        CASE(restore_lock_that_is_held_stays_and_is_named),
        CASE(restore_required_filter_that_cannot_run_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
