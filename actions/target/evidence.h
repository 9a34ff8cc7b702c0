/* actions/target/evidence: what came back from the other side, with the times around it, in the
 * order in which it came.
 * Knows:     the fields of journal/FORMAT.md, "Evidence"; not JSON, not the journal, and it judges
 *            nothing.
 * Ownership: a struct evidence owns its items; evidence_clear() releases them and leaves an empty
 *            list. evidence_add() takes the bytes over (and empties *output). */
#ifndef ACTIONS_EVIDENCE_H
#define ACTIONS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/clock.h"
#include "journal/format/error.h"

enum { EVIDENCE_SUBJECT_MAX = 192, EVIDENCE_ITEMS_MAX = 96 };

struct target_span {
    char boot[BOOT_ID_LENGTH + 1]; /* "" = the request did not run on the target */
    int64_t before_ms, after_ms;   /* the target's uptime */
};

struct evidence_item {
    const char *probe; /* a literal: "git.head" */
    char subject[EVIDENCE_SUBJECT_MAX];
    int status;
    struct bytes output;
    int64_t sent_ns, received_ns; /* the driver's boot clock */
    struct target_span target;
};

struct evidence {
    struct evidence_item items[EVIDENCE_ITEMS_MAX];
    size_t count;
};

void evidence_clear(struct evidence *evidence);
/* Drops the items behind the first `count`: a look that is made again leaves only its last
 * evidence. */
void evidence_cut(struct evidence *evidence, size_t count);
/* Takes *output over. ERROR_LIMIT when the list is full. */
enum error_code evidence_add(struct evidence *evidence, const char *probe, const char *subject,
                             int status, struct bytes *output, int64_t sent_ns, int64_t received_ns,
                             const struct target_span *target, struct error *error) CHECKED;
/* The last item of this probe (and subject, unless NULL), or NULL. Borrowed. */
const struct evidence_item *evidence_last(const struct evidence *evidence, const char *probe,
                                          const char *subject);

#endif
