/* verify/judge/authority: who may sign what, followed entry by entry. journal/FORMAT.md, "Who signs
 * what".
 * Knows:     rosters, the open deployment, its session key, its approvals; nothing of signatures
 *            (integrity) or of edges (procedure).
 * Ownership: authority_free() releases; it takes an empty one. */
#ifndef VERIFY_AUTHORITY_H
#define VERIFY_AUTHORITY_H

#include "verify/judge/audit.h"
#include "verify/judge/roster.h"

enum { PERSONS_MAX = 64 };

/* A principal and the key that they used. Two of one name are one person, and so are two of one
 * key. */
struct person {
    struct slice principal;
    uint8_t key[KEY_BYTES];
};

struct authority {
    const struct audit *audit;
    struct roster roster; /* in force */
    struct roster at_open;
    struct entry *open;    /* NULL: no deployment is open */
    struct genesis pinned; /* for it: by genesis, or the last settings */
    uint8_t session[KEY_BYTES];
    enum action action;             /* of the last intent */
    uint8_t (*sessions)[KEY_BYTES]; /* every session key so far */
    size_t session_count;
    enum state state;
    bool confirmed;                     /* the operator agreed by name to the first change */
    struct person drivers[PERSONS_MAX]; /* who opened or took over; the last one drives */
    unsigned driver_count;
    struct person approvers[PERSONS_MAX]; /* distinct, whose approval was good when it was made */
    unsigned approver_count;
    int64_t epoch; /* of the hold on the target, as the record last told it; it only rises */
    struct entry *undecided; /* whose signer's right the journal alone does not show, or NULL */
    const char *undecided_why;
    const struct entry *updated, *pulled; /* transitions that an approval speaks of */
    /* What approvals said of the guard, and what lay_guard showed behind them. */
    bool said_absent, said_laid;
    enum guard_word { GUARD_WORD_UNKNOWN = 0, GUARD_WORD_ABSENT, GUARD_WORD_LAID } guard;
};

void authority_free(struct authority *authority);
#define CLEANUP_AUTHORITY __attribute__((cleanup(authority_free)))

/* Why an entry was not entitled, and by which rule. */
struct refusal {
    const char *rule;
    char why[256];
};

/* Takes the next entry; false and a sentence when it was not entitled. The state goes on all the
 * same. */
bool authority_take(struct authority *authority, struct entry *entry, struct refusal *ret_refusal);
/* Whether this key may sign a checkpoint over the entries taken so far. */
bool authority_may_sign_checkpoint(const struct authority *authority, const char *origin,
                                   const struct bytes *note, bool *ret_known_bad);

/* approvals.c: whether an approval says what it must, and is by whom it must be. */
bool approval_is_good(struct authority *authority, struct entry *entry,
                      struct refusal *ret_refusal);
/* A-14, at the good transition of lay_guard: that the approvals before it speak of this guard. */
bool approvals_say_guard(struct authority *authority, const struct entry *laid,
                         struct refusal *ret_refusal);
int64_t approvals_required(const struct authority *authority);
unsigned approvals_counted(const struct authority *authority); /* who approves and has not driven */

#endif
