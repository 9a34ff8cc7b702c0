/* Validly signed journals whose flags say that all is well over evidence that says otherwise: each
 * is refuted from the raw evidence. */
#include "tests/verify/check.h"

#include <stdio.h>

#define OTHER "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define NEW "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
static const char other_hash[] = OTHER;

/* What one test wants changed: the evidence of an action (or the n-th sample), by `how`. */
static struct {
    const char *what;
    unsigned n;
    void (*how)(struct forge *forge, json_t *evidence);
} plan;

static void tamper(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    if (strcmp(what, plan.what) == 0 && (plan.n == 0 || plan.n == n))
        plan.how(forge, evidence);
}

static void forge_with(struct forge *forge, const char *procedure, const char *what, unsigned n,
                       void (*how)(struct forge *, json_t *))
{
    forge_init(forge);
    plan.what = what;
    plan.n = n;
    plan.how = how;
    forge->tamper = tamper;
    forge_whole(forge, procedure);
}

static void refuted(const char *procedure, const char *what, unsigned n,
                    void (*how)(struct forge *, json_t *), enum claim claim, const char *part)
{
    CLEANUP_FORGE struct forge forge;
    forge_with(&forge, procedure, what, n, how);
    check_violated(&forge, claim, part);
}

static void reply(struct forge *forge, json_t *evidence, const char *text)
{
    forge_replace(forge, forge_find(evidence, "bus.policy_hash", NULL), text);
}

static void reply_other(struct forge *forge, json_t *evidence)
{
    reply(forge, evidence, "{\"policy_hash\":\"" OTHER "\",\"timestamp\":1}");
}
static void reply_receipt(struct forge *forge, json_t *evidence)
{
    reply(forge, evidence, "{\"stream\":\"TITAN_CMD\",\"seq\":7}");
}
static void reply_twice(struct forge *forge, json_t *evidence)
{
    reply(forge, evidence, "{\"policy_hash\":\"" OTHER "\",\"policy_hash\":\"" NEW "\"}");
}
static void reply_none(struct forge *forge, json_t *evidence)
{
    (void)forge;
    json_object_set_new(forge_find(evidence, "bus.policy_hash", NULL), "status", json_integer(1));
}
static void reply_dropped(struct forge *forge, json_t *evidence)
{
    (void)forge;
    forge_drop(evidence, "bus.policy_hash", NULL);
}

static void parity_unequal_reply_under_equal_flags_violated(void **state)
{
    (void)state;
    const char *const steps[] = {"verify_execution", "verify_parity", "arm", "sample", "confirm"};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        refuted("policy", steps[i], strcmp(steps[i], "sample") == 0 ? 33 : 0, reply_other,
                CLAIM_PARITY, "another voice");
    refuted("release", "verify_release", 0, reply_other, CLAIM_PARITY, "another voice");
}

static void parity_storage_receipt_as_reply_violated(void **state)
{
    (void)state;
    refuted("policy", "verify_parity", 0, reply_receipt, CLAIM_PARITY, "names no policy hash");
    refuted("policy", "sample", 12, reply_receipt, CLAIM_PARITY, "names no policy hash");
    refuted("policy", "arm", 0, reply_receipt, CLAIM_INTERLOCK, "without parity");
}

static void parity_doubled_missing_or_absent_reply_violated(void **state)
{
    (void)state;
    refuted("policy", "verify_parity", 0, reply_twice, CLAIM_PARITY, "names no policy hash");
    refuted("policy", "sample", 61, reply_none, CLAIM_WINDOW, "W-08");
    refuted("policy", "sample", 0, reply_none, CLAIM_WINDOW, "W-07");
    refuted("policy", "sample", 1, reply_dropped, CLAIM_PARITY, "H-09");
}

static void log_unequal(struct forge *forge, json_t *evidence, const char *probe,
                        const char *message)
{
    char line[300], time[40];
    (void)snprintf(line, sizeof line, "%s {\"message\":\"%s%s\"}\n", forge_time(forge, time),
                   message, other_hash);
    forge_replace(forge, forge_find(evidence, probe, NULL), line);
}

static void start_line_other(struct forge *forge, json_t *evidence)
{
    log_unequal(forge, evidence, "logs.execution", "✅ Risk Policy Loaded. Hash: ");
}
static void handshake_other(struct forge *forge, json_t *evidence)
{
    log_unequal(forge, evidence, "logs.brain",
                "✅ Policy hash handshake OK. Enabling signal processing. Hash: ");
}
static void handshake_failed(struct forge *forge, json_t *evidence)
{
    log_unequal(forge, evidence, "logs.brain", "🚨 CRITICAL: Policy hash handshake FAILED. ");
}

static void parity_unequal_log_lines_violated(void **state)
{
    (void)state;
    refuted("policy", "verify_execution", 0, start_line_other, CLAIM_PARITY, "another voice");
    refuted("policy", "verify_parity", 0, handshake_other, CLAIM_PARITY, "handshake");
    refuted("policy", "verify_parity", 0, handshake_failed, CLAIM_PARITY, "handshake failed");
    refuted("release", "verify_release", 0, handshake_failed, CLAIM_PARITY, "handshake failed");
}

/* The right words, printed by the start before this one. */
static void lines_of_an_earlier_start(struct forge *forge, json_t *evidence)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "2025-01-01T00:00:00Z ✅ Risk Policy Loaded. Hash: %s\n2025-01-01T00:00:01Z "
                   "Execution initialized DISARMED\n",
                   forge->hash_new);
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), "logs.execution") == 0)
            forge_replace(forge, item, text);
    }
}

static void log_line_of_earlier_start_is_no_evidence(void **state)
{
    (void)state;
    refuted("policy", "verify_execution", 0, lines_of_an_earlier_start, CLAIM_INTERLOCK, "H-04");
    refuted("policy", "deploy_execution", 0, lines_of_an_earlier_start, CLAIM_INTERLOCK, "L-04");
    refuted("policy", "disarm", 0, lines_of_an_earlier_start, CLAIM_INTERLOCK, "L-01");
}

static void release_that_changes_the_hash_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    memset(forge.hash_new, 'd', 64);
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_PARITY, "must be aaaaaaaaaaaa");
}

static void policy_with_unexpected_hash_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.expect = other_hash;
    forge_whole(&forge, "policy");
    check_violated(&forge, CLAIM_PARITY, "must be cccccccccccc");
}

/* Another nonce, as if another DISARM had been heard. */
static void foreign_disarm(struct forge *forge, json_t *evidence)
{
    char text[600], time[40];
    (void)snprintf(text, sizeof text,
                   "%s Received DISARM command: ffffffffffffffffffffffffffffffff x\n%s EXECUTION "
                   "DISARMED: x\n",
                   forge_time(forge, time), time);
    forge_replace(forge, forge_find(evidence, "logs.execution", NULL), text);
}

static void marker_present(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "interlock.marker", NULL), "present\n");
}
static void marker_unknown(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "interlock.marker", NULL), "unknown\n");
}
static void no_log(struct forge *forge, json_t *evidence)
{
    (void)forge;
    forge_drop(evidence, "logs.execution", NULL);
}

static void disarm_that_was_not_observed_violated(void **state)
{
    (void)state;
    refuted("policy", "disarm", 0, foreign_disarm, CLAIM_INTERLOCK, "L-01");
    refuted("policy", "disarm", 0, marker_present, CLAIM_INTERLOCK, "L-01");
    refuted("policy", "disarm", 0, marker_unknown, CLAIM_INTERLOCK, "L-01");
    refuted("policy", "disarm", 0, no_log, CLAIM_PROCEDURE, "without the evidence");
    refuted("policy", "disarm", 0, no_log, CLAIM_INTERLOCK, "L-01");
}

static void armed_again_by_others(struct forge *forge, json_t *evidence)
{
    struct error error;
    char time[40];
    struct bytes text = {0};
    assert_int_equal(bytes_append(&text, forge->execution.log.data, forge->execution.log.size,
                                  &error),
                     ERROR_OK);
    assert_int_equal(
        bytes_append_format(&text, &error,
                            "%s {\"fields\":{\"message\":\"EXECUTION ARMED: somebody else\"}}\n",
                            forge_time(forge, time)),
        ERROR_OK);
    forge_replace(forge, forge_find(evidence, "logs.execution", NULL), (const char *)text.data);
    if (forge_find(evidence, "interlock.marker", NULL) != NULL)
        forge_replace(forge, forge_find(evidence, "interlock.marker", NULL), "present\n");
    bytes_free(&text);
}

static void execution_armed_by_others_violated(void **state)
{
    (void)state;
    refuted("policy", "deploy_brain", 0, armed_again_by_others, CLAIM_INTERLOCK, "L-04");
    refuted("policy", "disarm", 0, armed_again_by_others, CLAIM_INTERLOCK, "L-01");
    refuted("release", "sample", 30, armed_again_by_others, CLAIM_INTERLOCK, "L-11");
    refuted("release", "verify_release", 0, armed_again_by_others, CLAIM_INTERLOCK, "L-10");
}

static void shift(json_t *item, const char *key, int64_t ms)
{
    json_object_set_new(item, key,
                        json_integer(json_integer_value(json_object_get(item, key))
                                     + ms * 1000000));
}

/* The observation before the deploy is made 11 s before it. */
static void stale_disarm(struct forge *forge, json_t *evidence)
{
    bool behind = false;
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        json_t *item = json_array_get(evidence, i);
        behind = behind
                 || strcmp(json_string_value(json_object_get(item, "probe")), "compose.up") == 0;
        if (behind) {
            shift(item, "sent_ns", 11000);
            shift(item, "received_ns", 11000);
        }
    }
    forge_wait(forge, 11000);
}

static void deploy_long_after_disarm_was_observed_violated(void **state)
{
    (void)state;
    refuted("policy", "deploy_execution", 0, stale_disarm, CLAIM_INTERLOCK, "L-03");
    refuted("policy", "deploy_brain", 0, stale_disarm, CLAIM_INTERLOCK, "L-03");
}

/* ARM goes out first, and parity is looked at behind it. */
static void arm_before_parity(struct forge *forge, json_t *evidence)
{
    (void)forge;
    json_t *publish = forge_find(evidence, "bus.publish", NULL);
    json_t *moved = json_deep_copy(publish), *first = json_array_get(evidence, 0);
    json_object_set(moved, "sent_ns", json_object_get(first, "sent_ns"));
    json_object_set(moved, "received_ns", json_object_get(first, "sent_ns"));
    forge_drop(evidence, "bus.publish", NULL);
    json_array_insert_new(evidence, 0, moved);
}

/* Parity looked at before the intent: kept from an earlier step. */
static void stale_parity(struct forge *forge, json_t *evidence)
{
    (void)forge;
    for (size_t i = 0; i < json_array_size(evidence); i++) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), "bus.publish") == 0)
            break;
        shift(item, "sent_ns", -3000);
        shift(item, "received_ns", -3000);
    }
}

static void arm_without_fresh_parity_violated(void **state)
{
    (void)state;
    refuted("policy", "arm", 0, reply_other, CLAIM_INTERLOCK, "without parity");
    refuted("policy", "arm", 0, reply_none, CLAIM_INTERLOCK, "without parity");
    refuted("policy", "arm", 0, handshake_failed, CLAIM_INTERLOCK, "without parity");
    refuted("policy", "arm", 0, arm_before_parity, CLAIM_INTERLOCK, "without parity");
    refuted("policy", "arm", 0, stale_parity, CLAIM_INTERLOCK, "not fresh");
    refuted("policy", "arm", 0, stale_parity, CLAIM_CLOCKS, "older than the intent");
}

static void arm_without_key(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "bus.publish", NULL), "no key at all");
}

static void smuggled_arm(struct forge *forge, json_t *evidence)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%s x", forge->key);
    forge_item(forge, evidence, "bus.publish", FORGE_ARM, 0, text);
}

static void arm_in_another_way_violated(void **state)
{
    (void)state;
    refuted("policy", "arm", 0, arm_without_key, CLAIM_INTERLOCK, "key of its intent");
    refuted("release", "verify_release", 0, smuggled_arm, CLAIM_PROCEDURE, "P-16");
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    (void)forge_append(&forge, "command", forge.deployment,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "command", "arm", "phase",
                                 "outcome", "key", "", "outcome", "observed", "reason", "",
                                 "evidence"));
    forge_until(&forge, "completed");
    check_violated(&forge, CLAIM_INTERLOCK, "by hand");
}

static void release_rearmed(struct forge *forge, bool armed, const char *answer)
{
    forge_init(forge);
    if (armed) {
        forge->armed = true;
        forge_log(forge, &forge->execution, "EXECUTION ARMED: by hand");
    }
    forge_genesis(forge);
    forge_open(forge, "release");
    forge_until(forge, "verified");
    if (answer != NULL)
        forge_answer(forge, answer);
}

static void release_interlock_without_question_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge silent, unasked, never;
    release_rearmed(&silent, true, NULL);
    forge_until(&silent, "completed");
    check_violated(&silent, CLAIM_INTERLOCK, "nobody was asked");
    release_rearmed(&unasked, true, "no");
    forge_take(&unasked, "rearmed");
    forge_until(&unasked, "completed");
    check_violated(&unasked, CLAIM_INTERLOCK, "said yes");
    release_rearmed(&never, false, "yes");
    forge_take(&never, "rearmed");
    forge_until(&never, "completed");
    check_violated(&never, CLAIM_INTERLOCK, "before it was disarmed");
}

static void health_bad(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "health", "brain"), "{\"status\":\"unhealthy\"}");
}
static void health_refused(struct forge *forge, json_t *evidence)
{
    json_object_set_new(forge_find(evidence, "health", "brain"), "status", json_integer(0));
    forge_replace(forge, forge_find(evidence, "health", "brain"), "");
}
static void health_missing(struct forge *forge, json_t *evidence)
{
    (void)forge;
    forge_drop(evidence, "health", "brain");
}
static void container_gone(struct forge *forge, json_t *evidence)
{
    forge_replace(forge, forge_find(evidence, "compose.containers", NULL), "not JSON\n");
}

static void brain_gone(struct forge *forge, json_t *evidence)
{
    char text[700];
    (void)snprintf(text, sizeof text,
                   "{\"service\":\"titan-execution\",\"id\":\"%s\",\"image\":\"%s\",\"state\":"
                   "\"running\",\"health\":null,\"started_at\":\"%s\"}\n",
                   forge->execution.id, forge->execution.image, forge->execution.started_at);
    forge_replace(forge, forge_find(evidence, "compose.containers", NULL), text);
}

static void health_that_is_not_good_violated(void **state)
{
    (void)state;
    refuted("release", "verify_release", 0, health_bad, CLAIM_PROCEDURE,
            "no good answer of the endpoint");
    refuted("release", "verify_release", 0, health_refused, CLAIM_PROCEDURE,
            "no good answer of the endpoint");
    refuted("release", "confirm", 0, health_missing, CLAIM_PROCEDURE, "P-12");
    refuted("release", "sample", 31, health_missing, CLAIM_WINDOW, "missing is never healthy");
    refuted("release", "sample", 31, container_gone, CLAIM_WINDOW, "W-02");
    refuted("release", "sample", 0, brain_gone, CLAIM_WINDOW, "W-07");
    refuted("release", "sample", 0, health_bad, CLAIM_WINDOW, "W-07");
}

static void one_failure_within_the_limit_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_with(&forge, "release", "sample", 31, health_bad);
    check_all_proven(&forge);
}

static void one_silence_of_the_responder_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_with(&forge, "policy", "sample", 31, reply_none);
    check_all_proven(&forge);
}

static void another_image(struct forge *forge, json_t *evidence)
{
    char text[700];
    (void)snprintf(
        text, sizeof text,
        "{\"service\":\"titan-execution\",\"name\":\"x\",\"id\":\"sha256:77\",\"digests\":[]}\n%s",
        "");
    forge_replace(forge, forge_find(evidence, "compose.images", NULL), text);
}

static void no_evidence_at_all(struct forge *forge, json_t *evidence)
{
    (void)forge;
    (void)json_array_clear(evidence);
}

static void step_without_its_evidence_violated(void **state)
{
    (void)state;
    const char *const release[] = {"connect",         "update_code",    "pull_images", "lay_guard",
                                   "switch_services", "verify_release", "confirm",     "complete"};
    const char *const policy[] = {"disarm",       "deploy_execution", "verify_execution",
                                  "deploy_brain", "verify_parity",    "arm"};
    for (size_t i = 0; i < sizeof release / sizeof release[0]; i++)
        refuted("release", release[i], 0, no_evidence_at_all, CLAIM_PROCEDURE,
                "without the evidence");
    for (size_t i = 0; i < sizeof policy / sizeof policy[0]; i++)
        refuted("policy", policy[i], 0, no_evidence_at_all, CLAIM_PROCEDURE,
                "without the evidence");
    refuted("release", "run_preflight", 0, no_evidence_at_all, CLAIM_PREFLIGHT,
            "was not looked at");
    refuted("release", "pull_images", 0, another_image, CLAIM_PROCEDURE, "P-21");
}

static void item_failed(struct forge *forge, json_t *evidence)
{
    (void)forge;
    json_object_set_new(forge_find(evidence, "preflight", "ports"), "status", json_integer(1));
}

static void item_undecided(struct forge *forge, json_t *evidence)
{
    (void)forge;
    json_object_set_new(forge_find(evidence, "preflight", "ports"), "status", json_integer(2));
}

static void preflight_failed_or_unattested_violated(void **state)
{
    (void)state;
    refuted("release", "run_preflight", 0, item_failed, CLAIM_PREFLIGHT, "'ports' failed");
    refuted("release", "run_preflight", 0, item_undecided, CLAIM_PREFLIGHT, "nobody attested");
    CLEANUP_FORGE struct forge forge;
    struct limits limits;
    forge_init(&forge);
    plan.what = "run_preflight";
    plan.how = item_undecided;
    forge.tamper = tamper;
    forge_genesis(&forge);
    forge_open(&forge, "release");
    (void)forge_append(&forge, "attestation", forge.deployment,
                       json_pack("{s:s, s:s, s:s, s:s}", "item", "ports", "answer", "passed",
                                 "reason", "looked", "operator", "alice"));
    forge_until(&forge, "completed");
    check_all_proven(&forge);
    check_claim(&forge, CLAIM_PREFLIGHT, VERDICT_PROVEN, "by a person's word: ports by alice");
    limits_default(&limits);
    (void)snprintf(limits.checklist[0], sizeof limits.checklist[0], "firewall");
    limits.checklist_count = 1;
    assert_int_equal(forge_judge(&forge, &limits, CLAIM_PREFLIGHT).verdict, VERDICT_VIOLATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parity_unequal_reply_under_equal_flags_violated),
        cmocka_unit_test(parity_storage_receipt_as_reply_violated),
        cmocka_unit_test(parity_doubled_missing_or_absent_reply_violated),
        cmocka_unit_test(parity_unequal_log_lines_violated),
        cmocka_unit_test(log_line_of_earlier_start_is_no_evidence),
        cmocka_unit_test(release_that_changes_the_hash_violated),
        cmocka_unit_test(policy_with_unexpected_hash_violated),
        cmocka_unit_test(disarm_that_was_not_observed_violated),
        cmocka_unit_test(execution_armed_by_others_violated),
        cmocka_unit_test(deploy_long_after_disarm_was_observed_violated),
        cmocka_unit_test(arm_without_fresh_parity_violated),
        cmocka_unit_test(arm_in_another_way_violated),
        cmocka_unit_test(release_interlock_without_question_violated),
        cmocka_unit_test(health_that_is_not_good_violated),
        cmocka_unit_test(one_failure_within_the_limit_proven),
        cmocka_unit_test(one_silence_of_the_responder_proven),
        cmocka_unit_test(step_without_its_evidence_violated),
        cmocka_unit_test(preflight_failed_or_unattested_violated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
