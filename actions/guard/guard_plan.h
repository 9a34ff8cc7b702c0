/* actions/guard/guard_plan: the text of the plan that lies on the target: what a rollback would do,
 * written down instead of sent.
 * Form:      assignments of this deployment, guard.sh, `make_safe` and `rollback`, a call of
 * `main`. Each act in it is the very script that the driver sends for the same act
 *            (target_collect()).
 * Secrets:   none: it names files that stay on the target. */
#ifndef ACTIONS_GUARD_PLAN_H
#define ACTIONS_GUARD_PLAN_H

#include "actions/compose/compose.h"
#include "journal/format/text.h"

/* Borrowed. */
struct guard_plan {
    const char *journal;
    int64_t deployment;
    const char *before, *branch;       /* commit and branch that are put back */
    const char *after;                 /* the commit that this deployment goes to */
    bool env_good;                     /* kept.h */
    const struct containers *restore;  /* one of each service that is brought back */
    const struct containers *ran;      /* all that ran */
    const struct containers *found;    /* all, whatever their state */
    const struct images *images;       /* what their names meant */
    const struct declared *declared;   /* then */
    const struct compose_model *model; /* of the new file */
};

enum error_code guard_plan_write(struct target *target, const struct guard_plan *plan,
                                 struct text *ret_text, struct error *error) CHECKED;

#endif
