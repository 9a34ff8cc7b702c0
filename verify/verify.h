/* verify/verify: one verification from beginning to end: read, check the whole, judge deployments
 * claim by claim.
 * Order:     nothing is asked of a record whose integrity is violated; its other claims stay
 *            undecidable.
 * Sockets:   none. Files: those named, read only; written are the page and the note of --verified,
 *            and what a large record is kept in (read/kept.h). */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include "verify/judge/audit.h"
#include "verify/report/report.h"

enum selection { SELECTION_INVALID = 0, SELECTION_LAST, SELECTION_ONE, SELECTION_ALL };

struct verify_options {
    const char *path, *trust, *target, *journal, *limits, *verified,
        *html; /* the last four may be NULL; html: where the page goes */
    const char *checkpoints[CHECKPOINTS_MAX];
    size_t checkpoint_count;
    enum selection selection;
    uint64_t deployment; /* of SELECTION_ONE */
    bool require_anchor, json;
};

/* ERROR_OK: the report says the rest. Else verify_status_of() tells the exit status. A page that
 * was asked for is written in both cases, unless the command line itself is wrong. */
enum error_code verify_run(const struct verify_options *options, struct report *ret_report,
                           struct error *error) CHECKED;
/* The same over a record that is in memory already (tests). Takes nothing over. */
enum error_code verify_record(struct record *record, struct audit *audit, enum selection selection,
                              uint64_t number, struct report *ret_report, struct error *error)
    CHECKED;
enum verify_status verify_status_of(const struct error *error);

/* extract.c: writes PREFIX and PREFIX.sig so that ssh-keygen -Y verify accepts them; checks nothing
 * but that the entry is there. */
enum error_code verify_extract(const char *path, uint64_t seq, const char *prefix,
                               struct error *error) CHECKED;

#endif
