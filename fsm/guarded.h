/* fsm/guarded: the dead-man guard of the open deployment, for the steps of the table and for who
 * comes back to it.
 * Knows:     when it is laid, how long it is to wait, what it means for a step that it has fired or
 *            is lost; not its files (actions/guard/guard.h).
 * Where none is laid (`guard.start: none`) everything here but guarded_lay() does nothing.
 * Outcome:   of a step as everywhere (step.h): ERROR_OK with an event is the outcome. */
#ifndef FSM_GUARDED_H
#define FSM_GUARDED_H

#include "actions/guard/guard.h"
#include "fsm/step.h"

/* For how long the driver may say nothing. */
enum guarded_wait {
    GUARDED_STEP = 0, /* to the end of the next step */
    GUARDED_WINDOW,   /* to the end of the window that begins now */
    GUARDED_PAUSE,    /* a person thinks, between two steps of a policy change */
};

/* Evidence: guard. Fact: guard. */
enum error_code guarded_lay(struct step *step, struct error *error) CHECKED;
/* What the good transition into `guarded` recorded; GUARD_INVALID where no guard is laid. */
enum error_code guarded_find(struct driver *driver, struct guard_view *ret_laid,
                             struct error *error) CHECKED;
/* Evidence: guard. Where it is lost it is laid again, or, before the first change, nothing is
 * changed. */
enum error_code guarded_renew(struct step *step, enum guarded_wait wait, struct error *error)
    CHECKED;
/* Before and behind the action of a step that has it renewed: once the first change was made, and
 * in front of the pause of a policy change. */
enum error_code guarded_begin_step(struct step *step, struct error *error) CHECKED;
enum error_code guarded_end_step(struct step *step, struct error *error) CHECKED;
/* Evidence: guard. `past_due` as in guard_withdraw(). */
enum error_code guarded_withdraw(struct step *step, bool past_due, struct error *error) CHECKED;

/* At the end of a way back: withdrawn, whatever it did; or, where the target was freed before an
 * interruption (not `ours`), seen to be. */
enum error_code guarded_leave(struct step *step, bool ours, struct error *error) CHECKED;

/* The guard sees that this driver is at the rollback itself, from here on and for half a minute.
 * The first one is behind DISARM, and waits for nothing. */
void guarded_take_turn(struct step *step);
enum error_code guarded_keep_turn(struct step *step, struct error *error) CHECKED;

/* How long it waits still, as the journal says: it was renewed last in an entry of this boot.
 * False: no guard is laid, it has not begun, or nobody can tell. */
bool guarded_left(struct driver *driver, const struct clock_reading *now, int64_t *ret_ms);

/* It may have fired while this driver was away, and no entry says so: whether it has. Evidence is
 * added where it has: guard, guard.record. */
enum error_code guarded_has_fired(struct driver *driver, struct target *target,
                                  struct evidence *evidence, bool *ret_fired, struct error *error)
    CHECKED;
/* What it did, for a transition that answers a reconciled intent. */
enum error_code guarded_collect(struct step *step, struct error *error) CHECKED;
/* Whether anybody has to look: what this process did itself it knows. */
bool guarded_may_have_fired(const struct driver *driver);
/* In place of whatever the step came to. */
enum error_code guarded_answer(struct step *step, enum error_code code) CHECKED;

#endif
