/* The writer of the auditor's page: foreign text is text, the page is whole, the axis does not lie,
 * a claim names what it rests on. */
#include "tests/verify/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/format/allowed_signers.h"
#include "verify/page/axis.h"
#include "verify/page/html.h"
#include "verify/page/markup.h"
#include "verify/report/output.h"
#include "verify/read/file.h"

typedef void writer(FILE *stream, struct slice text);

static void check_written(writer *write, struct slice text, const char *expected)
{
    char *written = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&written, &size);
    write(stream, text);
    assert_int_equal(fclose(stream), 0);
    assert_string_equal(written, expected);
    free(written);
}

static void write_block(FILE *stream, struct slice text)
{
    markup_block(stream, text, 4);
}

static void write_short(FILE *stream, struct slice text)
{
    markup_short(stream, text, 4);
}

static void markup_text_foreign_escaped(void **state)
{
    (void)state;
    check_written(markup_text, slice_of("<a href=\"javascript:x\" b='c'>&amp;</a>"),
                  "&lt;a href=&quot;javascript:x&quot; b=&#39;c&#39;&gt;&amp;amp;&lt;/a&gt;");
    check_written(markup_text, slice_of("\x1b[31m\n\t\x7f"), "\\x1b[31m\\x0a\\x09\\x7f");
    check_written(markup_text,
                  slice_of("\xe2\x80\xae"
                           "abc\xff"),
                  "\\xe2\\x80\\xaeabc\\xff");
    check_written(markup_text, slice_of("caf\xc3\xa9 \xe2\x9c\x85"), "caf\xc3\xa9 \xe2\x9c\x85");
    check_written(markup_text, (struct slice){"a\0b", 3}, "a\\x00b");
    check_written(markup_text, (struct slice){"", 0}, "");
}

/* Whatever byte stands at whatever place: none of the five characters and no control character
 * comes through. */
static void markup_text_any_byte_inert(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char input[] = {'\xe2', (char)byte, '<', (char)byte, '\xc3'}, *written = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&written, &size);
        markup_text(stream, (struct slice){input, sizeof input});
        assert_int_equal(fclose(stream), 0);
        assert_true(bytes_is_utf8(written, size));
        for (size_t i = 0; i < size; i++)
            assert_true(strchr("<>\"'", written[i]) == NULL && (unsigned char)written[i] >= 0x20
                        && written[i] != 0x7f);
        free(written);
    }
}

static void markup_block_long_cut_and_said(void **state)
{
    (void)state;
    check_written(write_block, slice_of("a\nb"), "<pre>a\nb</pre>");
    check_written(write_block, slice_of("\nab"), "<pre>\n\nab</pre>");
    check_written(write_block, slice_of("12345"),
                  "<pre>1234</pre><p class=\"left-out\">1 of 5 bytes are left out here; the "
                  "journal has them.</p>");
    check_written(write_short, slice_of("abc\xc3\xa9"), "abc...");
    check_written(write_short, slice_of("abcd"), "abcd");
}

static void markup_times_written(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *duration, *clock;
    } rows[] = {{0, "0.0 s", "0:00:00.0"},
                {61050, "1 min 1 s", "0:01:01.0"},
                {14526100, "4 h 2 min", "4:02:06.1"},
                {(int64_t)90000 * 1000, "1 d 1 h", "25:00:00.0"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *written = NULL, expected[64];
        size_t size = 0;
        FILE *stream = open_memstream(&written, &size);
        markup_duration(stream, rows[i].ms);
        fputc(' ', stream);
        markup_clock(stream, rows[i].ms);
        assert_int_equal(fclose(stream), 0);
        (void)snprintf(expected, sizeof expected, "%s %s", rows[i].duration, rows[i].clock);
        assert_string_equal(written, expected);
        free(written);
    }
}

static void finding_rests_on_range_merged(void **state)
{
    (void)state;
    struct finding finding;
    finding_init(&finding);
    finding_rests_on_range(&finding, 5, 6);
    finding_rests_on_range(&finding, 9, 9);
    finding_rests_on_range(&finding, 0, 2);
    finding_rests_on_range(&finding, 9, 9);
    assert_int_equal(finding.rests_count, 3);
    finding_rests_on_range(&finding, 7, 8);
    assert_int_equal(finding.rests_count, 2);
    assert_true(finding.rests[0].first == 0 && finding.rests[0].last == 2
                && finding.rests[1].first == 5 && finding.rests[1].last == 9);
    finding_rests_on_range(&finding, 0, UINT64_MAX);
    finding_rests_on_range(&finding, UINT64_MAX, UINT64_MAX);
    assert_int_equal(finding.rests_count, 1);
    finding_init(&finding);
    for (uint64_t i = 0; i < 2 * FINDING_RANGES_MAX; i++)
        finding_rests_on_range(&finding, 3 * i, 3 * i);
    assert_int_equal(finding.rests_count, FINDING_RANGES_MAX);
    assert_true(finding.rests_more);
}

static void set_entry(struct entry *entry, const char *boot, int64_t ms)
{
    *entry = (struct entry){.boottime_ns = ms * 1000000};
    (void)snprintf(entry->boot, sizeof entry->boot, "%s", boot);
}

static void axis_build_waits_drawn_short(void **state)
{
    (void)state;
    struct entry entries[5], *list[5];
    struct deployment deployment = {.entries = list, .count = 5};
    CLEANUP_AXIS struct axis axis = {0};
    const struct {
        const char *boot;
        int64_t ms;
    } times[] = {{"a", 1000}, {"a", 6000}, {"a", 3606000}, {"b", 5}, {"a", 3616000}};
    for (size_t i = 0; i < 5; i++) {
        set_entry(&entries[i], times[i].boot, times[i].ms);
        list[i] = &entries[i];
    }
    axis_build(&deployment, &axis);
    assert_true(axis.real_ms[1] == 5000 && axis.at_ms[1] == 5000);
    assert_true(axis.real_ms[2] == 3605000 && axis.at_ms[2] == 5000 + AXIS_WAIT_MS);
    assert_true(axis.real_ms[3] == 3605000 && axis.at_ms[3] > axis.at_ms[2]);
    assert_int_equal(axis.real_ms[4], 3615000); /* counted on its own boot again */
    assert_int_equal(axis.break_count, 2);
    assert_true(!axis.breaks[0].unknown && axis.breaks[0].real_ms == 3600000
                && axis.breaks[1].unknown);
    assert_int_equal(axis_after(&axis, 0, 2500), 2500);
    assert_int_equal(axis_after(&axis, 1, 1800000),
                     5000 + AXIS_WAIT_MS / 2); /* half of the wait is half of its drawing */
    int64_t end_ms = axis.end_ms;
    assert_int_equal(axis_after(&axis, 4, 7000), end_ms + 7000);
    assert_int_equal(axis.end_ms, end_ms + 7000);
}

static void axis_build_hostile_times_bounded(void **state)
{
    (void)state;
    struct entry entries[40], *list[40];
    struct deployment deployment = {.entries = list, .count = 40};
    CLEANUP_AXIS struct axis axis = {0};
    for (size_t i = 0; i < 40; i++) {
        set_entry(&entries[i], "a", 0);
        entries[i].boottime_ns = i % 2 == 0 ? 0 : INT64_MAX;
        list[i] = &entries[i];
    }
    axis_build(&deployment, &axis);
    for (size_t i = 1; i < 40; i++)
        assert_true(axis.at_ms[i] >= axis.at_ms[i - 1] && axis.real_ms[i] >= axis.real_ms[i - 1]
                    && axis.at_ms[i] - axis.at_ms[i - 1] <= AXIS_WAIT_MS);
    assert_true(axis_after(&axis, 39, (int64_t)7 * 24 * 3600 * 1000) <= axis.end_ms);
}

static int64_t window_ms; /* the auditor's; 0: the standard's */

/* As verify_run() does, over what is in memory. */
static void print_page(const struct forge *forge, enum selection selection, char **ret_page,
                       struct report *report)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    size_t size = 0;
    limits_default(&limits);
    if (window_ms > 0)
        limits.window_ms = window_ms;
    forge_trust(&trust);
    forge_record(forge, &record);
    struct audit audit = {.limits = &limits, .trust = &trust, .target = FORGE_TARGET};
    assert_int_equal(verify_record(&record, &audit, selection, 0, report, &error), ERROR_OK);
    FILE *stream = open_memstream(ret_page, &size);
    html_print(stream, &audit, report);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(strlen(*ret_page), size);
    assert_true(bytes_is_utf8(*ret_page, size));
}

static void check_page(const struct forge *forge, const char *const parts[])
{
    CLEANUP_REPORT struct report report = {0};
    char *page = NULL;
    print_page(forge, SELECTION_ALL, &page, &report);
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (strstr(page, parts[i]) == NULL)
            print_error("the page lacks: %s\n", parts[i]);
        assert_non_null(strstr(page, parts[i]));
    }
    free(page);
}

static void html_print_rolled_back_all_parts(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "Every claim that applies is proven",
        ", <span class=\"badge undecidable\">rolled back</span></h1>",
        "release: rolled back</h2>",
        "<dt>Approved by</dt><dd>nobody: no approval is recorded</dd>",
        "had restored what ran before in",
        "rollback, limit: 5 min 0 s",
        "window: 5 min 0 s",
        " and the policy hash) 3 are not good.",
        "is not good (status 503)",
        "<th scope=\"col\">Restored (<a href=\"#entry-",
        "<span class=\"tag undecidable\">changed</span>",
        "{&quot;policy_hash&quot;:&quot;aaaa",
        "No dead-man guard lay on the target",
        "id=\"entry-0\"",
        NULL};
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "verified");
    forge.sick_from = 5;
    forge_take(&forge, "unhealthy");
    forge_rollback(&forge);
    check_page(&forge, parts);
}

static void html_print_every_stage_printed(void **state)
{
    (void)state;
    static const char *const stages[] = {"opened",   "connected",          "pulled", "guarded",
                                         "disarmed", "execution_deployed", "armed"},
                             *const parts[] = {"Raw entries", NULL};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        CLEANUP_FORGE struct forge forge;
        forge_init(&forge);
        forge_genesis(&forge);
        forge_open(&forge, "policy");
        forge_until(&forge, stages[i]);
        check_page(&forge, parts);
        if (i < 5) {
            forge_take(&forge, "abort");
            check_page(&forge, parts);
        }
    }
}

static void html_print_nothing_to_judge_said(void **state)
{
    (void)state;
    static const char *const none[] = {"No deployment was judged",
                                       "there is no deployment in this journal", NULL};
    static const char *const broken[] = {"At least one claim is refuted", "its signature is wrong",
                                         "id=\"entry-3\"", NULL};
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge_genesis(&forge);
    check_page(&forge, none);
    forge_open(&forge, "release");
    forge_until(&forge, "connected");
    forge.values[3].data[7] ^= 1;
    check_page(&forge, broken);
}

static void html_print_looser_limits_said(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "<strong>The limits are looser than the standard's:</strong> judged by window_ms 15000 "
        "instead of the standard's 300000.</p>",
        "<li>The limits are looser than the standard&#39;s: judged by window_ms 15000 instead of "
        "the standard&#39;s 300000.</li>",
        NULL};
    CLEANUP_FORGE struct forge forge;
    struct limits limits;
    char named[LIMITS_LOOSER_BYTES];
    forge_init(&forge);
    forge_whole(&forge, "policy");
    window_ms = 15000;
    check_page(&forge, parts);
    window_ms = 0;
    limits_default(&limits);
    assert_false(limits_looser(&limits, named, sizeof named));
    limits.window_ms++;
    limits.answer_ms--;
    assert_false(limits_looser(&limits, named, sizeof named));
    limits.failures = 4;
    limits.rollback_ms = 300001;
    assert_true(limits_looser(&limits, named, sizeof named));
    assert_string_equal(named, "failures 4 instead of the standard's 3, rollback_ms 300001 instead "
                               "of the standard's 300000");
}

static void finding_rests_on_of_claims_recorded(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_REPORT struct report report = {0};
    forge_init(&forge);
    forge_whole(&forge, "policy");
    forge_verify(&forge, NULL, &report);
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        const struct finding *finding = &report.deployments[0].claims[claim];
        assert_true(finding->verdict != VERDICT_PROVEN || finding->rests_count > 0);
        for (unsigned i = 0; i < finding->rests_count; i++)
            assert_true(finding->rests[i].first <= finding->rests[i].last
                        && finding->rests[i].last < report.entries);
    }
    assert_int_equal(report.deployments[0].claims[CLAIM_INTEGRITY].rests[0].last,
                     report.entries - 1);
    assert_true(report.deployments[0].claims[CLAIM_WINDOW].rests[1].last
                    - report.deployments[0].claims[CLAIM_WINDOW].rests[1].first
                == 60);
}

static void output_commit_whole_or_not_at_all(void **state)
{
    (void)state;
    char directory[] = "/tmp/titan-output-XXXXXX", path[80];
    struct error error;
    struct stat status;
    struct bytes read = {0};
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/page", directory);
    for (unsigned i = 0; i < 2; i++) {
        CLEANUP_OUTPUT struct output output = {0};
        assert_int_equal(output_open(path, OUTPUT_REPLACES, &output, &error), ERROR_OK);
        assert_true(fputs(i == 0 ? "first" : "second", output.stream) >= 0);
        if (i == 0)
            assert_int_equal(output_commit(&output, &error), ERROR_OK); /* the second is dropped */
    }
    assert_int_equal(file_read(path, 100, &read, NULL, &error), ERROR_OK);
    assert_string_equal((char *)read.data, "first");
    assert_true(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600);
    bytes_free(&read);
    struct output none = {0};
    assert_int_equal(output_open(directory, OUTPUT_REPLACES, &none, &error), ERROR_USAGE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0); /* nothing was left beside it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(markup_text_foreign_escaped),
                                       cmocka_unit_test(markup_text_any_byte_inert),
                                       cmocka_unit_test(markup_block_long_cut_and_said),
                                       cmocka_unit_test(markup_times_written),
                                       cmocka_unit_test(finding_rests_on_range_merged),
                                       cmocka_unit_test(axis_build_waits_drawn_short),
                                       cmocka_unit_test(axis_build_hostile_times_bounded),
                                       cmocka_unit_test(html_print_rolled_back_all_parts),
                                       cmocka_unit_test(html_print_every_stage_printed),
                                       cmocka_unit_test(html_print_nothing_to_judge_said),
                                       cmocka_unit_test(html_print_looser_limits_said),
                                       cmocka_unit_test(finding_rests_on_of_claims_recorded),
                                       cmocka_unit_test(output_commit_whole_or_not_at_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
