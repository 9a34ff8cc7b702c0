#include "verify/judge/earned.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"

enum when {
    WHEN_INVALID = 0,
    WHEN_ALWAYS,
    WHEN_SENDING, /* what was sent: may be absent where a reconciliation took the act for done */
    /* and only where there is a shared policy hash: without one nothing may have been left to
     * re-create */
    WHEN_SENDING_POLICY,
    WHEN_POLICY,    /* where there is a shared policy hash */
    WHEN_EXECUTION, /* and Execution runs in this entry's list of containers */
    WHEN_MARKER,    /* and a marker is configured */
    WHEN_CONNECTED, /* where the deployment had come to `connected` */
};

/* Status 0 is asked of the last item of each probe, but for those marked: their status is an
 * answer, not a fault. */
static const struct need {
    enum action action;
    enum probe probe;
    enum when when;
    bool any_status;
} needs[] = {
    {ACTION_CONNECT, PROBE_TENANCY, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_GIT_BRANCH, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_GIT_STATUS, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_CONFIG_HMAC, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_ENV_HMAC, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_COMPOSE_IMAGES, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_COMPOSE_DRIFT, WHEN_ALWAYS, false},
    {ACTION_CONNECT, PROBE_BUS_POLICY_HASH, WHEN_POLICY, true},
    {ACTION_CONNECT, PROBE_LOGS_EXECUTION, WHEN_EXECUTION, false},
    {ACTION_CONNECT, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_UPDATE_CODE, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_UPDATE_CODE, PROBE_GIT_CHANGED, WHEN_ALWAYS, false},
    {ACTION_PULL_IMAGES, PROBE_COMPOSE_PULL, WHEN_SENDING, true},
    {ACTION_PULL_IMAGES, PROBE_COMPOSE_IMAGES, WHEN_ALWAYS, false},
    {ACTION_LAY_GUARD, PROBE_GUARD, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_COMPOSE_UP, WHEN_SENDING, false},
    {ACTION_SWITCH_SERVICES, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_COMPOSE_DRIFT, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_GIT_STATUS, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_CONFIG_HMAC, WHEN_ALWAYS, false},
    {ACTION_SWITCH_SERVICES, PROBE_ENV_HMAC, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RELEASE, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RELEASE, PROBE_LOGS_ERRORS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RELEASE, PROBE_BUS_POLICY_HASH, WHEN_POLICY, true},
    {ACTION_VERIFY_RELEASE, PROBE_LOGS_EXECUTION, WHEN_POLICY, false},
    {ACTION_VERIFY_RELEASE, PROBE_LOGS_BRAIN, WHEN_POLICY, false},
    {ACTION_VERIFY_RELEASE, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_DISARM, PROBE_BUS_PUBLISH, WHEN_SENDING, false},
    {ACTION_DISARM, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_DISARM, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_DISARM, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_DEPLOY_EXECUTION, PROBE_COMPOSE_UP, WHEN_SENDING, false},
    {ACTION_DEPLOY_EXECUTION, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_EXECUTION, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_EXECUTION, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_VERIFY_EXECUTION, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_EXECUTION, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_VERIFY_EXECUTION, PROBE_BUS_POLICY_HASH, WHEN_ALWAYS, true},
    {ACTION_DEPLOY_BRAIN, PROBE_COMPOSE_UP, WHEN_SENDING, false},
    {ACTION_DEPLOY_BRAIN, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_COMPOSE_DRIFT, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_GIT_STATUS, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_CONFIG_HMAC, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_ENV_HMAC, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_DEPLOY_BRAIN, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_VERIFY_PARITY, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_PARITY, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_VERIFY_PARITY, PROBE_BUS_POLICY_HASH, WHEN_ALWAYS, true},
    {ACTION_VERIFY_PARITY, PROBE_LOGS_BRAIN, WHEN_ALWAYS, false},
    {ACTION_ARM, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_ARM, PROBE_LOGS_EXECUTION, WHEN_ALWAYS, false},
    {ACTION_ARM, PROBE_LOGS_BRAIN, WHEN_ALWAYS, false},
    {ACTION_ARM, PROBE_BUS_POLICY_HASH, WHEN_ALWAYS, true},
    {ACTION_ARM, PROBE_BUS_PUBLISH, WHEN_SENDING, false},
    {ACTION_ARM, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_CONFIRM, PROBE_GUARD, WHEN_ALWAYS, false},
    {ACTION_CONFIRM, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_CONFIRM, PROBE_BUS_POLICY_HASH, WHEN_POLICY, true},
    {ACTION_CONFIRM, PROBE_LOGS_EXECUTION, WHEN_POLICY, false},
    {ACTION_CONFIRM, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_COMPLETE, PROBE_TENANCY, WHEN_ALWAYS, false},
    {ACTION_MAKE_SAFE, PROBE_COMPOSE_CONTAINERS, WHEN_POLICY, false},
    {ACTION_REVERT, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_REVERT, PROBE_GIT_BRANCH, WHEN_ALWAYS, false},
    {ACTION_REDEPLOY, PROBE_COMPOSE_UP, WHEN_SENDING_POLICY, false},
    {ACTION_REDEPLOY, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_GIT_HEAD, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_CONFIG_HMAC, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_ENV_HMAC, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_COMPOSE_DRIFT, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_COMPOSE_CONTAINERS, WHEN_ALWAYS, false},
    {ACTION_VERIFY_RESTORED, PROBE_BUS_POLICY_HASH, WHEN_POLICY, true},
    {ACTION_VERIFY_RESTORED, PROBE_LOGS_EXECUTION, WHEN_EXECUTION, false},
    {ACTION_VERIFY_RESTORED, PROBE_INTERLOCK_MARKER, WHEN_MARKER, false},
    {ACTION_RESTORE_CODE, PROBE_GIT_HEAD, WHEN_CONNECTED, false},
    {ACTION_RESTORE_CODE, PROBE_TENANCY, WHEN_CONNECTED, false},
};

static bool earned_execution_runs(const struct audit *audit, const struct entry *entry)
{
    struct containers containers;
    const struct container *execution = NULL;
    if (reading_containers(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS, NULL),
                           &containers))
        execution = reading_container(&containers, audit->genesis.execution);
    return execution != NULL && strcmp(execution->state, "running") == 0;
}

static bool is_needed(const struct audit *audit, const struct step *step, enum when when)
{
    const struct genesis *genesis = &audit->genesis;
    switch (when) {
    case WHEN_INVALID:
        return false;
    case WHEN_ALWAYS:
        return true;
    case WHEN_SENDING:
        return !step->adopted;
    case WHEN_SENDING_POLICY:
        return !step->adopted && genesis->has_policy;
    case WHEN_POLICY:
        return genesis->has_policy;
    case WHEN_EXECUTION:
        return genesis->has_policy && earned_execution_runs(audit, step->transition);
    case WHEN_MARKER:
        return genesis->has_policy && genesis->marker
               && earned_execution_runs(audit, step->transition);
    case WHEN_CONNECTED:
        return deployment_step(&audit->deployment, ACTION_CONNECT) != NULL;
    }
    return false;
}

static bool unearned(char *ret_why, size_t room, const char *what, struct slice name)
{
    (void)snprintf(ret_why, room, "%s `%.*s`", what, SLICE_ARGUMENTS(name));
    return false;
}

/* What runs must be what was pulled. */
static bool runs_what_was_pulled(const struct audit *audit, const struct entry *entry,
                                 char *ret_why, size_t room)
{
    struct containers images, containers;
    const struct step *pulled = deployment_step(&audit->deployment, ACTION_PULL_IMAGES);
    if (pulled == NULL
        || !reading_images(entry_item(pulled->transition, 0, pulled->transition->item_count,
                                      PROBE_COMPOSE_IMAGES, NULL),
                           &images)
        || !reading_containers(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS,
                                          NULL),
                               &containers))
        return unearned(ret_why, room, "the images pulled and the containers cannot be compared:",
                        slice_of(probe_name(PROBE_COMPOSE_IMAGES)));
    for (size_t i = 0; i < images.count; i++) {
        const struct container *container = reading_container(&containers,
                                                              slice_of(images.list[i].service));
        if (container == NULL || strcmp(container->state, "running") != 0)
            return unearned(ret_why, room, "a service that was pulled does not run:",
                            slice_of(images.list[i].service));
        if (images.list[i].image[0] != '\0' && strcmp(container->image, images.list[i].image) != 0)
            return unearned(ret_why, room, "another image runs than was pulled for",
                            slice_of(container->service));
    }
    return true;
}

/* Nothing besides what was pulled, and each service as the file declares it; where compose could
 * not tell ("declared" empty) the record says that and no more. */
static bool has_no_drift(const struct audit *audit, const struct entry *entry, char *ret_why,
                         size_t room)
{
    struct containers images, containers;
    struct configurations configurations;
    const struct item *status = entry_item(entry, 0, entry->item_count, PROBE_GIT_STATUS, NULL);
    const struct step *pulled = deployment_step(&audit->deployment, ACTION_PULL_IMAGES);
    if (!runs_what_was_pulled(audit, entry, ret_why, room))
        return false;
    if (!reading_configurations(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_DRIFT, NULL),
                                &configurations)
        || !reading_images(entry_item(pulled->transition, 0, pulled->transition->item_count,
                                      PROBE_COMPOSE_IMAGES, NULL),
                           &images)
        || !reading_containers(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS,
                                          NULL),
                               &containers))
        return unearned(ret_why, room, "what runs cannot be compared with what is declared:",
                        slice_of(probe_name(PROBE_COMPOSE_DRIFT)));
    for (size_t i = 0; i < containers.count; i++) {
        const struct container *container = &containers.list[i],
                               *image = reading_container(&images, slice_of(container->service));
        if (image == NULL)
            return unearned(ret_why, room,
                            "a service is there that nobody pulled:", slice_of(container->service));
        if (strcmp(container->state, "running") == 0 && image->image[0] != '\0'
            && strcmp(container->image, image->image) != 0)
            return unearned(ret_why, room, "another image runs in a second container of",
                            slice_of(container->service));
    }
    for (size_t i = 0; i < images.count; i++) {
        const struct configuration *configuration = reading_configuration(&configurations,
                                                                          images.list[i].service);
        if (configuration == NULL)
            return unearned(ret_why, room, "the configuration was not looked at, of",
                            slice_of(images.list[i].service));
        if (configuration->declared[0] != '\0'
            && strcmp(configuration->declared, configuration->running) != 0)
            return unearned(ret_why, room, "another configuration runs than is declared for",
                            slice_of(images.list[i].service));
    }
    return status->output.length == 0
           || unearned(ret_why, room, "the tree has changes that no commit holds:", status->output);
}

static bool is_healthy(const struct audit *audit, const struct entry *entry, char *ret_why,
                       size_t room)
{
    bool missing;
    struct slice sick = reading_sick_endpoint(&audit->genesis, entry, &missing);
    return sick.length == 0
           || unearned(ret_why, room,
                       missing ? "there is no answer of the endpoint"
                               : "there is no good answer of the endpoint",
                       sick);
}

static bool has_commit(const struct audit *audit, const struct entry *entry, char *ret_why,
                       size_t room)
{
    const struct step *updated = deployment_step(&audit->deployment, ACTION_UPDATE_CODE);
    struct slice asked = node_text(audit->deployment.open, "commit"),
                 head = reading_line(entry, PROBE_GIT_HEAD);
    if (head.length != 40 || (asked.length > 0 && !slice_equal(asked, head)))
        return unearned(ret_why, room, "the commit is not the one that was asked for:", head);
    if (updated != NULL && !slice_equal(reading_line(updated->transition, PROBE_GIT_HEAD), head))
        return unearned(ret_why, room, "the commit is not the one that the update led to:", head);
    return true;
}

static bool is_good_in_itself(const struct audit *audit, const struct step *step, char *ret_why,
                              size_t room)
{
    const struct entry *entry = step->transition;
    if (step->action == ACTION_VERIFY_RELEASE || step->action == ACTION_CONFIRM
        || step->action == ACTION_VERIFY_RESTORED) {
        if (!is_healthy(audit, entry, ret_why, room))
            return false;
    }
    if (step->action == ACTION_VERIFY_RELEASE || step->action == ACTION_VERIFY_PARITY
        || step->action == ACTION_CONFIRM)
        return runs_what_was_pulled(audit, entry, ret_why, room);
    if (step->action == ACTION_UPDATE_CODE)
        return has_commit(audit, entry, ret_why, room);
    if (step->action == ACTION_SWITCH_SERVICES || step->action == ACTION_DEPLOY_BRAIN)
        return has_commit(audit, entry, ret_why, room) && has_no_drift(audit, entry, ret_why, room);
    return true;
}

bool step_is_earned(const struct audit *audit, const struct step *step, char *ret_why, size_t room)
{
    const struct entry *entry = step->transition;
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (needs[i].action != step->action || !is_needed(audit, step, needs[i].when))
            continue;
        const struct item *item = entry_item(entry, 0, entry->item_count, needs[i].probe, NULL);
        if (item == NULL)
            return unearned(ret_why, room, "the step says that it succeeded, without the evidence",
                            slice_of(probe_name(needs[i].probe)));
        if (!needs[i].any_status && item->status != 0)
            return unearned(ret_why, room,
                            "the step says that it succeeded, and its evidence failed:",
                            slice_of(probe_name(needs[i].probe)));
    }
    return is_good_in_itself(audit, step, ret_why, room);
}

size_t earned_untold(const struct audit *audit)
{
    const enum action actions[] = {ACTION_SWITCH_SERVICES, ACTION_DEPLOY_BRAIN};
    size_t untold = 0;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        struct configurations configurations;
        const struct step *step = deployment_step(&audit->deployment, actions[i]);
        if (step == NULL
            || !reading_configurations(entry_item(step->transition, 0, step->transition->item_count,
                                                  PROBE_COMPOSE_DRIFT, NULL),
                                       &configurations))
            continue;
        for (size_t k = 0; k < configurations.count; k++)
            untold += configurations.list[k].declared[0] == '\0';
    }
    return untold;
}
