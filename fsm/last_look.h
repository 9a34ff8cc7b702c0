/* fsm/last_look: everything that was recorded, or approved, looked at once more right before the
 * first change.
 * Knows:     what `connect`, `update_code` and `pull_images` recorded, and how each of it is
 *            compared with what is there now; not what follows from a difference.
 * Source:    journal/FORMAT.md, "The last look" (P-32, L-18, H-15).
 * Size:      too large for the stack. */
#ifndef FSM_LAST_LOOK_H
#define FSM_LAST_LOOK_H

#include "actions/compose/compose_render.h"
#include "actions/git.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "fsm/driver.h"

struct last_look {
    struct git_state git;
    struct compose_model model;
    struct containers containers, before;
    struct images images, pulled;
    struct interlock_view first, interlock; /* in front of the voices, behind them */
    struct parity_view parity;
    bool other_key;     /* of the fingerprints, than when the images were pulled */
    char differs[1200]; /* each as "NAME was X and is Y", "; " between them; "" = nothing */
};

struct last_look_terms {
    bool first;               /* no try went before, that may have changed what runs */
    enum interlock interlock; /* what Execution must show */
    int64_t until_ns;         /* how long the voices are waited for, boot clock */
};

/* Evidence: the items LAST. The driver's deployment is at least `pulled`. */
enum error_code look_for_the_last_time(struct driver *driver, struct target *target,
                                       const struct last_look_terms *terms,
                                       struct evidence *evidence, struct last_look *look,
                                       struct error *error) CHECKED;

#endif
