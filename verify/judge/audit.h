/* verify/judge/audit: what the claims are decided from: the record, what genesis pins, one
 * deployment's entries in their order.
 * Knows:     how entries belong together; it judges nothing. Precondition of all of it: integrity
 *            holds.
 * Ownership: an audit borrows the record; deployment_free() releases the lists. */
#ifndef VERIFY_AUDIT_H
#define VERIFY_AUDIT_H

#include "verify/judge/finding.h"
#include "verify/judge/limits.h"
#include "verify/judge/machine.h"
#include "verify/read/record.h"

struct genesis {
    struct slice target, execution, brain;
    bool has_policy; /* a policy hash is shared at all */
    bool marker;
    const struct node *endpoints; /* arrays of strings */
    const struct node *patterns[PATTERNS];
    const struct node *checklist;
    int64_t approvals_policy, approvals_release;
};

/* One transition, with the intent that it answers. */
struct step {
    struct entry *transition, *intent,
        *reconciliation; /* the last two may be NULL; the last reconciliation of the intent */
    enum state from, to;
    enum event event;
    enum action action; /* of the intent, or INVALID */
    /* a reconciliation took the act for done: what was sent may not be in the record */
    bool adopted;
};

struct deployment {
    uint64_t number;
    bool policy;
    const struct node *open; /* body */
    struct entry **entries;  /* all that carry its number */
    size_t count;
    struct step *steps;
    size_t step_count;
    enum state state;     /* in which it stands */
    bool ended, accepted; /* accepted: a failed rollback that an attestation closed */
};

/* From the auditor's hands. */
struct outside_checkpoint {
    const char *path;
    struct bytes note;
    uint64_t size;
};

enum { CHECKPOINTS_MAX = 16 };

struct audit {
    struct record *record;
    const struct limits *limits;
    const struct allowed_signers *trust;
    const char *target, *journal; /* journal may be NULL: whichever it is */
    const struct outside_checkpoint *checkpoints;
    size_t checkpoint_count;
    bool require_anchor;
    struct finding whole; /* what integrity_check() came to */
    struct genesis genesis;
    struct deployment deployment;
};

bool genesis_read(struct entry *entry, struct genesis *ret_genesis);

/* deployment.c */
void deployment_collect(const struct record *record, uint64_t number,
                        struct deployment *ret_deployment);
void deployment_free(struct deployment *deployment);
const struct step *deployment_step(
    const struct deployment *deployment,
    enum action action); /* the last that was done (or rearmed), or NULL */
const struct step *deployment_failure(
    const struct deployment *deployment); /* the first into rolling_back, or NULL */
bool deployment_changed(
    const struct deployment *deployment); /* an intent was made that changes a service */
int64_t deployment_boot_span_ms(const struct entry *from, int64_t from_ns, const struct entry *to,
                                int64_t to_ns, bool *ret_same_boot);

/* The part of `integrity` that is of the whole record: nothing else is asked of a record that it
 * finds violated. */
void integrity_check(const struct audit *audit, struct finding *finding);

/* The claims, one file each. */
void claim_integrity(const struct audit *audit, struct finding *finding);
void claim_authority(const struct audit *audit, struct finding *finding);
void claim_procedure(const struct audit *audit, struct finding *finding);
void claim_preflight(const struct audit *audit, struct finding *finding);
void claim_interlock(const struct audit *audit, struct finding *finding);
void claim_parity(const struct audit *audit, struct finding *finding);
void claim_window(const struct audit *audit, struct finding *finding);
void claim_restoration(const struct audit *audit, struct finding *finding);
void claim_clocks(const struct audit *audit, struct finding *finding);

#endif
