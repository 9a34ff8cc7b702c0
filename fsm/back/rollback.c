/* Rollback: safe first, then the files, then the containers. Identities recorded before are
 * restored, never a tag, never a build. */
#include "fsm/steps/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/back/env_back.h"
#include "fsm/back/bring_back.h"
#include "fsm/guarded.h"
#include "fsm/steps/disarm.h"
#include "fsm/back/restored.h"
#include "fsm/back/restored_judge.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

enum error_code step_make_safe(struct step *step, struct error *error)
{
    struct disarm_seen seen;
    if (!step_has_policy(step))
        return step_is(step, EVENT_DONE, "no Execution runs");
    disarm_try(step->driver,
               &(struct disarm_draft){.key = step->key,
                                      .reason = "titan-fsm rollback",
                                      .every_way = true,
                                      .evidence = &step->evidence},
               &seen);
    enum error_code code = step_fact(step, FACT_EXECUTION, seen.observed ? seen.container : "",
                                     error);
    if (code != ERROR_OK)
        return code;
    if (!disarm_is_safe(&seen))
        return error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name, "",
                         "%s; Execution is %s", disarm_words_sent(&seen), disarm_words_seen(&seen));
    guarded_take_turn(step);
    return seen.observed ? step_is(step, EVENT_DONE, "%s", "")
                         : step_is(step, EVENT_DONE, "Execution's container was removed%s%.280s",
                                   seen.why[0] != '\0' ? ": " : "", seen.why);
}

/* Services that do not get their declared name back, and why. */
static enum error_code say_pinned(struct step *step, const struct compose_pin *pin)
{
    size_t used = 0;
    for (size_t i = 0; i < pin->before->count; i++) {
        const char *why = compose_pin_obstacle(pin, i);
        if (why != NULL && used < sizeof step->remark)
            used += (size_t)snprintf(step->remark + used, sizeof step->remark - used, "; %s: %s",
                                     pin->before->list[i].service, why);
    }
    return step_is(step, EVENT_DONE, "%zu image%s pinned%s%.1400s", pin->before->count,
                   text_many(pin->before->count),
                   used > 0 ? ", and a plain up would re-create what runs from another name" : "",
                   step->remark);
}

static const struct evidence_item *first_not_pinned(const struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (strcmp(evidence->items[i].probe, PROBE_ACT) == 0 && evidence->items[i].status != 0
            && strncmp(evidence->items[i].subject, "pin ", 4) == 0)
            return &evidence->items[i];
    return NULL;
}

enum error_code step_revert(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct snapshot *before = &step->seen.before;
    int status = 0;
    enum error_code code = step_connect_target(step, error);
    if (code == ERROR_OK)
        code = snapshot_load(driver, before, error);
    if (code == ERROR_OK)
        code = git_restore(step->target, step_lease(step), before->commit, before->branch,
                           &step->evidence, &status, error);
    if (code == ERROR_OK && status == 0)
        code = git_look(step->target, &step->evidence, &step->seen.git, error);
    if (code == ERROR_OK && status == 0)
        code = env_back_restore(step, &status, error);
    if (code == ERROR_OK && status == 0)
        code = compose_fingerprints(step->target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code == ERROR_OK && status == 0)
        code = restored_keep_declared(step, error);
    if (code == ERROR_OK && status == 0)
        code = compose_images(step->target, &step->seen.model, &step->evidence, &step->seen.images,
                              error);
    const struct compose_pin pin = {.before = &before->containers,
                                    .addresses = &before->images,
                                    .model = &step->seen.model,
                                    .now = &step->seen.images,
                                    .deployment = (int64_t)driver->deployment.number};
    if (code == ERROR_OK && status == 0)
        code = compose_pin(step->target, step_lease(step), &pin, &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *act = evidence_last(&step->evidence, PROBE_ACT, NULL),
                               *gone = first_not_pinned(&step->evidence);
    if (act->status != 0 && strncmp(act->subject, "pin ", 4) != 0) /* it may pass */
        return error_set(error, ERROR_REMOTE, act->status, driver->config.setup.target.directory,
                         "mend the repository on the target, then titan-fsm resume", "%s: %.300s",
                         act->subject, (const char *)act->output.data);
    /* One image that is gone for good keeps the other services from nothing. */
    if (gone != NULL)
        return step_is(step, EVENT_DONE, "not every image is there: %s: %.300s", gone->subject,
                       (const char *)gone->output.data);
    return say_pinned(step, &pin);
}

/* Services that the release brought and that were not there before it. A container of before that
 * does not run is none: what has completed stays. */
static enum error_code remove_new(struct step *step, struct error *error)
{
    const struct containers *now = &step->seen.earlier;
    int status = 0;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < now->count; i++)
        if (containers_find(&step->seen.before.containers, now->list[i].service) == NULL
            && !restored_is_of_before(step, &now->list[i])
            && !declared_find(&step->seen.model.declared, now->list[i].service)->off
            && (i == 0 || strcmp(now->list[i - 1].service, now->list[i].service) != 0))
            code = compose_remove(step->target, step_lease(step), now, now->list[i].service,
                                  &step->evidence, &status, error);
    return code;
}

enum error_code step_redeploy(struct step *step, struct error *error)
{
    CLEANUP_BYTES struct bytes override = {0};
    char services[1024];
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = snapshot_load(step->driver, &step->seen.before, error);
    if (step_goes_on(step, code))
        code = restored_keep_declared(step, error);
    if (step_goes_on(step, code))
        code = restored_override(step, &override, services, sizeof services, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.earlier, error);
    if (step_goes_on(step, code))
        code = bring_back(step, (const char *) override.data, error);
    if (step_goes_on(step, code))
        code = remove_new(step, error);
    if (step_goes_on(step, code))
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", step->remark) : code;
}
