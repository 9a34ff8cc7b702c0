/* Goal: the roster in force is obeyed from each of its entries on, and an approval counts only when
 * somebody else made it over exactly this deployment. Every rule of journal/FORMAT.md, "Who signs
 * what", is broken once, and the claim must say which. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "journal/format/allowed_signers.h"
#include "journal/format/sshsig.h"

enum { FORGE_DAVE = 5, FORGE_ALICES_SECOND = 6 };

/* alice and bob operate, carol and dave approve, alice administers; what is not NULL stands there
 * instead. */
struct lines {
    const char *dated; /* options of an approver's line, with a date */
    bool no_alice, no_carol, no_dave, no_administrator, alice_approves_by_a_second_key,
        dave_by_carols_key;
};

static void add(json_t *list, uint8_t seed, const char *principal)
{
    char *line = forge_signer_line(seed, principal);
    json_array_append_new(list, json_string(line));
    free(line);
}

static json_t *roster(struct lines lines)
{
    json_t *operators = json_array(), *approvers = json_array(), *administrators = json_array();
    if (!lines.no_alice)
        add(operators, FORGE_OPERATOR, "alice");
    add(operators, FORGE_SECOND, "bob");
    if (!lines.no_carol)
        add(approvers, FORGE_APPROVER, "carol");
    if (!lines.no_dave)
        add(approvers, lines.dave_by_carols_key ? FORGE_APPROVER : FORGE_DAVE, "dave");
    if (lines.alice_approves_by_a_second_key)
        add(approvers, FORGE_ALICES_SECOND, "alice");
    add(approvers, FORGE_SECOND, "bob");
    if (!lines.no_administrator)
        add(administrators, FORGE_OPERATOR, "alice");
    if (lines.dated != NULL) {
        uint8_t key[KEY_BYTES];
        char text[SSH_PUBLIC_KEY_TEXT_MAX], line[300];
        forge_public_key(FORGE_STRANGER, key);
        ssh_public_key_text(key, text);
        (void)snprintf(line, sizeof line, "erin %s %s", lines.dated, text);
        json_array_append_new(approvers, json_string(line));
    }
    return json_pack("{s:o, s:o, s:o}", "operators", operators, "approvers", approvers,
                     "administrators", administrators);
}

static void change(struct forge *forge, struct lines lines)
{
    (void)forge_append(forge, "roster", -1,
                       json_pack("{s:o, s:s}", "roster", roster(lines), "reason", "a change"));
}

static void begin(struct forge *forge, const char *procedure, int64_t approvals, struct lines lines,
                  const char *stage)
{
    forge_init(forge);
    forge->approvals = approvals;
    forge->roster = roster(lines);
    forge_genesis(forge);
    forge_open(forge, procedure);
    forge_until(forge, stage);
}

static void take_over(struct forge *forge, uint8_t seed, const char *principal)
{
    uint8_t key[KEY_BYTES];
    char session[65];
    forge->session = forge->sessions++;
    forge_public_key(forge->session, key);
    bytes_hex(key, KEY_BYTES, session);
    forge->sign_as = seed;
    (void)forge_append(forge, "takeover", forge->deployment,
                       json_pack("{s:s, s:s, s:i, s:s, s:s}", "operator", principal, "session",
                                 session, "epoch", 2, "previous", "alice", "reason", ""));
}

static void statement_of(const struct forge *forge, const char *commit, char *ret_text, size_t room)
{
    char open[65], config[65], env[65];
    bytes_sha256_hex(forge->values[forge->deployment].data, forge->values[forge->deployment].size,
                     open);
    memset(config, forge->commit_after[0], 64);
    memset(env, 'e', 64);
    config[64] = env[64] = '\0';
    (void)snprintf(
        ret_text, room,
        "{\"journal\":\"%s\",\"open\":\"%s\",\"commit\":\"%s\",\"images\":[{\"service\":"
        "\"titan-brain\",\"id\":\"%s\"},"
        "{\"service\":\"titan-execution\",\"id\":\"%s\"}],\"expect\":\"\",\"config\":\"%s\","
        "\"env\":\"%s\",\"guard\":\"absent\",\"partial\":[]}",
        forge->journal, open, commit, forge->image_after, forge->image_after, config, env);
}

/* `said` is signed, `written` stands in the entry. */
static void approve_saying(struct forge *forge, uint8_t seed, const char *principal,
                           const char *said, const char *written)
{
    uint8_t key[KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES], bytes[SEED_BYTES],
        data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES];
    struct bytes armor = {0};
    struct error error;
    memset(bytes, seed, sizeof bytes);
    assert_int_equal(crypto_sign_seed_keypair(key, secret, bytes), 0);
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_APPROVAL, said, strlen(said), data);
    assert_int_equal(crypto_sign_detached(signature, NULL, data, size, secret), 0);
    assert_int_equal(sshsig_armor(SSHSIG_NAMESPACE_APPROVAL, signature, key, &armor, &error),
                     ERROR_OK);
    (void)forge_append(forge, "approval", forge->deployment,
                       json_pack("{s:s, s:s, s:s}", "principal", principal, "statement", written,
                                 "signature", (char *)armor.data));
    bytes_free(&armor);
}

static void approve(struct forge *forge, uint8_t seed, const char *principal)
{
    char statement[1400];
    statement_of(forge, forge->commit_after, statement, sizeof statement);
    approve_saying(forge, seed, principal, statement, statement);
}

static void roster_removed_opener_goes_forward_violated(void **state)
{
    (void)state;
    static const char *const stages[] = {"opened",   "connected", "pulled",   "guarded",
                                         "switched", "verified",  "observed", "confirmed"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        CLEANUP_FORGE struct forge forge;
        begin(&forge, "release", 0, (struct lines){0}, stages[i]);
        change(&forge, (struct lines){.no_alice = true});
        forge_take(&forge, "done");
        check_violated(&forge, CLAIM_AUTHORITY, "may only disarm and roll back");
    }
}

static void roster_removed_opener_goes_on_with_an_act_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "policy", 0, (struct lines){0}, "disarmed");
    (void)forge_intent(&forge, "deploy_execution", -1, false);
    change(&forge, (struct lines){.no_alice = true});
    forge_reconcile(&forge, "done", "continue", NULL);
    check_violated(&forge, CLAIM_AUTHORITY, "may only disarm and roll back");
}

static void roster_removed_opener_goes_back_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge back, up, disarmed, told;
    begin(&back, "release", 0, (struct lines){0}, "switched");
    change(&back, (struct lines){.no_alice = true});
    forge_take(&back, "rollback");
    forge_rollback(&back);
    check_claim(&back, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
    begin(&up, "release", 0, (struct lines){0}, "pulled");
    change(&up, (struct lines){.no_alice = true});
    forge_take(&up, "abort");
    forge_until(&up, "aborted");
    check_claim(&up, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
    begin(&disarmed, "policy", 0, (struct lines){0}, "guarded");
    change(&disarmed, (struct lines){.no_alice = true});
    forge_take(&disarmed, "done");
    forge_take(&disarmed, "abort");
    forge_until(&disarmed, "aborted");
    check_claim(&disarmed, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
    begin(&told, "release", 0, (struct lines){0},
          "guarded"); /* the act was intended before: what became of it is told */
    int64_t intent = (int64_t)forge_intent(&told, "switch_services", -1, false);
    change(&told, (struct lines){.no_alice = true});
    forge_transition(&told, intent, "done", "switched", forge_evidence(&told, "switch_services"));
    forge_take(&told, "rollback");
    forge_rollback(&told);
    check_claim(&told, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
}

static void roster_takeover_by_another_goes_forward_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge, stranger;
    begin(&forge, "release", 0, (struct lines){0}, "updated");
    change(&forge, (struct lines){.no_alice = true});
    take_over(&forge, FORGE_SECOND, "bob");
    forge_until(&forge, "completed");
    check_claim(&forge, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
    begin(&stranger, "release", 0, (struct lines){0}, "updated");
    change(&stranger, (struct lines){.no_alice = true});
    take_over(&stranger, FORGE_OPERATOR, "alice");
    check_violated(&stranger, CLAIM_AUTHORITY, "takeover is not signed by an operator");
}

static void roster_not_by_an_administrator_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge operator, session, emptied;
    begin(&operator, "release", 0, (struct lines){0}, "opened");
    operator.sign_as = FORGE_SECOND;
    change(&operator,(struct lines){.no_alice = true});
    check_violated(&operator, CLAIM_AUTHORITY, "administrator");
    begin(&session, "release", 0, (struct lines){0}, "opened");
    session.sign_as = session.session;
    change(&session, (struct lines){.no_alice = true});
    check_violated(&session, CLAIM_AUTHORITY, "administrator");
    begin(&emptied, "release", 0, (struct lines){0}, "opened");
    change(&emptied, (struct lines){.no_administrator = true});
    check_violated(&emptied, CLAIM_AUTHORITY, "leaves no administrator");
}

static void roster_line_with_a_date_violated(void **state)
{
    (void)state;
    static const char *const dates[] = {
        "valid-before=\"20990101\"", "valid-after=\"20200101\"",
        "namespaces=\"titan-approval-v1\",valid-before=\"20200101Z\""};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        CLEANUP_FORGE struct forge pinned, changed;
        begin(&pinned, "release", 0, (struct lines){.dated = dates[i]}, "completed");
        check_violated(&pinned, CLAIM_AUTHORITY, "limited by a date");
        begin(&changed, "release", 0, (struct lines){0}, "opened");
        change(&changed, (struct lines){.dated = dates[i]});
        forge_until(&changed, "completed");
        check_violated(&changed, CLAIM_AUTHORITY, "limited by a date");
    }
}

/* A whole deployment, judged under a trust file that says `options` of alice. */
static struct finding trusted_with(const char *options)
{
    CLEANUP_FORGE struct forge forge;
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    uint8_t key[KEY_BYTES];
    char text[SSH_PUBLIC_KEY_TEXT_MAX], line[300];
    begin(&forge, "release", 0, (struct lines){0}, "completed");
    forge_public_key(FORGE_OPERATOR, key);
    ssh_public_key_text(key, text);
    (void)snprintf(line, sizeof line, "alice %s %s", options, text);
    assert_int_equal(allowed_signers_read("trust", line, strlen(line), &trust, &error), ERROR_OK);
    limits_default(&limits);
    forge_record(&forge, &record);
    struct audit audit = {.limits = &limits, .trust = &trust, .target = FORGE_TARGET};
    assert_int_equal(verify_record(&record, &audit, SELECTION_LAST, 0, &report, &error), ERROR_OK);
    return report.deployments[0].claims[CLAIM_AUTHORITY];
}

/* The forge's genesis is of the 23rd of November 2025. Its time is its signer's word: that it lies
 * outside is against him, that it lies within shows nothing. */
static void trust_with_a_date_is_never_proven(void **state)
{
    (void)state;
    assert_int_equal(trusted_with("namespaces=\"titan-journal-v1\"").verdict, VERDICT_PROVEN);
    assert_int_equal(trusted_with("valid-before=\"20250101\"").verdict, VERDICT_VIOLATED);
    assert_int_equal(trusted_with("valid-after=\"20990101\"").verdict, VERDICT_VIOLATED);
    assert_int_equal(trusted_with("valid-before=\"20251123\"").verdict, VERDICT_VIOLATED);
    assert_int_equal(trusted_with("valid-before=\"20251124\"").verdict, VERDICT_UNDECIDABLE);
    assert_int_equal(trusted_with("valid-after=\"20251123\"").verdict, VERDICT_UNDECIDABLE);
    assert_int_equal(trusted_with("valid-after=\"20251124\"").verdict, VERDICT_VIOLATED);
    struct finding finding = trusted_with("valid-after=\"20250101\",valid-before=\"20990101\"");
    assert_int_equal(finding.verdict, VERDICT_UNDECIDABLE);
    assert_non_null(strstr(finding.sentence, "own word only"));
    assert_int_equal(trusted_with("valid-before=\"tomorrow\"").verdict, VERDICT_UNDECIDABLE);
}

static void approval_required_number_is_counted(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge good, none, few, two;
    begin(&good, "release", 1, (struct lines){0}, "pulled");
    approve(&good, FORGE_APPROVER, "carol");
    forge_until(&good, "completed");
    check_all_proven(&good);
    begin(&none, "release", 1, (struct lines){0}, "completed");
    check_violated(&none, CLAIM_AUTHORITY, "0 of 1 required approvals");
    begin(&few, "release", 2, (struct lines){0}, "pulled");
    approve(&few, FORGE_APPROVER, "carol");
    forge_until(&few, "completed");
    check_violated(&few, CLAIM_AUTHORITY, "1 of 2 required approvals");
    begin(&two, "policy", 2, (struct lines){0}, "pulled");
    approve(&two, FORGE_APPROVER, "carol");
    approve(&two, FORGE_DAVE, "dave");
    forge_until(&two, "completed");
    check_all_proven(&two);
}

static void approval_twice_by_one_person_counts_once(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge again, names;
    begin(&again, "release", 2, (struct lines){0}, "pulled");
    approve(&again, FORGE_APPROVER, "carol");
    approve(&again, FORGE_APPROVER, "carol");
    forge_until(&again, "completed");
    check_violated(&again, CLAIM_AUTHORITY, "1 of 2 required approvals");
    begin(&names, "release", 2, (struct lines){.dave_by_carols_key = true}, "pulled");
    approve(&names, FORGE_APPROVER, "carol");
    approve(&names, FORGE_APPROVER, "dave");
    forge_until(&names, "completed");
    check_violated(&names, CLAIM_AUTHORITY, "1 of 2 required approvals");
}

static void approval_by_whoever_drives_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge stranger, second, over, later, guarded;
    begin(&stranger, "release", 1, (struct lines){0}, "pulled");
    approve(&stranger, FORGE_OPERATOR, "alice");
    check_violated(&stranger, CLAIM_AUTHORITY, "not by an approver");
    begin(&second, "release", 1, (struct lines){.alice_approves_by_a_second_key = true}, "pulled");
    approve(&second, FORGE_ALICES_SECOND, "alice");
    check_violated(&second, CLAIM_AUTHORITY, "A-15");
    begin(&over, "release", 1, (struct lines){0}, "pulled");
    take_over(&over, FORGE_SECOND, "bob");
    approve(&over, FORGE_SECOND, "bob");
    check_violated(&over, CLAIM_AUTHORITY, "A-15");
    begin(&later, "release", 1, (struct lines){0},
          "pulled"); /* his approval was good; then he takes over, and there is one person left */
    approve(&later, FORGE_SECOND, "bob");
    take_over(&later, FORGE_SECOND, "bob");
    forge_until(&later, "completed");
    check_violated(&later, CLAIM_AUTHORITY, "0 of 1 required approvals");
    begin(&guarded, "release", 1, (struct lines){0},
          "pulled"); /* behind `guarded` two persons had been heard: a colleague may finish */
    approve(&guarded, FORGE_SECOND, "bob");
    forge_until(&guarded, "guarded");
    take_over(&guarded, FORGE_SECOND, "bob");
    forge_until(&guarded, "completed");
    check_all_proven(&guarded);
}

static void approval_by_one_not_in_the_roster_at_open_and_then_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge removed, added, before;
    begin(&removed, "release", 1, (struct lines){0}, "pulled");
    change(&removed, (struct lines){.no_carol = true});
    approve(&removed, FORGE_APPROVER, "carol");
    check_violated(&removed, CLAIM_AUTHORITY, "not by an approver of the roster at open and now");
    begin(&added, "release", 1, (struct lines){.no_dave = true},
          "pulled"); /* alice, who opened, administers too */
    change(&added, (struct lines){0});
    approve(&added, FORGE_DAVE, "dave");
    check_violated(&added, CLAIM_AUTHORITY, "not by an approver of the roster at open and now");
    begin(&before, "release", 1, (struct lines){0},
          "pulled"); /* removed behind his approval: it was his to give */
    approve(&before, FORGE_APPROVER, "carol");
    change(&before, (struct lines){.no_carol = true});
    forge_until(&before, "completed");
    check_claim(&before, CLAIM_AUTHORITY, VERDICT_PROVEN, "");
}

static void approval_under_another_name_violated(void **state)
{
    (void)state;
    const uint8_t keys[] = {FORGE_STRANGER, FORGE_APPROVER};
    const char *const names[] = {"carol", "dave"};
    for (unsigned i = 0; i < 2; i++) {
        CLEANUP_FORGE struct forge forge;
        begin(&forge, "release", 1, (struct lines){0}, "pulled");
        approve(&forge, keys[i], names[i]);
        check_violated(&forge, CLAIM_AUTHORITY, "not by an approver of the roster at open and now");
    }
}

static void approval_statement_tampered_violated(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } changes[] = {{"\"expect\":\"\"", "\"expect\":\"\",\"more\":1"},
                   {"\"expect\":\"\"", "\"expect\":\"aa\""},
                   {"\"service\":\"titan-brain\",", "\"service\":\"titan-brain\",\"tag\":\"x\","},
                   {"titan-brain", "titan-other"},
                   {"\"open\":\"", "\"open\":\"0"},
                   {"{\"journal\"", "{ \"journal\""},
                   {"\"config\":\"", "\"config\":\"0"},
                   {"\"env\":\"e", "\"env\":\"f"},
                   {"\"guard\":\"absent\"", "\"guard\":\"laid\""},
                   {"\"guard\":\"absent\"", "\"guard\":\"fired\""},
                   {"\"partial\":[]", "\"partial\":[\"titan-brain\"]"},
                   {",\"partial\":[]", ""},
                   {"\"images\":[{", "\"images\":[{},{"}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        CLEANUP_FORGE struct forge other, unsigned_one;
        char statement[1400], tampered[1500];
        begin(&other, "release", 1, (struct lines){0}, "pulled");
        statement_of(&other, other.commit_after, statement, sizeof statement);
        const char *at = strstr(statement, changes[i].from);
        assert_non_null(at);
        (void)snprintf(tampered, sizeof tampered, "%.*s%s%s", (int)(at - statement), statement,
                       changes[i].to, at + strlen(changes[i].from));
        approve_saying(&other, FORGE_APPROVER, "carol", tampered, tampered);
        forge_until(&other, "guarded");
        check_violated(&other, CLAIM_AUTHORITY, "does not speak of this deployment");
        begin(&unsigned_one, "release", 1, (struct lines){0}, "pulled");
        approve_saying(&unsigned_one, FORGE_APPROVER, "carol", tampered, statement);
        check_violated(&unsigned_one, CLAIM_AUTHORITY, "signature of an approval is wrong");
    }
    CLEANUP_FORGE struct forge commit;
    char statement[1400];
    begin(&commit, "release", 1, (struct lines){0}, "pulled");
    statement_of(&commit, commit.commit_before, statement, sizeof statement);
    approve_saying(&commit, FORGE_APPROVER, "carol", statement, statement);
    check_violated(&commit, CLAIM_AUTHORITY, "does not speak of this deployment");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roster_removed_opener_goes_forward_violated),
        cmocka_unit_test(roster_removed_opener_goes_on_with_an_act_violated),
        cmocka_unit_test(roster_removed_opener_goes_back_proven),
        cmocka_unit_test(roster_takeover_by_another_goes_forward_proven),
        cmocka_unit_test(roster_not_by_an_administrator_violated),
        cmocka_unit_test(roster_line_with_a_date_violated),
        cmocka_unit_test(trust_with_a_date_is_never_proven),
        cmocka_unit_test(approval_required_number_is_counted),
        cmocka_unit_test(approval_twice_by_one_person_counts_once),
        cmocka_unit_test(approval_by_whoever_drives_violated),
        cmocka_unit_test(approval_by_one_not_in_the_roster_at_open_and_then_violated),
        cmocka_unit_test(approval_under_another_name_violated),
        cmocka_unit_test(approval_statement_tampered_violated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
