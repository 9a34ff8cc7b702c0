/* Time, rollback and restoration: what comes late, has a gap, or restores something else is
 * refuted; what cannot be known is undecidable. */
#include "tests/verify/check.h"

#include <stdio.h>

static struct {
    const char *what;
    void (*how)(struct forge *forge, json_t *evidence);
} plan;

static void tamper(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    (void)n;
    if (plan.what != NULL && strcmp(what, plan.what) == 0)
        plan.how(forge, evidence);
}

/* To the state in which the window begins. */
static void begin(struct forge *forge, const char *procedure)
{
    forge_init(forge);
    forge_genesis(forge);
    forge_open(forge, procedure);
    forge_until(forge, strcmp(procedure, "policy") == 0 ? "armed" : "verified");
}

static void finish(struct forge *forge, uint64_t intent)
{
    forge_transition(forge, (int64_t)intent, "done", "observed", NULL);
    forge_until(forge, "completed");
}

static void window_missing_sample_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    uint64_t intent = forge_intent(&forge, "observe_window", -1, false);
    for (unsigned n = 1; n <= 62; n++)
        if (n != 30)
            forge_sample(&forge, n);
    finish(&forge, intent);
    check_violated(&forge, CLAIM_WINDOW, "sample 30 of the window is missing");
}

static void window_with_gap_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    uint64_t intent = forge_intent(&forge, "observe_window", -1, false);
    for (unsigned n = 1; n <= 61; n++) {
        forge_sample(&forge, n);
        forge_wait(&forge, n == 30 ? 5100 : 0);
    }
    finish(&forge, intent);
    check_violated(&forge, CLAIM_WINDOW, "W-04");
}

static void window_too_short_or_empty_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, empty;
    forge_init(&forge);
    forge.samples = 60;
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_WINDOW, "W-06");
    forge_init(&empty);
    empty.samples = 0;
    forge_whole(&empty, "release");
    check_violated(&empty, CLAIM_WINDOW, "without a single sample");
}

static void window_looser_limits_in_genesis_ignored(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    struct limits limits;
    forge_init(&forge);
    forge.genesis_window_ms = 10000;
    forge.samples = 4;
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_WINDOW, "W-06");
    limits_default(&limits);
    limits.window_ms = 15000;
    assert_int_equal(forge_judge(&forge, &limits, CLAIM_WINDOW).verdict, VERDICT_PROVEN);
}

static void window_late_start_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge release, policy;
    begin(&release, "release");
    forge_wait(&release, 121000);
    forge_until(&release, "completed");
    check_violated(&release, CLAIM_WINDOW, "after the last switching command returned");
    begin(&policy, "policy");
    forge_wait(&policy, 11000);
    forge_until(&policy, "completed");
    check_violated(&policy, CLAIM_WINDOW, "after ARM was observed");
}

static void reboot(struct forge *forge)
{
    memcpy(forge->boot, "33333333-2222-3333-4444-555555555555", 37);
    forge->now_ns = 5000000000;
}

static void window_across_reboot_undecidable(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    uint64_t intent = forge_intent(&forge, "observe_window", -1, false);
    for (unsigned n = 1; n <= 61; n++) {
        forge_sample(&forge, n);
        if (n == 30) {
            reboot(&forge);
            forge_reconcile(&forge, "partial", "continue", NULL);
        }
    }
    finish(&forge, intent);
    check_claim(&forge, CLAIM_WINDOW, VERDICT_UNDECIDABLE, "rebooted");
    check_claim(&forge, CLAIM_PROCEDURE, VERDICT_PROVEN, "");
}

static void fail_and_roll_back(struct forge *forge, const char *procedure, const char *event,
                               int64_t wait_ms)
{
    begin(forge, procedure);
    forge->tamper = tamper;
    forge->sick_from = strcmp(event, "unhealthy") == 0 ? 5 : 0;
    forge_take(forge, event);
    forge_wait(forge, wait_ms);
    forge_rollback(forge);
}

static void rollback_begun_late_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, ignored;
    plan.what = NULL;
    fail_and_roll_back(&forge, "release", "unhealthy", 11000);
    check_violated(&forge, CLAIM_WINDOW, "after the failure could be seen");
    begin(&ignored, "release"); /* the window had failed, and the driver went on sampling */
    ignored.sick_from = 5;
    uint64_t intent = forge_intent(&ignored, "observe_window", -1, false);
    for (unsigned n = 1; n <= 12; n++)
        forge_sample(&ignored, n);
    forge_transition(&ignored, (int64_t)intent, "unhealthy", "rolling_back", NULL);
    forge_rollback(&ignored);
    check_violated(&ignored, CLAIM_WINDOW, "W-12");
    check_violated(&ignored, CLAIM_WINDOW, "W-15");
}

static void slow(struct forge *forge, json_t *evidence)
{
    (void)evidence;
    forge_wait(forge, 301000);
}

static void rollback_too_long_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    plan.what = "redeploy";
    plan.how = slow;
    fail_and_roll_back(&forge, "policy", "failed", 0);
    check_violated(&forge, CLAIM_WINDOW, "the rollback took");
}

static void rollback_accepted_as_failed_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge_take(&forge, "failed");
    forge_until(&forge, "safe");
    forge_take(&forge, "failed");
    (void)forge_append(&forge, "attestation", forge.deployment,
                       json_pack("{s:s, s:s, s:s, s:s}", "item", "rollback_failed", "answer",
                                 "accepted", "reason", "", "operator", "alice"));
    check_violated(&forge, CLAIM_WINDOW, "the rollback failed");
    check_violated(&forge, CLAIM_RESTORATION, "the rollback failed");
    check_claim(&forge, CLAIM_PROCEDURE, VERDICT_PROVEN, "accepted failure");
}

static void replace_in(struct forge *forge, json_t *evidence, const char *probe, const char *from,
                       const char *to)
{
    char text[4000], hex[65];
    json_t *item = forge_find(evidence, probe, NULL);
    assert_non_null(item);
    for (size_t i = 0; i < forge->blob_count; i++) {
        bytes_hex(forge->blobs[i].hash, 32, hex);
        if (strcmp(hex, json_string_value(json_object_get(item, "output"))) != 0)
            continue;
        const char *data = (const char *)forge->blobs[i].data.data, *found = strstr(data, from);
        assert_non_null(found);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(found - data), data, to,
                       found + strlen(from));
        forge_replace(forge, item, text);
        return;
    }
    fail_msg("no blob");
}

static void wrong_image(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "compose.containers", forge->image_before, forge->image_after);
}
static void wrong_commit(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "git.head", forge->commit_before, forge->commit_after);
}
static void wrong_config(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "config.hmac", "1111", "2222");
}
static void wrong_env(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "env.hmac", "eeee", "ffff");
}
static void detached(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "git.branch", NULL), "detached\n");
}
static void service_gone(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "compose.containers", "titan-brain", "titan-other");
}
static void not_running(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "compose.containers", "\"running\"", "\"exited\"");
}
static void hash_of_the_new(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "bus.policy_hash", "aaaa", "bbbb");
}

static void came_back_armed(struct forge *forge, json_t *evidence)
{
    char text[300], time[40];
    (void)snprintf(text, sizeof text,
                   "%s Execution initialized DISARMED\n%s EXECUTION ARMED: by itself\n",
                   forge_time(forge, time), time);
    forge_replace(forge, forge_find(evidence, "logs.execution", NULL), text);
    forge_replace(forge, forge_find(evidence, "interlock.marker", NULL), "present\n");
}

static void restored(const char *what, void (*how)(struct forge *, json_t *), enum claim claim,
                     const char *part)
{
    CLEANUP_FORGE struct forge forge;
    plan.what = what;
    plan.how = how;
    fail_and_roll_back(&forge, "policy", "failed", 0);
    check_violated(&forge, claim, part);
}

static void restoration_of_something_else_violated(void **state)
{
    (void)state;
    restored("verify_restored", wrong_image, CLAIM_RESTORATION, "R-02");
    restored("verify_restored", wrong_commit, CLAIM_RESTORATION, "`git.head` is 2222");
    restored("verify_restored", wrong_config, CLAIM_RESTORATION, "`config.hmac`");
    restored("verify_restored", wrong_env, CLAIM_RESTORATION, "`env.hmac`");
    restored("revert", detached, CLAIM_RESTORATION, "`git.branch` is detached");
    restored("verify_restored", service_gone, CLAIM_RESTORATION, "R-02");
    restored("verify_restored", not_running, CLAIM_RESTORATION, "R-02");
    restored("verify_restored", hash_of_the_new, CLAIM_PARITY, "H-14");
    restored("verify_restored", came_back_armed, CLAIM_INTERLOCK, "must stay disarmed");
}

static struct forge_container kept;

static void restarted_only(struct forge *forge, json_t *evidence)
{
    replace_in(forge, evidence, "compose.containers", forge->execution.id, kept.id);
}

static void execution_restarted_and_not_recreated_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    kept = forge.execution;
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "execution_deployed");
    plan.what = "verify_restored";
    plan.how = restarted_only;
    forge.tamper = tamper;
    forge_take(&forge, "failed");
    forge_rollback(&forge);
    check_violated(&forge, CLAIM_RESTORATION, "restarted and not re-created");
}

static void no_disarm(struct forge *forge, json_t *evidence)
{
    (void)forge;
    forge_drop(evidence, "logs.execution", NULL);
}

static void take_away(struct forge *forge, json_t *evidence)
{
    forge_item(forge, evidence, "act", "remove titan-execution", 0, "");
    forge->execution.id[0] = '\0';
    forge_look(forge, evidence);
}

static void removed(struct forge *forge, json_t *evidence)
{
    (void)json_array_clear(evidence);
    forge_look(forge, evidence);
    take_away(forge, evidence);
}

/* DISARM was tried and not heard: the container goes. */
static void deaf_and_removed(struct forge *forge, json_t *evidence)
{
    char *log = (char *)forge->execution.log.data, *heard = strstr(log, forge->key);
    while (heard > log && heard[-1] != '\n')
        heard--;
    *heard = '\0';
    forge_replace(forge, forge_find(evidence, "logs.execution", NULL), log);
    take_away(forge, evidence);
}

static void rollback_without_safety_violated_by_removal_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge unsafe, safe, deaf;
    plan.what = "make_safe";
    plan.how = no_disarm;
    fail_and_roll_back(&unsafe, "policy", "failed", 0);
    check_violated(&unsafe, CLAIM_INTERLOCK, "make_safe says that Execution is disarmed");
    plan.how = removed;
    fail_and_roll_back(&safe, "policy", "failed", 0);
    check_all_proven(&safe);
    plan.how = deaf_and_removed;
    fail_and_roll_back(&deaf, "policy", "failed", 0);
    check_all_proven(&deaf);
}

static void wall_clock_step_without_note_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge.wall_offset_ns += (int64_t)3600 * 1000000000;
    forge_until(&forge, "completed");
    check_violated(&forge, CLAIM_CLOCKS, "no note says so");
    check_claim(&forge, CLAIM_WINDOW, VERDICT_PROVEN, "");
}

static void boot_clock_backwards_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge.now_ns -= 3000000000;
    forge_until(&forge, "completed");
    check_violated(&forge, CLAIM_CLOCKS, "backwards");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_missing_sample_violated),
        cmocka_unit_test(window_with_gap_violated),
        cmocka_unit_test(window_too_short_or_empty_violated),
        cmocka_unit_test(window_looser_limits_in_genesis_ignored),
        cmocka_unit_test(window_late_start_violated),
        cmocka_unit_test(window_across_reboot_undecidable),
        cmocka_unit_test(rollback_begun_late_violated),
        cmocka_unit_test(rollback_too_long_violated),
        cmocka_unit_test(rollback_accepted_as_failed_violated),
        cmocka_unit_test(restoration_of_something_else_violated),
        cmocka_unit_test(execution_restarted_and_not_recreated_violated),
        cmocka_unit_test(rollback_without_safety_violated_by_removal_proven),
        cmocka_unit_test(wall_clock_step_without_note_violated),
        cmocka_unit_test(boot_clock_backwards_violated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
