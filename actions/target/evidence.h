/* actions/target/evidence: what came back from the other side, with the times around it, in the
 * order in which it came.
 * Knows:     the fields of journal/FORMAT.md, "Evidence"; not JSON, not the journal, and it judges
 *            nothing.
 * Ownership: a struct evidence owns its items; evidence_clear() releases them and leaves an empty
 *            list. evidence_add() takes the bytes of *output over (and empties it). */
#ifndef ACTIONS_EVIDENCE_H
#define ACTIONS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/clock.h"
#include "journal/format/error.h"

enum { EVIDENCE_ITEMS_MAX = 96 };

struct target_span {
    char boot[BOOT_ID_LENGTH + 1]; /* "" = the request did not run on the target */
    int64_t before_ms, after_ms;   /* the target's uptime */
    int64_t wall_ms;               /* its wall clock before the command, since 1970; 0 = unknown */
};

struct evidence_item {
    const char *probe; /* PROBE_* of names.h */
    char *subject;     /* whole, however long: it is an identity */
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
/* Drops all but the first `count` items: a probe that is repeated leaves only its last evidence. */
void evidence_cut(struct evidence *evidence, size_t count);
/* One item before it is added: what it borrows is copied, and *output is taken over. */
struct evidence_draft {
    const char *probe, *subject;
    int status;
    struct bytes *output;
    int64_t sent_ns, received_ns;
    const struct target_span *span; /* NULL = the request did not run on the target */
};
/* ERROR_LIMIT when the list is full. */
enum error_code evidence_add(struct evidence *evidence, const struct evidence_draft *draft,
                             struct error *error) CHECKED;
/* A request whose answer did not come back: `status` is no status that an answer has, and the
 * output says why, out of *error. Only ERROR_MEMORY and ERROR_LIMIT. */
struct evidence_unanswered {
    const char *probe, *subject;
    int status;
    int64_t sent_ns, received_ns;
};
enum { EVIDENCE_UNANSWERED = 255, EVIDENCE_BUS_UNANSWERED = 3 }; /* of a command; of the bus */
enum error_code evidence_add_unanswered(struct evidence *evidence,
                                        const struct evidence_unanswered *draft,
                                        struct error *error) CHECKED;
/* The last item of this probe (and subject, unless NULL), or NULL. Borrowed. */
const struct evidence_item *evidence_last(const struct evidence *evidence, const char *probe,
                                          const char *subject);

#endif
