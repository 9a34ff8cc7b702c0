/* verify/judge/guard: what the items `guard` and `guard.record` say. journal/FORMAT.md, "Guard".
 * Knows:     their form, and which of them stand in front of a place; not what should be true.
 * Ownership: guard_record_free() releases the lines; they borrow the record.
 * Untrusted: every blob. What does not have the form says nothing. */
#ifndef VERIFY_GUARD_H
#define VERIFY_GUARD_H

#include "verify/judge/audit.h"

enum guard_state {
    GUARD_INVALID = 0,
    GUARD_ABSENT,
    GUARD_LAID,
    GUARD_WITHDRAWN,
    GUARD_FIRED,
    GUARD_LOST,
    GUARD_STATES
};

/* How it stands on the target; of one that is absent nothing but that. */
struct guard {
    enum guard_state state;
    int64_t deployment, epoch, deadline_ms;
    char plan[SHA256_HEX + 1], boot[BOOT_ID_LENGTH + 1];
    bool begun, process; /* process: a reboot of the target ends it */
};
/* False: the item failed, or does not have the form. */
bool guard_read(const struct item *item, struct guard *ret_guard);
/* The last `guard` of the entry in front of its item `to` that can be read. NULL: none. */
const struct item *guard_of_entry(const struct entry *entry, size_t to, struct guard *ret_guard);
/* "Where a guard is laid": the `guard` of lay_guard is not `absent`. */
bool guard_is_laid(const struct deployment *deployment);
/* Any `guard` of the deployment is not. */
bool guard_is_shown(const struct deployment *deployment);
/* The last in front of the entry (NULL: of all), in this state; false: none. */
bool guard_last(const struct deployment *deployment, const struct entry *entry,
                enum guard_state state, struct guard *ret_guard);
/* How it stands in the end: GUARD_FIRED where it ever did; INVALID where nothing says. */
enum guard_state guard_fate(const struct deployment *deployment);
const char *guard_state_name(enum guard_state state);

struct guard_line {
    struct tree tree; /* what the texts may point into */
    struct slice act, said;
    char boot[BOOT_ID_LENGTH + 1];
    int64_t before_ms, after_ms, status;
};
struct guard_record {
    struct guard_line *lines;
    size_t count;
};
/* False: the item failed, or a line of it does not have the form. */
bool guard_record_read(const struct item *item, struct guard_record *ret_record);
void guard_record_free(struct guard_record *record);
#define CLEANUP_GUARD_RECORD __attribute__((cleanup(guard_record_free)))
/* It acted: a line is `begin`. */
bool guard_record_has_begun(const struct guard_record *record);
/* Its line `end`, or `head COMMIT`: the first that begins so; NULL. */
const struct guard_line *guard_record_line(const struct guard_record *record, const char *word);

/* What made it act, and the deadline that stood in its plan by then. */
enum guard_cause { GUARD_CAUSE_INVALID = 0, GUARD_DEADLINE, GUARD_REBOOT, GUARD_TURN };
enum guard_cause guard_cause_of(const struct guard_line *begin, int64_t *ret_deadline_ms);

/* The last record of the deployment that has begun, and the first entry that has such a one. False:
 * the guard did nothing. */
bool guard_fired(const struct deployment *deployment, struct guard_record *ret_record,
                 const struct entry **ret_entry);

#endif
