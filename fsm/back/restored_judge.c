#include "fsm/back/restored_judge.h"

#include <string.h>

#include "actions/compose/drift.h"
#include "journal/format/names.h"

static bool starts_with(const struct evidence *evidence, const char *probe, const char *text)
{
    const struct evidence_item *item = evidence_last(evidence, probe, NULL);
    size_t length = strlen(text);
    return item->output.size >= length && memcmp(item->output.data, text, length) == 0;
}

bool restored_has_same_key(const struct step *step)
{
    return starts_with(&step->evidence, PROBE_HMAC_KEY, step->seen.before.hmac_key);
}

/* Tree and files: a difference does not go away by waiting. */
static void judge_files(struct step *step)
{
    const struct snapshot *before = &step->seen.before;
    bool has_key = restored_has_same_key(step);
    const struct git_state *git = &step->seen.git;
    if (strcmp(git->commit, before->commit) != 0 || strcmp(git->branch, before->branch) != 0)
        (void)step_is(step, EVENT_MISMATCH, "the tree is at %.12s (%s) and was at %.12s (%s)",
                      git->commit, git->branch, before->commit, before->branch);
    else if (!git->clean)
        (void)step_is(step, EVENT_MISMATCH, "the restored tree has changes that no commit holds");
    else if ((has_key && !starts_with(&step->evidence, PROBE_ENV_HMAC, before->env_hmac))
             || !starts_with(&step->evidence, PROBE_ENV_MODE, before->env_mode))
        (void)step_is(step, EVENT_MISMATCH,
                      "the env file, its mode or its owner is not that with which the containers "
                      "ran before");
    else if (has_key && !before->env_good
             && !starts_with(&step->evidence, PROBE_CONFIG_HMAC, before->config_hmac))
        (void)step_is(step, EVENT_MISMATCH, "the rendered configuration is not what it was before");
}

bool restored_is_of_before(const struct step *step, const struct container *container)
{
    const struct containers *found = &step->seen.before.found;
    for (size_t i = 0; i < found->count && !container_runs(container); i++)
        if (strcmp(found->list[i].id, container->id) == 0)
            return true;
    return false;
}

/* What was not to be restored and does not run is as nobody left it. */
static void leave_out(struct step *step)
{
    struct containers *now = &step->seen.containers;
    size_t kept = 0;
    for (size_t i = 0; i < now->count; i++)
        if (!declared_find(step_declared(step), now->list[i].service)->off
            && (containers_find(&step->seen.before.containers, now->list[i].service) != NULL
                || !restored_is_of_before(step, &now->list[i])))
            now->list[kept++] = now->list[i];
    now->count = kept;
}

/* Containers as before, as many, each with its identity and none besides. */
static void judge_images(struct step *step)
{
    const struct containers *before = &step->seen.before.containers;
    struct images *images = &step->seen.images;
    struct declared ran = {.count = 0};
    char text[300];
    memset(images, 0, sizeof *images);
    step->seen.drift.count = step->seen.drift.more = 0;
    for (size_t i = 0; i < before->count; i++) {
        const struct container *container = &before->list[i];
        struct image *image = &images->list[images->count++];
        struct declared_row *row = &ran.list[ran.count++];
        memcpy(image->service, container->service, sizeof image->service);
        memcpy(image->id, container->image, sizeof image->id);
        memcpy(image->manifest, container->manifest, sizeof image->manifest);
        *row = *declared_find(step_declared(step), container->service);
        memcpy(row->service, container->service, sizeof row->service);
        row->replicas = (int64_t)containers_running(&step->seen.before.ran, container->service);
    }
    drift_services(&(struct drift_terms){.file = "",
                                         .declared = &ran,
                                         .containers = &step->seen.containers,
                                         .images = images},
                   &step->seen.drift);
    drift_sentence(&step->seen.drift, text, sizeof text);
    if (step->seen.drift.count > 0)
        (void)step_is(step, EVENT_MISMATCH, "%s", text);
}

static bool was_all_good(const struct snapshot *before, const char *service)
{
    for (size_t i = 0; i < before->ran.count; i++)
        if (strcmp(before->ran.list[i].service, service) == 0
            && !container_is_good(&before->ran.list[i]))
            return false;
    return true;
}

/* Each is to be as good as it was: what was bad before is not asked to be better. */
static const struct container *first_worse_container(const struct step *step)
{
    const struct containers *now = &step->seen.containers;
    for (size_t i = 0; i < now->count; i++)
        if (!declared_is_good(step_declared(step), &now->list[i])
            && (!container_runs(&now->list[i])
                || was_all_good(&step->seen.before, now->list[i].service)))
            return &now->list[i];
    return NULL;
}

static const char *first_worse_endpoint(const struct step *step)
{
    const struct setup *setup = target_setup(step->target);
    for (size_t i = 0; i < setup->endpoint_count; i++)
        if (!step->seen.health.good[i] && !step->seen.before.sick[i])
            return setup->endpoints[i].name;
    return NULL;
}

bool restored_has_not_run_before(const struct step *step)
{
    const char *execution = step->driver->config.setup.services.execution;
    return step_has_policy(step) && containers_running(&step->seen.before.ran, execution) == 0;
}

/* Where it did not run before nothing of it runs again. */
static bool is_execution_as_safe(const struct step *step)
{
    const struct step_seen *seen = &step->seen;
    return restored_has_not_run_before(step) ? seen->interlock.running == 0
                                             : seen->interlock.interlock == INTERLOCK_DISARMED;
}

/* Whoever was missing before is not asked for (of Execution's line: step_contrary_line); but nobody
 * may say otherwise, and who replied then replies. */
static bool is_policy_as_before(const struct step *step)
{
    const struct parity_view *parity = &step->seen.parity;
    if (step->seen.before.missing && parity->parity == PARITY_UNEQUAL && !parity->unanswered)
        return false;
    if (step->seen.before.missing)
        return step->seen.before.policy_hash[0] == '\0' || !step->seen.before.replied
               || parity->replied;
    return step->seen.before.policy_hash[0] == '\0' || step_parity_holds(step);
}

static void judge_services(struct step *step)
{
    const struct step_seen *seen = &step->seen;
    const struct container *sick = first_worse_container(step);
    const char *endpoint = first_worse_endpoint(step);
    bool has_policy = step_has_policy(step);
    if (sick != NULL)
        (void)step_is(step, EVENT_UNHEALTHY, "service %s is %s %s", sick->service, sick->state,
                      sick->health);
    else if (endpoint != NULL)
        (void)step_is(step, EVENT_UNHEALTHY, "%s is not healthy, and was before", endpoint);
    else if (has_policy && !is_execution_as_safe(step))
        (void)step_is(step, EVENT_MISMATCH,
                      "Execution is %s after the rollback; it must be disarmed",
                      interlock_name(seen->interlock.interlock));
    else if (has_policy && !is_policy_as_before(step))
        (void)step_is(step, EVENT_MISMATCH, "the policy hash is not as before: %s",
                      seen->parity.text);
    else if (has_policy && step_contrary_line(step)[0] != '\0')
        (void)step_is(step, EVENT_MISMATCH, "a voice after the rollback differs: %s",
                      step_contrary_line(step));
}

bool restored_judge(struct step *step)
{
    judge_files(step);
    bool final = step->event != EVENT_INVALID;
    leave_out(step);
    if (step->event == EVENT_INVALID)
        judge_images(step);
    if (step->event == EVENT_INVALID)
        judge_services(step);
    return final;
}
