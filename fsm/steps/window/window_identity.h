/* fsm/steps/window_identity: whether the containers of the window are still the ones with which it
 * began, and whether Execution changed its state between two looks.
 * Rules: journal/FORMAT.md, W-09, W-10 and L-11. */
#ifndef FSM_STEPS_WINDOW_IDENTITY_H
#define FSM_STEPS_WINDOW_IDENTITY_H

#include "fsm/step.h"

/* Of the first sample of the window's intent, out of the journal; unknown where there is none.
 * `intent` 0: the last window of the deployment. */
enum error_code window_origin_load(struct driver *driver, uint64_t intent,
                                   struct window_origin *ret_origin, struct error *error) CHECKED;
/* Of the look that step->evidence and step->seen hold. */
void window_origin_note(const struct step *step, struct window_origin *origin);
/* Compares that look with the origin, as sets of (id, image, started_at, restarts) by service. True
 * and the sentence where they differ. */
bool window_origin_differs(const struct step *step, const struct window_origin *origin,
                           char *ret_text, size_t size);

/* The state that Execution shows. One whose lines were rotated away is what the last look saw of
 * the same run, unless the marker says otherwise. */
enum interlock window_interlock(const struct driver *driver, const struct interlock_view *view);
/* A line of this run says otherwise than `expected`, and the look before did not have it. */
bool window_interlock_changed(const struct driver *driver, const struct interlock_view *view,
                              enum interlock expected);
/* After an interruption: what the looks of this deployment saw, out of the journal. */
enum error_code window_interlock_recall(struct driver *driver, struct error *error) CHECKED;
/* Remembers a look for the next one. */
void window_interlock_note(struct driver *driver, const struct interlock_view *view);

/* Why the window fails where Execution is not as expected; whoever disarmed it stands in the
 * sentence, because that is what everybody asks first. Nothing where `text` says something already.
 */
void window_interlock_mismatch(struct step *step, enum interlock expected, char *text, size_t size);

#endif
