#include "fsm/engine.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "fsm/roster/authority.h"
#include "fsm/terminal/confirm.h"
#include "fsm/endure.h"
#include "fsm/steps/disarm.h"
#include "fsm/back/rollback_end.h"
#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "fsm/reconcile.h"
#include "fsm/steps/steps.h"
#include "fsm/steps/withdrawn.h"
#include "journal/canonical.h"

enum { STEP_BYTES = 1 << 20 }; /* free on the disk before a step begins */

static enum error_code refuse_and_record(struct driver *driver, const char *event,
                                         const char *reason, const char *next, struct error *error)
{
    const char *from = driver_is_open(driver) ? machine_state_name(driver->deployment.state) : "";
    enum error_code code = record_refusal(&driver->recorder, from, event, reason, error);
    if (code != ERROR_OK)
        return code;
    return error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name, next, "%s", reason);
}

/* A deployment goes on only under the table that it was begun with; under another it can be
 * disarmed, aborted or rolled back. */
static enum error_code check_table(struct driver *driver, const struct transition *edge,
                                   struct error *error)
{
    char digest[SHA256_HEX + 1];
    machine_digest(digest);
    enum phase phase = machine_phase(edge->from);
    if (phase == PHASE_REVERTING
        || strcmp(digest, deployment_open_string(&driver->deployment, "table")) == 0)
        return ERROR_OK;
    return refuse_and_record(
        driver, machine_event_name(edge->event),
        "this program's transition table is not the one that the deployment was begun with",
        "go on with the program that began it, or `titan-fsm abort --reason TEXT` or `titan-fsm "
        "rollback --reason TEXT`",
        error);
}

static enum error_code record_and_move(struct driver *driver, const struct transition_draft *draft,
                                       struct error *error)
{
    enum error_code code = record_transition(&driver->recorder, draft, error);
    if (code != ERROR_OK)
        return code;
    driver->stands = draft->edge->to;
    driver->acting = ACTION_INVALID;
    progress_transition(driver, draft->edge, draft->reason);
    code = driver_reload(driver, error);
    if (code != ERROR_OK || !driver->deployment.ended)
        return code;
    return driver_forget_session(driver, error);
}

/* Records the outcome. A pair that the table does not list must not happen: it is refused,
 * recorded, and the intent stays open. */
static enum error_code conclude(struct driver *driver, struct step *step, struct error *error)
{
    const struct transition *edge = machine_transition(driver->deployment.procedure,
                                                       step->edge->from, step->event);
    if (edge == NULL)
        return refuse_and_record(driver, machine_event_name(step->event),
                                 "the table has no such edge from this state", "titan-fsm resume",
                                 error);
    if (edge->to == STATE_ROLLBACK_FAILED) {
        enum error_code code = rollback_end(step, error);
        if (code != ERROR_OK)
            return code;
    }
    return record_and_move(driver,
                           &(struct transition_draft){.intent = step->intent,
                                                      .edge = edge,
                                                      .reason = step->reason,
                                                      .evidence = &step->evidence,
                                                      .facts = step->facts},
                           error);
}

static enum error_code record_step(struct driver *driver, struct step *step, struct error *error)
{
    struct deployment *deployment = &driver->deployment;
    uint64_t repeats = deployment->repeat_of;
    step->repeated = repeats != 0;
    bool same_key = step->repeated && step->edge->action != ACTION_ARM;
    if (same_key)
        memcpy(step->key, deployment->repeat_key, sizeof step->key);
    else
        driver_key(driver, step->key);
    return record_intent(&driver->recorder, step->edge, step->key, repeats,
                         machine_action_words(step->edge->action), &step->intent, error);
}

/* The driving operator was removed. A hot state would be left unwatched, so the deployment rolls
 * back by itself; any other one waits until somebody takes over, aborts or rolls back. */
static enum error_code turn_back(struct driver *driver, const struct transition *edge,
                                 const char *why, struct error *error)
{
    const struct transition *back = machine_transition(driver->deployment.procedure, edge->from,
                                                       EVENT_ROLLBACK);
    if (machine_is_hot(edge->from) && back != NULL)
        return record_and_move(driver, &(struct transition_draft){.edge = back, .reason = why},
                               error);
    return authority_check_forward(driver, machine_event_name(edge->event), error);
}

struct opening {
    struct driver *driver;
    struct step *step;
    bool turned; /* the deployment went back instead, and there is no intent */
};

/* The roster is examined and the intent recorded over the same entries. */
static enum error_code decide_intent(void *context, uint64_t size, struct error *error)
{
    struct opening *opening = context;
    struct driver *driver = opening->driver;
    char why[320] = "";
    bool forward = authority_goes_forward(opening->step->edge);
    enum error_code code = forward ? authority_look(driver, why, sizeof why, &size, error)
                                   : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    opening->turned = why[0] != '\0';
    if (opening->turned)
        return turn_back(driver, opening->step->edge, why, error);
    driver->recorder.decided_at = forward ? size : 0;
    return record_step(driver, opening->step, error);
}

static const struct transition *choose(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    const struct intent *intent = &deployment->intent;
    const struct transition *edge = machine_step(deployment->procedure, deployment->state, false);
    const struct transition *rearm = machine_step(deployment->procedure, deployment->state, true);
    if (rearm == edge)
        return edge;
    if (intent->seq != 0)
        return intent->action == rearm->action ? rearm : edge;
    char who[240];
    bool asked = deployment_facts(deployment, STATE_VERIFIED).rearm;
    return asked && !withdrawn_by(deployment, who, sizeof who) ? rearm : edge;
}

static void say_what_was_ended(const struct driver *driver)
{
    long group = driver->target != NULL ? target_take_ended(driver->target) : 0;
    if (group != 0)
        progress_word(
            driver,
            "a command of an earlier driver hung on the target under deploy.lock, and was "
            "ended (process group %ld)",
            group);
}

/* The act of an open intent, and its transition. */
static enum error_code act(struct driver *driver, struct step *step, struct error *error)
{
    assert(step->intent != 0);
    step->deadline_ns = driver_now_ns(driver) + step->edge->deadline_ms * 1000000;
    progress_step(driver, step->edge, step->adopted);
    driver->acted = step->intent;
    driver->acting = step->edge->action;
    enum error_code code = keep_tenancy_renew(driver, step->edge, error);
    if (code == ERROR_OK)
        code = step_run(step, error);
    say_what_was_ended(driver);
    return code == ERROR_OK ? conclude(driver, step, error) : code;
}

/* LMDB reuses pages of its file, so on a full disk an intent may still fit, and its act would be
 * done without a record. A hot state goes on: standing still there is worse. */
static enum error_code check_space(struct driver *driver, const struct transition *edge,
                                   struct error *error)
{
    return machine_is_hot(edge->from) ? ERROR_OK
                                      : journal_reserve(driver->journal, STEP_BYTES, error);
}

/* The guard went ahead while this driver was away, and no intent is open. */
static enum error_code follow_guard(struct driver *driver, bool *ret_moved, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct transition *edge = machine_transition(deployment->procedure, deployment->state,
                                                       EVENT_GUARD_FIRED);
    struct evidence evidence = {.count = 0};
    struct target *target;
    *ret_moved = false;
    if (edge == NULL || deployment->state == STATE_ROLLING_BACK || !guarded_may_have_fired(driver))
        return ERROR_OK;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = guarded_has_fired(driver, target, &evidence, ret_moved, error);
    if (code == ERROR_OK && *ret_moved)
        code = record_and_move(
            driver,
            &(struct transition_draft){.edge = edge,
                                       .reason = "the guard on the target has brought back what "
                                                 "ran before",
                                       .evidence = &evidence},
            error);
    evidence_clear(&evidence);
    return code;
}

/* One edge: intent, act, transition. */
static enum error_code take_edge(struct driver *driver, struct error *error)
{
    bool moved;
    enum error_code code = follow_guard(driver, &moved, error);
    if (code == ERROR_OK && !moved)
        code = withdrawn_settle(driver, error);
    if (code != ERROR_OK || moved)
        return code;
    CLEANUP_STEP struct step *step = step_new(driver, choose(driver), error);
    if (step == NULL)
        return error->code;
    struct opening opening = {.driver = driver, .step = step};
    code = check_table(driver, step->edge, error);
    if (code == ERROR_OK)
        code = check_space(driver, step->edge, error);
    if (code == ERROR_OK)
        code = confirm_change(driver, step->edge, error);
    if (code == ERROR_OK)
        code = journal_append_moving(driver->journal, decide_intent, &opening, error);
    return code == ERROR_OK && !opening.turned ? act(driver, step, error) : code;
}

/* The edge of an open intent whose act is done or goes on. */
static enum error_code adopt_intent(struct driver *driver, struct error *error)
{
    CLEANUP_STEP struct step *step = step_new(driver, choose(driver), error);
    if (step == NULL)
        return error->code;
    step->adopted = true;
    step->intent = driver->deployment.intent.seq;
    memcpy(step->key, driver->deployment.intent.key, sizeof step->key);
    enum error_code code = check_table(driver, step->edge, error);
    return code == ERROR_OK ? act(driver, step, error) : code;
}

static enum error_code fail_intent(struct driver *driver, const struct reconciled *reconciled,
                                   struct error *error)
{
    CLEANUP_STEP struct step *step = step_new(driver, choose(driver), error);
    if (step == NULL)
        return error->code;
    step->intent = driver->deployment.intent.seq;
    memcpy(step->key, driver->deployment.intent.key, sizeof step->key);
    (void)step_is(step, reconciled->event, "%s", reconciled->reason);
    enum error_code code = reconciled->event == EVENT_GUARD_FIRED ? guarded_collect(step, error)
                                                                  : ERROR_OK;
    return code == ERROR_OK ? conclude(driver, step, error) : code;
}

/* Settles the open intent: it is closed to be repeated, or its edge is taken or failed. `stop`: the
 * operator's reason to go back, or NULL. */
static enum error_code settle(struct driver *driver, const char *stop, struct error *error)
{
    struct reconciled reconciled = {0};
    enum error_code code = reconcile(driver, stop, &reconciled, error);
    if (code != ERROR_OK)
        return code;
    code = driver_reload(driver, error);
    if (code != ERROR_OK)
        return code;
    switch (reconciled.resumption) {
    case RESUMPTION_INVALID:
        break;
    case RESUMPTION_REPEAT:
        return ERROR_OK;
    case RESUMPTION_ADOPT:
        return adopt_intent(driver, error);
    case RESUMPTION_FAIL:
        return fail_intent(driver, &reconciled, error);
    }
    assert(false && "a reconciliation decides");
    return ERROR_REFUSED;
}

/* The open intent is answered by `failed`, because its act came to no outcome of its own. One that
 * another process left open is closed by a reconciliation first. */
static enum error_code give_up(struct driver *driver, const char *why, struct error *error)
{
    const struct reconciled failed = {.resumption = RESUMPTION_FAIL, .event = EVENT_FAILED};
    struct reconciled reconciled = failed;
    bool own = driver->acted == driver->deployment.intent.seq;
    (void)snprintf(reconciled.reason, sizeof reconciled.reason, "%s", why);
    enum error_code code = own ? ERROR_OK : reconcile_unseen(driver, &reconciled, error);
    if (code == ERROR_OK)
        code = driver_reload(driver, error);
    return code == ERROR_OK ? fail_intent(driver, &reconciled, error) : code;
}

/* Without an open intent. */
static enum error_code go_back(struct driver *driver, const char *why, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct transition *back = machine_transition(deployment->procedure, deployment->state,
                                                       EVENT_ROLLBACK);
    return record_and_move(driver, &(struct transition_draft){.edge = back, .reason = why}, error);
}

/* ERROR_OK: the engine goes on. */
static enum error_code answer_error(struct driver *driver, struct endurance *endurance,
                                    enum error_code code, struct error *error)
{
    char why[sizeof error->what];
    (void)snprintf(why, sizeof why, "%s", error->what);
    switch (endure(driver, endurance, code, error)) {
    case ENDURED_AGAIN:
        return ERROR_OK;
    case ENDURED_FAIL:
        code = give_up(driver, why, error);
        break;
    case ENDURED_BACK:
        code = go_back(driver, why, error);
        break;
    case ENDURED_INVALID:
    case ENDURED_END:
        break;
    }
    return code == ERROR_OK ? code : endure_leave_safe(driver, error);
}

/* True when nothing more is to be done in this call: the end, a person's turn, or one edge where
 * one was asked for. */
static bool is_pause(const struct driver *driver, enum engine_mode mode, enum state before,
                     enum exit_status *status)
{
    const struct deployment *deployment = &driver->deployment;
    *status = exit_status_of_state(deployment->state);
    if (deployment->ended || deployment->state == STATE_ROLLBACK_FAILED)
        return true;
    if (deployment->state
        == before) { /* an edge back to its own state: the same would happen again */
        *status = EXIT_NEEDS_PERSON;
        return true;
    }
    if (machine_is_hot(deployment->state))
        return false;
    return mode == ENGINE_ADVANCE || driver_is_interrupted(driver);
}

enum error_code engine_drive(struct driver *driver, enum engine_mode mode,
                             enum exit_status *ret_status, struct error *error)
{
    struct endurance endurance = {.first_ns = 0};
    if (!driver_is_open(driver))
        return refuse_and_record(driver, "advance", "no deployment is open",
                                 "titan-fsm begin release --reason TEXT", error);
    if (driver->deployment.state == STATE_ROLLBACK_FAILED) {
        *ret_status = EXIT_ROLLBACK_FAILED;
        return ERROR_OK;
    }
    disarm_remember(driver);
    enum error_code asked = keep_tenancy_ask(driver, error);
    if (asked != ERROR_OK)
        return asked;
    for (;;) {
        enum state before = driver->deployment.state;
        driver->stands = before;
        enum error_code code = driver->deployment.intent.seq != 0 ? settle(driver, NULL, error)
                                                                  : ERROR_OK;
        bool moved = driver->deployment.ended || driver->deployment.state != before;
        if (code == ERROR_OK && !moved && driver->deployment.intent.seq == 0)
            code = take_edge(driver, error);
        bool failed = code != ERROR_OK;
        if (failed)
            code = answer_error(driver, &endurance, code, error);
        if (code != ERROR_OK)
            return code;
        if (failed && driver->deployment.state == before && !driver->deployment.ended)
            continue;
        if (is_pause(driver, mode, before, ret_status))
            return ERROR_OK;
    }
}

/* What is to be repeated may have changed a service already, where a failure leads to a rollback:
 * to go back is then the failure of that act, never an abort. Its intent is open again. */
static enum error_code intend_again(struct driver *driver, struct error *error)
{
    CLEANUP_STEP struct step *step = step_new(driver, choose(driver), error);
    if (step == NULL)
        return error->code;
    struct opening opening = {.driver = driver, .step = step};
    enum error_code code = journal_append_moving(driver->journal, decide_intent, &opening, error);
    driver->acted = step->intent;
    return code == ERROR_OK ? driver_reload(driver, error) : code;
}

/* No intent is open behind this, and none is to be repeated that may have changed a service. */
static enum error_code close_intent(struct driver *driver, const char *reason, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    enum error_code code = ERROR_OK;
    while (code == ERROR_OK && deployment->intent.seq != 0)
        code = settle(driver, reason, error);
    if (code != ERROR_OK || deployment->ended || deployment->repeat_of == 0)
        return code;
    const struct transition *failed = machine_transition(deployment->procedure, deployment->state,
                                                         EVENT_FAILED);
    if (machine_phase(deployment->state) == PHASE_REVERTING || failed == NULL
        || failed->to != STATE_ROLLING_BACK)
        return ERROR_OK;
    char why[400];
    (void)snprintf(why, sizeof why, "the operator goes back: %.300s", reason);
    code = intend_again(driver, error);
    return code == ERROR_OK ? give_up(driver, why, error) : code;
}

enum error_code engine_command(struct driver *driver, enum event event, const char *reason,
                               enum exit_status *ret_status, struct error *error)
{
    if (!driver_is_open(driver))
        return refuse_and_record(driver, machine_event_name(event), "no deployment is open",
                                 "titan-fsm status", error);
    const struct deployment *deployment = &driver->deployment;
    if (machine_phase(deployment->state) == PHASE_REVERTING /* on the way there already */
        && machine_transition(deployment->procedure, deployment->state, event) == NULL)
        return engine_drive(driver, ENGINE_ADVANCE, ret_status, error);
    enum error_code code = close_intent(driver, reason, error);
    if (code != ERROR_OK)
        return code;
    if (driver->deployment.ended) {
        *ret_status = exit_status_of_state(driver->deployment.state);
        return ERROR_OK;
    }
    const struct transition *edge = machine_transition(driver->deployment.procedure,
                                                       driver->deployment.state, event);
    if (edge == NULL) {
        if (machine_phase(driver->deployment.state) == PHASE_REVERTING)
            return engine_drive(driver, ENGINE_ADVANCE, ret_status, error);
        bool changed = machine_phase(driver->deployment.state) == PHASE_CHANGED
                       || driver->deployment.state == STATE_ROLLBACK_FAILED;
        return refuse_and_record(
            driver, machine_event_name(event),
            changed ? "a service may have changed: this state can only be rolled back"
                    : "no service has changed: this state can only be aborted",
            changed ? "titan-fsm rollback --reason TEXT" : "titan-fsm abort --reason TEXT", error);
    }
    code = record_and_move(driver, &(struct transition_draft){.edge = edge, .reason = reason},
                           error);
    return code == ERROR_OK ? engine_drive(driver, ENGINE_ADVANCE, ret_status, error) : code;
}
