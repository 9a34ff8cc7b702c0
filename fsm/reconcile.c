#include "fsm/reconcile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/roster/authority.h"
#include "fsm/settle.h"
#include "fsm/terminal/progress.h"

/* A command of the dead driver may still run on the target, under the lock. One of our own that
 * gets the lock comes after it; on a way out one that hangs is ended (own_command.h). The steps
 * that end a deployment may have freed the target already, and do nothing else that could still be
 * running. */
static enum error_code wait_for_orphans(struct driver *driver, struct target *target,
                                        struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    enum action action = driver->deployment.intent.action;
    if (deployment_transition_to(&driver->deployment, STATE_CONNECTED) == NULL
        || action == ACTION_COMPLETE || action == ACTION_VERIFY_RESTORED)
        return ERROR_OK;
    return target_run(target, &(struct target_command){.script = ":", .tenancy = &driver->lease},
                      &result, error);
}

static const char *then_of(enum resumption resumption)
{
    switch (resumption) {
    case RESUMPTION_INVALID:
        break;
    case RESUMPTION_REPEAT:
        return "repeat";
    case RESUMPTION_ADOPT:
        return "continue";
    case RESUMPTION_FAIL:
        return "fail";
    }
    return "ask";
}

/* Where the edge by `failed` leads to a rollback, the act is not gone on with and not repeated. */
static void hold_back(const struct driver *driver, const char *why, struct finding *finding)
{
    const struct transition *failed = machine_transition(driver->deployment.procedure,
                                                         driver->deployment.state, EVENT_FAILED);
    if (finding->reconciled.resumption == RESUMPTION_FAIL || failed == NULL
        || failed->to != STATE_ROLLING_BACK)
        return;
    finding->reconciled.event = EVENT_FAILED;
    settle_decide(finding, finding->found, RESUMPTION_FAIL, why);
}

struct ruling {
    struct driver *driver;
    const struct transition *step; /* what the open intent goes for; NULL = nothing */
    struct finding *finding;
    const struct evidence *evidence;
};

/* The roster is examined and the reconciliation recorded over the same entries, as an intent is
 * (engine.c). */
static enum error_code decide_reconciliation(void *context, uint64_t size, struct error *error)
{
    const struct ruling *ruling = context;
    struct driver *driver = ruling->driver;
    struct finding *finding = ruling->finding;
    char why[400] = "";
    bool forward = ruling->step != NULL && authority_goes_forward(ruling->step)
                   && finding->reconciled.resumption != RESUMPTION_FAIL;
    enum error_code code = forward ? authority_look(driver, why, sizeof why, &size, error)
                                   : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    if (why[0] != '\0')
        hold_back(driver, why, finding);
    driver->recorder.decided_at = forward ? size : 0;
    return record_reconciliation(&driver->recorder,
                                 &(struct reconciliation_draft){
                                     .intent = driver->deployment.intent.seq,
                                     .found = finding->found,
                                     .then = then_of(finding->reconciled.resumption),
                                     .reason = finding->reconciled.reason,
                                     .evidence = ruling->evidence,
                                 },
                                 error);
}

static enum error_code record_finding(struct driver *driver, const char *stop,
                                      struct finding *finding, const struct evidence *evidence,
                                      struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct ruling ruling = {.driver = driver,
                            .step = machine_step(deployment->procedure, deployment->state,
                                                 deployment->intent.action == ACTION_ARM),
                            .finding = finding,
                            .evidence = evidence};
    if (stop != NULL) {
        char why[400];
        (void)snprintf(why, sizeof why, "the operator goes back: %.300s", stop);
        hold_back(driver, why, finding);
    }
    return journal_append_moving(driver->journal, decide_reconciliation, &ruling, error);
}

/* The operator goes back from where a service may have changed: DISARM does not wait for a look. */
static bool goes_straight_back(const struct driver *driver, const char *stop)
{
    const struct deployment *deployment = &driver->deployment;
    const struct transition *failed = machine_transition(deployment->procedure, deployment->state,
                                                         EVENT_FAILED);
    return stop != NULL && failed != NULL && failed->to == STATE_ROLLING_BACK;
}

/* What the guard did while nobody drove is what the act has come to. */
static enum error_code ask_guard(struct driver *driver, struct scene *scene,
                                 struct finding *finding, bool *ret_fired, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct target *target;
    *ret_fired = false;
    if (deployment->intent.action == ACTION_MAKE_SAFE || !guarded_may_have_fired(driver)
        || machine_transition(deployment->procedure, deployment->state, EVENT_GUARD_FIRED) == NULL)
        return ERROR_OK;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = guarded_has_fired(driver, target, &scene->evidence, ret_fired, error);
    if (code == ERROR_OK && *ret_fired) {
        finding->reconciled.event = EVENT_GUARD_FIRED;
        settle_decide(finding, "unknown", RESUMPTION_FAIL,
                      "the guard on the target has brought back what ran before");
    }
    return code;
}

/* A window has no time to lose: its own next sample is the look. */
static enum error_code find_out(struct driver *driver, const char *stop, struct scene *scene,
                                struct finding *finding, struct error *error)
{
    enum action action = driver->deployment.intent.action;
    struct target *target = NULL;
    bool fired;
    enum error_code asked = ask_guard(driver, scene, finding, &fired, error);
    if (asked == ERROR_OK && fired)
        return ERROR_OK;
    if (goes_straight_back(driver, stop)) {
        settle_decide(finding, "unknown", RESUMPTION_REPEAT,
                      "it is not looked at: DISARM comes first");
        return ERROR_OK;
    }
    if (asked != ERROR_OK)
        return asked;
    if (action == ACTION_OBSERVE_WINDOW)
        return settle_window(driver, finding, error);
    if (action == ACTION_RESTORE_CODE || action == ACTION_MAKE_SAFE) {
        settle_decide(finding, "unknown", RESUMPTION_REPEAT,
                      action == ACTION_MAKE_SAFE
                          ? "DISARM comes before any look, and sent again it changes nothing"
                          : "restoring the commit again changes nothing that is done");
        return ERROR_OK;
    }
    bool back = stop != NULL || machine_phase(driver->deployment.state) == PHASE_REVERTING;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK && back)
        code = keep_tenancy_restore(driver, error);
    driver->lease.way_out |= back;
    if (code == ERROR_OK)
        code = wait_for_orphans(driver, target, error);
    return code == ERROR_OK ? settle_action(driver, target, scene, finding, error) : code;
}

static enum error_code settle_and_record(struct driver *driver, const char *stop,
                                         struct scene *scene, struct reconciled *ret_reconciled,
                                         struct error *error)
{
    enum action action = driver->deployment.intent.action;
    struct finding finding = {.found = "unknown"};
    enum error_code code = find_out(driver, stop, scene, &finding, error);
    if (code == ERROR_OK)
        code = record_finding(driver, stop, &finding, &scene->evidence, error);
    if (code != ERROR_OK)
        return code;
    progress_reconciliation(driver, machine_action_name(action), finding.found,
                            then_of(finding.reconciled.resumption), finding.reconciled.reason);
    *ret_reconciled = finding.reconciled;
    return ERROR_OK;
}

enum error_code reconcile(struct driver *driver, const char *stop,
                          struct reconciled *ret_reconciled, struct error *error)
{
    assert(driver->deployment.intent.seq != 0);
    struct scene *scene = calloc(1, sizeof *scene);
    if (scene == NULL)
        return error_set(error, ERROR_MEMORY, 0, "reconcile", "", "out of memory");
    enum error_code code = settle_and_record(driver, stop, scene, ret_reconciled, error);
    evidence_clear(&scene->evidence);
    free(scene);
    return code;
}

enum error_code reconcile_unseen(struct driver *driver, const struct reconciled *reconciled,
                                 struct error *error)
{
    const char *action = machine_action_name(driver->deployment.intent.action);
    enum error_code code = record_reconciliation(&driver->recorder,
                                                 &(struct reconciliation_draft){
                                                     .intent = driver->deployment.intent.seq,
                                                     .found = "unknown",
                                                     .then = then_of(reconciled->resumption),
                                                     .reason = reconciled->reason,
                                                 },
                                                 error);
    if (code == ERROR_OK)
        progress_reconciliation(driver, action, "unknown", then_of(reconciled->resumption),
                                reconciled->reason);
    return code;
}
