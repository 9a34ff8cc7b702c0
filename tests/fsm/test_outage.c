/* Goal: the time for which Execution was disarmed is at most too long, never too short: it counts
 * from the first act that may have taken its arms since it was last seen armed, through rollbacks
 * that fail and are tried again, and through interruptions that leave no evidence of what was sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "fsm/terminal/outage.h"

enum { ENTRIES_MAX = 16 };
static const int64_t SECOND = 1000000000;

/* One entry: at which second, of which type, and its body. */
struct told {
    int64_t second;
    const char *type, *body;
};

static const struct told CONNECTED = {1, "transition",
                                      "{\"from\":\"preflighted\",\"to\":\"connected\",\"event\":"
                                      "\"done\",\"facts\":{\"interlock\":\"armed\"}}"};
static const struct told SWITCHING = {2, "intent", "{\"action\":\"switch_services\"}"};
static const struct told SWITCHED = {
    5, "transition",
    "{\"from\":\"guarded\",\"to\":\"switched\",\"event\":\"done\",\"evidence\":[{\"probe\":"
    "\"compose.up\",\"sent_ns\":4000000000,\"received_ns\":5000000000}]}"};
static const struct told SEEN_DISARMED = {6, "transition",
                                          "{\"from\":\"switched\",\"to\":\"verified\",\"event\":"
                                          "\"done\",\"facts\":{\"interlock\":\"disarmed\"}}"};
static const struct told SEEN_ARMED = {6, "transition",
                                       "{\"from\":\"switched\",\"to\":\"verified\",\"event\":"
                                       "\"done\",\"facts\":{\"interlock\":\"armed\"}}"};
static const struct told ARMED = {
    9, "transition",
    "{\"from\":\"verified\",\"to\":\"armed\",\"event\":\"rearmed\",\"evidence\":[{\"probe\":\"bus."
    "publish\",\"sent_ns\":7000000000,\"received_ns\":8000000000}]}"};

static struct told safe(int64_t second)
{
    return (struct told){second, "intent", "{\"action\":\"make_safe\"}"};
}

static struct told to(int64_t second, const char *body)
{
    return (struct told){second, "transition", body};
}

static struct outage measured(enum procedure procedure, const struct told *told, size_t count)
{
    struct journal_entry entries[ENTRIES_MAX] = {0};
    struct driver driver = {0};
    struct outage outage = {0};
    struct error error;
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct journal_entry){.seq = i,
                                            .boottime_ns = told[i].second * SECOND,
                                            .body = json_loads(told[i].body, 0, NULL)};
        (void)snprintf(entries[i].type, sizeof entries[i].type, "%s", told[i].type);
        assert_non_null(entries[i].body);
    }
    driver.deployment = (struct deployment){.procedure = procedure,
                                            .state = STATE_ROLLED_BACK,
                                            .ended = true,
                                            .entries = entries,
                                            .count = count};
    assert_int_equal(outage_measure(&driver, &outage, &error), ERROR_OK);
    for (size_t i = 0; i < count; i++)
        json_decref(entries[i].body);
    return outage;
}

#define MEASURED(...)                                         \
    measured(PROCEDURE_RELEASE, (struct told[]){__VA_ARGS__}, \
             sizeof((struct told[]){__VA_ARGS__}) / sizeof(struct told))

static void outage_measure_second_rollback_counts_from_the_first(void **state)
{
    (void)state;
    struct outage outage = MEASURED(CONNECTED, SWITCHING, SWITCHED, SEEN_ARMED, safe(10),
                                    to(12, "{\"from\":\"rolling_back\",\"to\":\"safe\"}"),
                                    to(20, "{\"from\":\"safe\",\"to\":\"rollback_failed\"}"),
                                    to(60,
                                       "{\"from\":\"rollback_failed\",\"to\":\"rolling_back\"}"),
                                    safe(61), to(62, "{\"from\":\"rolling_back\",\"to\":\"safe\"}"),
                                    to(70, "{\"from\":\"verified_back\",\"to\":\"rolled_back\"}"));
    assert_true(outage.still_disarmed);
    assert_int_equal(outage.disarmed_ns, 60 * SECOND);
}

static void outage_measure_armed_again_counts_both_times(void **state)
{
    (void)state;
    struct outage outage = MEASURED(CONNECTED, SWITCHING, SWITCHED, SEEN_DISARMED, ARMED, safe(20),
                                    safe(40), to(50, "{\"from\":\"x\",\"to\":\"rolled_back\"}"));
    assert_true(outage.still_disarmed);
    assert_int_equal(outage.disarmed_ns, (8 - 4 + 50 - 20) * SECOND);
}

static void outage_measure_switch_failed_half_way_counts_from_its_up(void **state)
{
    (void)state;
    struct outage outage = MEASURED(CONNECTED, SWITCHING, SWITCHED,
                                    to(7, "{\"from\":\"switched\",\"to\":\"rolling_back\"}"),
                                    safe(20), to(30, "{\"from\":\"x\",\"to\":\"rolled_back\"}"));
    assert_int_equal(outage.disarmed_ns, 26 * SECOND);
}

/* What the first try sent is nowhere but in its intent. */
static void outage_measure_interrupted_acts_count_from_their_intent(void **state)
{
    (void)state;
    struct told again = {3, "reconciliation", "{\"then\":\"repeat\"}"},
                by_hand = {7, "command", "{\"command\":\"disarm\",\"phase\":\"intent\"}"};
    struct outage outage = MEASURED(CONNECTED, SWITCHING, again, SWITCHING, SWITCHED, SEEN_DISARMED,
                                    ARMED);
    assert_false(outage.still_disarmed);
    assert_int_equal(outage.disarmed_ns, (8 - 2) * SECOND);
    outage = MEASURED(CONNECTED, SWITCHING, SWITCHED, SEEN_ARMED, by_hand, safe(20),
                      to(30, "{\"from\":\"x\",\"to\":\"rolled_back\"}"));
    assert_int_equal(outage.disarmed_ns, 23 * SECOND);
}

static void outage_measure_guard_that_fired_counts_from_the_last_look(void **state)
{
    (void)state;
    struct told sample = {15, "sample", "{\"facts\":{\"failing\":\"\",\"mismatch\":\"\"}}"},
                ill = {17, "sample",
                       "{\"facts\":{\"failing\":\"policy_hash,\",\"mismatch\":\"\"}}"};
    struct outage outage = MEASURED(
        CONNECTED, SWITCHING, SWITCHED, SEEN_ARMED, sample, ill,
        to(20, "{\"from\":\"verified\",\"to\":\"rolling_back\",\"event\":\"guard_fired\"}"),
        safe(21), to(30, "{\"from\":\"x\",\"to\":\"rolled_back\"}"));
    assert_int_equal(outage.disarmed_ns, 15 * SECOND);
}

static void outage_measure_never_disarmed_says_so(void **state)
{
    (void)state;
    struct outage outage = MEASURED(CONNECTED, SWITCHING, SWITCHED, SEEN_ARMED);
    assert_int_equal(outage.disarmed_ns, -1);
    assert_false(outage.still_disarmed);
    outage = MEASURED(safe(10),
                      to(30, "{\"from\":\"x\",\"to\":\"rolled_back\"}")); /* had not been armed */
    assert_int_equal(outage.disarmed_ns, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outage_measure_second_rollback_counts_from_the_first),
        cmocka_unit_test(outage_measure_armed_again_counts_both_times),
        cmocka_unit_test(outage_measure_switch_failed_half_way_counts_from_its_up),
        cmocka_unit_test(outage_measure_interrupted_acts_count_from_their_intent),
        cmocka_unit_test(outage_measure_guard_that_fired_counts_from_the_last_look),
        cmocka_unit_test(outage_measure_never_disarmed_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
