/* The look at the target before anything of it changes: what a rollback restores. */
#include "fsm/steps/connect.h"
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/guard/guard.h"
#include "actions/compose/compose_project.h"
#include "actions/compose/drift.h"
#include "actions/git.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "actions/target/bus.h"
#include "fsm/back/env_back.h"
#include "fsm/keep_tenancy.h"
#include "fsm/past/snapshot.h"
#include "journal/format/names.h"

/* Takes the tenancy. Until `connected` is recorded, *ret_tenancy is the one to act under. */
static enum error_code take_target(struct step *step, struct target_tenancy *ret_tenancy,
                                   struct error *error)
{
    struct driver *driver = step->driver;
    struct tenancy tenancy;
    struct kept_terms kept;
    enum error_code code = keep_tenancy_terms(driver, &kept, error);
    if (code == ERROR_OK)
        code = tenancy_take(step->target, &kept.terms, &step->evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    *ret_tenancy = (struct target_tenancy){.journal = kept.terms.journal,
                                           .deployment = kept.terms.deployment,
                                           .epoch = tenancy.epoch};
    driver->renewed_ns = driver_now_ns(driver);
    return step_fact_number(step, FACT_EPOCH, tenancy.epoch, error);
}

/* Without the bus there is nothing to go on with: DISARM would not arrive either. Where no
 * Execution runs it is one of what the release may bring. */
static enum error_code check_bus_answered(const struct step *step, struct error *error)
{
    const struct setup_bus *bus = &step->driver->config.setup.bus;
    if (step->seen.interlock.running == 0
        && step->driver->deployment.procedure == PROCEDURE_RELEASE)
        return ERROR_OK;
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_BUS_POLICY_HASH, NULL);
    char where[300];
    (void)snprintf(where, sizeof where, "nats://%s:%d", bus->host, bus->port);
    return item != NULL && item->status == EVIDENCE_BUS_UNANSWERED
               ? error_set(error, ERROR_UNREACHABLE, 0, where,
                           "check `bus` in titan.yml: address, login, TLS; nothing has changed yet",
                           "%.400s", (const char *)item->output.data)
               : ERROR_OK;
}

/* Policy hash and interlock as they are found; what a release may not change. */
static enum error_code look_at_policy_before(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    enum error_code code = interlock_look(step->target, &(struct interlock_question){0},
                                          &step->evidence, &seen->interlock, error);
    if (code == ERROR_OK)
        code = parity_look(step->target, &seen->containers, PARITY_BRAIN, "", &step->evidence,
                           &seen->parity, error);
    if (code == ERROR_OK)
        code = check_bus_answered(step, error);
    if (code == ERROR_OK)
        code = step_fact(step, FACT_POLICY_HASH,
                         seen->parity.parity != PARITY_UNEQUAL || seen->parity.unanswered
                             ? seen->parity.hash
                             : "",
                         error);
    return code == ERROR_OK
               ? step_fact(step, FACT_INTERLOCK, interlock_word(&seen->interlock), error)
               : code;
}

/* What is not healthy before cannot be asked of a rollback. */
static enum error_code note_health(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    struct step_seen *seen = &step->seen;
    char text[STEP_REASON_MAX - 40] = "";
    enum error_code code = health_look(step->target, &seen->containers, &step->evidence,
                                       &seen->health, error);
    for (size_t i = 0; code == ERROR_OK && i < setup->endpoint_count; i++) {
        size_t used = strlen(text);
        if (!seen->health.good[i])
            (void)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "",
                           setup->endpoints[i].name);
    }
    return code == ERROR_OK ? step_fact(step, FACT_HEALTH, text, error) : code;
}

/* Said once: what runs of a profile that is not active is left alone. */
static void note_not_ours(struct step *step)
{
    const struct declared *declared = &step->seen.model.declared;
    for (size_t i = 0; i < declared->count; i++) {
        const char *service = declared->list[i].service;
        size_t used = strlen(step->remark);
        if (declared->list[i].off && containers_running(&step->seen.containers, service) > 0)
            (void)snprintf(step->remark + used, sizeof step->remark - used,
                           "%s%s runs, of a profile that is not active, and is left alone",
                           used > 0 ? "; " : "", service);
    }
}

/* Drift from before is not this deployment's: it is recorded and printed, so that it is not blamed
 * on it later. */
static enum error_code note_drift(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    char text[STEP_REASON_MAX - 40] = "";
    enum error_code code = compose_configurations(step->target, &seen->model, NULL,
                                                  COMPOSE_KEY_MAKE, &step->evidence,
                                                  &seen->configurations, error);
    if (code != ERROR_OK)
        return code;
    drift_services(&(struct drift_terms){.file = step->driver->config.setup.compose.file,
                                         .declared = &seen->model.declared,
                                         .containers = &seen->containers,
                                         .images = &seen->images,
                                         .configurations = &seen->configurations},
                   &seen->drift);
    drift_sentence(&seen->drift, text, sizeof text);
    (void)snprintf(step->remark, sizeof step->remark, "%s%s",
                   text[0] != '\0' ? "drift before this deployment: " : "", text);
    note_not_ours(step);
    return step_fact(step, FACT_DRIFT, text, error);
}

/* Under another name the new commit would start a second stack beside the one that runs. */
enum error_code connect_check_project(struct step *step, struct error *error)
{
    char name[PROJECT_NAME_MAX];
    const char *known = step->driver->remembered.project;
    if (step->driver->config.setup.compose.project[0] != '\0')
        return ERROR_OK;
    enum error_code code = compose_find_project(step->target, &step->evidence, name, error);
    if (code != ERROR_OK)
        return code;
    if (known[0] == '\0' || step->edge->action == ACTION_CONNECT)
        code = compose_know_project(step->target, name, error);
    else if (strcmp(known, name) != 0)
        return step_is(step, EVENT_MISMATCH,
                       "with this commit compose calls the project %s and not %s: a second stack "
                       "would start beside the one that runs; set compose.project in titan.yml, or "
                       "take the new name back",
                       name, known);
    return code;
}

enum error_code connect_render(struct step *step, struct error *error)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const char *const names[] = {services->execution, services->brain};
    const struct declared *declared = &step->seen.model.declared;
    enum error_code code = compose_render(step->target, &step->evidence, &step->seen.model, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof names / sizeof names[0]; i++)
        if (declared_find(declared, names[i])->replicas != 1)
            return step_is(step, EVENT_MISMATCH,
                           "%s declares %lld containers of %s: Execution and Brain have one each; "
                           "set its deploy.replicas to 1",
                           step->driver->config.setup.compose.file,
                           (long long)declared_find(declared, names[i])->replicas, names[i]);
    return code;
}

static enum error_code check_policy_files(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    enum error_code code = git_check_paths(step->target, &setup->repository.policy_files, error);
    return code == ERROR_CONFIG
               ? step_is(step, EVENT_MISMATCH, "repository.policy_files names %s: %s (%s)",
                         error->where, error->what, error->next)
               : code;
}

/* The before snapshot (snapshot.h), apart from what is looked at for the policy. */
static enum error_code look_before(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    struct target *target = step->target;
    enum error_code code = git_look(target, &step->evidence, &seen->git, error);
    if (code == ERROR_OK)
        code = check_policy_files(step, error);
    if (step_goes_on(step, code))
        code = connect_check_project(step, error);
    if (step_goes_on(step, code))
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (step_goes_on(step, code))
        code = connect_render(step, error);
    if (step_goes_on(step, code))
        code = compose_store(target, &step->evidence, error);
    if (step_goes_on(step, code))
        code = compose_containers(target, &step->evidence, &seen->containers, error);
    if (step_goes_on(step, code))
        code = compose_images(target, &seen->model, &step->evidence, &seen->images, error);
    if (step_goes_on(step, code))
        code = note_drift(step, error);
    if (step_goes_on(step, code))
        code = note_health(step, error);
    if (step_goes_on(step, code))
        code = env_back_note(step, error);
    return step_goes_on(step, code) ? step_fact(step, FACT_COMMIT, seen->git.commit, error) : code;
}

static enum error_code hold_images(struct step *step, const struct target_tenancy *tenancy,
                                   struct error *error)
{
    int status = 0;
    const struct compose_hold hold = {.containers = &step->seen.containers,
                                      .images = &step->seen.images,
                                      .model = &step->seen.model,
                                      .deployment = tenancy->deployment};
    enum error_code code = compose_hold(step->target, tenancy, &hold, &step->evidence, &status,
                                        error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(step, EVENT_FAILED, "what runs now cannot be kept for a rollback: %.600s",
                   (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
}

/* Two running containers of one are no basis: nobody knows which of them answers. */
static enum error_code check_one_each_before(struct step *step)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const char *const names[] = {services->execution, services->brain};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t running = containers_running(&step->seen.containers, names[i]);
        char these[240];
        containers_name_running(&step->seen.containers, names[i], these, sizeof these);
        if (running > 1)
            return step_is(step, EVENT_MISMATCH,
                           "%zu containers of %s run (%s); stop all but one of them first", running,
                           names[i], these);
    }
    return ERROR_OK;
}

/* L-20: a Docker that tells nothing would make a running Execution safe by absence. */
static enum error_code check_absence_before(struct step *step)
{
    const struct setup *setup = &step->driver->config.setup;
    if (!step->seen.parity.answered
        || (step->seen.interlock.running > 0
            && containers_running(&step->seen.containers, setup->services.execution) > 0))
        return ERROR_OK;
    return step_is(
        step, EVENT_MISMATCH,
        "somebody replies on %s, and Docker lists no running container of Execution; see "
        "whether compose.project and docker_host are right, and who replies",
        setup->bus.subject_policy_hash);
}

static void add_missing_service(const struct step *step, const char *who, const char *service,
                                char *text, size_t size)
{
    const struct container *container = containers_find(&step->seen.containers, service);
    size_t used = strlen(text);
    if (containers_running(&step->seen.containers, service) > 0)
        return;
    (void)snprintf(text + used, size - used, "%s%s (%s) ", used > 0 ? "; " : "", who, service);
    used = strlen(text);
    if (container == NULL)
        (void)snprintf(text + used, size - used, "has no container");
    else
        (void)snprintf(text + used, size - used, "does not run: its container is %s",
                       container->state);
}

/* As where the server's permissions, as they are shipped, do not let Execution. */
static bool nobody_subscribes(const struct step *step)
{
    const struct evidence_item *item = evidence_last(&step->evidence, PROBE_BUS_POLICY_HASH, NULL);
    return item != NULL && item->status == BUS_NO_RESPONDER;
}

/* What of Execution, Brain and the responder is not there: the fact, and the same in the remark. */
static enum error_code note_missing_before(struct step *step, struct error *error)
{
    const struct setup *setup = target_setup(step->target);
    char text[STEP_REASON_MAX - 200] = "";
    add_missing_service(step, "Execution", setup->services.execution, text, sizeof text);
    add_missing_service(step, "Brain", setup->services.brain, text, sizeof text);
    size_t used = strlen(text);
    if (!step->seen.parity.answered)
        (void)snprintf(text + used, sizeof text - used, "%snobody replies on %s%s",
                       used > 0 ? "; " : "", setup->bus.subject_policy_hash,
                       nobody_subscribes(step) ? ", because nobody subscribes to it" : "");
    used = strlen(step->remark);
    if (text[0] != '\0')
        (void)snprintf(step->remark + used, sizeof step->remark - used,
                       "%smissing before this deployment: %s", used > 0 ? "; " : "", text);
    return step_fact(step, FACT_MISSING, text, error);
}

/* What a release has to keep must be seen, or not be there at all. */
static enum error_code check_release_before(struct step *step)
{
    const struct step_seen *seen = &step->seen;
    const struct parity_view *parity = &seen->parity;
    bool missing = json_string_length(json_object_get(step->facts, FACT_MISSING)) > 0,
         contrary = parity->parity == PARITY_UNEQUAL && !parity->unanswered;
    if (contrary || parity->log_failed != NULL
        || (parity->parity == PARITY_MISSING && !parity->lines_absent && !missing))
        return step_is(
            step, EVENT_MISMATCH,
            "a release must keep the policy hash, and before it there is none to keep: %s",
            parity->text);
    if (seen->interlock.running > 0 && seen->interlock.interlock == INTERLOCK_UNKNOWN)
        return step_is(step, EVENT_MISMATCH,
                       "whether Execution is armed cannot be seen; use titan-fsm disarm first, or, "
                       "where it does not hear it, stop its container");
    return ERROR_OK;
}

/* What runs and does not answer may not hear DISARM either. */
static enum error_code check_policy_before(struct step *step)
{
    const struct step_seen *seen = &step->seen;
    if (seen->interlock.running == 0 || seen->parity.answered)
        return ERROR_OK;
    return step_is(step, EVENT_MISMATCH,
                   "Execution runs and nobody replies on %s%s; mend that first, by a release or by "
                   "hand: a policy change begins with an Execution that answers, or with none",
                   target_setup(step->target)->bus.subject_policy_hash,
                   nobody_subscribes(step) ? ", because nobody subscribes to it: see whether the "
                                             "bus permits Execution's user to `subscribe` to it"
                                           : "");
}

enum error_code step_connect(struct step *step, struct error *error)
{
    struct target_tenancy tenancy;
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = guard_check_none(step->target, (int64_t)step->driver->deployment.number, error);
    if (step_goes_on(step, code))
        code = take_target(step, &tenancy, error);
    if (step_goes_on(step, code))
        code = look_before(step, error);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = look_at_policy_before(step, error);
    if (step_goes_on(step, code))
        code = hold_images(step, &tenancy, error);
    if (step_goes_on(step, code))
        code = env_back_keep(step, &tenancy, error);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = check_one_each_before(step);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = check_absence_before(step);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = note_missing_before(step, error);
    if (step_goes_on(step, code) && step_has_policy(step))
        code = step->driver->deployment.procedure == PROCEDURE_RELEASE ? check_release_before(step)
                                                                       : check_policy_before(step);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", step->remark) : code;
}
