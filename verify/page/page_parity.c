/* Parity evidence side by side: what the responder answered, what Execution and Brain logged, and
 * the hash that follows, wherever it was looked at. */
#include <string.h>

#include "verify/page/markup.h"
#include "verify/page/page.h"

enum { REPLY_BYTES_MAX = 600, LINE_BYTES_MAX = 600, LINES_MAX = 8, REPLIES_MAX = 8 };

/* The heard lines of an item's run that match one of the patterns, as they stand in the log. */
static void write_lines(const struct page *page, const struct entry *entry, size_t to,
                        enum probe probe, unsigned patterns)
{
    const struct hearing *hearing = &page->audit.deployment.hearing;
    const struct item *lines = entry_item(entry, 0, to, probe, NULL);
    const struct log_item *log = lines != NULL
                                     ? hearing_log(hearing, entry, (size_t)(lines - entry->items))
                                     : NULL;
    unsigned count = 0;
    for (size_t i = 0; log != NULL && log->run != HEARING_NONE && i < log->heard_end; i++) {
        const struct heard *heard = &hearing->heard[i];
        if (heard->run == log->run && (heard->matches & patterns) != 0 && count++ < LINES_MAX)
            markup_block(page->stream, heard->line, LINE_BYTES_MAX);
    }
    if (lines == NULL)
        fputs("not asked here", page->stream);
    else if (count == 0)
        fputs("no such line of this start", page->stream);
    else if (count > LINES_MAX)
        fprintf(page->stream, "<p class=\"left-out\">%u more lines are left out here.</p>",
                count - LINES_MAX);
}

static void write_replies(const struct page *page, const struct entry *entry, size_t to)
{
    unsigned count = 0;
    for (size_t i = 0; i < to; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe != PROBE_BUS_POLICY_HASH)
            continue;
        if (count++ >= REPLIES_MAX)
            continue;
        if (item->status == 0)
            markup_block(page->stream, item->output, REPLY_BYTES_MAX);
        else
            fputs(item->status == 1 ? "<p>no responder</p>" : "<p>no answer in time</p>",
                  page->stream);
    }
    if (count == 0)
        fputs("not asked here", page->stream);
    else if (count > REPLIES_MAX)
        fprintf(page->stream, "<p class=\"left-out\">%u more replies are left out here.</p>",
                count - REPLIES_MAX);
}

static void parity_write_row(const struct page *page, const struct entry *entry, size_t to,
                             const char *where)
{
    const struct genesis *genesis = &page->audit.genesis;
    struct voices reading;
    voices_read(&page->audit.deployment.hearing, genesis, entry, 0, to, 0, &reading);
    fprintf(page->stream, "<tr><th scope=\"row\">%s<br>", where);
    page_link(page, (uint64_t)entry->seq);
    fputs("</th><td>", page->stream);
    write_replies(page, entry, to);
    fputs("</td><td>", page->stream);
    write_lines(page, entry, to, PROBE_LOGS_EXECUTION, HEARD_BIT(PATTERN_POLICY_LOADED));
    fputs("</td><td>", page->stream);
    write_lines(page, entry, to, PROBE_LOGS_BRAIN,
                HEARD_BIT(PATTERN_HANDSHAKE_OK) | HEARD_BIT(PATTERN_HANDSHAKE_FAILED)
                    | HEARD_BIT(PATTERN_HANDSHAKE_LOST));
    fputs("</td><td>", page->stream);
    if (reading.parity == PARITY_EQUAL) {
        fprintf(page->stream, "<span class=\"tag proven\">equal</span><br><code>%s</code>",
                reading.hash);
    } else {
        fprintf(page->stream, "<span class=\"tag %s\">%s</span><br>",
                reading.parity == PARITY_UNEQUAL ? "violated" : "undecidable",
                reading.parity == PARITY_UNEQUAL ? "unequal" : "missing");
        markup_word(page->stream, reading.why);
    }
    fputs("</td></tr>\n", page->stream);
}

static void open_table(const struct page *page, const char *label)
{
    fprintf(page->stream,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s of deployment "
            "%llu\"><table class=\"wide\"><thead><tr><th scope=\"col\">Where</th>"
            "<th scope=\"col\">Replies of the responder</th><th scope=\"col\">Execution's start-up "
            "line</th><th scope=\"col\">Brain's handshake line</th>"
            "<th scope=\"col\">Policy hash</th></tr></thead><tbody>\n",
            label, (unsigned long long)page->audit.deployment.number);
}

/* As the claim does: what stands before ARM was sent is what it was armed on. */
static size_t end_of(const struct step *step)
{
    const struct entry *entry = step->transition;
    const struct item *publish = step->action == ACTION_ARM
                                     ? entry_first_item(entry, 0, entry->item_count,
                                                        PROBE_BUS_PUBLISH)
                                     : NULL;
    return publish != NULL ? (size_t)(publish - entry->items) : entry->item_count;
}

static void write_steps(const struct page *page)
{
    const struct deployment *deployment = &page->audit.deployment;
    size_t rows = 0;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        size_t to = end_of(step);
        if (step->action != ACTION_INVALID
            && entry_item(step->transition, 0, to, PROBE_BUS_POLICY_HASH, NULL) != NULL
            && rows++ < PAGE_ROWS_MAX)
            parity_write_row(page, step->transition, to, action_name(step->action));
    }
    if (rows == 0)
        fputs("<tr><td colspan=\"5\">No step asked for the policy hash.</td></tr>\n", page->stream);
}

static void write_samples(const struct page *page, size_t samples)
{
    const struct deployment *deployment = &page->audit.deployment;
    size_t rows = 0;
    fprintf(page->stream, "<details><summary>Parity in each of %zu samples</summary>\n", samples);
    open_table(page, "Parity evidence of the samples");
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_SAMPLE && rows++ < PAGE_ROWS_MAX)
            parity_write_row(page, entry, entry->item_count, "sample");
    }
    if (rows > PAGE_ROWS_MAX)
        fprintf(page->stream,
                "<tr><td colspan=\"5\" class=\"left-out\">%zu more samples are left out "
                "here.</td></tr>\n",
                rows - PAGE_ROWS_MAX);
    fputs("</tbody></table></div></details>\n", page->stream);
}

void page_parity(const struct page *page)
{
    const struct deployment *deployment = &page->audit.deployment;
    size_t samples = 0;
    if (!page->audit.genesis.has_policy) {
        fputs("<p>No policy hash is shared here.</p>\n", page->stream);
        return;
    }
    open_table(page, "Parity evidence");
    write_steps(page);
    fputs("</tbody></table></div>\n", page->stream);
    for (size_t i = 0; i < deployment->count; i++)
        samples += deployment->entries[i]->type == ENTRY_SAMPLE;
    if (samples > 0)
        write_samples(page, samples);
}
