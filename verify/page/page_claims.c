/* Each claim with what it asks, what it comes to and the entries it rests on; and what all of it
 * does not prove. */
#include "verify/page/markup.h"
#include "verify/page/page.h"

static const char *const asks[CLAIMS] = {
    [CLAIM_INTEGRITY] = "Is the record whole: sequence, chain, signatures, form, evidence; does it "
                        "extend each checkpoint that was given?",
    [CLAIM_AUTHORITY] =
        "Was every signer entitled, and were the approvals there that were required?",
    [CLAIM_PROCEDURE] =
        "Were only edges of the standard taken, each act intended before and with its evidence?",
    [CLAIM_PREFLIGHT] = "Had each mandatory item passed before anything was changed?",
    [CLAIM_INTERLOCK] =
        "Was no service changed without observed DISARM, and nothing armed without fresh parity?",
    [CLAIM_PARITY] =
        "Was the policy hash one and the same, computed anew from raw replies and log lines?",
    [CLAIM_WINDOW] =
        "Do samples cover the whole window; or did the rollback start and end within its limits?",
    [CLAIM_RESTORATION] = "Is what ran after a rollback what the before snapshot recorded?",
    [CLAIM_CLOCKS] = "Are boot ids, boot clocks and the wall clock consistent?"};

void page_link(const struct page *page, uint64_t seq)
{
    if (seq < page->audit.record->count && page->shown[seq])
        fprintf(page->stream, "<a href=\"#entry-%llu\">entry %llu</a>", (unsigned long long)seq,
                (unsigned long long)seq);
    else
        fprintf(page->stream, "entry %llu (not on this page)", (unsigned long long)seq);
}

static void write_range(const struct page *page, struct finding_range range)
{
    page_link(page, range.first);
    if (range.last > range.first) {
        fputs(range.last > range.first + 1 ? " to " : " and ", page->stream);
        page_link(page, range.last);
    }
}

static void write_rests(const struct page *page, const struct finding *finding)
{
    fputs("<p class=\"rests\">", page->stream);
    if (finding->has_entry) {
        fputs("Decided at ", page->stream);
        page_link(page, finding->entry);
        fputs(". ", page->stream);
    }
    for (unsigned i = 0; i < finding->rests_count; i++) {
        fputs(i == 0 ? "Rests on " : ", ", page->stream);
        write_range(page, finding->rests[i]);
    }
    fputs(finding->rests_count == 0 ? finding->has_entry ? "" : "No entry was looked at for it."
          : finding->rests_more     ? " and more."
                                    : ".",
          page->stream);
    fputs("</p>\n", page->stream);
}

void page_claims(const struct page *page, const struct deployment_report *deployment)
{
    FILE *stream = page->stream;
    fputs("<ul class=\"claims\">\n", stream);
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        const struct finding *finding = &deployment->claims[claim];
        fprintf(stream, "<li class=\"claim %s\"><h4><span>%s</span> ",
                page_verdict_class(finding->verdict), claim_name((enum claim)claim));
        page_verdict(stream, finding->verdict);
        fprintf(stream, "</h4>\n<p class=\"asks\">%s</p>\n<p>", asks[claim]);
        markup_word(stream, finding->sentence);
        fputs("</p>\n", stream);
        write_rests(page, finding);
        fputs("</li>\n", stream);
    }
    fputs("</ul>\n", stream);
}

static void write_unproven(const struct page *page, const struct deployment_report *deployment)
{
    for (unsigned claim = 1; claim < CLAIMS; claim++) {
        const struct finding *finding = &deployment->claims[claim];
        if (finding->verdict == VERDICT_PROVEN)
            continue;
        fprintf(page->stream, "<li><strong>%s</strong>", claim_name((enum claim)claim));
        if (deployment->exists && page->report->count > 1)
            fprintf(page->stream, " of deployment %llu", (unsigned long long)deployment->number);
        fputs(finding->verdict == VERDICT_NOT_APPLICABLE
                  ? " is not proven, since nothing was required: "
              : finding->verdict == VERDICT_VIOLATED ? " is not proven, it is refuted: "
                                                     : " is not proven, and not refuted: ",
              page->stream);
        markup_word(page->stream, finding->sentence);
        fputs(".</li>\n", page->stream);
    }
}

void page_not_proven(const struct page *page)
{
    CLEANUP_REMARKS struct remark *remarks = NULL;
    size_t count = report_remarks(page->report, &remarks);
    fputs("<section aria-labelledby=\"not-proven\"><h2 id=\"not-proven\">What is not "
          "proven</h2>\n<ul>\n",
          page->stream);
    for (size_t i = 0; i < count; i++) {
        fputs("<li>", page->stream);
        markup_word(page->stream, remarks[i].text);
        fputs("</li>\n", page->stream);
    }
    for (size_t i = 0; i < page->report->count; i++)
        write_unproven(page, &page->report->deployments[i]);
    fputs("</ul></section>\n", page->stream);
}
