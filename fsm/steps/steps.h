/* fsm/steps/steps: one action of the table, carried out once.
 * Knows:     how an action is done with the functions of actions/, and what it must see before it
 *            may say DONE; not what follows from the outcome (the table does).
 * Outcome:   of a struct step (fsm/step.h). An error of step_run() means that there is none: the
 *            intent stays open and is settled by probing (reconcile.h). Errors that are outcomes
 *            after all (fate.h, F) become FAILED in it.
 * Again:     every step looks first and does only what is not done yet, so that repeating one after
 *            an interruption does nothing twice. */
#ifndef FSM_STEPS_H
#define FSM_STEPS_H

#include "fsm/step.h"

enum error_code step_run(struct step *step, struct error *error) CHECKED;

/* The actions, by the file that holds them. */
enum error_code step_run_preflight(struct step *step, struct error *error)
    CHECKED; /* steps/prepare.c */
enum error_code step_connect(struct step *step, struct error *error) CHECKED;
enum error_code step_update_code(struct step *step, struct error *error) CHECKED;
enum error_code step_pull_images(struct step *step, struct error *error) CHECKED;
enum error_code step_lay_guard(struct step *step, struct error *error) CHECKED;
enum error_code step_switch_services(struct step *step, struct error *error)
    CHECKED; /* steps/release.c */
enum error_code step_verify_release(struct step *step, struct error *error) CHECKED;
enum error_code step_disarm(struct step *step, struct error *error) CHECKED; /* steps/policy.c */
enum error_code step_deploy_execution(struct step *step, struct error *error) CHECKED;
enum error_code step_verify_execution(struct step *step, struct error *error) CHECKED;
enum error_code step_deploy_brain(struct step *step, struct error *error) CHECKED;
enum error_code step_verify_parity(struct step *step, struct error *error) CHECKED;
enum error_code step_arm(struct step *step, struct error *error) CHECKED;
enum error_code step_observe_window(struct step *step, struct error *error) CHECKED; /* window.c */
enum error_code step_confirm(struct step *step, struct error *error) CHECKED; /* steps/end.c */
enum error_code step_complete(struct step *step, struct error *error) CHECKED;
enum error_code step_restore_code(struct step *step, struct error *error) CHECKED;
enum error_code step_make_safe(struct step *step, struct error *error)
    CHECKED; /* back/rollback.c */
enum error_code step_revert(struct step *step, struct error *error) CHECKED;
enum error_code step_redeploy(struct step *step, struct error *error) CHECKED;
enum error_code step_verify_restored(struct step *step, struct error *error) CHECKED;

#endif
