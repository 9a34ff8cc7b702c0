/* Goal: a deployment changes hands only as the format says: by an operator of the roster in force,
 * with a fresh key, above every epoch before, and not to one who approved it. Behind it the old key
 * counts for nothing, and what was open is looked at first. A journal may succeed a lost one, and
 * says so. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "journal/format/allowed_signers.h"

static void begin(struct forge *forge, const char *stage)
{
    forge_init(forge);
    forge_genesis(forge);
    forge_open(forge, "release");
    forge_until(forge, stage);
}

/* By seed `signer` under the name `operator`, with the session key of seed `session`. */
static void take_over(struct forge *forge, uint8_t signer, const char *operator, uint8_t session,
                      int64_t epoch, int64_t deployment)
{
    uint8_t key[KEY_BYTES];
    char hex[65];
    forge_public_key(session, key);
    bytes_hex(key, KEY_BYTES, hex);
    forge->sign_as = signer;
    (void)forge_append(forge, "takeover", deployment,
                       json_pack("{s:s, s:s, s:I, s:s, s:s}", "operator", operator, "session", hex,
                                 "epoch", (json_int_t)epoch, "previous", "alice on laptop",
                                 "reason", "the laptop is gone"));
    forge->session = session;
}

static void follow(struct forge *forge, int64_t epoch)
{
    take_over(forge, FORGE_SECOND, "bob", forge->sessions++, epoch, forge->deployment);
}

static void authority_takeover_between_steps_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, twice;
    begin(&forge, "pulled");
    follow(&forge, 2);
    forge_until(&forge, "completed");
    check_all_proven(&forge);
    begin(&twice, "switched");
    follow(&twice, 2);
    take_over(
        &twice, FORGE_OPERATOR, "alice", twice.sessions++, 5,
        twice.deployment); /* an epoch may be left out: a takeover that another one overtook */
    forge_take(&twice, "rollback");
    forge_rollback(&twice);
    check_claim(&twice, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
    check_claim(&twice, CLAIM_PROCEDURE, VERDICT_PROVEN, "");
}

static void authority_takeover_by_a_stranger_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge stranger, name, approver, session;
    begin(&stranger, "pulled");
    take_over(&stranger, FORGE_STRANGER, "mallory", stranger.sessions++, 2, stranger.deployment);
    check_violated(&stranger, CLAIM_AUTHORITY, "takeover is not signed by an operator");
    begin(&name, "pulled");
    take_over(&name, FORGE_SECOND, "alice", name.sessions++, 2, name.deployment);
    check_violated(&name, CLAIM_AUTHORITY, "takeover is not signed by an operator");
    begin(&approver, "pulled");
    take_over(&approver, FORGE_APPROVER, "carol", approver.sessions++, 2, approver.deployment);
    check_violated(&approver, CLAIM_AUTHORITY, "takeover is not signed by an operator");
    begin(&session, "pulled");
    take_over(&session, session.session, "alice", session.sessions++, 2, session.deployment);
    check_violated(&session, CLAIM_AUTHORITY, "takeover is not signed by an operator");
}

static json_t *roster_of(uint8_t seed, const char *principal, const char *approver)
{
    char *line = forge_signer_line(seed, principal),
         *other = forge_signer_line(FORGE_APPROVER, approver);
    json_t *body = json_pack("{s:{s:[s,s], s:[s], s:[s]}, s:s}", "roster", "operators", line, other,
                             "approvers", other, "administrators", line, "reason", "a change");
    free(line);
    free(other);
    return body;
}

static void authority_takeover_obeys_the_roster_in_force(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge removed, added;
    begin(&removed, "pulled");
    (void)forge_append(&removed, "roster", -1,
                       roster_of(FORGE_OPERATOR, "alice", "carol")); /* bob is gone */
    follow(&removed, 2);
    check_violated(&removed, CLAIM_AUTHORITY, "takeover is not signed by an operator");
    begin(&added, "pulled");
    (void)forge_append(&added, "roster", -1,
                       roster_of(FORGE_OPERATOR, "alice", "carol")); /* carol has come */
    take_over(&added, FORGE_APPROVER, "carol", added.sessions++, 2, added.deployment);
    forge_until(&added, "completed");
    check_all_proven(&added);
}

static void authority_old_session_key_behind_a_takeover_violated(void **state)
{
    (void)state;
    static const char *const types[] = {"intent",         "transition", "sample",
                                        "reconciliation", "refusal",    "note",
                                        "approval",       "anchor",     "command"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        CLEANUP_FORGE struct forge forge;
        begin(&forge, "pulled");
        uint8_t old = forge.session;
        follow(&forge, 2);
        json_t *bodies[] = {
            json_pack("{s:s, s:s, s:s, s:i, s:s}", "from", "pulled", "action", "lay_guard", "key",
                      "00000000000000000000000000000000", "deadline_ms", 1, "what", ""),
            json_pack("{s:s, s:s, s:s, s:s, s:[], s:{}}", "from", "pulled", "event", "abort", "to",
                      "aborting", "reason", "", "evidence", "facts"),
            json_pack("{s:i, s:i, s:[], s:{}}", "intent", 1, "n", 1, "evidence", "facts"),
            json_pack("{s:i, s:s, s:s, s:s, s:[]}", "intent", 1, "found", "done", "then",
                      "continue", "reason", "", "evidence"),
            json_pack("{s:s, s:s, s:s}", "from", "pulled", "event", "rollback", "reason", ""),
            json_pack("{s:s}", "text", "a note"),
            json_pack("{s:s, s:s, s:s}", "principal", "carol", "statement", "", "signature", ""),
            json_pack("{s:s, s:s}", "checkpoint", "", "to", ""),
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "command", "disarm", "phase", "intent",
                      "key", "", "outcome", "", "reason", "", "evidence"),
        };
        forge.sign_as = old;
        (void)forge_append(&forge, types[i], forge.deployment, json_incref(bodies[i]));
        for (size_t k = 0; k < sizeof bodies / sizeof bodies[0]; k++)
            json_decref(bodies[k]);
        check_violated(&forge, CLAIM_AUTHORITY, "session key");
    }
}

static void authority_takeover_session_key_reused_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge same, earlier, own;
    begin(&same, "pulled");
    take_over(&same, FORGE_SECOND, "bob", same.session, 2, same.deployment);
    check_violated(&same, CLAIM_AUTHORITY, "fresh");
    begin(&earlier, "completed");
    uint8_t old = earlier.session;
    forge_open(&earlier, "release");
    take_over(&earlier, FORGE_SECOND, "bob", old, 2, earlier.deployment);
    check_violated(&earlier, CLAIM_AUTHORITY, "fresh");
    begin(&own, "pulled");
    take_over(&own, FORGE_SECOND, "bob", FORGE_SECOND, 2, own.deployment);
    check_violated(&own, CLAIM_AUTHORITY, "fresh");
}

static void authority_takeover_without_an_open_deployment_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge outside, ended, none, foreign;
    begin(&outside, "completed");
    take_over(&outside, FORGE_SECOND, "bob", outside.sessions++, 2, -1);
    check_violated(&outside, CLAIM_AUTHORITY, "outside of any deployment");
    begin(&ended, "completed");
    take_over(&ended, FORGE_SECOND, "bob", ended.sessions++, 2, ended.deployment);
    check_violated(&ended, CLAIM_AUTHORITY, "which is not open");
    check_violated(&ended, CLAIM_PROCEDURE, "had ended");
    begin(&foreign, "completed");
    int64_t first = foreign.deployment;
    forge_open(&foreign, "release");
    take_over(&foreign, FORGE_SECOND, "bob", foreign.sessions++, 2, first);
    check_violated(&foreign, CLAIM_AUTHORITY, "which is not open");
    forge_init(&none);
    forge_genesis(&none);
    take_over(&none, FORGE_SECOND, "bob", none.sessions++, 2, -1);
    check_violated(&none, CLAIM_AUTHORITY, "outside of any deployment");
}

/* What the target said when it was taken. */
static void authority_takeover_epoch_must_rise(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge same, lower, taken, above;
    begin(&same, "pulled");
    follow(&same, 2);
    follow(&same, 2);
    check_violated(&same, CLAIM_AUTHORITY, "does not rise above 2");
    begin(&lower, "pulled");
    follow(&lower, 0);
    check_violated(&lower, CLAIM_AUTHORITY, "does not rise");
    forge_init(&taken);
    taken.epoch = 7;
    forge_genesis(&taken);
    forge_open(&taken, "release");
    forge_until(&taken, "pulled");
    follow(&taken, 7);
    check_violated(&taken, CLAIM_AUTHORITY, "does not rise above 7");
    forge_init(&above);
    above.epoch = 7;
    forge_genesis(&above);
    forge_open(&above, "release");
    forge_until(&above, "pulled");
    follow(&above, 8);
    forge_until(&above, "completed");
    check_all_proven(&above);
}

static void authority_takeover_more_often_than_is_followed_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "pulled");
    for (int64_t epoch = 2; epoch <= 65; epoch++)
        follow(&forge, epoch);
    check_violated(&forge, CLAIM_AUTHORITY, "session key of the takeover");
}

static void procedure_takeover_in_the_window_needs_reconciliation(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "verified");
    (void)forge_intent(&forge, "observe_window", -1, false);
    forge_sample(&forge, 1);
    follow(&forge, 2);
    forge_sample(&forge, 2);
    check_violated(&forge, CLAIM_PROCEDURE, "was interrupted");
}

static void begin_successor(struct forge *forge, uint8_t seed, json_t *succeeds)
{
    forge_init(forge);
    forge->sign_as = seed;
    forge->succeeds = succeeds;
    forge_genesis(forge);
}

static json_t *succeeds_json(const char *journal)
{
    return json_pack("{s:s, s:i, s:s}", "journal", journal, "seq", 41, "hash",
                     "abababababababababababababababababababababababababababababababab");
}

static void genesis_that_succeeds_is_reported(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, damaged;
    CLEANUP_REPORT struct report report = {0};
    begin_successor(&forge, FORGE_OPERATOR, succeeds_json("0123456789abcdef0123456789abcdef"));
    forge_open(&forge, "release");
    forge_until(&forge, "completed");
    forge_verify(&forge, NULL, &report);
    assert_int_equal(report.status, VERIFY_PROVEN);
    assert_string_equal(report.succeeds.journal, "0123456789abcdef0123456789abcdef");
    assert_int_equal(report.succeeds.seq, 41);
    char *text = NULL, *json = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    report_text(&report, stream);
    (void)fclose(stream);
    stream = open_memstream(&json, &size);
    report_json(&report, stream);
    (void)fclose(stream);
    assert_non_null(strstr(
        text,
        "This journal succeeds journal 0123456789abcdef0123456789abcdef, lost at its entry 41"));
    assert_non_null(strstr(text, "proves nothing of it"));
    assert_non_null(strstr(json, "\"succeeds\":{\"journal\":\"0123456789abcdef0123456789abcdef\","
                                 "\"seq\":41,\"hash\":\"abab"));
    free(text);
    free(json);
    begin_successor(&damaged, FORGE_OPERATOR, succeeds_json("not an id"));
    forge_open(&damaged, "release");
    check_violated(&damaged, CLAIM_INTEGRITY, "succeeds");
}

/* The signer must be trusted and in the roster; here an operator who is no administrator. */
static void genesis_that_succeeds_by_an_operator_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    char *line = forge_signer_line(FORGE_SECOND, "bob");
    begin_successor(&forge, FORGE_SECOND, succeeds_json("0123456789abcdef0123456789abcdef"));
    forge_open(&forge, "release");
    assert_int_equal(allowed_signers_read("trust", line, strlen(line), &trust, &error), ERROR_OK);
    limits_default(&limits);
    forge_record(&forge, &record);
    struct audit audit = {.limits = &limits, .trust = &trust, .target = FORGE_TARGET};
    assert_int_equal(verify_record(&record, &audit, SELECTION_LAST, 0, &report, &error), ERROR_OK);
    assert_int_equal(report.deployments[0].claims[CLAIM_AUTHORITY].verdict, VERDICT_VIOLATED);
    assert_non_null(strstr(report.deployments[0].claims[CLAIM_AUTHORITY].sentence,
                           "not signed by an administrator"));
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_takeover_between_steps_proven),
        cmocka_unit_test(authority_takeover_by_a_stranger_violated),
        cmocka_unit_test(authority_takeover_obeys_the_roster_in_force),
        cmocka_unit_test(authority_old_session_key_behind_a_takeover_violated),
        cmocka_unit_test(authority_takeover_session_key_reused_violated),
        cmocka_unit_test(authority_takeover_without_an_open_deployment_violated),
        cmocka_unit_test(authority_takeover_epoch_must_rise),
        cmocka_unit_test(authority_takeover_more_often_than_is_followed_violated),
        cmocka_unit_test(procedure_takeover_in_the_window_needs_reconciliation),
        cmocka_unit_test(genesis_that_succeeds_is_reported),
        cmocka_unit_test(genesis_that_succeeds_by_an_operator_violated),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
