/* verify/judge/genesis: what is pinned for a deployment: by genesis, or by the last `settings`
 * before it. journal/FORMAT.md, "Bodies".
 * Ownership: it borrows the bodies of the record. */
#ifndef VERIFY_GENESIS_H
#define VERIFY_GENESIS_H

#include "verify/judge/limits.h"
#include "verify/read/record.h"

struct genesis {
    struct slice target, execution, brain;
    struct slice subject_hash, subject_arm, subject_disarm, script;
    bool has_policy; /* a policy hash is shared at all */
    bool marker;
    const struct node *endpoints;         /* arrays of strings */
    const struct node *endpoint_services; /* NULL: none; "ENDPOINT SERVICE" */
    const struct node *health_words;      /* NULL: none */
    const struct node *patterns[PATTERNS];
    const struct node *checklist;
    const struct node *restarts_allowed; /* NULL: none */
    const struct node *limits;
    int64_t approvals_policy, approvals_release;
};

/* What is in force for a deployment whose `open` is the entry `before`. False where the journal
 * does not begin with a genesis. */
bool genesis_read(const struct record *record, uint64_t before, struct genesis *ret_genesis);
/* The patterns, and subjects of the bus, that differ from the format's own, by their names; ""
 * where none does. */
void genesis_differing(const struct genesis *genesis, char *ret_names, size_t room);
/* The service restarts by design (services.restarts_allowed). */
bool genesis_may_restart(const struct genesis *genesis, const char *service);
bool genesis_names_endpoint(const struct genesis *genesis, struct slice endpoint);

#endif
