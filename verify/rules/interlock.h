/* verify/rules/interlock: the parts of the claim `interlock`, and what other claims ask of it.
 * Decided from Execution's own log lines and its marker, never from a publish or a receipt. */
#ifndef VERIFY_INTERLOCK_H
#define VERIFY_INTERLOCK_H

#include "verify/judge/audit.h"

struct arming {
    struct entry *entry; /* that has the ARM */
    size_t publish;      /* its item; item_count where it is absent */
    struct slice key;
    int64_t after_ns; /* of its intent: what it rests on was asked later */
    bool good;        /* it says that Execution is armed */
};

/* L-07, L-08 and L-12 of one ARM: of a deployment, or by hand. */
void interlock_check_arming(const struct audit *audit, const struct hearing *hearing,
                            const struct arming *arming, struct finding *finding);
/* L-05, L-09, L-11: what others do between the driver's own looks. */
void interlock_check_others(const struct audit *audit, struct finding *finding);
void interlock_check_foreign(const struct audit *audit, struct finding *finding); /* L-09 */
/* Whether a person answered between the two entries: `yes`, or (yes false) no or not at all. */
bool interlock_was_answered(const struct audit *audit, const struct entry *after,
                            const struct entry *until, bool yes);
/* The state that a release's window must show, by L-10 (DISARMED or ARMED; UNKNOWN: no window). */
enum showing interlock_check_release(const struct audit *audit, struct finding *finding);
/* Whether a sample, or the look of `confirm`, shows something else than `expected`, or a line that
 * is new behind the first *before heard ones does; then they are counted too (L-11). */
bool interlock_sample_fault(const struct audit *audit, const struct entry *entry, size_t *before,
                            enum showing expected, char *ret_why, size_t room);
/* How many lines were heard up to the last look before the window. */
size_t interlock_heard_before_window(const struct deployment *deployment);
/* What the window must show, and NULL; else the first entry that shows something else (L-11). */
const struct entry *interlock_window_fault(const struct audit *audit, enum showing expected,
                                           char *ret_why, size_t room);

/* Whether DISARM with this key is observed in [from, to) of the entry (L-01). */
bool interlock_disarm_is_observed(const struct audit *audit, const struct entry *entry, size_t from,
                                  struct slice key, const char **ret_why);
/* Whether the entry shows Execution removed, and gone (L-02). */
bool interlock_is_removed(const struct audit *audit, const struct entry *entry);

/* A log or a marker of it could not be read: no word of Execution, and a failure of a sample. */
bool interlock_look_failed(const struct look *look);

#endif
