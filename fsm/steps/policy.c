/* Policy: DISARM, Execution, its hash, Brain, the handshake, ARM. A publish is never evidence: only
 * what Execution shows counts. */
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/steps/await.h"
#include "fsm/steps/first_change.h"
#include "actions/fresh.h"
#include "fsm/steps/own_checks.h"
#include "fsm/steps/window/settling.h"
#include "fsm/steps/remaining.h"
#include "fsm/steps/up.h"
#include "fsm/steps/window/window_identity.h"
#include "fsm/steps/window/window_past.h"
#include "fsm/steps/withdrawn.h"
#include "journal/format/names.h"

static enum error_code see_interlock(struct step *step, enum interlock wanted, const char *nonce,
                                     struct error *error)
{
    const char *disarmed_by = deployment_disarmed_by(&step->driver->deployment);
    enum error_code code = await_interlock(
        &(struct await_interlock){.target = step->target,
                                  .wanted = wanted,
                                  .question = {.nonce = nonce, .disarmed_by = disarmed_by},
                                  .until_ns = step_settle_ns(step)},
        &step->evidence, &step->seen.interlock, error);
    if (code != ERROR_OK)
        return code;
    window_interlock_note(step->driver, &step->seen.interlock);
    return withdrawn_note(step, error);
}

/* Between the DISARM that was observed and our own ARM nobody else arms: not for a moment, in no
 * container of Execution. */
static enum error_code check_quiet(struct step *step)
{
    const struct interlock_view *view = &step->seen.interlock;
    bool since_disarm = deployment_disarmed_by(&step->driver->deployment) != NULL;
    if (view->running > 1)
        return step_is(step, EVENT_MISMATCH,
                       "%u containers of Execution run (%s); there must be one", view->running,
                       view->names);
    if (view->says_armed || (since_disarm && view->armed_since))
        return step_is(step, EVENT_MISMATCH,
                       "somebody else armed Execution while it had to stay disarmed%s",
                       view->says_armed ? ": it is armed now" : "");
    return ERROR_OK;
}

static enum error_code see_parity(struct step *step, enum parity_depth depth, const char *expect,
                                  struct error *error)
{
    return await_parity(&(struct await_parity){.target = step->target,
                                               .containers = &step->seen.containers,
                                               .depth = depth,
                                               .expect = expect,
                                               .until_ns = step_settle_ns(step)},
                        &step->evidence, &step->seen.parity, error);
}

/* DISARM with this intent's nonce, seen received and in force; else the step has failed. */
static enum error_code disarm_with_nonce(struct step *step, bool send, struct error *error)
{
    const struct interlock_view *view = &step->seen.interlock;
    bool sent = true;
    enum error_code code = send ? interlock_send(step->target, false, step->key, "titan-fsm",
                                                 &step->evidence, &sent, error)
                                : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    if (!sent)
        return step_is(step, EVENT_FAILED, "the bus refuses DISARM to user %s",
                       step->driver->config.setup.bus.user);
    code = see_interlock(step, INTERLOCK_DISARMED, step->key, error);
    if (code == ERROR_OK && deployment_disarmed_by(&step->driver->deployment) != NULL)
        code = check_quiet(step);
    if (!step_goes_on(step, code) || (view->interlock == INTERLOCK_DISARMED && view->received))
        return code;
    return step_is(step, EVENT_FAILED, "DISARM was sent and not seen: Execution is %s%s",
                   interlock_name(view->interlock),
                   view->received ? "" : " and shows no line with this command's nonce");
}

static bool was_down(const struct step *step)
{
    return deployment_facts(&step->driver->deployment, STATE_CONNECTED).down;
}

/* What does not run needs no DISARM, and could not show one. */
static enum error_code look_for_absence(struct step *step, struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    enum error_code code = compose_containers(step->target, &step->evidence, &step->seen.containers,
                                              error);
    return code == ERROR_OK && containers_running(&step->seen.containers, execution) > 0
               ? step_is(step, EVENT_MISMATCH,
                         "Execution did not run before and runs now; find out who started it")
               : code;
}

enum error_code step_disarm(struct step *step, struct error *error)
{
    enum error_code code = step_connect_target(step, error);
    bool down = was_down(step);
    if (step_goes_on(step, code))
        code = down ? look_for_absence(step, error)
                    : disarm_with_nonce(step, !step->adopted, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s",
                                              down ? "Execution does not run: safe by absence" : "")
                                    : code;
}

/* Whether the service's container is another one than before this deployment, and runs. */
static enum error_code look_for_new_container(struct step *step, const char *service,
                                              bool *ret_recreated, struct error *error)
{
    size_t before = step->evidence.count;
    enum error_code code = snapshot_load(step->driver, &step->seen.before, error);
    if (code == ERROR_OK)
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    evidence_cut(&step->evidence, before);
    if (code != ERROR_OK)
        return code;
    const struct container *old = containers_find(&step->seen.before.containers, service),
                           *current = containers_find(&step->seen.containers, service);
    *ret_recreated = current != NULL && strcmp(current->state, "running") == 0
                     && (old == NULL || strcmp(old->id, current->id) != 0);
    return ERROR_OK;
}

/* Nothing was commanded since: Execution must be disarmed by itself, and have been all the time. */
static enum error_code check_still_disarmed(struct step *step, struct error *error)
{
    enum error_code code = see_interlock(step, INTERLOCK_DISARMED, NULL, error);
    if (code == ERROR_OK)
        code = check_quiet(step);
    if (!step_goes_on(step, code) || step->seen.interlock.interlock == INTERLOCK_DISARMED)
        return code;
    return step_is(step, EVENT_MISMATCH, "Execution is %s and must be disarmed",
                   interlock_name(step->seen.interlock.interlock));
}

/* One service recreated, unless that was done before an interruption. DISARM is observed again
 * right before. */
static enum error_code recreate_disarmed(struct step *step, const char *service,
                                         struct error *error)
{
    bool recreated = false;
    bool first = strcmp(service, step->driver->config.setup.services.execution) == 0;
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code) && step->adopted)
        code = look_for_new_container(step, service, &recreated, error);
    bool absent = first && !recreated && was_down(step);
    if (step_goes_on(step, code) && first && !recreated)
        code = first_change(step, error);
    if (step_goes_on(step, code) && absent)
        code = first_change_remove_stopped(step, error);
    if (step_goes_on(step, code))
        code = absent ? look_for_absence(step, error) : disarm_with_nonce(step, true, error);
    if (step_goes_on(step, code) && !recreated)
        code = up(step,
                  &(struct compose_up){.services = {service},
                                       .service_count = 1,
                                       .no_deps = true,
                                       .force_recreate = true},
                  error);
    return code;
}

enum error_code step_deploy_execution(struct step *step, struct error *error)
{
    enum error_code code = recreate_disarmed(step, step->driver->config.setup.services.execution,
                                             error);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", "") : code;
}

/* The service runs the image that was pulled for it. */
static enum error_code check_runs_pulled(struct step *step, const char *service,
                                         struct error *error)
{
    enum error_code code = remaining_pulled(step, &step->seen.images, error);
    if (code != ERROR_OK)
        return code;
    const struct container *container = containers_find(&step->seen.containers, service);
    const struct image *image = images_find(&step->seen.images, service);
    if (container != NULL && image != NULL && image_is_of(image, container))
        return ERROR_OK;
    return step_is(step, EVENT_MISMATCH, "%s does not run the image that was pulled for it",
                   service);
}

static enum error_code judge_parity(struct step *step, struct error *error)
{
    const struct parity_view *parity = &step->seen.parity;
    enum error_code code = step_fact(step, FACT_POLICY_HASH,
                                     parity->parity == PARITY_EQUAL ? parity->hash : "", error);
    if (code != ERROR_OK)
        return code;
    /* Both run since this deployment: each line of these runs is one of it. */
    if (parity->execution_first[0] != '\0')
        return step_is(step, EVENT_MISMATCH, "Execution: %s", parity->execution_first);
    if (parity->brain_first[0] != '\0')
        return step_is(step, EVENT_MISMATCH, "Brain says: %s", parity->brain_first);
    return step_is(step,
                   parity->parity == PARITY_EQUAL     ? EVENT_DONE
                   : parity->parity == PARITY_UNEQUAL ? EVENT_MISMATCH
                                                      : EVENT_FAILED,
                   "%s", parity->text);
}

enum error_code step_verify_execution(struct step *step, struct error *error)
{
    const struct driver *driver = step->driver;
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    if (step_goes_on(step, code))
        code = see_parity(step, PARITY_EXECUTION,
                          deployment_open_string(&driver->deployment, "expect"), error);
    if (step_goes_on(step, code))
        code = check_runs_pulled(step, driver->config.setup.services.execution, error);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    return step_goes_on(step, code) ? judge_parity(step, error) : code;
}

enum error_code step_deploy_brain(struct step *step, struct error *error)
{
    bool untold = false;
    enum error_code code = recreate_disarmed(step, step->driver->config.setup.services.brain,
                                             error);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    if (step_goes_on(step, code))
        code = up_untold(step, &untold, error);
    if (step_goes_on(step, code) && untold)
        code = check_still_disarmed(step, error);
    if (step_goes_on(step, code))
        code = up_all(step, error);
    if (step_goes_on(step, code))
        code = compose_render(step->target, &step->evidence, &step->seen.model, error);
    if (step_goes_on(step, code))
        code = remaining_check(step, error);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", step->remark) : code;
}

enum error_code step_verify_parity(struct step *step, struct error *error)
{
    const struct driver *driver = step->driver;
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code)) /* behind ARM nothing may still be starting */
        code = settling_await(step, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    if (step_goes_on(step, code))
        code = see_parity(
            step, PARITY_BRAIN,
            deployment_facts(&driver->deployment, STATE_EXECUTION_VERIFIED).policy_hash, error);
    if (step_goes_on(step, code) && step->seen.parity.parity == PARITY_EQUAL)
        code = own_checks_look(step, error);
    if (step_goes_on(step, code))
        code = check_runs_pulled(step, driver->config.setup.services.brain, error);
    if (step_goes_on(step, code))
        code = own_checks_judge(step);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    return step_goes_on(step, code) ? judge_parity(step, error) : code;
}

/* The hash that the deployment verified before it asks to arm. */
static const char *verified_hash(const struct deployment *deployment)
{
    bool release = deployment->procedure == PROCEDURE_RELEASE;
    return deployment_facts(deployment, release ? STATE_VERIFIED : STATE_PARITY_VERIFIED)
        .policy_hash;
}

static enum error_code send_arm(struct step *step, struct error *error)
{
    bool sent = false;
    enum error_code code = interlock_send(step->target, true, step->key, "titan-fsm",
                                          &step->evidence, &sent, error);
    if (code != ERROR_OK || sent)
        return code;
    return step_is(step, EVENT_FAILED, "the bus refuses ARM to user %s",
                   step->driver->config.setup.bus.user);
}

/* One running container of each of the two; of more, nobody knows which one answered. */
static enum error_code check_single_containers(struct step *step)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const char *const names[] = {services->execution, services->brain};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t running = containers_running(&step->seen.containers, names[i]);
        if (running != 1)
            return step_is(step, EVENT_MISMATCH,
                           "not armed: %zu containers of %s run; there must be one", running,
                           names[i]);
    }
    return ERROR_OK;
}

/* Somebody's DISARM that this step was the first to see, or a person's command that came beside it:
 * no answer stands behind it. */
static enum error_code check_not_withdrawn(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    const char *by = json_string_value(json_object_get(step->facts, FACT_DISARMED_BY));
    char who[240];
    if (by != NULL)
        return step_is(step, EVENT_MISMATCH, "not armed: somebody else sent DISARM (\"%s\")", by);
    enum error_code code = driver_reload(driver, error);
    return code == ERROR_OK && withdrawn_by(&driver->deployment, who, sizeof who)
               ? step_is(step, EVENT_MISMATCH, "not armed, because of %s", who)
               : code;
}

/* The voices of this very moment, of which none is contrary; under a release a line of a run that
 * began before may be absent. */
static enum error_code check_parity_now(struct step *step, struct error *error)
{
    const struct parity_view *parity = &step->seen.parity;
    const struct deployment *deployment = &step->driver->deployment;
    bool release = deployment->procedure == PROCEDURE_RELEASE;
    enum error_code code = snapshot_load(step->driver, &step->seen.before, error);
    if (code == ERROR_OK)
        code = parity_look(step->target, &step->seen.containers, PARITY_BRAIN,
                           verified_hash(deployment), &step->evidence, &step->seen.parity, error);
    if (code != ERROR_OK)
        return code;
    const char *contrary = step_contrary_line(step);
    if (!(release ? step_parity_holds(step) : parity->parity == PARITY_EQUAL))
        return step_is(step, EVENT_MISMATCH, "not armed, because parity is gone: %s", parity->text);
    return contrary[0] != '\0' ? step_is(step, EVENT_MISMATCH, "not armed: %s", contrary)
                               : ERROR_OK;
}

/* The looks took their time, and those who spoke may not run any more. */
static enum error_code check_arm_basis(struct step *step, struct error *error)
{
    const struct driver *driver = step->driver;
    char why[200];
    enum error_code code = fresh_check(&step->evidence, &driver->config.setup.services,
                                       clock_boottime_ns(driver->clock), why, sizeof why, error);
    return code == ERROR_OK && why[0] != '\0' ? step_is(step, EVENT_MISMATCH, "not armed: %s", why)
                                              : code;
}

/* Parity again, on this very moment's evidence, and Execution disarmed; then ARM; then Execution
 * itself shows that it received this ARM and is armed. */
enum error_code step_arm(struct step *step, struct error *error)
{
    const struct interlock_view *view = &step->seen.interlock;
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = window_check_in_time(step, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    if (step_goes_on(step, code))
        code = check_parity_now(step, error);
    if (step_goes_on(step, code))
        code = check_single_containers(step);
    if (step_goes_on(step, code))
        code = check_still_disarmed(step, error);
    if (step_goes_on(step, code))
        code = check_not_withdrawn(step, error);
    if (step_goes_on(step, code))
        code = check_arm_basis(step, error);
    if (step_goes_on(step, code))
        code = send_arm(step, error);
    if (step_goes_on(step, code))
        code = see_interlock(step, INTERLOCK_ARMED, step->key, error);
    if (step_goes_on(step, code))
        code = check_not_withdrawn(step, error);
    if (step_goes_on(step, code))
        code = step_fact(step, FACT_INTERLOCK, interlock_name(view->interlock), error);
    if (!step_goes_on(step, code))
        return code;
    if (view->interlock != INTERLOCK_ARMED || !view->armed_by_nonce)
        return step_is(step, EVENT_FAILED, "ARM was sent and Execution is %s%s",
                       interlock_name(view->interlock),
                       view->armed_by_nonce ? "" : " and shows no line with this command's nonce");
    return step_is(step, step->edge->event, "%s", "");
}
