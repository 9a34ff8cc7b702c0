/* Goal: a deployment that is followed entry by entry is the one that is read whole: after every
 * entry, of every type that moves it, over entries of no deployment and into the next one. */
#include "tests/journal/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fsm/past/deployment.h"
#include "journal/format/names.h"

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct support_clock time;
    struct clock clock;
    struct world world; /* the machine, with this clock */
    struct journal *journal;
    struct deployment followed;
    bool found;
};

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
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    deployment_clear(&place->followed);
    journal_close(place->journal);
    support_remove(place->directory);
    free(place);
    return 0;
}

static uint64_t append_body(struct place *place, const char *type, int64_t deployment,
                            const char *text)
{
    CLEANUP_JSON json_t *body = json_loads(text, 0, NULL);
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    struct error error;
    uint64_t seq;
    assert_non_null(body);
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = signer,
                                                    .type = type,
                                                    .deployment = deployment,
                                                    .body = body},
                              &seq, &error),
               &error);
    return seq;
}

static void assert_same(const struct deployment *one, const struct deployment *two)
{
    assert_int_equal(one->number, two->number);
    assert_int_equal(one->procedure, two->procedure);
    assert_int_equal(one->state, two->state);
    assert_int_equal(one->ended, two->ended);
    assert_int_equal(one->intent.seq, two->intent.seq);
    assert_int_equal(one->intent.action, two->intent.action);
    assert_int_equal(one->intent.repeats, two->intent.repeats);
    assert_int_equal(one->intent.interrupted, two->intent.interrupted);
    assert_string_equal(one->intent.key, two->intent.key);
    assert_int_equal(one->repeat_of, two->repeat_of);
    assert_string_equal(one->repeat_key, two->repeat_key);
    assert_int_equal(one->next, two->next);
    assert_int_equal(one->count, two->count);
    for (size_t i = 0; i < one->count; i++) {
        assert_int_equal(one->entries[i].seq, two->entries[i].seq);
        assert_memory_equal(one->entries[i].hash, two->entries[i].hash, SHA256_BYTES);
        assert_true(json_equal(one->entries[i].body, two->entries[i].body));
    }
}

static void follow_and_compare(struct place *place)
{
    struct deployment whole = {0};
    struct error error;
    bool found = false;
    support_ok(deployment_follow(place->journal, &place->followed, &place->found, &error), &error);
    support_ok(deployment_load(place->journal, &whole, &found, &error), &error);
    assert_int_equal(place->found, found);
    assert_same(&place->followed, &whole);
    deployment_clear(&whole);
}

struct row {
    const char *type;
    int64_t deployment; /* JOURNAL_NO_DEPLOYMENT, _SELF, or 0 = the one that is open */
    const char *body;
};

static const struct row ROWS[] = {
    {ENTRY_GENESIS, JOURNAL_NO_DEPLOYMENT, "{}"},
    {ENTRY_COMMAND, JOURNAL_NO_DEPLOYMENT, "{}"},
    {ENTRY_OPEN, JOURNAL_DEPLOYMENT_SELF, "{\"procedure\":\"release\"}"},
    {ENTRY_INTENT, 0, "{\"action\":\"run_preflight\",\"key\":\"aa\"}"},
    {ENTRY_TRANSITION, 0, "{\"from\":\"opened\",\"to\":\"preflighted\",\"intent\":3}"},
    {ENTRY_INTENT, 0, "{\"action\":\"connect\",\"key\":\"bb\"}"},
    {ENTRY_NOTE, JOURNAL_NO_DEPLOYMENT, "{}"},
    {ENTRY_RECONCILIATION, 0, "{\"then\":\"repeat\"}"},
    {ENTRY_INTENT, 0, "{\"action\":\"connect\",\"key\":\"bb\",\"repeats\":5}"},
    {ENTRY_RECONCILIATION, 0, "{\"then\":\"continue\"}"},
    {ENTRY_TRANSITION, 0,
     "{\"from\":\"preflighted\",\"to\":\"connected\",\"facts\":{\"interlock\":\"armed\"}}"},
    {ENTRY_TAKEOVER, 0, "{\"epoch\":2}"},
    {ENTRY_TRANSITION, 0, "{\"from\":\"connected\",\"to\":\"rollback_failed\"}"},
    {ENTRY_ATTESTATION, 0, "{\"item\":\"rollback_failed\"}"},
    {ENTRY_COMMAND, JOURNAL_NO_DEPLOYMENT, "{}"},
    {ENTRY_OPEN, JOURNAL_DEPLOYMENT_SELF, "{\"procedure\":\"policy\"}"},
    {ENTRY_INTENT, 0, "{\"action\":\"run_preflight\",\"key\":\"cc\"}"},
};
enum { ROW_COUNT = sizeof ROWS / sizeof ROWS[0] };

static void append_row(struct place *place, const struct row *row, int64_t *open)
{
    uint64_t seq = append_body(place, row->type, row->deployment == 0 ? *open : row->deployment,
                               row->body);
    if (row->deployment == JOURNAL_DEPLOYMENT_SELF)
        *open = (int64_t)seq;
}

static void deployment_follow_after_each_entry_equals_load(void **state)
{
    struct place *place = *state;
    int64_t open = 0;
    follow_and_compare(place);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        append_row(place, &ROWS[i], &open);
        follow_and_compare(place);
    }
    assert_int_equal(place->followed.number, open);
    assert_int_equal(place->followed.procedure, PROCEDURE_POLICY);
}

static void deployment_follow_after_many_entries_equals_load(void **state)
{
    struct place *place = *state;
    int64_t open = 0;
    for (size_t i = 0; i < 4; i++)
        append_row(place, &ROWS[i], &open);
    follow_and_compare(place);
    for (size_t i = 4; i < 13; i++)
        append_row(place, &ROWS[i], &open);
    for (size_t i = 0; i < 70; i++) /* more than there was room for */
        (void)append_body(place, ENTRY_SAMPLE, open, "{\"n\":1}");
    follow_and_compare(place);
    assert_int_equal(place->followed.state, STATE_ROLLBACK_FAILED);
}

/* What cannot be folded is refused each time it is asked for, and harms nothing. */
static void refused_again(struct place *place, const char *transition)
{
    struct error error;
    int64_t open = 0;
    for (size_t i = 0; i < 5; i++)
        append_row(place, &ROWS[i], &open);
    follow_and_compare(place);
    (void)append_body(place, ENTRY_TRANSITION, open, transition);
    for (int i = 0; i < 2; i++)
        support_code(deployment_follow(place->journal, &place->followed, &place->found, &error),
                     ERROR_DAMAGED, &error);
}

static void deployment_follow_unknown_state_refused_again(void **state)
{
    refused_again(*state, "{\"from\":\"preflighted\",\"to\":\"moon\"}");
}

/* Whose DISARM it was is asked later: by the key of its intent. */
static void deployment_follow_disarmed_without_intent_refused_again(void **state)
{
    refused_again(*state, "{\"from\":\"connected\",\"to\":\"disarmed\",\"intent\":3}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(deployment_follow_after_each_entry_equals_load, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deployment_follow_after_many_entries_equals_load, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deployment_follow_unknown_state_refused_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(deployment_follow_disarmed_without_intent_refused_again,
                                        set_up, tear_down),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
