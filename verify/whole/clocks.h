/* verify/whole/clocks: the driver's boot clocks (C-01) and the target's (C-05, C-06) along the
 * whole journal, once for all deployments of it. Ownership: clocks_free() releases; it takes NULL.
 * It borrows the record. */
#ifndef VERIFY_CLOCKS_H
#define VERIFY_CLOCKS_H

#include "verify/judge/audit.h"
#include "verify/read/table.h"

enum { CLOCKS_TOLERANCE_MS = 1000 };

struct standing;
struct clocks {
    struct finding boots, target;
    struct standing *standings; /* one a deployment, and one for what stands outside */
    size_t count;
    struct table places; /* of `standings`, by deployment: plus 1 */
};

struct clocks *clocks_follow(const struct record *record);
void clocks_free(struct clocks *clocks);
/* C-05 and C-06 of the whole journal; where the target stood still, of this deployment. */
void clocks_tell_target(const struct clocks *clocks, const struct deployment *deployment,
                        struct finding *finding);

#endif
