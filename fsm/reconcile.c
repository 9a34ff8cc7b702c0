#include "fsm/reconcile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/git.h"
#include "actions/interlock.h"
#include "fsm/roster/authority.h"
#include "fsm/steps/await.h"
#include "fsm/steps/withdrawn.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "fsm/snapshot.h"
#include "fsm/steps/window_past.h"
#include "journal/canonical.h"

struct finding {
    const char *found; /* as in journal/FORMAT.md: done, not_done, partial, unknown */
    struct reconciled reconciled;
};

static void decide(struct finding *finding, const char *found, enum resumption resumption,
                   const char *reason)
{
    finding->found = found;
    finding->reconciled.resumption = resumption;
    (void)snprintf(finding->reconciled.reason, sizeof finding->reconciled.reason, "%s", reason);
}

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

/* Too large for the stack. */
struct scene {
    struct evidence evidence;
    struct git_state git;
    struct containers containers;
    struct snapshot before;
};

/* Commit and containers as they are now: every reconciliation names what it saw. */
static enum error_code look_at_scene(struct target *target, struct scene *scene,
                                     struct error *error)
{
    enum error_code code = git_look(target, &scene->evidence, &scene->git, error);
    return code == ERROR_OK
               ? compose_containers(target, &scene->evidence, &scene->containers, error)
               : code;
}

static enum error_code settle_update(struct driver *driver, struct scene *scene,
                                     struct finding *finding, struct error *error)
{
    enum error_code code = snapshot_load(driver, &scene->before, error);
    if (code != ERROR_OK)
        return code;
    bool moved = strcmp(scene->git.commit, scene->before.commit) != 0;
    decide(
        finding, moved ? "done" : "not_done", RESUMPTION_REPEAT,
        moved
            ? "the tree has another commit than before; fetching again changes nothing that is done"
            : "the tree is at the commit from before");
    return ERROR_OK;
}

static enum error_code settle_recreation(struct driver *driver, struct scene *scene,
                                         const char *service, struct finding *finding,
                                         struct error *error)
{
    enum error_code code = snapshot_load(driver, &scene->before, error);
    if (code != ERROR_OK)
        return code;
    const struct container *old = containers_find(&scene->before.containers, service),
                           *now = containers_find(&scene->containers, service);
    bool done = now != NULL && strcmp(now->state, "running") == 0
                && (old == NULL || strcmp(old->id, now->id) != 0);
    if (done)
        decide(finding, "done", RESUMPTION_ADOPT,
               "the container is another one than before and runs");
    else
        decide(finding, now == NULL || !container_runs(now) ? "partial" : "not_done",
               RESUMPTION_REPEAT,
               now == NULL           ? "the container was removed and no new one is there"
               : container_runs(now) ? "the container is still the one from before"
                                     : "no container of it runs");
    return ERROR_OK;
}

static enum error_code settle_disarm(struct driver *driver, struct target *target,
                                     struct evidence *evidence, struct finding *finding,
                                     struct error *error)
{
    struct interlock_view view;
    enum error_code code =
        interlock_look(target, &(struct interlock_question){.nonce = driver->deployment.intent.key},
                       evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    if (view.interlock == INTERLOCK_DISARMED && view.received)
        decide(finding, "done", RESUMPTION_ADOPT,
               "Execution shows this command's nonce and is disarmed");
    else
        decide(finding, "not_done", RESUMPTION_REPEAT,
               "Execution does not show this command's nonce");
    return ERROR_OK;
}

/* A dangling ARM may still be on its way: DISARM it, see that, and only then think of arming again.
 */
static enum error_code settle_arm(struct driver *driver, struct target *target,
                                  struct evidence *evidence, struct finding *finding,
                                  struct error *error)
{
    const char *key = driver->deployment.intent.key;
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    int64_t until_ns = driver_now_ns(driver) + driver->config.setup.services.settle_ms * 1000000;
    bool sent = false;
    char who[240], why[320];
    enum error_code code = interlock_send(target, false, key,
                                          "an interrupted ARM is answered with DISARM", evidence,
                                          &sent, error);
    if (code == ERROR_OK && sent)
        code = await_interlock(&(struct await_interlock){.target = target,
                                                         .wanted = INTERLOCK_DISARMED,
                                                         .question = {.nonce = key},
                                                         .until_ns = until_ns},
                               evidence, &view, error);
    finding->reconciled.event = EVENT_FAILED;
    if (driver->deployment.procedure == PROCEDURE_RELEASE
        && withdrawn_by(&driver->deployment, who, sizeof who)) {
        (void)snprintf(why, sizeof why, "ARM was interrupted, and is not repeated because of %s",
                       who);
        decide(finding, "unknown", RESUMPTION_FAIL, why);
    } else if (view.interlock == INTERLOCK_DISARMED && view.received)
        decide(finding, "unknown", RESUMPTION_REPEAT,
               "whether the interrupted ARM arrived is not asked: Execution was disarmed and seen "
               "so; ARM is sent again on fresh parity");
    else
        decide(finding, "unknown", RESUMPTION_FAIL,
               "an interrupted ARM could not be answered with an observed DISARM");
    return code;
}

static enum error_code settle_window(struct driver *driver, struct finding *finding,
                                     struct error *error)
{
    struct clock_reading now;
    enum error_code code = driver->clock->read(driver->clock->context, &now, error);
    if (code != ERROR_OK)
        return code;
    struct window_past past = window_past(&driver->deployment, driver->deployment.intent.seq,
                                          now.boot);
    int64_t gap_ms = (now.boottime_ns - past.last_ns) / 1000000;
    int64_t limit_ms = driver->config.limits.sample_gap_ms;
    char why[120];
    finding->reconciled.event = EVENT_UNHEALTHY;
    if (past.count == 0
        && window_begins_too_late(&driver->deployment, driver->deployment.intent.seq, &now,
                                  driver->config.limits.window_start_ms))
        decide(finding, "not_done", RESUMPTION_FAIL, "the health window was not begun in time");
    else if (past.count == 0)
        decide(finding, "not_done", RESUMPTION_ADOPT, "no sample had been taken yet");
    else if (!past.same_boot)
        decide(finding, "partial", RESUMPTION_FAIL,
               "this machine was restarted during the health window");
    else if (gap_ms <= limit_ms)
        decide(finding, "partial", RESUMPTION_ADOPT,
               "the last sample is within the gap limit, so the window goes on");
    else {
        (void)snprintf(why, sizeof why, "the health window was unwatched for %lld s (limit %lld s)",
                       (long long)(gap_ms / 1000), (long long)(limit_ms / 1000));
        decide(finding, "partial", RESUMPTION_FAIL, why);
    }
    return ERROR_OK;
}

static enum error_code settle_action(struct driver *driver, struct target *target,
                                     struct scene *scene, struct finding *finding,
                                     struct error *error)
{
    const struct setup_services *services = &driver->config.setup.services;
    enum error_code code = look_at_scene(target, scene, error);
    if (code != ERROR_OK)
        return code;
    switch (driver->deployment.intent.action) {
    case ACTION_UPDATE_CODE:
        return settle_update(driver, scene, finding, error);
    case ACTION_DISARM:
        return settle_disarm(driver, target, &scene->evidence, finding, error);
    case ACTION_ARM:
        return settle_arm(driver, target, &scene->evidence, finding, error);
    case ACTION_DEPLOY_EXECUTION:
        return settle_recreation(driver, scene, services->execution, finding, error);
    case ACTION_DEPLOY_BRAIN:
        return settle_recreation(driver, scene, services->brain, finding, error);
    case ACTION_RUN_PREFLIGHT:
    case ACTION_CONNECT:
    case ACTION_PULL_IMAGES:
    case ACTION_LAY_GUARD:
    case ACTION_SWITCH_SERVICES:
    case ACTION_VERIFY_RELEASE:
    case ACTION_VERIFY_EXECUTION:
    case ACTION_VERIFY_PARITY:
    case ACTION_CONFIRM:
    case ACTION_COMPLETE:
    case ACTION_REVERT:
    case ACTION_REDEPLOY:
    case ACTION_VERIFY_RESTORED:
        decide(finding, "unknown", RESUMPTION_REPEAT,
               "this step looks before it acts and finds by itself what is done already");
        return ERROR_OK;
    case ACTION_OBSERVE_WINDOW:
    case ACTION_MAKE_SAFE:
    case ACTION_RESTORE_CODE:
    case ACTION_INVALID:
    case ACTION_NONE:
    case ACTION_COUNT:
        break;
    }
    assert(false && "an open intent has an action that is settled here");
    return ERROR_OK;
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
    decide(finding, finding->found, RESUMPTION_FAIL, why);
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

/* A window has no time to lose: its own next sample is the look. */
static enum error_code find_out(struct driver *driver, const char *stop, struct scene *scene,
                                struct finding *finding, struct error *error)
{
    enum action action = driver->deployment.intent.action;
    struct target *target = NULL;
    if (goes_straight_back(driver, stop)) {
        decide(finding, "unknown", RESUMPTION_REPEAT, "it is not looked at: DISARM comes first");
        return ERROR_OK;
    }
    if (action == ACTION_OBSERVE_WINDOW)
        return settle_window(driver, finding, error);
    if (action == ACTION_RESTORE_CODE || action == ACTION_MAKE_SAFE) {
        decide(finding, "unknown", RESUMPTION_REPEAT,
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
