/* Who signed what, and in which order: strangers, session keys out of their deployment, entries
 * moved, removed or cut off. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/format/allowed_signers.h"

static json_t *note_body(void)
{
    return json_pack("{s:s}", "text", "a note");
}

static json_t *attestation_body(const char *operator)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "item", "ports", "answer", "passed", "reason", "",
                     "operator", operator);
}

static void begin(struct forge *forge, const char *stage)
{
    forge_init(forge);
    forge_genesis(forge);
    forge_open(forge, "release");
    forge_until(forge, stage);
}

static void authority_stranger_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge genesis, open, note, attestation;
    forge_init(&genesis);
    genesis.sign_as = FORGE_STRANGER;
    forge_genesis(&genesis);
    check_violated(&genesis, CLAIM_AUTHORITY, "not signed by a key of the trust file");
    forge_init(&open);
    forge_genesis(&open);
    open.sign_as = FORGE_STRANGER;
    forge_open(&open, "release");
    check_violated(&open, CLAIM_AUTHORITY, "not opened by an operator");
    begin(&note, "connected");
    note.sign_as = FORGE_STRANGER;
    forge_take(&note, "done");
    check_violated(&note, CLAIM_AUTHORITY, "not signed by the session key");
    begin(&attestation, "connected");
    attestation.sign_as = FORGE_STRANGER;
    (void)forge_append(&attestation, "attestation", attestation.deployment,
                       attestation_body("alice"));
    check_violated(&attestation, CLAIM_AUTHORITY, "attestation is not signed by an operator");
}

static void authority_key_under_another_name_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "opened");
    (void)forge_append(&forge, "attestation", forge.deployment, attestation_body("bob"));
    check_violated(&forge, CLAIM_AUTHORITY, "attestation is not signed by an operator");
}

static void authority_session_key_out_of_its_deployment_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge after, other, outside, reused;
    begin(&after, "completed");
    (void)forge_append(&after, "note", after.deployment, note_body());
    check_violated(&after, CLAIM_AUTHORITY, "which is not open");
    check_violated(&after, CLAIM_PROCEDURE, "had ended");
    begin(&other, "completed");
    uint8_t old = other.session;
    forge_open(&other, "release");
    other.sign_as = old;
    (void)forge_append(&other, "note", other.deployment, note_body());
    check_violated(&other, CLAIM_AUTHORITY, "not signed by the session key");
    begin(&outside, "opened");
    outside.sign_as = outside.session;
    (void)forge_append(&outside, "note", -1, note_body());
    check_violated(&outside, CLAIM_AUTHORITY, "outside of a deployment");
    begin(&reused, "completed");
    reused.sessions--;
    forge_open(&reused, "release");
    check_violated(&reused, CLAIM_AUTHORITY, "fresh");
}

static void authority_two_open_deployments_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "connected");
    forge_open(&forge, "release");
    check_violated(&forge, CLAIM_AUTHORITY, "is still open");
}

static void authority_takeover_needs_reconciliation(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "connected");
    int64_t intent = (int64_t)forge_intent(&forge, "update_code", -1, false);
    uint8_t key[KEY_BYTES];
    char session[65];
    forge.session = forge.sessions++;
    forge_public_key(forge.session, key);
    bytes_hex(key, KEY_BYTES, session);
    forge.sign_as = FORGE_SECOND;
    (void)forge_append(&forge, "takeover", forge.deployment,
                       json_pack("{s:s, s:s, s:i, s:s, s:s}", "operator", "bob", "session", session,
                                 "epoch", 2, "previous", "alice", "reason", ""));
    size_t here = forge.count;
    forge_transition(&forge, intent, "done", "updated", forge_evidence(&forge, "update_code"));
    check_violated(&forge, CLAIM_PROCEDURE, "was interrupted");
    while (forge.count > here)
        bytes_free(&forge.values[--forge.count]);
    (void)snprintf(forge.state, sizeof forge.state, "connected");
    forge_reconcile(&forge, "done", "continue", NULL);
    memcpy(forge.code, forge.commit_before, sizeof forge.code);
    forge_transition(&forge, intent, "done", "updated", forge_evidence(&forge, "update_code"));
    forge_until(&forge, "completed");
    check_all_proven(&forge);
}

static void integrity_entries_moved_or_removed_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge moved, removed, copied;
    begin(&moved, "guarded");
    struct bytes kept = moved.values[5];
    moved.values[5] = moved.values[6];
    moved.values[6] = kept;
    check_violated(&moved, CLAIM_INTEGRITY, "");
    begin(&removed, "guarded");
    bytes_free(&removed.values[5]);
    memmove(&removed.values[5], &removed.values[6], (removed.count - 6) * sizeof *removed.values);
    removed.count--;
    check_violated(&removed, CLAIM_INTEGRITY, "number is not its place");
    begin(&copied, "guarded"); /* the signature of another entry */
    memcpy(copied.values[5].data, copied.values[6].data, SIGNATURE_BYTES);
    check_violated(&copied, CLAIM_INTEGRITY, "");
}

static void integrity_rewritten_middle_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, fork;
    begin(&forge, "guarded");
    begin(&fork, "opened");
    forge_note(&fork, "x"); /* signed by the same session key, in another history */
    bytes_free(&forge.values[2]);
    struct error error;
    assert_int_equal(bytes_append(&forge.values[2], fork.values[2].data, fork.values[2].size,
                                  &error),
                     ERROR_OK);
    check_violated(&forge, CLAIM_INTEGRITY, "`prev` is not the hash");
}

/* Verifies with the standard's limits and the forge's trust file; `asked` says what else. */
static void verify_asking(struct record *record, struct audit asked, enum selection selection,
                          struct report *ret_report)
{
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    limits_default(&limits);
    forge_trust(&trust);
    asked.limits = &limits;
    asked.trust = &trust;
    asked.target = FORGE_TARGET;
    assert_int_equal(verify_record(record, &asked, selection, 0, ret_report, &error), ERROR_OK);
}

/* With a checkpoint from outside, in the size and by the key given. */
static struct finding with_checkpoint(const struct forge *whole, size_t size, uint8_t seed,
                                      size_t entries, bool require)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    struct outside_checkpoint checkpoint = {.path = "witness", .size = size};
    struct forge cut = *whole;
    cut.count = entries;
    forge_checkpoint(whole, size, seed, &checkpoint.note);
    forge_record(&cut, &record);
    struct audit asked = {.checkpoints = &checkpoint,
                          .checkpoint_count = 1,
                          .require_anchor = require};
    verify_asking(&record, asked, SELECTION_LAST, &report);
    bytes_free(&checkpoint.note);
    return report.deployments[0].claims[CLAIM_INTEGRITY];
}

static void integrity_truncated_with_checkpoint_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "guarded");
    assert_int_equal(with_checkpoint(&forge, forge.count, forge.session, forge.count, true).verdict,
                     VERDICT_PROVEN);
    assert_int_equal(
        with_checkpoint(&forge, forge.count, forge.session, forge.count - 1, false).verdict,
        VERDICT_VIOLATED);
    assert_int_equal(
        with_checkpoint(&forge, forge.count - 1, forge.session, forge.count, false).verdict,
        VERDICT_PROVEN);
    assert_int_equal(
        with_checkpoint(&forge, forge.count - 1, forge.session, forge.count, true).verdict,
        VERDICT_UNDECIDABLE);
    assert_int_equal(
        with_checkpoint(&forge, forge.count, FORGE_STRANGER, forge.count, false).verdict,
        VERDICT_VIOLATED);
}

static void integrity_checkpoint_of_a_fork_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, fork;
    begin(&forge, "guarded");
    begin(&fork, "opened");
    forge_note(&fork, "x");
    struct finding finding = with_checkpoint(&forge, 3, forge.session, forge.count, false);
    assert_int_equal(finding.verdict, VERDICT_PROVEN);
    struct bytes kept = forge.values[2];
    forge.values[2] = fork.values[2];
    struct bytes note = {0};
    forge_checkpoint(&forge, 3, forge.session, &note);
    forge.values[2] = kept;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    struct outside_checkpoint checkpoint = {.path = "witness", .note = note, .size = 3};
    forge_record(&forge, &record);
    struct audit asked = {.checkpoints = &checkpoint, .checkpoint_count = 1};
    verify_asking(&record, asked, SELECTION_LAST, &report);
    assert_int_equal(report.status, VERIFY_VIOLATED);
    assert_non_null(strstr(report.deployments[0].claims[CLAIM_INTEGRITY].sentence,
                           "are not those that the checkpoint"));
    assert_int_equal(report.deployments[0].claims[CLAIM_WINDOW].verdict, VERDICT_UNDECIDABLE);
    bytes_free(&note);
}

static void procedure_open_rules_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge doubled, guessed, reused, failed, wrong;
    begin(&doubled, "updated");
    (void)forge_intent(&doubled, "pull_images", -1, false);
    (void)forge_intent(&doubled, "pull_images", -1, false);
    check_violated(&doubled, CLAIM_PROCEDURE, "is open");
    begin(&guessed, "updated");
    (void)forge_intent(&guessed, "pull_images", -1, false);
    forge_reconcile(&guessed, "unknown", "continue", NULL);
    check_violated(&guessed, CLAIM_PROCEDURE, "guess");
    begin(&reused, "updated");
    (void)forge_intent(&reused, "pull_images", -1, true);
    check_violated(&reused, CLAIM_PROCEDURE, "was used before");
    begin(&failed, "updated");
    int64_t intent = (int64_t)forge_intent(&failed, "pull_images", -1, false);
    forge_reconcile(&failed, "partial", "fail", NULL);
    forge_transition(&failed, intent, "done", "pulled", forge_evidence(&failed, "pull_images"));
    check_violated(&failed, CLAIM_PROCEDURE, "did not say that it may succeed");
    begin(&wrong, "updated");
    (void)forge_intent(&wrong, "switch_services", -1, false);
    check_violated(&wrong, CLAIM_PROCEDURE, "does not belong to the state");
}

/* Where no deployment was opened the whole journal is what has to be covered. */
static void integrity_anchor_is_asked_of_a_journal_without_deployments(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_genesis(&forge);
    forge_record(&forge, &record);
    struct audit asked = {.require_anchor = true};
    verify_asking(&record, asked, SELECTION_LAST, &report);
    assert_int_equal(report.status, VERIFY_UNDECIDABLE);
    assert_true(check_says(&report.deployments[0].claims[CLAIM_INTEGRITY], "I-08"));
    assert_true(check_says(&report.deployments[0].claims[CLAIM_INTEGRITY], "entry 0"));
}

static void check_journal(const char *journal, const char *named, enum verify_status status)
{
    CLEANUP_FORGE struct forge forge;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    begin(&forge, "completed");
    forge_record(&forge, &record);
    record.is_bundle = true;
    memcpy(record.bundle_journal, named, sizeof record.bundle_journal);
    forge_checkpoint(&forge, forge.count, FORGE_OPERATOR, &record.bundle_note);
    struct audit asked = {.journal = journal};
    verify_asking(&record, asked, SELECTION_LAST, &report);
    assert_int_equal(report.status, status);
    if (status == VERIFY_VIOLATED)
        assert_string_equal(report.deployments[0].claims[CLAIM_INTEGRITY].rule, "I-02");
}

static void integrity_another_journal_than_asked_or_named_violated(void **state)
{
    (void)state;
    static const char ours[] = "00112233445566778899aabbccddeeff",
                      other[] = "00112233445566778899aabbccddee00";
    check_journal(NULL, ours, VERIFY_PROVEN);
    check_journal(ours, ours, VERIFY_PROVEN);
    check_journal(other, ours, VERIFY_VIOLATED);
    check_journal(NULL, other, VERIFY_VIOLATED);
}

static void authority_without_genesis_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "completed");
    forge_record(&forge, &record);
    verify_asking(&record, (struct audit){0}, SELECTION_ALL, &report);
    assert_int_equal(report.status, VERIFY_VIOLATED);
    assert_string_equal(report.deployments[0].claims[CLAIM_AUTHORITY].sentence,
                        "the journal does not begin with a genesis");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authority_stranger_violated),
        cmocka_unit_test(authority_without_genesis_violated),
        cmocka_unit_test(authority_key_under_another_name_violated),
        cmocka_unit_test(authority_session_key_out_of_its_deployment_violated),
        cmocka_unit_test(authority_two_open_deployments_violated),
        cmocka_unit_test(authority_takeover_needs_reconciliation),
        cmocka_unit_test(integrity_entries_moved_or_removed_violated),
        cmocka_unit_test(integrity_rewritten_middle_violated),
        cmocka_unit_test(integrity_truncated_with_checkpoint_violated),
        cmocka_unit_test(integrity_checkpoint_of_a_fork_violated),
        cmocka_unit_test(procedure_open_rules_violated),
        cmocka_unit_test(integrity_anchor_is_asked_of_a_journal_without_deployments),
        cmocka_unit_test(integrity_another_journal_than_asked_or_named_violated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
