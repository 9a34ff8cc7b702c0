/* The raw entries, folded: payload as it was signed, and what came back of each request. Bounded,
 * and what is left out is said. */
#include "verify/page/markup.h"
#include "verify/page/page.h"

static bool choose_entry(const struct audit *audit, bool *shown, uint64_t seq, size_t *count)
{
    if (seq >= audit->record->count || *count >= PAGE_ENTRIES_MAX)
        return false;
    *count += !shown[seq];
    shown[seq] = true;
    return true;
}

/* First what decided a claim, then genesis and rosters, then the judged deployments from the last
 * to the first. */
void page_choose_entries(const struct audit *audit, const struct report *report, bool *shown)
{
    const struct record *record = audit->record;
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++)
        for (unsigned claim = 1; claim < CLAIMS; claim++)
            if (report->deployments[i].claims[claim].has_entry)
                (void)choose_entry(audit, shown, report->deployments[i].claims[claim].entry,
                                   &count);
    (void)choose_entry(audit, shown, 0, &count);
    for (size_t i = report->count; i-- > 0;) {
        if (!report->deployments[i].exists)
            continue;
        for (uint64_t seq = report->deployments[i].number; seq < record->count; seq++)
            if (record->entries[seq].deployment == (int64_t)report->deployments[i].number
                && !choose_entry(audit, shown, seq, &count))
                return;
    }
    for (uint64_t seq = 0; seq < record->count; seq++)
        if (record->entries[seq].type == ENTRY_ROSTER)
            (void)choose_entry(audit, shown, seq, &count);
}

static void write_item(const struct page *page, const struct item *item)
{
    char hex[SHA256_HEX + 1];
    bytes_hex(item->hash, SHA256_BYTES, hex);
    fputs("<p><strong>", page->stream);
    markup_text(page->stream, item->probe_name);
    fputs("</strong> ", page->stream);
    markup_short(page->stream, item->subject, 200);
    fprintf(page->stream, ": status %lld, %lld bytes, SHA-256 <code>%s</code></p>\n",
            (long long)item->status, (long long)item->size, hex);
    if (item->output.length > 0)
        markup_block(page->stream, item->output, PAGE_OUTPUT_BYTES_MAX);
}

static size_t raw_bytes(const struct entry *entry)
{
    size_t bytes = entry->value.size;
    for (size_t i = 0; i < entry->item_count; i++)
        bytes += entry->items[i].output.length < PAGE_OUTPUT_BYTES_MAX
                     ? entry->items[i].output.length
                     : PAGE_OUTPUT_BYTES_MAX;
    return bytes;
}

static void page_write_entry(const struct page *page, uint64_t seq, bool evidence)
{
    const struct entry *entry = &page->audit.record->entries[seq];
    FILE *stream = page->stream;
    size_t size = 0;
    fprintf(stream, "<details class=\"entry\"><summary>entry %llu", (unsigned long long)seq);
    if (entry->read)
        fprintf(stream, " <strong>%s</strong> <span class=\"small\">%s</span>",
                entry_type_name(entry->type), entry->utc);
    else
        fputs(" (it was not read as an entry)", stream);
    fprintf(stream, "</summary><div class=\"inside\" id=\"entry-%llu\">\n",
            (unsigned long long)seq);
    if (entry->value.size > SIGNATURE_BYTES) {
        const char *payload = (const char *)entry_payload(entry, &size);
        markup_block(stream, (struct slice){payload, size}, FORMAT_PAYLOAD_BYTES_MAX);
    }
    if (!evidence)
        fprintf(stream,
                "<p class=\"left-out\">The evidence of %zu requests is left out here; the journal "
                "has it.</p>\n",
                entry->item_count);
    for (size_t i = 0; evidence && i < entry->item_count; i++)
        write_item(page, &entry->items[i]);
    fputs("</div></details>\n", stream);
}

void page_entries(const struct page *page)
{
    const struct record *record = page->audit.record;
    size_t count = 0, bytes = 0;
    for (uint64_t seq = 0; seq < record->count; seq++)
        count += page->shown[seq];
    fprintf(page->stream,
            "<section aria-labelledby=\"entries\"><h2 id=\"entries\">Raw entries</h2>\n<p>%zu of "
            "%zu entries stand here, each as it was signed: those that decided a claim, "
            "genesis, rosters, and those of the judged deployment; at most %d, and of each piece "
            "of evidence at most %d bytes. %zu are left out; "
            "<code>titan-verify extract</code> takes any of them out of the journal.</p>\n",
            count, record->count, PAGE_ENTRIES_MAX, PAGE_OUTPUT_BYTES_MAX, record->count - count);
    for (uint64_t seq = 0; seq < record->count; seq++) {
        if (!page->shown[seq])
            continue;
        bytes += raw_bytes(&record->entries[seq]);
        page_write_entry(page, seq, bytes <= PAGE_RAW_BYTES_MAX);
    }
    fputs("</section>\n", page->stream);
}
