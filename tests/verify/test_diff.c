/* Goal: of two copies of a journal, in whichever form, the relation is said, and where they part; a
 * damaged one is never compared. */
#include "tests/verify/check.h"
#include "tests/verify/tool.h"

#include <stdio.h>

#include "verify/report/diff.h"

static char output[16000];

static int diff(const char *first, const char *second)
{
    char command[1000];
    (void)snprintf(command, sizeof command, "%s diff %s %s", tool_program(), tool_path(first),
                   tool_path(second));
    return tool_run(command, output, sizeof output);
}

static void assert_says(const char *part)
{
    if (strstr(output, part) == NULL)
        fail_msg("'%s' is not in: %s", part, output);
}

/* Genesis, a release up to `state`. */
static void grow(struct forge *forge, const char *state)
{
    forge_init(forge);
    forge_genesis(forge);
    forge_open(forge, "release");
    forge_until(forge, state);
}

static void diff_same_journal_equal(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    grow(&forge, "connected");
    tool_bundle(&forge, "a");
    tool_lmdb(&forge, "a.lmdb");
    assert_int_equal(diff("a", "a"), DIFF_STATUS_EQUAL);
    assert_int_equal(diff("a", "a.lmdb"), DIFF_STATUS_EQUAL);
    assert_says("They are the same.");
    assert_says(forge.journal);
}

static void diff_longer_copy_extends(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    grow(&forge, "preflighted");
    tool_bundle(&forge, "short");
    forge_until(&forge, "updated");
    tool_bundle(&forge, "long");
    tool_lmdb(&forge, "long.lmdb");
    assert_int_equal(diff("short", "long"), DIFF_STATUS_EXTENDS);
    assert_says("B extends A by 4 entries:\n  2 intent by alice (session key)\n  2 transition by "
                "alice (session key)\n");
    assert_says("deployment 1: connected -> updated by done");
    assert_int_equal(diff("long.lmdb", "short"), DIFF_STATUS_EXTENDS);
    assert_says("A extends B by 4 entries:");
    forge_until(&forge, "completed");
    tool_bundle(&forge, "longest");
    assert_int_equal(diff("longest", "short"), DIFF_STATUS_EXTENDS);
    assert_says("sample by alice (session key)");
    assert_says(" more\n");
}

static void diff_two_histories_fork(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge one, other;
    grow(&one, "preflighted");
    grow(&other, "preflighted");
    size_t common = one.count;
    char line[100];
    forge_until(&one, "connected");
    (void)forge_append(&other, "note", other.deployment,
                       json_pack("{s:s}", "text", "look \033[31mhere"));
    forge_take(&other, "abort");
    tool_bundle(&one, "one");
    tool_bundle(&other, "other");
    assert_int_equal(diff("one", "other"), DIFF_STATUS_CONTRADICTION);
    (void)snprintf(line, sizeof line, "They fork at entry %zu: the %zu before it are the same.",
                   common, common);
    assert_says(line);
    assert_says("intent  alice (session key)");
    assert_says("deployment 1: connect in preflighted");
    assert_says("look \\x1b[31mhere");
    assert_null(strchr(output, '\033'));
    assert_says("Behind it A has 1 more, B 1.");
    assert_says("One key signed both");
}

static void diff_other_genesis_forks_at_zero(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge one, other;
    grow(&one, "opened");
    forge_init(&other);
    other.genesis_window_ms = 1000;
    forge_genesis(&other);
    tool_bundle(&one, "one");
    tool_bundle(&other, "other");
    assert_int_equal(diff("one", "other"), DIFF_STATUS_CONTRADICTION);
    assert_says("They fork at entry 0");
}

static void diff_other_journal_told(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge one, other;
    grow(&one, "preflighted");
    forge_init(&other);
    memset(other.journal, '7', sizeof other.journal - 1);
    forge_genesis(&other);
    tool_bundle(&one, "one");
    tool_bundle(&other, "other");
    assert_int_equal(diff("one", "other"), DIFF_STATUS_CONTRADICTION);
    assert_says("They are different journals.");
    assert_null(strstr(output, "succeeds"));
}

/* A lost journal and the one that an administrator began in its place. */
static void diff_successor_told(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge lost, longer, successor;
    char head[SHA256_HEX + 1];
    grow(&lost, "preflighted");
    grow(&longer, "connected");
    bytes_sha256_hex(longer.values[longer.count - 1].data, longer.values[longer.count - 1].size,
                     head);
    forge_init(&successor);
    memset(successor.journal, '7', sizeof successor.journal - 1);
    successor.succeeds = json_pack("{s:s, s:I, s:s}", "journal", longer.journal, "seq",
                                   (json_int_t)longer.count - 1, "hash", head);
    forge_genesis(&successor);
    tool_bundle(&lost, "lost");
    tool_bundle(&longer, "longer");
    tool_bundle(&successor, "successor");
    assert_int_equal(diff("longer", "successor"), DIFF_STATUS_CONTRADICTION);
    assert_says("B succeeds A, lost at its entry 5 or later: that entry is the one it names.");
    assert_int_equal(diff("successor", "lost"), DIFF_STATUS_CONTRADICTION);
    assert_says("A succeeds B, lost at its entry 5 or later: that entry is not in this copy.");
    forge_free(&longer);
    grow(&longer, "preflighted");
    for (unsigned i = 0; i < 2; i++)
        (void)forge_append(&longer, "note", longer.deployment,
                           json_pack("{s:s}", "text", "another end"));
    tool_bundle(&longer, "longer");
    assert_int_equal(diff("longer", "successor"), DIFF_STATUS_CONTRADICTION);
    assert_says("that entry is not the one it names.");
}

static void diff_damaged_not_compared(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    char command[600];
    grow(&forge, "connected");
    tool_bundle(&forge, "whole");
    (void)snprintf(
        command, sizeof command,
        "sed '4!b;s/\"signature\":\"A/\"signature\":\"B/;t;s/\"signature\":\"./\"signature\":\"A/' "
        "%s > %s",
        tool_path("whole"), tool_path("forged"));
    assert_int_equal(tool_run(command, output, sizeof output), 0);
    assert_int_equal(diff("whole", "forged"), VERIFY_DAMAGED);
    assert_says("/forged: it is not whole, at entry 2: its signature is wrong");
    assert_int_equal(diff("forged", "forged"), VERIFY_DAMAGED);
    tool_write("nonsense", "this is no bundle\n");
    assert_int_equal(diff("nonsense", "whole"), VERIFY_DAMAGED);
    assert_int_equal(diff("whole", "missing"), VERIFY_USAGE);
    (void)snprintf(command, sizeof command, "%s diff %s", tool_program(), tool_path("whole"));
    assert_int_equal(tool_run(command, output, sizeof output), VERIFY_USAGE);
    (void)snprintf(command, sizeof command, "%s diff %s %s --json", tool_program(),
                   tool_path("whole"), tool_path("whole"));
    assert_int_equal(tool_run(command, output, sizeof output), VERIFY_USAGE);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(diff_same_journal_equal),
        cmocka_unit_test(diff_longer_copy_extends),
        cmocka_unit_test(diff_two_histories_fork),
        cmocka_unit_test(diff_other_genesis_forks_at_zero),
        cmocka_unit_test(diff_other_journal_told),
        cmocka_unit_test(diff_damaged_not_compared),
        cmocka_unit_test(diff_successor_told),
    };
    tool_init(argc > 1 ? argv[1] : "titan-verify");
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
