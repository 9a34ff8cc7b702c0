/* fsm/step: what the actions of the table have in common: one of them under way.
 * Knows:     what was seen, recorded and decided in it; not how an action is done (steps/steps.h)
 *            and nothing of the journal's form (record.h).
 * Outcome:   one channel for steps and what they are made of: ERROR_OK with an event is the outcome
 *            (`event`, `reason`, `evidence`, `facts`), ERROR_OK without one means that the step
 *            goes on (step_goes_on()).
 * Size:      a struct step is too large for the stack: step_new(). */
#ifndef FSM_STEP_H
#define FSM_STEP_H

#include "actions/compose/compose_render.h"
#include "actions/compose/drift.h"
#include "actions/health.h"
#include "actions/parity.h"
#include "fsm/past/snapshot.h"

enum { STEP_REASON_MAX = 1600 };

/* What the step saw last of each kind. */
struct step_seen {
    struct snapshot before;
    struct compose_model model;
    struct containers containers;
    struct containers earlier; /* before this step changed them */
    struct images images;
    struct configurations configurations;
    struct drift drift;
    struct git_state git;
    struct health_view health;
    struct parity_view parity;
    struct interlock_view interlock;
    char errors[400]; /* service and line that show a configured error pattern, "" = none */
    int script_status;
};

/* What the health window began with (steps/window_identity.h). */
struct window_origin {
    struct containers containers;
    char target_boot[BOOT_ID_LENGTH + 1];
    bool known;
};

struct step {
    struct driver *driver;
    struct target *target; /* borrowed from the driver, once step_connect_target() is done */
    const struct transition *edge;
    uint64_t intent;
    char key[33];        /* the nonce of whatever is sent */
    bool adopted;        /* reconciliation took the act for done: observe, do not send */
    bool repeated;       /* an interrupted try went before, and may have done a part */
    int64_t deadline_ns; /* boot clock */
    struct evidence evidence;
    json_t *facts;
    enum event event;
    char reason[STEP_REASON_MAX];
    char remark[STEP_REASON_MAX]; /* what a step that succeeds says, "" = nothing */
    struct step_seen seen;
    struct window_origin origin;
};

/* NULL and *error where there is no memory. */
struct step *step_new(struct driver *driver, const struct transition *edge, struct error *error)
    CHECKED;
void step_free(struct step *step);
static inline void step_freep(struct step **step)
{
    step_free(*step);
}
#define CLEANUP_STEP __attribute__((cleanup(step_freep)))

/* The outcome, in one line of the caller: `return step_is(step, EVENT_FAILED, "...")`. Always
 * ERROR_OK. */
enum error_code step_is(struct step *step, enum event event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* No error, and no outcome yet. */
bool step_goes_on(const struct step *step, enum error_code code);

/* What is left of the action's time, and of it at most `ms` from now, on the boot clock. */
int64_t step_remaining_ms(const struct step *step);
int64_t step_until_ns(const struct step *step, int64_t ms);
/* How long start-up lines, health and interlock are waited for, within the action's time. */
int64_t step_settle_ns(const struct step *step);
/* The target serves a shared policy hash (services.execution is configured). */
bool step_has_policy(const struct step *step);
/* Fills step->target. Before anything has changed, refused where the env file's values are unknown
 * or open to others (secrets.h). */
enum error_code step_connect_target(struct step *step, struct error *error) CHECKED;
/* The tenancy under which a command may change the target; asserts that it is this deployment's. */
const struct target_tenancy *step_lease(const struct step *step);
/* Until the responder of an Execution that was just brought up answers, or the time is over:
 * Execution before Brain, which asks once and never again. What the answer says is judged later, so
 * that no evidence of it stays, and a responder that cannot be asked is no error. */
enum error_code step_await_responder(struct step *step, struct error *error) CHECKED;
/* What a line of a run that began in this deployment says otherwise than parity that was seen last
 * (step->seen: parity, containers, before), or that it is missing (H-06, H-11, H-13); "" = nothing.
 * Borrowed. */
const char *step_contrary_line(const struct step *step);
/* Parity as it was seen last, where a line that was never printed, or is rotated away, leaves it to
 * the other voices. */
bool step_parity_holds(const struct step *step);
/* The service whose containers somebody else changed, by the evidence so far; "" = none. */
enum error_code step_changed_service(const struct step *step, char ret_service[64],
                                     struct error *error) CHECKED;
/* What the file declares of each service, as this deployment recorded it last. Borrowed. */
const struct declared *step_declared(const struct step *step);
/* Docker's store is one in which an image has an index and manifests. */
bool step_has_manifests(const struct step *step);
/* The first service that does not run well, of what was seen last; NULL = none. Borrowed. */
const struct container *step_first_sick(const struct step *step);
/* Without a guard on the target there is nothing to lay or to withdraw; its absence is recorded.
 * Evidence: guard. */
enum error_code step_note_guard_absent(struct step *step, struct error *error) CHECKED;
/* What the transition says for later steps and for people: FACT_* of journal/format/names.h, read
 * again by deployment_facts(). */
enum error_code step_fact(struct step *step, const char *name, const char *value,
                          struct error *error) CHECKED;
enum error_code step_fact_number(struct step *step, const char *name, int64_t value,
                                 struct error *error) CHECKED;

#endif
