/* The small judgements each at its borders: the auditor's limits, what a finding rests on, edges of
 * the machine, spans of time, what a list says. */
#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "verify/judge/audit.h"
#include "verify/judge/order.h"
#include "verify/judge/reading.h"
#include "verify/read/file.h"

#define ITEM_62 "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"

/* `where` of a refusal behind the path; NULL = it is taken. */
static const struct {
    const char *text, *where, *quoted;
} files[] = {
    {"", ":1:1", "YAML"},
    {"window_ms: 604800000\n", NULL, NULL},
    {"window_ms: 604800001\n", ":1:1", "'window_ms'"},
    {"window_ms: 1\n", NULL, NULL},
    {"window_ms: 0\n", ":1:1", "'window_ms'"},
    {"window_ms: 01\n", ":1:1", "'window_ms'"},
    {"window_ms: 9\n", NULL, NULL},
    {"window_ms: 100000000000\n", ":1:1", "'window_ms'"},
    {"window_ms: 1000000000000\n", ":1:1", "'window_ms'"},
    {"window_ms: 99999999999999999999\n", ":1:1", "'window_ms'"},
    {"window_ms: 1x\n", ":1:1", "'window_ms'"},
    {"window_ms: 1/\n", ":1:1", "'window_ms'"},
    {"window_ms: -1\n", ":1:1", "'window_ms'"},
    {"window_ms: 1.5\n", ":1:1", "'window_ms'"},
    {"window_ms:\n", ":1:1", "'window_ms'"},
    {"window_ms: [1]\n", ":1:1", "'window_ms'"},
    {"failures: 3\nfailure: 1\n", ":2:1", "'failure'"},
    {"failures: 3\nfailures_: 1\n", ":2:1", "'failures_'"},
    {"approvals: {policy: 0, release: 2}\n", NULL, NULL},
    {"approvals: {policy: x}\n", ":1:13", "'policy'"},
    {"approvals: {policy: 1, other: 1}\n", ":1:24", "'other'"},
    {"approvals: 3\n", ":1:1", "'approvals'"},
    {"approvals:\n", ":1:1", "'approvals'"},
    {"checklist: [a, b c]\n", NULL, NULL},
    {"checklist: [" ITEM_62 "i]\n", NULL, NULL},
    {"checklist: [" ITEM_62 "ii]\n", ":1:13", "taken"},
    {"checklist: [\"\"]\n", ":1:14", "taken"},
    {"checklist: [\"a\\nb\"]\n", ":1:14", "taken"},
    {"checklist: [[a]]\n", ":1:1", "'checklist'"},
    {"checklist: a\n", ":1:1", "'checklist'"},
    {"checklist:\n", ":1:1", "'checklist'"},
    {"- a\n", ":1:1", "mapping"},
    {"window_ms: {\n", ":", "node content"},
};

enum { LIMITS_PATH_MAX = 64 };

static enum error_code read_text(const char *text, struct limits *limits, struct error *error,
                                 char ret_path[LIMITS_PATH_MAX])
{
    (void)snprintf(ret_path, LIMITS_PATH_MAX, "/tmp/titan-limits-XXXXXX");
    int descriptor = mkstemp(ret_path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(descriptor);
    enum error_code code = limits_read(ret_path, limits, error);
    (void)unlink(ret_path);
    return code;
}

static void limits_each_file_taken_or_refused_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct limits limits;
        struct error error;
        char path[LIMITS_PATH_MAX];
        enum error_code code = read_text(files[i].text, &limits, &error, path);
        if ((code == ERROR_OK) != (files[i].where == NULL))
            fail_msg("%s: %d", files[i].text, (int)code);
        if (code == ERROR_OK)
            continue;
        assert_int_equal(code, ERROR_USAGE);
        assert_memory_equal(error.where, path, strlen(path));
        if (strlen(files[i].where) > 1)
            assert_string_equal(error.where + strlen(path), files[i].where);
        if (strstr(error.what, files[i].quoted) == NULL)
            fail_msg("%s: %s", files[i].text, error.what);
    }
}

static void limits_items_and_bytes_are_bounded(void **state)
{
    (void)state;
    struct limits limits;
    struct error error;
    char text[70000], path[LIMITS_PATH_MAX];
    size_t full = (size_t)snprintf(text, sizeof text, "checklist: [a");
    for (unsigned i = 1; i < LIMITS_ITEMS_MAX; i++)
        full += (size_t)snprintf(text + full, sizeof text - full, ",a");
    (void)snprintf(text + full, sizeof text - full, "]\n");
    assert_int_equal(read_text(text, &limits, &error, path), ERROR_OK);
    assert_int_equal(limits.checklist_count, LIMITS_ITEMS_MAX);
    assert_string_equal(limits.checklist[LIMITS_ITEMS_MAX - 1], "a");
    (void)snprintf(text + full, sizeof text - full, ",a]\n");
    assert_int_equal(read_text(text, &limits, &error, path), ERROR_USAGE);
    memset(text, '#', 65537);
    memcpy(text, "failures: 3\n", 12);
    text[65536] = '\0';
    assert_int_equal(read_text(text, &limits, &error, path), ERROR_OK);
    text[65536] = '#';
    text[65537] = '\0';
    assert_int_equal(read_text(text, &limits, &error, path), ERROR_USAGE);
    assert_int_equal(limits_read("/nowhere", &limits, &error), ERROR_USAGE);
}

static void limits_failures_in_all_are_a_tenth_of_the_samples(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t total;
    } totals[] = {{"answer_ms: 1\n", 6},
                  {"failures: 5\n", 6},
                  {"failures: 6\n", 6},
                  {"failures: 7\n", 7},
                  {"window_ms: 350000\n", 7},
                  {"window_ms: 349999\n", 6},
                  {"sample_interval_ms: 1000\n", 30},
                  {"failures_total: 4\n", 4},
                  {"failures_total: 1\nfailures: 9\n", 1}};
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        struct limits limits;
        struct error error;
        char path[LIMITS_PATH_MAX];
        assert_int_equal(read_text(totals[i].text, &limits, &error, path), ERROR_OK);
        assert_int_equal(limits.failures_total, totals[i].total);
    }
}

static void limits_looser_are_named(void **state)
{
    (void)state;
    struct limits limits;
    char named[LIMITS_LOOSER_BYTES], little[20];
    limits_default(&limits);
    assert_false(limits_looser(&limits, named, sizeof named));
    limits.window_ms++;
    limits.sample_gap_ms--;
    assert_false(limits_looser(&limits, named, sizeof named));
    limits.window_ms -= 2;
    assert_true(limits_looser(&limits, named, sizeof named));
    assert_string_equal(named, "window_ms 299999 instead of the standard's 300000");
    limits.preflight_ms++;
    assert_true(limits_looser(&limits, named, sizeof named));
    assert_string_equal(named, "window_ms 299999 instead of the standard's 300000, preflight_ms "
                               "1800001 instead of the standard's 1800000");
    assert_true(limits_looser(&limits, little, sizeof little));
    assert_string_equal(little, "window_ms 299999 in");
}

static void check_rests(const struct finding *finding, const char *wanted)
{
    char text[400] = "";
    for (unsigned i = 0; i < finding->rests_count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%llu-%llu ",
                       (unsigned long long)finding->rests[i].first,
                       (unsigned long long)finding->rests[i].last);
    assert_string_equal(text, wanted);
}

static void finding_ranges_are_joined(void **state)
{
    (void)state;
    struct finding finding;
    finding_init(&finding);
    finding_rests_on_range(&finding, 10, 12);
    finding_rests_on_range(&finding, 20, 22);
    check_rests(&finding, "10-12 20-22 ");
    finding_rests_on_range(&finding, 14, 14);
    check_rests(&finding, "10-12 14-14 20-22 ");
    finding_rests_on_range(&finding, 13, 13);
    check_rests(&finding, "10-14 20-22 ");
    finding_rests_on_range(&finding, 5, 9);
    check_rests(&finding, "5-14 20-22 ");
    finding_rests_on_range(&finding, 7, 8);
    check_rests(&finding, "5-14 20-22 ");
    finding_rests_on_range(&finding, 0, 1);
    check_rests(&finding, "0-1 5-14 20-22 ");
    finding_rests_on_range(&finding, 3, 30);
    check_rests(&finding, "0-1 3-30 ");
    finding_rests_on_range(&finding, 40, UINT64_MAX);
    finding_rests_on_range(&finding, UINT64_MAX, UINT64_MAX);
    check_rests(&finding, "0-1 3-30 40-18446744073709551615 ");
    finding_rests_on(&finding, NULL);
    assert_int_equal(finding.rests_count, 3);
    finding_init(&finding);
    for (uint64_t i = 0; i < FINDING_RANGES_MAX; i++)
        finding_rests_on_range(&finding, 2 * i, 2 * i);
    assert_int_equal(finding.rests_count, FINDING_RANGES_MAX);
    assert_false(finding.rests_more);
    finding_rests_on_range(&finding, 1, 1);
    assert_int_equal(finding.rests_count, FINDING_RANGES_MAX - 1);
    finding_rests_on_range(&finding, 100, 100);
    finding_rests_on_range(&finding, 200, 200);
    assert_int_equal(finding.rests_count, FINDING_RANGES_MAX);
    assert_true(finding.rests_more);
}

static void finding_first_violation_decides(void **state)
{
    (void)state;
    struct finding finding;
    const struct entry entry = {.seq = 7};
    finding_init(&finding);
    assert_string_equal(verdict_name(finding.verdict), "undecidable");
    finding_undecidable(&finding, "A-01", NULL, "open");
    assert_string_equal(finding.rule, "A-01");
    assert_false(finding.has_entry);
    finding_undecidable(&finding, "A-02", &entry, "another");
    assert_string_equal(finding.sentence, "open");
    finding_violated(&finding, "B-01", &entry, "bad %d", 1);
    finding_violated(&finding, "B-02", NULL, "worse");
    finding_violated(&finding, "B-01", NULL, "again");
    finding_undecidable(&finding, "A-03", NULL, "open");
    finding_not_applicable(&finding, "nothing");
    finding_conclude(&finding, NULL, "good");
    assert_int_equal(finding.verdict, VERDICT_VIOLATED);
    assert_string_equal(finding.sentence, "bad 1");
    assert_string_equal(finding.rule, "B-01");
    assert_true(finding.has_entry && finding.entry == 7);
    assert_int_equal(finding.rules_count, 5);
    assert_string_equal(finding.rules[2], "B-01");
    assert_int_equal(finding.rules_times[2], 2);
    for (unsigned i = 0; i < FINDING_RULES_MAX; i++) {
        char rule[16];
        (void)snprintf(rule, sizeof rule, "C-%02u", i);
        finding_violated(&finding, rule, NULL, "more");
    }
    assert_int_equal(finding.rules_count, FINDING_RULES_MAX);
    finding_init(&finding);
    finding_not_applicable(&finding, "nothing");
    finding_conclude(&finding, NULL, "good");
    assert_int_equal(finding.verdict, VERDICT_NOT_APPLICABLE);
    finding_undecidable(&finding, "A-01", NULL, "open");
    assert_int_equal(finding.verdict, VERDICT_NOT_APPLICABLE);
    finding_init(&finding);
    finding_conclude(&finding, &entry, "good");
    finding_not_applicable(&finding, "nothing");
    assert_int_equal(finding.verdict, VERDICT_PROVEN);
}

/* The driver's table; the verifier's words are its own. */
static void machine_allows_exactly_the_edges_of_the_table(void **state)
{
    (void)state;
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    for (unsigned both = 0; both < 2; both++)
        for (unsigned from = 0; from < STATES; from++)
            for (unsigned event = 0; event <= EVENTS; event++)
                for (unsigned to = 0; to < STATES; to++) {
                    bool listed = false;
                    for (size_t i = 0; i < count && !listed; i++)
                        listed = strcmp(edges[i].procedure, both ? "policy" : "release") == 0
                                 && state_by_name(slice_of(edges[i].from)) == from
                                 && event_by_name(slice_of(edges[i].event)) == event
                                 && state_by_name(slice_of(edges[i].to)) == to && from != 0;
                    if (machine_allows(both, from, event, to) != listed)
                        fail_msg("%s by %s to %s: %d", state_name(from), event_name(event),
                                 state_name(to), listed);
                }
}

static void machine_act_belongs_to_its_state_only(void **state)
{
    (void)state;
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    for (size_t i = 0; i < count; i++)
        for (unsigned action = 0; action < ACTIONS; action++) {
            bool policy = strcmp(edges[i].procedure, "policy") == 0, listed = false;
            enum state from = state_by_name(slice_of(edges[i].from));
            for (size_t k = 0; k < count; k++)
                listed = listed
                         || (strcmp(edges[k].procedure, edges[i].procedure) == 0
                             && strcmp(edges[k].from, edges[i].from) == 0 && action != 0
                             && action_by_name(slice_of(edges[k].action)) == action);
            if (machine_action_belongs(policy, from, action) != listed)
                fail_msg("%s in %s: %d", action_name(action), edges[i].from, listed);
        }
    assert_false(machine_action_belongs(true, STATES, ACTION_DISARM));
    assert_false(machine_action_belongs(true, STATE_INVALID, ACTION_INVALID));
}

static void machine_has_no_name_for_what_is_none(void **state)
{
    (void)state;
    for (unsigned end = 0; end < 2; end++) {
        assert_string_equal(state_name(end == 0 ? STATE_INVALID : STATES),
                            "no state of the format");
        assert_string_equal(event_name(end == 0 ? EVENT_INVALID : EVENTS),
                            "no event of the format");
        assert_string_equal(action_name(end == 0 ? ACTION_INVALID : ACTIONS),
                            "no action of the format");
    }
}

static void span_is_rounded_up(void **state)
{
    (void)state;
    const struct entry one = {.boot = "one"}, other = {.boot = "other"};
    bool same;
    assert_int_equal(deployment_boot_span_ms(&one, 5, &one, 5, &same), 0);
    assert_true(same);
    assert_int_equal(deployment_boot_span_ms(&one, 0, &one, 1000000, &same), 1);
    assert_int_equal(deployment_boot_span_ms(&one, 0, &one, 1000001, &same), 2);
    assert_int_equal(deployment_boot_span_ms(&one, 0, &one, 1, &same), 1);
    assert_int_equal(deployment_boot_span_ms(&one, 2000000, &one, 0, &same), -2);
    (void)deployment_boot_span_ms(&one, 0, &other, 1, &same);
    assert_false(same);
}

/* Of several containers the first that runs, else the first. */
static void reading_service_prefers_what_runs(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        size_t found;
    } cases[] = {{"running", "running", 0},
                 {"exited", "running", 1},
                 {"running", "exited", 0},
                 {"exited", "exited", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listed list[2] = {{.service = "web", .state = cases[i].first},
                                 {.service = "web", .state = cases[i].second}};
        const struct listing containers = {.readable = true, .count = 2, .list = list};
        assert_ptr_equal(reading_service(&containers, slice_of("web")), &list[cases[i].found]);
        assert_null(reading_service(&containers, slice_of("db")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_each_file_taken_or_refused_at_its_place),
        cmocka_unit_test(limits_items_and_bytes_are_bounded),
        cmocka_unit_test(limits_failures_in_all_are_a_tenth_of_the_samples),
        cmocka_unit_test(limits_looser_are_named),
        cmocka_unit_test(finding_ranges_are_joined),
        cmocka_unit_test(finding_first_violation_decides),
        cmocka_unit_test(machine_allows_exactly_the_edges_of_the_table),
        cmocka_unit_test(machine_act_belongs_to_its_state_only),
        cmocka_unit_test(machine_has_no_name_for_what_is_none),
        cmocka_unit_test(span_is_rounded_up),
        cmocka_unit_test(reading_service_prefers_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
