/* restoration: what ran after the rollback is what the before snapshot recorded: commit, images,
 * configuration; Execution re-created. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

#include <stdio.h>
#include <string.h>

static bool is_running(const struct container *container)
{
    return container != NULL && strcmp(container->state, "running") == 0;
}

static void compare_line(const struct entry *before, const struct entry *after, enum probe probe,
                         struct finding *finding)
{
    struct slice was = reading_line(before, probe), is = reading_line(after, probe);
    if (was.length == 0 || is.length == 0)
        finding_violated(finding, after, "`%s` cannot be compared: it is missing before or after",
                         probe_name(probe));
    else if (!slice_equal(was, is))
        finding_violated(finding, after, "`%s` is %.*s and was %.*s before", probe_name(probe),
                         is.length < 64 ? (int)is.length : 64, is.at,
                         was.length < 64 ? (int)was.length : 64, was.at);
}

/* Containers whose service the rendered file declared (where the snapshot says so): an orphan is
 * drift, and is not restored. */
static void restoration_keep_declared(const struct entry *before, struct containers *containers)
{
    const struct item *declared = entry_item(before, 0, before->item_count, PROBE_COMPOSE_SERVICES,
                                             NULL);
    size_t kept = 0;
    for (size_t i = 0; declared != NULL && declared->status == 0 && i < containers->count; i++) {
        struct slice rest = declared->output, line;
        bool found = false;
        while (slice_line(&rest, &line))
            found = found || slice_is(line, containers->list[i].service);
        if (found)
            containers->list[kept++] = containers->list[i];
    }
    if (declared != NULL && declared->status == 0)
        containers->count = kept;
}

/* Each service that ran runs again from the same image, and none besides. */
static void compare_containers(const struct containers *before, const struct containers *after,
                               const struct entry *entry, struct finding *finding)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct container *was = &before->list[i],
                               *is = reading_container(after, slice_of(was->service));
        if (!is_running(was))
            continue;
        if (!is_running(is))
            finding_violated(finding, entry,
                             "the service %s ran before and does not run after the rollback",
                             was->service);
        else if (strcmp(was->image, is->image) != 0)
            finding_violated(finding, entry, "the service %s runs image %.24s and ran %.24s before",
                             was->service, is->image, was->image);
        else if (!reading_container_is_good(is))
            finding_violated(finding, entry, "the service %s is not healthy after the rollback",
                             was->service);
    }
    for (size_t i = 0; i < after->count; i++)
        if (is_running(&after->list[i])
            && !is_running(reading_container(before, slice_of(after->list[i].service))))
            finding_violated(finding, entry,
                             "the service %s runs after the rollback and did not before",
                             after->list[i].service);
}

/* A container that the rollback made anew has an image of another name, and so another
 * configuration than before, by design: it has the one that the restored file, the restored env
 * file and the pinned image come to. One that was left alone has the very one of before. Returns
 * for how many compose could not tell. */
static size_t compare_configurations(const struct containers *was, const struct entry *before,
                                     const struct entry *after, struct finding *finding)
{
    struct configurations then, now;
    size_t untold = 0;
    if (!reading_configurations(entry_item(before, 0, before->item_count, PROBE_COMPOSE_DRIFT,
                                           NULL),
                                &then)
        || !reading_configurations(entry_item(after, 0, after->item_count, PROBE_COMPOSE_DRIFT,
                                              NULL),
                                   &now)) {
        finding_violated(finding, after, "the configurations before and after cannot be compared");
        return 0;
    }
    for (size_t i = 0; i < was->count; i++) {
        const char *service = was->list[i].service;
        const struct configuration *old = reading_configuration(&then, service),
                                   *new = reading_configuration(&now, service);
        if (!is_running(&was->list[i]))
            continue;
        bool untouched = old != NULL && new != NULL &&new->running[0] != '\0'
                         && strcmp(old->running, new->running) == 0;
        if (untouched)
            continue;
        if (new != NULL &&new->declared[0] == '\0')
            untold++;
        else if (new == NULL || strcmp(new->declared, new->running) != 0)
            finding_violated(finding, after,
                             "the service %s runs with a configuration that is neither the one of "
                             "before nor the restored file's",
                             service);
    }
    return untold;
}

/* An armed marker survives a restart: a container that was there before may only be there still if
 * nobody ever touched it. */
static void check_recreated(const struct audit *audit, const struct container *was,
                            const struct container *is, const struct entry *entry,
                            struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    if (!is_running(was) || !is_running(is) || strcmp(was->id, is->id) != 0)
        return;
    if (strcmp(was->started_at, is->started_at) != 0)
        finding_violated(finding, entry, "Execution was restarted and not re-created");
    for (size_t i = 0; i < deployment->count; i++) {
        struct containers containers;
        const struct entry *seen = deployment->entries[i];
        const struct item *item = entry_item(seen, 0, seen->item_count, PROBE_COMPOSE_CONTAINERS,
                                             NULL);
        if (item == NULL || !reading_containers(item, &containers))
            continue;
        const struct container *then = reading_container(&containers, audit->genesis.execution);
        if (then != NULL && strcmp(then->id, was->id) != 0)
            finding_violated(
                finding, seen,
                "Execution's container of before is said to run again after another one");
    }
}

static const struct step *step_to(const struct deployment *deployment, enum state state)
{
    for (size_t i = deployment->step_count; i-- > 0;)
        if (deployment->steps[i].to == state && deployment->steps[i].event == EVENT_DONE)
            return &deployment->steps[i];
    return NULL;
}

static void restoration_check(const struct audit *audit, const struct entry *before,
                              struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *restored = step_to(deployment, STATE_ROLLED_BACK),
                      *reverted = step_to(deployment, STATE_REVERTED);
    struct containers was, is;
    if (deployment->accepted || restored == NULL) {
        finding_violated(finding, NULL, "the rollback failed: what ran before was not restored");
        return;
    }
    const struct entry *after = restored->transition;
    finding_rests_on(finding, before);
    finding_rests_on(finding, after);
    finding_rests_on(finding, reverted != NULL ? reverted->transition : NULL);
    compare_line(before, after, PROBE_GIT_HEAD, finding);
    compare_line(before, after, PROBE_CONFIG_HMAC, finding);
    compare_line(before, after, PROBE_ENV_HMAC, finding);
    if (reverted == NULL)
        finding_violated(finding, after, "the rollback ended without the code being reverted");
    else
        compare_line(before, reverted->transition, PROBE_GIT_BRANCH, finding);
    if (!reading_containers(entry_item(before, 0, before->item_count, PROBE_COMPOSE_CONTAINERS,
                                       NULL),
                            &was)
        || !reading_containers(entry_item(after, 0, after->item_count, PROBE_COMPOSE_CONTAINERS,
                                          NULL),
                               &is)) {
        finding_violated(finding, after, "the containers before and after cannot be compared");
        return;
    }
    restoration_keep_declared(before, &was);
    compare_containers(&was, &is, after, finding);
    size_t untold = compare_configurations(&was, before, after, finding);
    char but[80] = "";
    if (untold > 0)
        (void)snprintf(but, sizeof but,
                       "; whether %zu of them are configured as before, compose could not tell",
                       untold);
    if (audit->genesis.has_policy)
        check_recreated(audit, reading_container(&was, audit->genesis.execution),
                        reading_container(&is, audit->genesis.execution), after, finding);
    finding_conclude(finding, after,
                     "commit, branch, configuration and the image of each of %zu containers are "
                     "those of the before snapshot (entry %lld)%s",
                     is.count, (long long)before->seq, but);
}

static void check_abort(const struct audit *audit, const struct entry *before,
                        struct finding *finding)
{
    const struct step *aborted = step_to(&audit->deployment, STATE_ABORTED);
    if (aborted == NULL) {
        finding_violated(finding, NULL,
                         "the deployment was given up without the code being restored");
        return;
    }
    finding_rests_on(finding, before);
    finding_rests_on(finding, aborted->transition);
    compare_line(before, aborted->transition, PROBE_GIT_HEAD, finding);
    finding_conclude(
        finding, aborted->transition,
        "no service was changed, and the commit is that of the before snapshot (entry %lld)",
        (long long)before->seq);
}

void claim_restoration(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *connected = deployment_step(deployment, ACTION_CONNECT);
    bool failed = deployment_failure(deployment) != NULL;
    if (!deployment->ended)
        finding_undecidable(finding, NULL, "the deployment is still open, in the state %s",
                            state_name(deployment->state));
    else if (deployment->state == STATE_COMPLETED && !failed)
        finding_not_applicable(finding, "nothing had to be restored");
    else if (connected == NULL && !failed)
        finding_not_applicable(finding, "the deployment ended before the target was taken");
    else if (connected == NULL)
        finding_violated(finding, NULL,
                         "there is no before snapshot to which anything could have been restored");
    else if (failed)
        restoration_check(audit, connected->transition, finding);
    else
        check_abort(audit, connected->transition, finding);
}
