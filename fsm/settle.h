/* fsm/settle: what an interrupted act has come to, found out by looking, and what follows.
 * Knows:     each action by itself; not who goes back, nor what is recorded (reconcile.h).
 * Ownership: the caller clears the scene's evidence. */
#ifndef FSM_SETTLE_H
#define FSM_SETTLE_H

#include "actions/git.h"
#include "fsm/past/snapshot.h"
#include "fsm/resumption.h"

struct finding {
    const char *found; /* as in journal/FORMAT.md: done, not_done, partial, unknown */
    struct reconciled reconciled;
};

/* Too large for the stack. */
struct scene {
    struct evidence evidence;
    struct git_state git;
    struct containers containers;
    struct snapshot before;
};

void settle_decide(struct finding *finding, const char *found, enum resumption resumption,
                   const char *reason);
/* From the journal and the clock alone: the window's own next sample is the look. */
enum error_code settle_window(struct driver *driver, struct finding *finding, struct error *error)
    CHECKED;
/* The open intent's action, of any that has to look. Evidence: commit and containers, and what an
 * interlock shows. A dangling ARM is answered with DISARM here. */
enum error_code settle_action(struct driver *driver, struct target *target, struct scene *scene,
                              struct finding *finding, struct error *error) CHECKED;

#endif
