/* That nothing changed between what was recorded, or approved, and the first change (P-32), and
 * that a deployment that was given up there touched nothing (P-33). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

/* What is compared line by line, and with the good entry of which action. */
static const struct {
    enum probe probe;
    enum action recorded;
} compared[] = {
    {PROBE_GIT_HEAD, ACTION_UPDATE_CODE},
    {PROBE_GIT_BRANCH, ACTION_UPDATE_CODE},
    {PROBE_CONFIG_HMAC, ACTION_PULL_IMAGES},
    {PROBE_POLICY_HMAC, ACTION_PULL_IMAGES},
    {PROBE_COMPOSE_SERVICES, ACTION_PULL_IMAGES},
    {PROBE_COMPOSE_IMAGES, ACTION_PULL_IMAGES},
    {PROBE_ENV_HMAC, ACTION_CONNECT},
    {PROBE_ENV_MODE, ACTION_CONNECT},
};

static void compare_item(const struct audit *audit, const struct entry *entry, size_t to,
                         enum probe probe, enum action recorded, struct finding *finding)
{
    const struct entry *before = deployment_good_entry(&audit->deployment, recorded);
    const struct item *is = entry_item(entry, 0, to, probe, NULL);
    const struct item *was = before != NULL ? entry_item(before, 0, before->item_count, probe, NULL)
                                            : NULL;
    if (is != NULL && was != NULL && !slice_equal(is->output, was->output))
        finding_violated(finding, "P-32", entry,
                         "`%s` is another right before the first change than in %s",
                         probe_name(probe), action_name(recorded));
}

/* Its own policy restarted it: not where somebody trades. */
static bool restarted_itself(const struct genesis *genesis, const struct listed *was,
                             const struct listed *is)
{
    return reading_is_running(is) && is->restarts > was->restarts
           && !slice_is(genesis->execution, is->service) && !slice_is(genesis->brain, is->service);
}

static const struct listed *with_id(const struct listing *containers, const char *id)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].id, id) == 0)
            return &containers->list[i];
    return NULL;
}

static bool is_as_it_was(const struct genesis *genesis, const struct listed *was,
                         const struct listed *is)
{
    return is != NULL && strcmp(was->image, is->image) == 0
           && reading_is_running(was) == reading_is_running(is)
           && ((strcmp(was->started_at, is->started_at) == 0 && was->restarts == is->restarts)
               || restarted_itself(genesis, was, is));
}

static void compare_lists(const struct audit *audit, const struct entry *entry, size_t to,
                          struct finding *finding)
{
    const struct genesis *genesis = &audit->genesis;
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *was = snapshot != NULL ? reading_last_list(snapshot) : NULL,
                         *is = reading_list(
                             entry_first_item(entry, 0, to, PROBE_COMPOSE_CONTAINERS));
    if (was == NULL || is == NULL)
        return; /* P-12 and P-31 */
    for (size_t i = 0; i < was->count; i++)
        if (!services_may_change(audit, was->list[i].service)
            && !is_as_it_was(genesis, &was->list[i], with_id(is, was->list[i].id)))
            finding_violated(finding, "P-32", entry,
                             "a container of %s is not as it was in the snapshot",
                             was->list[i].service);
    for (size_t i = 0; i < is->count; i++)
        if (!services_may_change(audit, is->list[i].service)
            && with_id(was, is->list[i].id) == NULL)
            finding_violated(finding, "P-32", entry,
                             "a container of %s is there that the snapshot did not have",
                             is->list[i].service);
}

/* P-33 */
static void check_stale(const struct step *step, struct finding *finding)
{
    const struct entry *entry = step->transition;
    if (step->event != EVENT_STALE)
        return;
    if (reading_first_act(entry) < entry->item_count)
        finding_violated(finding, "P-33", entry,
                         "nothing was touched, it says, and an act stands in it");
    if (step->intent != NULL && node_member(entry_body(step->intent), "repeats") != NULL)
        finding_violated(finding, "P-33", entry,
                         "nothing was touched, it says, and an earlier try of it may have done so");
}

void procedure_check_last_look(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    bool again;
    const struct step *step = deployment_first_change(deployment, &again);
    const struct entry *pulled = deployment_good_entry(deployment, ACTION_PULL_IMAGES);
    for (size_t i = 0; i < deployment->step_count; i++)
        check_stale(&deployment->steps[i], finding);
    if (pulled != NULL) {
        compare_item(audit, pulled, pulled->item_count, PROBE_ENV_HMAC, ACTION_CONNECT, finding);
        compare_item(audit, pulled, pulled->item_count, PROBE_ENV_MODE, ACTION_CONNECT, finding);
    }
    if (step == NULL)
        return;
    const struct entry *entry = step->transition;
    size_t to = reading_first_act(entry);
    const struct item *status = entry_item(entry, 0, to, PROBE_GIT_STATUS, NULL);
    for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++)
        compare_item(audit, entry, to, compared[i].probe, compared[i].recorded, finding);
    if (status != NULL && status->output.length > 0)
        finding_violated(finding, "P-32", entry,
                         "the tree had changes of its own right before the first change");
    if (!again)
        compare_lists(audit, entry, to, finding);
}
