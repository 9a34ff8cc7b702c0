#include "fsm/settle.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/interlock.h"
#include "fsm/steps/await.h"
#include "fsm/steps/window/window_past.h"
#include "fsm/steps/withdrawn.h"

void settle_decide(struct finding *finding, const char *found, enum resumption resumption,
                   const char *reason)
{
    finding->found = found;
    finding->reconciled.resumption = resumption;
    (void)snprintf(finding->reconciled.reason, sizeof finding->reconciled.reason, "%s", reason);
}

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
    settle_decide(
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
        settle_decide(finding, "done", RESUMPTION_ADOPT,
                      "the container is another one than before and runs");
    else
        settle_decide(finding, now == NULL || !container_runs(now) ? "partial" : "not_done",
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
        settle_decide(finding, "done", RESUMPTION_ADOPT,
                      "Execution shows this command's nonce and is disarmed");
    else
        settle_decide(finding, "not_done", RESUMPTION_REPEAT,
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
        settle_decide(finding, "unknown", RESUMPTION_FAIL, why);
    } else if (view.interlock == INTERLOCK_DISARMED && view.received)
        settle_decide(
            finding, "unknown", RESUMPTION_REPEAT,
            "whether the interrupted ARM arrived is not asked: Execution was disarmed and seen "
            "so; ARM is sent again on fresh parity");
    else
        settle_decide(finding, "unknown", RESUMPTION_FAIL,
                      "an interrupted ARM could not be answered with an observed DISARM");
    return code;
}

enum error_code settle_window(struct driver *driver, struct finding *finding, struct error *error)
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
        settle_decide(finding, "not_done", RESUMPTION_FAIL,
                      "the health window was not begun in time");
    else if (past.count == 0)
        settle_decide(finding, "not_done", RESUMPTION_ADOPT, "no sample had been taken yet");
    else if (!past.same_boot)
        settle_decide(finding, "partial", RESUMPTION_FAIL,
                      "this machine was restarted during the health window");
    else if (gap_ms <= limit_ms)
        settle_decide(finding, "partial", RESUMPTION_ADOPT,
                      "the last sample is within the gap limit, so the window goes on");
    else {
        (void)snprintf(why, sizeof why, "the health window was unwatched for %lld s (limit %lld s)",
                       (long long)(gap_ms / 1000), (long long)(limit_ms / 1000));
        settle_decide(finding, "partial", RESUMPTION_FAIL, why);
    }
    return ERROR_OK;
}

enum error_code settle_action(struct driver *driver, struct target *target, struct scene *scene,
                              struct finding *finding, struct error *error)
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
        settle_decide(finding, "unknown", RESUMPTION_REPEAT,
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
