/* Goal: the roster is that of genesis and of the entries behind it, wherever one looks; the cache
 * is a shortcut and never an authority; a change that would give a dated right, or leave nobody who
 * can change it, is refused. */
#include "tests/journal/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fsm/roster/roster.h"
#include "journal/format/sshsig.h"

enum { ALICE = 1, BOB = 2, CAROL = 3, DAVE = 4 };

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct support_clock time;
    struct clock clock;
    struct world world; /* the machine, with this clock */
    struct journal *journal;
};

static const char *line_of(uint8_t who, const char *principal, const char *options)
{
    static char lines[8][300];
    static unsigned turn;
    char *line = lines[turn++ % 8], text[SSH_PUBLIC_KEY_TEXT_MAX];
    CLEANUP_SIGNER struct signer *signer = support_signer(who);
    ssh_public_key_text(signer_public_key(signer), text);
    (void)snprintf(line, sizeof lines[0], "%s %s%s%s", principal, options,
                   options[0] != '\0' ? " " : "", text);
    return line;
}

/* alice operates and administers, bob operates, carol approves. */
static json_t *first_lines(void)
{
    return json_pack("{s:[s,s], s:[s], s:[s]}", "operators", line_of(ALICE, "alice", ""),
                     line_of(BOB, "bob", ""), "approvers", line_of(CAROL, "carol", ""),
                     "administrators", line_of(ALICE, "alice", ""));
}

static uint64_t append(struct place *place, uint8_t who, const char *type, json_t *body)
{
    CLEANUP_JSON json_t *owned = body;
    CLEANUP_SIGNER struct signer *signer = support_signer(who);
    struct error error;
    uint64_t seq;
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = signer,
                                                    .type = type,
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = owned},
                              &seq, &error),
               &error);
    return seq;
}

static void append_notes(struct place *place, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)append(place, ALICE, "note", json_pack("{s:s}", "text", "a note"));
}

static void load(struct place *place, uint64_t size, struct roster *roster)
{
    struct error error;
    support_ok(roster_load(place->journal, size, roster, &error), &error);
}

static uint64_t size_of(struct place *place)
{
    struct journal_head head;
    struct error error;
    support_ok(journal_head(place->journal, &head, &error), &error);
    return head.size;
}

static bool has(const struct roster *roster, enum roster_role role, uint8_t who,
                const char *principal)
{
    CLEANUP_SIGNER struct signer *signer = support_signer(who);
    return roster_find(roster, role, signer_public_key(signer), principal) != NULL;
}

/* Appends the roster without somebody, by alice. */
static uint64_t remove_one(struct place *place, enum roster_role role, const char *who)
{
    CLEANUP_ROSTER struct roster roster = {0};
    struct error error;
    json_t *lines = NULL;
    load(place, size_of(place), &roster);
    support_ok(roster_without(&roster, role, who, &lines, &error), &error);
    return append(place, ALICE, "roster",
                  json_pack("{s:o, s:s}", "roster", lines, "reason", "left"));
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->path, sizeof place->path, "%s/journal", place->directory);
    place->time.next = (struct clock_reading){.utc = "2026-11-23T07:20:23.123456789Z",
                                              .boot = "11111111-2222-3333-4444-555555555555",
                                              .boottime_ns = 5};
    place->clock = support_clock(&place->time);
    place->world = *support_world();
    place->world.clock = &place->clock;
    support_ok(journal_create(place->path, &place->world, &place->journal, &error), &error);
    (void)append(place, ALICE, "genesis", json_pack("{s:o}", "roster", first_lines()));
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    journal_close(place->journal);
    support_remove(place->directory);
    free(place);
    return 0;
}

static void roster_load_each_place_has_its_own(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    append_notes(place, 2);
    uint64_t bob_left = remove_one(place, ROSTER_OPERATOR, "bob");
    append_notes(place, 1);
    uint64_t carol_left = remove_one(place, ROSTER_APPROVER, "carol");
    load(place, bob_left, &roster);
    assert_int_equal(roster.entry, 0);
    assert_true(has(&roster, ROSTER_OPERATOR, BOB, "bob"));
    load(place, bob_left + 1, &roster);
    assert_int_equal(roster.entry, bob_left);
    assert_false(has(&roster, ROSTER_OPERATOR, BOB, "bob"));
    assert_true(has(&roster, ROSTER_APPROVER, CAROL, "carol"));
    load(place, size_of(place), &roster);
    assert_int_equal(roster.entry, carol_left);
    assert_false(has(&roster, ROSTER_APPROVER, CAROL, "carol"));
    assert_true(has(&roster, ROSTER_OPERATOR, ALICE, NULL));
    assert_false(has(&roster, ROSTER_OPERATOR, ALICE, "bob"));
    assert_false(has(&roster, ROSTER_ADMINISTRATOR, BOB, NULL));
}

/* The cache is written when much was scanned; with it, without it, with nonsense in it and with
 * that of another history the answer is the same. */
static void roster_load_cache_changes_no_answer(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    CLEANUP_BYTES struct bytes cache = {0};
    struct error error;
    uint64_t bob_left = remove_one(place, ROSTER_OPERATOR, "bob");
    append_notes(place, 300);
    load(place, size_of(place), &roster);
    support_ok(journal_state_get(place->journal, "roster", &cache, &error), &error);
    assert_true(cache.size > 0);
    append_notes(place, 3);
    uint64_t carol_left = remove_one(place, ROSTER_APPROVER, "carol");
    static const char *const wrong[] = {"", "x", "{}",
                                        "{\"scanned\":4,\"hash\":\"00\",\"places\":[]}",
                                        "{\"scanned\":900,\"hash\":\"00\",\"places\":[1]}"};
    for (size_t i = 0; i <= sizeof wrong / sizeof wrong[0]; i++) {
        load(place, size_of(place), &roster);
        assert_int_equal(roster.entry, carol_left);
        load(place, bob_left + 1, &roster);
        assert_int_equal(roster.entry, bob_left);
        if (i < sizeof wrong / sizeof wrong[0])
            support_ok(journal_state_put(place->journal, "roster", wrong[i], strlen(wrong[i]),
                                         &error),
                       &error);
    }
}

/* One that names places where no roster stands is thrown away. */
static void roster_load_cache_of_wrong_places_is_made_anew(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    CLEANUP_BYTES struct bytes value = {0};
    struct error error;
    char hash[SHA256_HEX + 1], cache[200];
    append_notes(place, 5);
    uint64_t bob_left = remove_one(place, ROSTER_OPERATOR, "bob");
    support_ok(journal_stored_value(place->journal, bob_left, &value, &error), &error);
    bytes_sha256_hex(value.data, value.size, hash);
    (void)snprintf(cache, sizeof cache, "{\"scanned\":%llu,\"hash\":\"%s\",\"places\":[2]}",
                   (unsigned long long)bob_left + 1, hash);
    support_ok(journal_state_put(place->journal, "roster", cache, strlen(cache), &error), &error);
    load(place, size_of(place), &roster);
    assert_int_equal(roster.entry, bob_left);
}

static void roster_load_entry_not_by_an_administrator_is_damaged(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    struct error error;
    (void)append(place, BOB, "roster",
                 json_pack("{s:o, s:s}", "roster", first_lines(), "reason", "mine"));
    support_code(roster_load(place->journal, size_of(place), &roster, &error), ERROR_DAMAGED,
                 &error);
    assert_non_null(strstr(error.what, "administrator"));
    load(place, 1, &roster); /* what stands before it holds */
    assert_int_equal(roster.entry, 0);
}

static void roster_read_only_journal_is_read_without_a_cache(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    struct error error;
    append_notes(place, 200);
    uint64_t bob_left = remove_one(place, ROSTER_OPERATOR, "bob");
    append_notes(place, 200);
    journal_close(place->journal);
    place->journal = NULL;
    support_ok(journal_open(place->path, &place->world, true, &place->journal, &error), &error);
    load(place, size_of(place), &roster);
    assert_int_equal(roster.entry, bob_left);
}

static void refuse_line(struct place *place, enum roster_role role, const char *line,
                        const char *part)
{
    CLEANUP_ROSTER struct roster roster = {0};
    struct error error;
    json_t *lines = NULL;
    load(place, size_of(place), &roster);
    support_code(roster_with(&roster, role, line, &lines, &error), ERROR_REFUSED, &error);
    if (strstr(error.what, part) == NULL)
        fail_msg("'%s' does not say '%s'", error.what, part);
    assert_null(lines);
    assert_true(error.next[0] != '\0');
}

static void roster_with_bad_lines_refused(void **state)
{
    struct place *place = *state;
    char two[700];
    refuse_line(place, ROSTER_APPROVER, line_of(DAVE, "dave", "valid-before=\"20990101\""),
                "ends by an entry, not by a date");
    refuse_line(place, ROSTER_OPERATOR, line_of(DAVE, "dave", "valid-after=\"20200101\""),
                "ends by an entry, not by a date");
    refuse_line(place, ROSTER_APPROVER, line_of(DAVE, "dave", "namespaces=\"titan-journal-v1\""),
                "namespaces");
    refuse_line(place, ROSTER_OPERATOR, line_of(DAVE, "dave", "namespaces=\"titan-approval-v1\""),
                "namespaces");
    refuse_line(place, ROSTER_OPERATOR, line_of(BOB, "bob", ""), "already");
    refuse_line(place, ROSTER_OPERATOR, line_of(DAVE, "*", ""), "wildcard");
    refuse_line(place, ROSTER_OPERATOR, "dave ssh-rsa AAAA", "not supported");
    refuse_line(place, ROSTER_OPERATOR, "dave ssh-ed25519 AAAAB3...", "cut short or mistyped");
    refuse_line(place, ROSTER_OPERATOR, "", "");
    (void)snprintf(two, sizeof two, "%s\n%s", line_of(DAVE, "dave", ""),
                   line_of(CAROL, "carol", ""));
    refuse_line(place, ROSTER_OPERATOR, two, "control character");
}

static void roster_without_by_principal_or_fingerprint(void **state)
{
    struct place *place = *state;
    CLEANUP_ROSTER struct roster roster = {0};
    CLEANUP_SIGNER struct signer *bob = support_signer(BOB);
    CLEANUP_JSON json_t *lines = NULL;
    struct error error;
    char fingerprint[64];
    load(place, size_of(place), &roster);
    ssh_fingerprint(signer_public_key(bob), fingerprint);
    support_ok(roster_without(&roster, ROSTER_OPERATOR, fingerprint, &lines, &error), &error);
    assert_int_equal(json_array_size(json_object_get(lines, "operators")), 1);
    assert_int_equal(json_array_size(json_object_get(roster.lines, "operators")), 2);
    json_t *untouched = NULL;
    support_code(roster_without(&roster, ROSTER_OPERATOR, "mallory", &untouched, &error),
                 ERROR_REFUSED, &error);
    support_code(roster_without(&roster, ROSTER_ADMINISTRATOR, "alice", &untouched, &error),
                 ERROR_REFUSED, &error);
    assert_non_null(strstr(error.what, "last administrator"));
    assert_null(untouched);
}

/* Who could approve: two lines of one key, or of one name, are one person. */
static void roster_others_counts_persons(void **state)
{
    (void)state;
    CLEANUP_ROSTER struct roster roster = {0};
    CLEANUP_SIGNER struct signer *alice = support_signer(ALICE);
    struct error error;
    CLEANUP_JSON json_t *lines = json_pack("{s:[], s:[s,s,s,s,s], s:[]}", "operators", "approvers",
                                           line_of(ALICE, "anybody", ""), line_of(BOB, "alice", ""),
                                           line_of(CAROL, "carol", ""), line_of(CAROL, "dave", ""),
                                           line_of(DAVE, "carol", ""), "administrators");
    support_ok(roster_read(lines, &roster, &error), &error);
    assert_int_equal(roster_others(&roster, ROSTER_APPROVER, signer_public_key(alice), "alice"), 1);
}

/* What was decided over so many entries is not recorded over others. */
static void journal_append_at_another_size_is_held(void **state)
{
    struct place *place = *state;
    CLEANUP_SIGNER struct signer *signer = support_signer(ALICE);
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "text", "a note");
    struct error error;
    uint64_t size = size_of(place), seq = 77;
    append_notes(place, 1);
    support_code(journal_append(place->journal,
                                &(struct entry_draft){.signer = signer,
                                                      .type = "note",
                                                      .deployment = JOURNAL_NO_DEPLOYMENT,
                                                      .body = body,
                                                      .decided_at = size},
                                &seq, &error),
                 ERROR_HELD, &error);
    assert_int_equal(size_of(place), size + 1);
    assert_int_equal(seq, 77);
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body,
                                                    .decided_at = size + 1},
                              &seq, &error),
               &error);
    assert_int_equal(seq, size + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(roster_load_each_place_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roster_load_cache_changes_no_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roster_load_cache_of_wrong_places_is_made_anew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(roster_load_entry_not_by_an_administrator_is_damaged,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(roster_read_only_journal_is_read_without_a_cache, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(roster_with_bad_lines_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roster_without_by_principal_or_fingerprint, set_up,
                                        tear_down),
        cmocka_unit_test(roster_others_counts_persons),
        cmocka_unit_test_setup_teardown(journal_append_at_another_size_is_held, set_up, tear_down),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
