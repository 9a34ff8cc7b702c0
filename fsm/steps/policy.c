/* Policy: DISARM, Execution, its hash, Brain, the handshake, ARM. A publish is never evidence: only
 * what Execution shows counts. */
#include "fsm/step.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "actions/script.h"
#include "fsm/steps/remaining.h"
#include "fsm/snapshot.h"
#include "journal/format/names.h"

/* DISARM with this intent's nonce, seen received and in force. *ret_seen false: say why in the
 * step's reason. */
static enum error_code disarm_and_see(struct step *step, struct target *target, bool send,
                                      bool *ret_seen, struct error *error)
{
    struct interlock_view view;
    bool sent = true;
    enum error_code code = send ? interlock_send(target, false, step->key, "titan-fsm",
                                                 &step->evidence, &sent, error)
                                : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    *ret_seen = false;
    if (!sent)
        return step_is(step, EVENT_FAILED, "the bus refuses DISARM to user %s",
                       step->driver->config.setup.bus.user);
    code = interlock_await(target, INTERLOCK_DISARMED, step->key, step_settle_ns(step),
                           &step->evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    *ret_seen = view.interlock == INTERLOCK_DISARMED && view.received;
    return *ret_seen
               ? ERROR_OK
               : step_is(step, EVENT_FAILED, "DISARM was sent and not seen: Execution is %s%s",
                         interlock_name(view.interlock),
                         view.received ? "" : " and shows no line with this command's nonce");
}

enum error_code step_disarm(struct step *step, struct error *error)
{
    struct target *target;
    bool seen = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = disarm_and_see(step, target, !step->adopted, &seen, error);
    return code == ERROR_OK && seen ? step_is(step, EVENT_DONE, "%s", "") : code;
}

/* True when the service's container is another one than before this deployment. */
static enum error_code is_recreated(struct step *step, struct target *target, const char *service,
                                    bool *ret_recreated, struct error *error)
{
    struct snapshot before;
    struct containers now;
    struct evidence scratch = {.count = 0};
    enum error_code code = snapshot_load(step->driver, &before, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &scratch, &now, error);
    evidence_clear(&scratch);
    if (code != ERROR_OK)
        return code;
    const struct container *old = containers_find(&before.containers, service),
                           *current = containers_find(&now, service);
    *ret_recreated = current != NULL && strcmp(current->state, "running") == 0
                     && (old == NULL || strcmp(old->id, current->id) != 0);
    return ERROR_OK;
}

static enum error_code bring_up(struct step *step, struct target *target,
                                const struct compose_up *given, bool *ret_up, struct error *error)
{
    struct compose_up up = *given;
    int status = 0;
    up.deadline_ms = step_remaining_ms(step);
    enum error_code code = compose_up(target, &step->driver->lease, &up, &step->evidence, &status,
                                      error);
    *ret_up = code == ERROR_OK && status == 0;
    if (code == ERROR_OK && status != 0)
        return step_is(
            step, EVENT_FAILED, "services cannot be brought up: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL)->output.data);
    return code;
}

/* After a deploy nothing was commanded: Execution must be disarmed by itself. */
static enum error_code still_disarmed(struct step *step, struct target *target, bool *ret_disarmed,
                                      struct error *error)
{
    struct interlock_view view;
    enum error_code code = interlock_await(target, INTERLOCK_DISARMED, NULL, step_settle_ns(step),
                                           &step->evidence, &view, error);
    *ret_disarmed = code == ERROR_OK && view.interlock == INTERLOCK_DISARMED;
    if (code == ERROR_OK && !*ret_disarmed)
        return step_is(step, EVENT_MISMATCH,
                       "Execution is %s after the deploy; it must be disarmed",
                       interlock_name(view.interlock));
    return code;
}

enum error_code step_deploy_execution(struct step *step, struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    struct target *target;
    bool recreated = false, good = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = is_recreated(step, target, execution, &recreated, error);
    if (code == ERROR_OK)
        code = disarm_and_see(step, target, true, &good, error);
    if (code != ERROR_OK || !good)
        return code;
    if (!recreated) {
        code = bring_up(step, target,
                        &(struct compose_up){.services = {execution},
                                             .service_count = 1,
                                             .no_deps = true,
                                             .force_recreate = true},
                        &good, error);
        if (code != ERROR_OK || !good)
            return code;
    }
    code = still_disarmed(step, target, &good, error);
    return code == ERROR_OK && good ? step_is(step, EVENT_DONE, "%s", "") : code;
}

/* The service runs the image that was pulled for it. */
static enum error_code runs_pulled(struct step *step, const struct containers *containers,
                                   const char *service, bool *ret_same, struct error *error)
{
    struct images images;
    enum error_code code = remaining_pulled(step, &images, error);
    if (code != ERROR_OK)
        return code;
    const struct container *container = containers_find(containers, service);
    const struct image *image = images_find(&images, service);
    *ret_same = container != NULL && image != NULL && strcmp(container->image, image->id) == 0;
    return *ret_same ? ERROR_OK
                     : step_is(step, EVENT_MISMATCH,
                               "%s does not run the image that was pulled for it", service);
}

static enum error_code judge_parity(struct step *step, const struct parity_view *parity,
                                    struct error *error)
{
    enum error_code code = step_fact(step, "policy_hash",
                                     parity->parity == PARITY_EQUAL ? parity->hash : "", error);
    if (code != ERROR_OK)
        return code;
    return step_is(step,
                   parity->parity == PARITY_EQUAL     ? EVENT_DONE
                   : parity->parity == PARITY_UNEQUAL ? EVENT_MISMATCH
                                                      : EVENT_FAILED,
                   "%s", parity->text);
}

enum error_code step_verify_execution(struct step *step, struct error *error)
{
    const char *expect = deployment_open_string(&step->driver->deployment, "expect");
    struct target *target;
    struct containers containers;
    struct parity_view parity = {0};
    bool same = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = parity_await(target, &containers, PARITY_EXECUTION, expect, step_settle_ns(step),
                            &step->evidence, &parity, error);
    if (code == ERROR_OK)
        code = runs_pulled(step, &containers, step->driver->config.setup.services.execution, &same,
                           error);
    return code == ERROR_OK && same ? judge_parity(step, &parity, error) : code;
}

enum error_code step_deploy_brain(struct step *step, struct error *error)
{
    const char *brain = step->driver->config.setup.services.brain;
    struct target *target;
    struct compose_model model;
    bool recreated = false, good = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = is_recreated(step, target, brain, &recreated, error);
    if (code == ERROR_OK)
        code = disarm_and_see(step, target, true, &good, error);
    if (code != ERROR_OK || !good)
        return code;
    if (!recreated) {
        code = bring_up(step, target,
                        &(struct compose_up){.services = {brain},
                                             .service_count = 1,
                                             .no_deps = true,
                                             .force_recreate = true},
                        &good, error);
        if (code != ERROR_OK || !good)
            return code;
    }
    code = bring_up(step, target, &(struct compose_up){.remove_orphans = true}, &good, error);
    if (code == ERROR_OK && good)
        code = compose_render(target, &step->evidence, &model, error);
    if (code != ERROR_OK || !good)
        return code;
    code = remaining_judge(step, target, &model, error);
    if (code != ERROR_OK || step->event != EVENT_DONE)
        return code;
    return still_disarmed(step, target, &good, error);
}

enum error_code step_verify_parity(struct step *step, struct error *error)
{
    const char *expect = deployment_fact(&step->driver->deployment, STATE_EXECUTION_VERIFIED,
                                         "policy_hash");
    struct target *target;
    struct containers containers;
    struct parity_view parity = {0};
    char found_text[400];
    int status = 0;
    bool same = false, found = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = parity_await(target, &containers, PARITY_BRAIN, expect, step_settle_ns(step),
                            &step->evidence, &parity, error);
    if (code == ERROR_OK && parity.parity == PARITY_EQUAL)
        code = script_search_errors(target, &containers, &step->evidence, &found, found_text,
                                    sizeof found_text, error);
    if (code == ERROR_OK && parity.parity == PARITY_EQUAL)
        code = script_run(target, step_remaining_ms(step), &step->evidence, &status, error);
    if (code == ERROR_OK)
        code = runs_pulled(step, &containers, step->driver->config.setup.services.brain, &same,
                           error);
    if (code != ERROR_OK || !same)
        return code;
    if (found)
        return step_is(step, EVENT_FAILED, "%s", found_text);
    return status == 0
               ? judge_parity(step, &parity, error)
               : step_is(step, EVENT_FAILED, "the verification script ended with %d", status);
}

/* Parity again, on this very moment's evidence, then ARM, then Execution's own word that it is
 * armed. */
enum error_code step_arm(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    bool release = driver->deployment.procedure == PROCEDURE_RELEASE;
    const char *expect = deployment_fact(&driver->deployment,
                                         release ? STATE_VERIFIED : STATE_PARITY_VERIFIED,
                                         "policy_hash");
    struct target *target;
    struct containers containers;
    struct parity_view parity = {0};
    struct interlock_view view;
    bool sent = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = parity_look(target, &containers, PARITY_BRAIN, expect, &step->evidence, &parity,
                           error);
    if (code != ERROR_OK)
        return code;
    if (parity.parity != PARITY_EQUAL)
        return step_is(step, EVENT_MISMATCH, "not armed, because parity is gone: %s", parity.text);
    code = interlock_send(target, true, step->key, "titan-fsm", &step->evidence, &sent, error);
    if (code != ERROR_OK)
        return code;
    if (!sent)
        return step_is(step, EVENT_FAILED, "the bus refuses ARM to user %s",
                       driver->config.setup.bus.user);
    code = interlock_await(target, INTERLOCK_ARMED, NULL, step_settle_ns(step), &step->evidence,
                           &view, error);
    if (code == ERROR_OK)
        code = step_fact(step, "interlock", interlock_name(view.interlock), error);
    if (code != ERROR_OK)
        return code;
    if (view.interlock != INTERLOCK_ARMED)
        return step_is(step, EVENT_FAILED, "ARM was sent and Execution is not seen armed: %s",
                       interlock_name(view.interlock));
    return step_is(step, step->edge->event, "%s", "");
}
