/* fsm/step: one action of the table, carried out once.
 * Knows:     how an action is done with the functions of actions/, and what it must see before it
 *            may say DONE; not what follows from the outcome (the table does) and nothing of the
 *            journal's form (record.h does).
 * Outcome:   `event`, `reason`, `evidence` and `facts`. ERROR_OK means that there is an outcome. An
 *            error means that there is none: the intent stays open and is settled by probing
 *            (reconcile.h). step_event() says which errors are outcomes after all.
 * Again:     every step looks first and does only what is not done yet, so that repeating one after
 *            an interruption does nothing twice. */
#ifndef FSM_STEP_H
#define FSM_STEP_H

#include "fsm/driver.h"

enum { STEP_REASON_MAX = 1600 };

struct step {
    struct driver *driver;
    const struct transition *edge;
    uint64_t intent;
    char key[33];        /* the nonce of whatever is sent */
    bool adopted;        /* reconciliation took the act for done: observe, do not send */
    int64_t deadline_ns; /* boot clock */
    struct evidence evidence;
    json_t *facts;
    enum event event;
    char reason[STEP_REASON_MAX];
};

enum error_code step_run(struct step *step, struct error *error) CHECKED;
void step_clear(struct step *step);

/* The outcome, in one line of the caller: `return step_is(step, EVENT_FAILED, "...")`. Always
 * ERROR_OK. */
enum error_code step_is(struct step *step, enum event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* EVENT_FAILED for an error that is an outcome of the step (a deadline, an answer that cannot be
 * understood); EVENT_INVALID for one that leaves it open (unreachable, held, journal). */
enum event step_event(enum error_code code);

/* What is left of the action's time, and of it at most `ms` from now, on the boot clock. */
int64_t step_remaining_ms(const struct step *step);
int64_t step_until_ns(const struct step *step, int64_t ms);
/* How long start-up lines, health and interlock are waited for, within the action's time. */
int64_t step_settle_ns(const struct step *step);
/* The target serves a shared policy hash (services.execution is configured). */
bool step_has_policy(const struct step *step);
/* Connected; before anything has changed, refused where the env file's values are unknown or open
 * to others (secrets.h). */
enum error_code step_target(struct step *step, struct target **ret_target, struct error *error)
    CHECKED;
enum error_code step_fact(struct step *step, const char *name, const char *value,
                          struct error *error) CHECKED;

/* Lets the held images go and frees the target, once for this deployment. Evidence: tenancy (act).
 * steps/end.c */
enum error_code step_free_target(struct step *step, struct target *target, struct error *error)
    CHECKED;

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
    CHECKED; /* steps/rollback.c */
enum error_code step_revert(struct step *step, struct error *error) CHECKED;
enum error_code step_redeploy(struct step *step, struct error *error) CHECKED;
enum error_code step_verify_restored(struct step *step, struct error *error) CHECKED;

#endif
