#include "verify/page/html.h"

#include <stdlib.h>
#include <string.h>

#include "verify/page/markup.h"
#include "verify/read/memory.h"
#include "verify/report/output.h"
#include "verify/page/page.h"

static const char *const verdict_words[] = {
    [VERIFY_PROVEN] = "Every claim that applies is proven by this record.",
    [VERIFY_VIOLATED] = "At least one claim is refuted by this record.",
    [VERIFY_USAGE] = "Nothing was judged.",
    [VERIFY_UNDECIDABLE] =
        "No claim is refuted, and at least one cannot be decided from this record.",
    [VERIFY_DAMAGED] =
        "It cannot be read as a journal at all. Nothing was judged, and nothing is proven.",
    [VERIFY_BOUND] =
        "A bound of the verifier is exceeded. Nothing was judged, and nothing is proven."};

static enum verdict verdict_of(enum verify_status status)
{
    return status == VERIFY_PROVEN                                 ? VERDICT_PROVEN
           : status == VERIFY_VIOLATED || status == VERIFY_DAMAGED ? VERDICT_VIOLATED
                                                                   : VERDICT_UNDECIDABLE;
}

/* A rolled back deployment can be proven as well as a completed one: the outcome is a word of its
 * own. */
static const char *html_outcome_of(const struct deployment_report *judged, enum verdict *ret_colour)
{
    static const struct {
        const char *state, *word;
        enum verdict colour;
    } outcomes[] = {{"completed", "completed", VERDICT_PROVEN},
                    {"rolled_back", "rolled back", VERDICT_UNDECIDABLE},
                    {"rollback_failed", "rollback failed", VERDICT_VIOLATED},
                    {"aborted", "aborted", VERDICT_NOT_APPLICABLE}};
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++) {
        if (strcmp(judged->state, outcomes[i].state) == 0) {
            *ret_colour = outcomes[i].colour;
            return outcomes[i].word;
        }
    }
    *ret_colour = VERDICT_UNDECIDABLE;
    return "open";
}

/* The policy stands before anything that could load; the icon is empty so that no browser asks a
 * server for one. */
static void html_write_head(FILE *stream, const char *target, enum verify_status status)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
          "name=\"referrer\" content=\"no-referrer\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" "
          "href=\"data:,\">\n<title>",
          stream);
    markup_word(stream, target);
    fprintf(stream, ": %s</title>\n", report_status_word(status));
    page_style(stream);
    fputs("</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the report</a>\n", stream);
}

static void write_outcome_badge(FILE *stream, const struct report *report)
{
    enum verdict colour;
    if (report == NULL || report->count != 1 || !report->deployments[0].exists)
        return;
    const char *word = html_outcome_of(&report->deployments[0], &colour);
    fprintf(stream, ", <span class=\"badge %s\">%s</span>", page_verdict_class(colour), word);
}

static void write_outcomes(FILE *stream, const struct report *report)
{
    enum verdict colour;
    if (report->count < 2)
        return;
    fputs("<p>", stream);
    for (size_t i = 0; i < report->count && i < PAGE_DEPLOYMENTS_MAX; i++)
        fprintf(stream, "%s %llu: %s", i == 0 ? "Deployment" : ", deployment",
                (unsigned long long)report->deployments[i].number,
                html_outcome_of(&report->deployments[i], &colour));
    fputs(report->count > PAGE_DEPLOYMENTS_MAX ? ", and more.</p>\n" : ".</p>\n", stream);
}

/* Without a report nothing was judged. */
static void write_verdict(FILE *stream, const char *target, enum verify_status status,
                          const struct report *report)
{
    enum verdict verdict = verdict_of(status);
    fprintf(stream, "<header>\n<div class=\"verdict %s\"><h1>", page_verdict_class(verdict));
    markup_word(stream, target);
    fprintf(stream, ": <span class=\"badge %s\">%s</span>", page_verdict_class(verdict),
            report_status_word(status));
    write_outcome_badge(stream, report);
    fprintf(stream, "</h1>\n<p>%s</p>\n", verdict_words[status]);
}

static void end_verdict(FILE *stream)
{
    fputs("</div>\n</header>\n", stream);
}

/* A weaker yardstick must not look like the standard's. */
static void write_looser(FILE *stream, const struct limits *limits)
{
    char looser[LIMITS_LOOSER_BYTES];
    if (limits_looser(limits, looser, sizeof looser))
        fprintf(
            stream,
            "<p><strong>The limits are looser than the standard's:</strong> judged by %s.</p>\n",
            looser);
}

static void write_contents(const struct page *page)
{
    const struct report *report = page->report;
    fputs("<nav aria-label=\"Contents\"><ul>\n", page->stream);
    for (size_t i = 0; i < report->count && i < PAGE_DEPLOYMENTS_MAX; i++)
        if (report->deployments[i].exists)
            fprintf(page->stream, "<li><a href=\"#judged-%zu\">Deployment %llu</a></li>\n", i,
                    (unsigned long long)report->deployments[i].number);
        else
            fprintf(page->stream, "<li><a href=\"#judged-%zu\">Claims</a></li>\n", i);
    fputs("<li><a href=\"#not-proven\">What is not proven</a></li>\n<li><a href=\"#record\">The "
          "record</a></li>\n<li><a href=\"#entries\">Raw entries</a></li>\n</ul></nav>\n",
          page->stream);
}

/* As the approvals name themselves; whether each was entitled is the claim `authority`'s to say. */
static void write_approvers(const struct page *page)
{
    const struct deployment *deployment = &page->audit.deployment;
    unsigned count = 0;
    fputs("<dt>Approved by</dt><dd>", page->stream);
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type != ENTRY_APPROVAL)
            continue;
        fputs(count++ > 0 ? ", " : "", page->stream);
        markup_short(page->stream, node_text(entry_body(entry), "principal"), 200);
        fputs(" (", page->stream);
        page_link(page, (uint64_t)entry->seq);
        fputs(")", page->stream);
    }
    fputs(count > 0 ? "</dd>\n" : "nobody: no approval is recorded</dd>\n", page->stream);
}

static void write_open_facts(const struct page *page)
{
    static const struct {
        const char *name, *key;
    } facts[] = {{"Opened by", "operator"},      {"Reason", "reason"},
                 {"Driver", "program"},          {"Branch", "branch"},
                 {"Commit asked for", "commit"}, {"Policy hash expected", "expect"}};
    const struct deployment *deployment = &page->audit.deployment;
    fputs("<dl class=\"facts\">\n", page->stream);
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        struct slice value = node_text(deployment->open, facts[i].key);
        if (value.length == 0)
            continue;
        fprintf(page->stream, "<dt>%s</dt><dd>", facts[i].name);
        markup_short(page->stream, value, 1000);
        fputs("</dd>\n", page->stream);
        if (i == 0)
            write_approvers(page);
    }
    fprintf(page->stream, "<dt>Opened at</dt><dd>%s (the driver's wall clock)</dd>\n</dl>\n",
            deployment->entries[0]->utc);
}

static void write_deployment(struct page *page, size_t index)
{
    const struct deployment_report *judged = &page->report->deployments[index];
    FILE *stream = page->stream;
    fprintf(stream, "<section aria-labelledby=\"judged-%zu\"><h2 id=\"judged-%zu\">", index, index);
    if (!judged->exists) {
        fputs("No deployment was judged</h2>\n<h3>Claims</h3>\n", stream);
        page_claims(page, judged);
        fputs("</section>\n", stream);
        return;
    }
    enum verdict colour;
    fprintf(stream, "Deployment %llu, %s: %s", (unsigned long long)judged->number,
            judged->procedure, html_outcome_of(judged, &colour));
    if (!judged->ended)
        fprintf(stream, ", in the state %s", judged->state);
    fputs("</h2>\n", stream);
    (void)genesis_read(page->audit.record, judged->number, &page->audit.genesis);
    deployment_collect(page->audit.record, &page->audit.genesis, judged->number,
                       &page->audit.deployment);
    write_open_facts(page);
    fputs("<h3>Claims</h3>\n", stream);
    page_claims(page, judged);
    fputs("<h3>Time line</h3>\n", stream);
    page_figure(page);
    page_story(page);
    fputs("<h3>Before, after and restored</h3>\n", stream);
    page_identity(page);
    fputs("<h3>Parity evidence</h3>\n", stream);
    page_parity(page);
    fputs("</section>\n", stream);
    deployment_free(&page->audit.deployment);
}

static void html_write_limits(const struct page *page)
{
    const struct limits *limits = page->audit.limits;
    const struct {
        const char *name;
        int64_t ms;
    } rows[] = {{"window", limits->window_ms},
                {"between samples", limits->sample_interval_ms},
                {"gap between samples", limits->sample_gap_ms},
                {"first sample after the switch", limits->window_start_ms},
                {"first sample after ARM", limits->window_start_armed_ms},
                {"start of the rollback", limits->rollback_start_ms},
                {"length of the rollback", limits->rollback_ms},
                {"age of DISARM before a change", limits->disarm_fresh_ms},
                {"answer to a question", limits->answer_ms},
                {"start of a service", limits->service_start_ms},
                {"age of what the checklist probed", limits->preflight_ms},
                {"pause before the guard acts", limits->guard_pause_ms}};
    fputs("<h3>Limits that were applied</h3>\n<table><thead><tr><th scope=\"col\">Limit</th><th "
          "scope=\"col\">Value</th></tr></thead><tbody>\n",
          page->stream);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fprintf(page->stream, "<tr><th scope=\"row\">%s</th><td>", rows[i].name);
        markup_duration(page->stream, rows[i].ms);
        fputs("</td></tr>\n", page->stream);
    }
    fprintf(page->stream,
            "<tr><th scope=\"row\">failures of one endpoint in a "
            "row</th><td>%lld</td></tr>\n</tbody></table>\n",
            (long long)limits->failures);
}

static void write_record(const struct page *page)
{
    const struct report *report = page->report;
    fprintf(page->stream,
            "<section aria-labelledby=\"record\"><h2 id=\"record\">The record</h2>\n<dl "
            "class=\"facts\"><dt>Journal</dt><dd><code>%s</code></dd>\n"
            "<dt>Target asked for</dt><dd>",
            report->journal[0] != '\0' ? report->journal : "(unread)");
    markup_word(page->stream, report->target);
    fprintf(page->stream,
            "</dd>\n<dt>Entries</dt><dd>%llu</dd>\n<dt>Hash of the "
            "last</dt><dd><code>%s</code></dd>\n<dt>Covered from outside</dt><dd>%llu entries, by "
            "%zu checkpoint%s</dd>\n</dl>\n",
            (unsigned long long)report->entries, report->head, (unsigned long long)report->anchored,
            page->audit.checkpoint_count, page->audit.checkpoint_count == 1 ? "" : "s");
    html_write_limits(page);
    fputs("</section>\n", page->stream);
}

static void write_foot(FILE *stream)
{
    fputs("<footer><p class=\"small\">Written by titan-verify " TITAN_VERSION
          ". This page shows a verification; it is not one: run titan-verify over the journal to "
          "have it "
          "again.</p></footer>\n</body>\n</html>\n",
          stream);
}

static void free_shown(bool **shown)
{
    free(*shown);
}

static void free_page(struct page *page)
{
    deployment_free(&page->audit.deployment);
}

void html_print(FILE *stream, const struct audit *audit, const struct report *report)
{
    bool *shown
        __attribute__((cleanup(free_shown))) = memory_zeroed(audit->record->count, sizeof *shown);
    struct page page __attribute__((cleanup(
        free_page))) = {.stream = stream, .audit = *audit, .report = report, .shown = shown};
    page.audit.deployment = (struct deployment){0};
    page_choose_entries(audit, report, shown);
    html_write_head(stream, report->target, report->status);
    write_verdict(stream, report->target, report->status, report);
    write_outcomes(stream, report);
    write_looser(stream, &report->limits);
    end_verdict(stream);
    write_contents(&page);
    fputs("<main id=\"main\">\n", stream);
    for (size_t i = 0; i < report->count && i < PAGE_DEPLOYMENTS_MAX; i++)
        write_deployment(&page, i);
    if (report->count > PAGE_DEPLOYMENTS_MAX)
        fprintf(
            stream,
            "<p class=\"left-out\">%zu more deployments were judged and are left out here.</p>\n",
            report->count - PAGE_DEPLOYMENTS_MAX);
    page_not_proven(&page);
    write_record(&page);
    page_entries(&page);
    fputs("</main>\n", stream);
    write_foot(stream);
}

enum error_code html_write(const char *path, const struct audit *audit, const struct report *report,
                           struct error *error)
{
    CLEANUP_OUTPUT struct output output = {0};
    enum error_code code = output_open(path, OUTPUT_REPLACES, &output, error);
    if (code != ERROR_OK)
        return code;
    html_print(output.stream, audit, report);
    return output_commit(&output, error);
}

enum error_code html_write_unread(const char *path, const char *target, enum verify_status status,
                                  const struct error *why, struct error *error)
{
    CLEANUP_OUTPUT struct output output = {0};
    enum error_code code = output_open(path, OUTPUT_REPLACES, &output, error);
    if (code != ERROR_OK)
        return code;
    html_write_head(output.stream, target, status);
    write_verdict(output.stream, target, status, NULL);
    end_verdict(output.stream);
    fputs("<main id=\"main\">\n<h2>Why</h2>\n<p>", output.stream);
    markup_word(output.stream, why->where);
    fputs(": ", output.stream);
    markup_word(output.stream, why->what);
    fputs("</p>\n</main>\n", output.stream);
    write_foot(output.stream);
    return output_commit(&output, error);
}
