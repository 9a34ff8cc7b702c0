/* verify/judge/audit: what the claims are decided from: the record, what genesis pins, one
 * deployment's entries in their order.
 * Knows:     how entries belong together; it judges nothing. Precondition of all of it: integrity
 *            holds.
 * Ownership: an audit borrows the record; deployment_free() releases the lists. */
#ifndef VERIFY_AUDIT_H
#define VERIFY_AUDIT_H

#include "verify/judge/finding.h"
#include "verify/judge/genesis.h"
#include "verify/judge/logs/hearing.h"
#include "verify/judge/limits.h"
#include "verify/judge/machine.h"
#include "verify/read/record.h"
#include "verify/whole/verified.h"

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
    struct entry **reconciliations; /* of `entries` */
    size_t reconciliation_count;
    struct hearing hearing; /* of its entries */
    enum state state;       /* in which it stands */
    bool ended, accepted;   /* accepted: a failed rollback that an attestation closed */
};

/* From the auditor's hands. */
struct outside_checkpoint {
    const char *path;
    struct bytes note;
    uint64_t size;
};

enum { CHECKPOINTS_MAX = 16 };

/* What the deployments before one have shown of the hold on the target: up to an entry, which only
 * rises. -1 = nothing. */
struct tenancy_past {
    uint64_t until;
    int64_t epoch, head;
};

/* whole/anchors.h */
struct anchors {
    struct anchor *list;
    size_t count;
};

struct audit {
    struct record *record;
    const struct limits *limits;
    const struct allowed_signers *trust;
    const char *target, *journal; /* journal may be NULL: whichever it is */
    const struct outside_checkpoint *checkpoints;
    size_t checkpoint_count;
    bool require_anchor;
    struct verified verified; /* by an earlier run */
    /* what integrity_check() came to: of the record, and of who signed what */
    struct finding whole, entitled;
    struct anchors anchors;
    const struct clocks *clocks; /* whole/clocks.h; of a record that is whole */
    struct tenancy_past *tenancy;
    struct genesis genesis;
    struct deployment deployment;
};

/* deployment.c */
void deployment_collect(const struct record *record, const struct genesis *genesis, uint64_t number,
                        struct deployment *ret_deployment);
/* The commands outside every deployment, as if they were one. */
void deployment_collect_commands(const struct record *record, const struct genesis *genesis,
                                 struct deployment *ret_commands);
void deployment_free(struct deployment *deployment);
const struct step *deployment_step(
    const struct deployment *deployment,
    enum action action); /* the last that was done (or rearmed), or NULL */
/* The step that an entry is of: that of the next transition, or of this one. NULL: none follows. */
const struct step *deployment_step_of(const struct deployment *deployment,
                                      const struct entry *entry);
/* The good step with the last look; NULL. *ret_again: repeated, or its act was taken for done. */
const struct step *deployment_first_change(const struct deployment *deployment, bool *ret_again);
const struct step *deployment_failure(
    const struct deployment *deployment); /* the first into rolling_back, or NULL */
/* an intent was made that changes a service, and not given up by `stale` */
bool deployment_changed(const struct deployment *deployment);
bool step_is_good(const struct step *step); /* "good transition": by done or rearmed */
/* The evidence of the good transition by this action; NULL. */
const struct entry *deployment_good_entry(const struct deployment *deployment, enum action action);
/* The containers that the snapshot found; NULL. */
const struct listing *deployment_list_before(const struct deployment *deployment);
/* The intent that this entry names, in front of it; NULL. */
struct entry *deployment_intent_of(const struct record *record, struct entry *entry);
/* Whether the nonce is the deployment's own ("Words", own). */
bool deployment_is_own(const struct deployment *deployment, struct slice nonce);
/* Whether what the entry shows is answered by going back: it is a failing transition, a sample
 * right before one, or a reconciliation that fails or asks. */
bool deployment_is_answered(const struct deployment *deployment, const struct entry *entry);
/* The sample, or the transition, that an entry is of the last observed window; NULL step: none. */
bool deployment_is_sample(const struct deployment *deployment, struct entry *entry);
/* W-01, with the memory of what the endpoint answered before. */
bool deployment_health_is_good(const struct audit *audit, const struct entry *entry,
                               const struct item *item);
int64_t deployment_boot_span_ms(const struct entry *from, int64_t from_ns, const struct entry *to,
                                int64_t to_ns, bool *ret_same_boot);

/* The part of `integrity` that is of the whole record, into `whole`: nothing else is asked of a
 * record that it finds violated. On the way authority is followed, into `entitled`. */
void integrity_check(struct audit *audit);

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
/* P-11: an outcome has its intent, an ARM its outcome. */
void commands_check_phases(const struct deployment *commands, struct finding *finding);
void commands_check_publishes(struct entry *entry, struct finding *finding); /* L-06 */
/* The commands that `audit->deployment` holds instead of a deployment. Returns how many. */
unsigned commands_judge(const struct audit *audit, struct finding *interlock,
                        struct finding *parity);

#endif
