/* Goal: both forms of the log lines are read, JSON too; a line of an earlier start, or one that
 * only quotes another, never counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actions/interlock.h"
#include "actions/logs.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NONCE "0123456789abcdef0123456789abcdef"
static const char STARTED[] = "2026-11-23T07:20:23.5Z";

static const struct setup_services services = {
    .policy_loaded = {{"Risk Policy Loaded. Hash: %H", "Loaded RiskPolicy (hash: %H"}, 2},
    .disarm_received = {{"Received DISARM command: %N"}, 1},
    .arm_received = {{"Received ARM command: %N"}, 1},
    .disarmed = {{"EXECUTION DISARMED: ", "Execution initialized DISARMED"}, 2},
    .armed = {{"EXECUTION ARMED: ", "Execution initialized in ARMED state"}, 2},
};

static struct bytes text_of(const char *text)
{
    return (struct bytes){.data = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

static void logs_next_every_form_gives_the_message(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"2026-11-23T07:20:24Z "
         "{\"timestamp\":\"x\",\"level\":\"INFO\",\"fields\":{\"message\":\"\\u2705 Risk Policy "
         "Loaded. Hash: " HASH_A "\"}}\n",
         "Risk Policy Loaded. Hash: " HASH_A},
        {"2026-11-23T07:20:24Z {\"timestamp\":\"x\",\"level\":\"info\",\"message\":\"✅ Policy hash "
         "handshake OK\",\"component\":\"b\"}\n",
         "Policy hash handshake OK"},
        {"2026-11-23T07:20:24Z [INFO] Loaded RiskPolicy (hash: " HASH_A ")\n",
         "Loaded RiskPolicy (hash: " HASH_A ")"},
        {"2026-11-23T07:20:24Z ✅ Policy hash handshake OK\n", "Policy hash handshake OK"},
        {"2026-11-23T07:20:24Z plain\n", "plain"},
        {"2026-11-23T07:20:24Z plain without end", "plain without end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes text = text_of(rows[i].line);
        struct log_line line;
        size_t at = 0;
        assert_true(logs_next(&text, &at, STARTED, &line));
        assert_string_equal(line.message, rows[i].message);
        assert_false(logs_next(&text, &at, STARTED, &line));
    }
}

static void logs_next_earlier_start_is_skipped(void **state)
{
    (void)state;
    struct bytes text = text_of(
        "2026-11-23T07:20:23.499999999Z old\nno time at all\n2026-11-23T07:20:23.5Z "
        "just\n2026-11-23T07:20:23.500000001Z new\n");
    struct log_line line;
    size_t at = 0;
    assert_true(logs_next(&text, &at, STARTED, &line));
    assert_string_equal(line.message, "just");
    assert_true(logs_next(&text, &at, STARTED, &line));
    assert_string_equal(line.message, "new");
    assert_false(logs_next(&text, &at, STARTED, &line));
}

static void log_time_compare_any_number_of_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *left, *right;
        int order;
    } rows[] = {
        {"2026-11-23T07:20:23Z", "2026-11-23T07:20:23.000Z", 0},
        {"2026-11-23T07:20:23.1Z", "2026-11-23T07:20:23.09Z", 1},
        {"2026-11-23T07:20:22.9Z", "2026-11-23T07:20:23Z", -1},
        {"2026-11-23T07:20:23+00:00", "2026-11-23T07:20:23Z", 0},
        {"2026-11-23T07:20:23+01:00", "2026-11-23T07:20:23Z", -1},
        {"yesterday", "2026-11-23T07:20:23Z", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int order = log_time_compare(rows[i].left, strlen(rows[i].left), rows[i].right,
                                     strlen(rows[i].right));
        assert_int_equal((order > 0) - (order < 0), rows[i].order);
    }
}

static void log_matches_only_at_the_start(void **state)
{
    (void)state;
    static const char loaded[] = "Risk Policy Loaded. Hash: %H",
                      received[] = "Received DISARM command: %N";
    assert_true(log_matches("Risk Policy Loaded. Hash: " HASH_A, loaded));
    assert_true(log_matches("Risk Policy Loaded. Hash: none", loaded));
    assert_false(log_matches("said: Risk Policy Loaded. Hash: " HASH_A, loaded));
    assert_true(log_matches("Received DISARM command: " NONCE " why", received));
    assert_false(log_matches("Received ARM command: " NONCE, received));
    assert_true(log_matches("panic 17: out", "panic %N: "));
    assert_false(log_matches("panic 17, out", "panic %N: "));
    assert_false(log_matches("pan", "panic"));
}

/* Whose command a line received is what stands there, and nothing that only begins so. */
static void log_nonce_gives_the_word(void **state)
{
    (void)state;
    char word[40];
    assert_true(log_nonce("Received DISARM command: " NONCE " why", &services.disarm_received, word,
                          sizeof word));
    assert_string_equal(word, NONCE);
    assert_true(
        log_nonce("Received DISARM command: ", &services.disarm_received, word, sizeof word));
    assert_false(
        log_nonce("Received ARM command: " NONCE, &services.disarm_received, word, sizeof word));
}

static void expect_interlock(const char *log, const char *marker, enum interlock wanted,
                             bool received)
{
    struct bytes text = text_of(log);
    struct interlock_view view = {.interlock = INTERLOCK_INVALID};
    interlock_read(&services, &text, STARTED, &(struct interlock_question){.nonce = NONCE}, marker,
                   &view);
    assert_int_equal(view.interlock, wanted);
    assert_int_equal(view.received, received);
}

#define AT "2026-11-23T07:20:24Z "
#define BEFORE "2026-11-23T07:20:22Z "
static void interlock_read_says_only_what_is_shown(void **state)
{
    (void)state;
    expect_interlock("", "", INTERLOCK_UNKNOWN, false);
    expect_interlock(AT "Execution initialized DISARMED\n", "", INTERLOCK_DISARMED, false);
    expect_interlock(AT "Execution initialized in ARMED state\n" AT
                        "Received DISARM command: " NONCE "\n" AT "EXECUTION DISARMED: " NONCE "\n",
                     "", INTERLOCK_DISARMED, true);
    expect_interlock(AT "Execution initialized DISARMED\n" AT "Received DISARM command: " NONCE
                        "\n",
                     "absent", INTERLOCK_DISARMED, true);
    expect_interlock(AT "Received DISARM command: " NONCE "\n" AT "EXECUTION DISARMED: x\n" AT
                        "EXECUTION ARMED: y\n",
                     "", INTERLOCK_ARMED, false);
    expect_interlock(AT "Received DISARM command: " NONCE "\n", "", INTERLOCK_UNKNOWN, true);
    expect_interlock(BEFORE "Received DISARM command: " NONCE "\n" BEFORE "EXECUTION DISARMED: x\n",
                     "", INTERLOCK_UNKNOWN, false);
    expect_interlock(AT "operator said EXECUTION DISARMED: x\n", "", INTERLOCK_UNKNOWN, false);
    expect_interlock(AT "Execution initialized DISARMED\n", "present", INTERLOCK_UNKNOWN, false);
    expect_interlock(AT "EXECUTION ARMED: x\n", "absent", INTERLOCK_UNKNOWN, false);
    expect_interlock(AT "Execution initialized DISARMED\n", "unknown", INTERLOCK_UNKNOWN, false);
}

/* Who armed: only our own nonce, with the state behind it, is our ARM; and an armed line behind the
 * DISARM that we saw is somebody's. */
static void interlock_read_tells_our_arm_from_another(void **state)
{
    (void)state;
    static const char ours[] = AT "Received ARM command: " NONCE " x\n",
                      other[] = AT "Received ARM command: other\n",
                      armed[] = AT "EXECUTION ARMED: x\n",
                      disarmed[] = AT "EXECUTION DISARMED: x\n",
                      disarm[] = AT "Received DISARM command: mine\n";
    const struct {
        const char *lines[4];
        bool armed_by_nonce, armed_since;
    } rows[] = {
        {{ours, armed}, true, true},
        {{armed, ours}, false, true},
        {{other, armed}, false, true},
        {{ours, other, armed}, false, true},
        {{ours, armed, disarmed}, false, true},
        {{armed, disarm, disarmed}, false, false},
        {{disarm, armed, disarmed}, false, true},
        {{disarm, disarmed}, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char log[1024] = "";
        for (size_t j = 0; j < 4 && rows[i].lines[j] != NULL; j++)
            (void)snprintf(log + strlen(log), sizeof log - strlen(log), "%s", rows[i].lines[j]);
        struct bytes text = text_of(log);
        struct interlock_view view = {.interlock = INTERLOCK_INVALID};
        interlock_read(&services, &text, STARTED,
                       &(struct interlock_question){.nonce = NONCE, .disarmed_by = "mine"}, "",
                       &view);
        if (view.armed_by_nonce != rows[i].armed_by_nonce
            || view.armed_since != rows[i].armed_since)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_next_every_form_gives_the_message),
        cmocka_unit_test(logs_next_earlier_start_is_skipped),
        cmocka_unit_test(log_time_compare_any_number_of_decimals),
        cmocka_unit_test(log_matches_only_at_the_start),
        cmocka_unit_test(log_nonce_gives_the_word),
        cmocka_unit_test(interlock_read_says_only_what_is_shown),
        cmocka_unit_test(interlock_read_tells_our_arm_from_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
