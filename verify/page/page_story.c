/* The time line in words: the picture's text alternative, entry by entry, samples of one outcome
 * taken together. */
#include "verify/page/axis.h"
#include "verify/page/markup.h"
#include "verify/page/page.h"

#include <string.h>

enum { REASON_BYTES_MAX = 400, FAULT_BYTES = 600 };

static void say_field(const struct page *page, struct entry *entry, const char *before,
                      const char *key)
{
    struct slice text = node_text(entry_body(entry), key);
    if (text.length == 0)
        return;
    fputs(before, page->stream);
    markup_short(page->stream, text, REASON_BYTES_MAX);
}

static void say_entry(const struct page *page, struct entry *entry)
{
    fprintf(page->stream, "<strong>%s</strong>", entry_type_name(entry->type));
    static const struct {
        const char *before, *key;
    } fields[] = {{": ", "procedure"}, {" by ", "principal"}, {" by ", "operator"},
                  {": ", "command"},   {", ", "phase"},       {": ", "item"},
                  {", ", "answer"},    {": found ", "found"}, {", then ", "then"},
                  {": ", "from"},      {", ", "action"},      {", by ", "event"},
                  {", to ", "to"},     {": ", "outcome"},     {"; ", "what"},
                  {"; ", "reason"},    {": ", "text"}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        say_field(page, entry, fields[i].before, fields[i].key);
}

/* The window ended by its last sample, and not well: whatever that one showed, it was not good. */
static bool ended_the_window(const struct deployment *deployment, size_t sample)
{
    for (size_t i = sample + 1; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_SAMPLE)
            return false;
        if (entry->type == ENTRY_TRANSITION)
            return slice_is(node_text(entry_body(entry), "event"), "mismatch")
                   || slice_is(node_text(entry_body(entry), "event"), "unhealthy");
    }
    return false;
}

/* What is not as it should be in a sample, in words; "" when all is. The endpoints' names are
 * escaped where it is printed. */
static void faults_of(const struct page *page, const struct deployment *deployment, size_t sample,
                      char ret_faults[FAULT_BYTES])
{
    const struct entry *entry = deployment->entries[sample];
    size_t used = 0;
    ret_faults[0] = '\0';
    for (const struct node *endpoint = page->audit.genesis.endpoints->first;
         endpoint != NULL && used < FAULT_BYTES - 1; endpoint = endpoint->next) {
        int64_t status;
        enum page_health health = page_health(page, entry, endpoint->text, &status);
        if (health == PAGE_GOOD)
            continue;
        (void)snprintf(ret_faults + used, FAULT_BYTES - used, "%s%.*s %s (status %lld)",
                       used > 0 ? ", " : "", SLICE_ARGUMENTS(endpoint->text),
                       health == PAGE_BAD ? "is not good" : "was not asked", (long long)status);
        used = strlen(ret_faults);
    }
    enum page_health policy = page->audit.genesis.has_policy ? page_policy(page, entry) : PAGE_GOOD;
    if (policy != PAGE_GOOD)
        (void)snprintf(ret_faults + used, FAULT_BYTES - used, "%sthe policy hash is %s",
                       used > 0 ? ", " : "", policy == PAGE_BAD ? "unequal" : "missing");
    if (ret_faults[0] == '\0' && ended_the_window(deployment, sample))
        (void)snprintf(ret_faults, FAULT_BYTES,
                       "every endpoint good, and it ended the window: see the reason behind it");
}

struct run {
    size_t first, count; /* good samples, one behind the other; count 0: none */
};

static void begin_row(const struct page *page, const struct axis *axis, size_t at)
{
    fputs("<tr><td class=\"time\">", page->stream);
    markup_clock(page->stream, axis->real_ms[at]);
    fputs("</td><td class=\"time\">", page->stream);
    page_link(page, (uint64_t)page->audit.deployment.entries[at]->seq);
    fputs("</td><td>", page->stream);
}

static void end_run(const struct page *page, const struct axis *axis, struct run *run)
{
    if (run->count == 0)
        return;
    begin_row(page, axis, run->first);
    fprintf(page->stream, "<strong>%zu sample%s</strong>, the last after ", run->count,
            run->count == 1 ? "" : "s");
    markup_clock(page->stream, axis->real_ms[run->first + run->count - 1]);
    fprintf(page->stream, ": every endpoint good%s</td></tr>\n",
            page->audit.genesis.has_policy ? ", the policy hash the same in every reply" : "");
    *run = (struct run){0};
}

static void write_rows(const struct page *page, const struct axis *axis)
{
    const struct deployment *deployment = &page->audit.deployment;
    struct run run = {0};
    size_t rows = 0, left_out = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        char faults[FAULT_BYTES] = "";
        if (entry->type == ENTRY_SAMPLE)
            faults_of(page, deployment, i, faults);
        if (entry->type == ENTRY_SAMPLE && faults[0] == '\0') {
            run = (struct run){run.count > 0 ? run.first : i, run.count + 1};
            continue;
        }
        end_run(page, axis, &run);
        if (rows++ >= PAGE_ROWS_MAX) {
            left_out++;
            continue;
        }
        begin_row(page, axis, i);
        if (entry->type == ENTRY_SAMPLE) {
            fprintf(page->stream, "<strong>sample %lld</strong>: ",
                    (long long)node_number(entry_body(entry), "n", 0));
            markup_word(page->stream, faults);
        } else {
            say_entry(page, entry);
        }
        fputs("</td></tr>\n", page->stream);
    }
    end_run(page, axis, &run);
    if (left_out > 0)
        fprintf(page->stream,
                "<tr><td colspan=\"3\" class=\"left-out\">%zu more entries are left out "
                "here.</td></tr>\n",
                left_out);
}

void page_story(const struct page *page)
{
    CLEANUP_AXIS struct axis axis = {0};
    axis_build(&page->audit.deployment, &axis);
    fprintf(page->stream,
            "<details class=\"words\"><summary>The time line in words</summary>\n<div "
            "class=\"scroll\" tabindex=\"0\" role=\"region\" "
            "aria-label=\"Time line of deployment %llu, in words\"><table><caption>Hours, minutes "
            "and seconds since the opening, on the driver's boot clock.</caption>\n<thead><tr>"
            "<th scope=\"col\">After</th><th scope=\"col\">Entry</th><th "
            "scope=\"col\">What</th></tr></thead><tbody>\n",
            (unsigned long long)page->audit.deployment.number);
    write_rows(page, &axis);
    fputs("</tbody></table></div></details>\n", page->stream);
}

static void count_samples(const struct page *page, size_t *ret_all, size_t *ret_bad)
{
    const struct deployment *deployment = &page->audit.deployment;
    size_t all = 0, bad = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        char faults[FAULT_BYTES] = "";
        if (deployment->entries[i]->type != ENTRY_SAMPLE)
            continue;
        all++;
        faults_of(page, deployment, i, faults);
        bad += faults[0] != '\0';
    }
    *ret_all = all;
    *ret_bad = bad;
}

static void say_duration(const struct page *page, const char *before, int64_t ms,
                         const char *behind)
{
    fputs(before, page->stream);
    markup_duration(page->stream, ms);
    fputs(behind, page->stream);
}

static void summarise_rollback(const struct page *page, const struct axis *axis,
                               const struct page_rollback *rollback)
{
    say_duration(page, " The deployment failed after ", axis->real_ms[rollback->failure], "");
    say_duration(page, "; the rollback was begun ",
                 axis->real_ms[rollback->start] - axis->real_ms[rollback->failure], " later");
    if (rollback->ended)
        say_duration(page,
                     rollback->restored ? " and had restored what ran before in "
                                        : " and failed after ",
                     axis->real_ms[rollback->end] - axis->real_ms[rollback->start], "");
    else
        fputs(" and has not ended", page->stream);
    say_duration(page, "; its limit is ", page->audit.limits->rollback_ms, ".");
}

void page_summary(const struct page *page)
{
    CLEANUP_AXIS struct axis axis = {0};
    const struct deployment *deployment = &page->audit.deployment;
    struct page_window window;
    struct page_rollback rollback;
    size_t samples, bad;
    axis_build(deployment, &axis);
    count_samples(page, &samples, &bad);
    say_duration(page, "The deployment took ", axis.real_ms[axis.count - 1],
                 deployment->ended ? "" : " so far");
    fprintf(page->stream, " and %s in the state %s.", deployment->ended ? "ended" : "stands",
            state_name(deployment->state));
    if (page_window(page, &window)) {
        say_duration(page, " The window of ", page->audit.limits->window_ms, "");
        say_duration(page, " began after ",
                     axis.real_ms[window.entry] - window.before_ms > 0
                         ? axis.real_ms[window.entry] - window.before_ms
                         : 0,
                     "");
        fprintf(page->stream, "; of %zu samples (%zu endpoints%s) %zu %s not good.", samples,
                page->audit.genesis.endpoints->count,
                page->audit.genesis.has_policy ? " and the policy hash" : "", bad,
                bad == 1 ? "is" : "are");
    } else {
        fputs(" No window was observed.", page->stream);
    }
    if (page_rollback(page, &rollback))
        summarise_rollback(page, &axis, &rollback);
}
