/* Whole deployments, each as a driver would record it: all that applies is proven, and nothing else
 * is claimed. */
#include "tests/verify/check.h"

static void verdict_is(const struct forge *forge, enum claim claim, enum verdict verdict)
{
    check_claim(forge, claim, verdict, "");
}

static void verify_release_completed_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_whole(&forge, "release");
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_WINDOW, VERDICT_PROVEN);
    verdict_is(&forge, CLAIM_PARITY, VERDICT_PROVEN);
    verdict_is(&forge, CLAIM_RESTORATION, VERDICT_NOT_APPLICABLE);
}

static void verify_policy_completed_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.armed = true;
    forge_log(&forge, &forge.execution, "EXECUTION ARMED: by hand");
    forge_whole(&forge, "policy");
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_INTERLOCK, VERDICT_PROVEN);
    verdict_is(&forge, CLAIM_PARITY, VERDICT_PROVEN);
}

static void verify_policy_expected_hash_proven(void **state)
{
    (void)state;
    static const char expected[] =
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.expect = expected;
    forge_whole(&forge, "policy");
    check_all_proven(&forge);
}

static void arm_by_hand(struct forge *forge)
{
    forge->armed = true;
    forge_log(forge, &forge->execution, "EXECUTION ARMED: by hand");
}

static void verify_release_rearmed_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    arm_by_hand(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    forge_answer(&forge, "yes");
    forge_take(&forge, "rearmed");
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void verify_release_stays_disarmed_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    arm_by_hand(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    forge_answer(&forge, "unanswered");
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void verify_release_untouched_execution_stays_armed_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    arm_by_hand(&forge);
    forge.recreate = false;
    memcpy(forge.image_after, forge.image_before, sizeof forge.image_after);
    forge_whole(&forge, "release");
    check_all_proven(&forge);
}

static void verify_release_rolled_back_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    forge.sick_from = 5;
    forge_take(&forge, "unhealthy");
    forge_rollback(&forge);
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_RESTORATION, VERDICT_PROVEN);
    verdict_is(&forge, CLAIM_WINDOW, VERDICT_PROVEN);
    verdict_is(&forge, CLAIM_INTERLOCK, VERDICT_PROVEN);
}

static void verify_policy_mismatch_rolled_back_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "brain_deployed");
    forge_take(&forge, "mismatch");
    forge_rollback(&forge);
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_RESTORATION, VERDICT_PROVEN);
}

static void verify_policy_second_rollback_in_time_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "execution_deployed");
    forge_take(&forge, "failed");
    forge_until(&forge, "reverted");
    forge_take(&forge, "failed");
    forge_take(&forge, "rollback");
    forge_rollback(&forge);
    check_all_proven(&forge);
}

static void verify_aborted_proven_or_not_applicable(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "pulled");
    forge_take(&forge, "abort");
    forge_until(&forge, "aborted");
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_WINDOW, VERDICT_NOT_APPLICABLE);
    verdict_is(&forge, CLAIM_INTERLOCK, VERDICT_NOT_APPLICABLE);
    verdict_is(&forge, CLAIM_RESTORATION, VERDICT_PROVEN);
}

static void verify_policy_aborted_after_disarm_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "disarmed");
    forge_take(&forge, "abort");
    forge_until(&forge, "aborted");
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_INTERLOCK, VERDICT_PROVEN);
}

static void verify_without_policy_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.no_policy = true;
    forge_whole(&forge, "release");
    check_all_proven(&forge);
    verdict_is(&forge, CLAIM_PARITY, VERDICT_NOT_APPLICABLE);
    verdict_is(&forge, CLAIM_INTERLOCK, VERDICT_NOT_APPLICABLE);
}

/* Killed behind the act: the next process looks, takes it for done and observes; what was sent is
 * lost with the dead one. */
static void verify_resumed_adopted_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "guarded");
    int64_t intent = (int64_t)forge_intent(&forge, "disarm", -1, false);
    json_t *evidence = forge_evidence(&forge, "disarm");
    forge_drop(evidence, "bus.publish", NULL);
    forge_wait(&forge, 30000);
    json_decref(evidence);
    evidence = forge_found(&forge);
    forge_look(&forge, evidence);
    forge_reconcile(&forge, "done", "continue", evidence);
    evidence = json_array();
    forge_look(&forge, evidence);
    forge_transition(&forge, intent, "done", "disarmed", evidence);
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void verify_resumed_repeated_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "updated");
    int64_t first = (int64_t)forge_intent(&forge, "pull_images", -1, false);
    forge_reconcile(&forge, "partial", "repeat", NULL);
    int64_t second = (int64_t)forge_intent(&forge, "pull_images", first, true);
    forge_reconcile(&forge, "partial", "repeat", NULL);
    int64_t third = (int64_t)forge_intent(&forge, "pull_images", first, true);
    assert_true(third > second);
    forge_transition(&forge, third, "done", "pulled", forge_evidence(&forge, "pull_images"));
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void verify_dangling_arm_disarmed_and_repeated_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "parity_verified");
    int64_t first = (int64_t)forge_intent(&forge, "arm", -1, false);
    json_t *lost = forge_evidence(&forge, "arm");
    json_decref(lost);
    json_t *evidence = forge_found(&forge);
    forge_send(&forge, evidence, false);
    forge_look(&forge, evidence);
    forge_reconcile(&forge, "partial", "repeat", evidence);
    int64_t again = (int64_t)forge_intent(&forge, "arm", first, false);
    forge_transition(&forge, again, "done", "armed", forge_evidence(&forge, "arm"));
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void verify_open_deployment_undecidable(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "policy");
    forge_until(&forge, "armed");
    forge_verify(&forge, NULL, &report);
    assert_int_equal(report.status, VERIFY_UNDECIDABLE);
    verdict_is(&forge, CLAIM_PROCEDURE, VERDICT_UNDECIDABLE);
    verdict_is(&forge, CLAIM_WINDOW, VERDICT_UNDECIDABLE);
    verdict_is(&forge, CLAIM_PREFLIGHT, VERDICT_PROVEN);
}

static void verify_journal_without_deployment_undecidable(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_genesis(&forge);
    forge_verify(&forge, NULL, &report);
    assert_int_equal(report.status, VERIFY_UNDECIDABLE);
}

static void verify_several_deployments_last_is_judged(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_whole(&forge, "release");
    memcpy(forge.image_before, forge.image_after, sizeof forge.image_before);
    forge_whole(&forge, "release");
    check_all_proven(&forge);
    forge_verify(&forge, NULL, &report);
    assert_int_equal(report.deployments[0].number, forge.deployment);
}

static void verify_wall_clock_stepped_and_noted_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    uint64_t intent = forge_intent(&forge, "observe_window", -1, false);
    for (unsigned n = 1; n <= 61; n++) {
        if (n == 20 || n == 40) {
            forge.wall_offset_ns += (n == 20 ? 3600 : -7200) * (int64_t)1000000000;
            forge_note(&forge, "clock_step");
        }
        forge_sample(&forge, n);
    }
    forge_transition(&forge, (int64_t)intent, "done", "observed", NULL);
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verify_release_completed_proven),
        cmocka_unit_test(verify_policy_completed_proven),
        cmocka_unit_test(verify_policy_expected_hash_proven),
        cmocka_unit_test(verify_release_rearmed_proven),
        cmocka_unit_test(verify_release_stays_disarmed_proven),
        cmocka_unit_test(verify_release_untouched_execution_stays_armed_proven),
        cmocka_unit_test(verify_release_rolled_back_proven),
        cmocka_unit_test(verify_policy_mismatch_rolled_back_proven),
        cmocka_unit_test(verify_policy_second_rollback_in_time_proven),
        cmocka_unit_test(verify_aborted_proven_or_not_applicable),
        cmocka_unit_test(verify_policy_aborted_after_disarm_proven),
        cmocka_unit_test(verify_without_policy_proven),
        cmocka_unit_test(verify_resumed_adopted_proven),
        cmocka_unit_test(verify_resumed_repeated_proven),
        cmocka_unit_test(verify_dangling_arm_disarmed_and_repeated_proven),
        cmocka_unit_test(verify_open_deployment_undecidable),
        cmocka_unit_test(verify_journal_without_deployment_undecidable),
        cmocka_unit_test(verify_several_deployments_last_is_judged),
        cmocka_unit_test(verify_wall_clock_stepped_and_noted_proven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
