/* verify/page/page: the parts of the auditor's page, one file each. Within html.c's frame; nobody
 * else calls them.
 * Knows:     report, record and the deployment in `audit`; judges nothing. What it shows of
 *            evidence is read by reading.h, as the claims read it.
 * Untrusted: all that comes from the journal is written by markup.h. Addresses and ids are made of
 *            numbers alone.
 * Bounds:    PAGE_*_MAX; what is beyond is left out, and the page says so. */
#ifndef VERIFY_PAGE_H
#define VERIFY_PAGE_H

#include <stdio.h>

#include "verify/judge/audit.h"
#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"
#include "verify/report/report.h"

enum {
    PAGE_ENTRIES_MAX = 600,        /* raw entries */
    PAGE_RAW_BYTES_MAX = 16 << 20, /* of them together */
    PAGE_OUTPUT_BYTES_MAX = 4096,  /* of one piece of evidence */
    PAGE_ROWS_MAX = 400,           /* of one table */
    PAGE_VISITS_MAX = 48,          /* states on the picture */
    PAGE_ENDPOINTS_MAX = 16,
    PAGE_SAMPLES_MAX = 2000, /* on the picture */
    PAGE_DEPLOYMENTS_MAX = 16,
};

struct page {
    FILE *stream;
    struct audit audit; /* `deployment` is the one that is being written */
    const struct report *report;
    const bool *shown; /* by sequence number: which raw entries stand on the page */
};

/* page_style.c: the head's style, and the word and mark of a verdict. */
void page_style(FILE *stream);
const char *page_verdict_class(enum verdict verdict);
void page_verdict(FILE *stream, enum verdict verdict);

/* page_claims.c */
void page_claims(const struct page *page, const struct deployment_report *deployment);
void page_not_proven(const struct page *page);
void page_link(const struct page *page,
               uint64_t seq); /* to the raw entry, where it is on the page */

/* page_figure.c, page_story.c: the time line as a picture, and in words. */
void page_figure(const struct page *page);
void page_story(const struct page *page);
void page_summary(const struct page *page); /* a few sentences that say what the picture shows */

/* page_identity.c, page_parity.c */
void page_identity(const struct page *page);
void page_parity(const struct page *page);

/* page_entries.c */
void page_choose_entries(const struct audit *audit, const struct report *report, bool *shown);
void page_entries(const struct page *page);

/* page_sample.c: what a sample says, in one place for picture and words. */
enum page_health { PAGE_HEALTH_INVALID = 0, PAGE_GOOD, PAGE_BAD, PAGE_MISSING };
enum page_health page_health(const struct page *page, const struct entry *entry,
                             struct slice endpoint, int64_t *ret_status);
enum page_health page_policy(const struct page *page, const struct entry *entry);
bool page_is_sample(
    struct entry *entry,
    const struct step *step); /* of the observation that this step ended; NULL: of any */

/* What the picture marks besides states; false where there is none of it. Indices into the
 * deployment's entries. */
struct page_window {
    size_t entry;      /* the first sample */
    int64_t before_ms; /* by which its first question was sent before it was recorded */
};
bool page_window(const struct page *page, struct page_window *ret_window);
struct page_rollback {
    size_t failure, start, end; /* end: of rolled_back or rollback_failed, else the last entry */
    bool restored, ended;
};
bool page_rollback(const struct page *page, struct page_rollback *ret_rollback);

#endif
