/* Whose containers those are (P-18, P-19), which commit and which images run (P-20, P-21). */
#include "verify/rules/procedure/procedure.h"

#include <stdlib.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/read/memory.h"

/* A container that some list had. */
struct known {
    const struct listed *container;
    size_t list; /* the number of the last list that had it, from 1; 0: only a command's */
};

struct register_of_containers {
    struct known *known;
    size_t count, lists;
    bool beside; /* a command of the deployment: it may have looked behind the lists to come */
};

/* Where Docker told it both times. */
static bool is_other_manifest(const struct listed *one, const struct listed *other)
{
    return one->manifest[0] != '\0' && other->manifest[0] != '\0'
           && strcmp(one->manifest, other->manifest) != 0;
}

static void identity_check_container(struct register_of_containers *registry,
                                     const struct listed *container, const struct entry *entry,
                                     struct finding *finding)
{
    size_t at = 0;
    while (at < registry->count && strcmp(registry->known[at].container->id, container->id) != 0)
        at++;
    if (at == registry->count) {
        registry->known = memory_grown(registry->known, ++registry->count, sizeof *registry->known);
        registry->known[at] = (struct known){container, registry->beside ? 0 : registry->lists};
        return;
    }
    struct known *known = &registry->known[at];
    if (strcmp(known->container->service, container->service) != 0
        || strcmp(known->container->image, container->image) != 0
        || is_other_manifest(known->container, container))
        finding_violated(finding, "P-19", entry,
                         "the container %.12s is of another service, or another image, than before",
                         container->id);
    if (strcmp(known->container->created_at, container->created_at) != 0
        || (strcmp(known->container->started_at, container->started_at) == 0
            && container->restarts < known->container->restarts))
        finding_violated(finding, "P-19", entry,
                         "the container %.12s was created at another time, or restarted less "
                         "often, than before",
                         container->id);
    if (strcmp(known->container->started_at, container->started_at) == 0
        && strcmp(known->container->state, "running") == 0
        && strcmp(container->state, "running") == 0
        && (known->container->health[0] == '\0') != (container->health[0] == '\0'))
        finding_violated(finding, "P-19", entry,
                         "the container %.12s has a check of its own in one list and none in "
                         "another",
                         container->id);
    if (registry->beside)
        return;
    known->container = container;
    if (known->list != 0 && known->list + 1 < registry->lists)
        finding_violated(finding, "P-19", entry,
                         "the container %.12s of %s is back after a list that did not have it",
                         container->id, container->service);
    known->list = registry->lists;
}

static void identity_check_list(struct register_of_containers *registry,
                                const struct listing *containers, const struct entry *entry,
                                struct finding *finding)
{
    registry->lists += !registry->beside;
    for (size_t i = 0; i < containers->count; i++) {
        const struct listed *container = &containers->list[i];
        if (container->service[0] == '\0' || container->id[0] == '\0'
            || container->image[0] == '\0')
            finding_violated(finding, "P-18", entry,
                             "a container of '%s' has no service, no id or no image",
                             container->service);
        for (size_t k = 0; k < i; k++)
            if (strcmp(containers->list[k].id, container->id) == 0)
                finding_violated(finding, "P-18", entry,
                                 "two containers of one list have the id %.12s", container->id);
        identity_check_container(registry, container, entry, finding);
    }
}

static void check_lists(const struct deployment *deployment, struct finding *finding)
{
    struct register_of_containers registry = {.count = 0};
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                                   ? reading_list(item)
                                                   : NULL;
            registry.beside = deployment->entries[i]->type == ENTRY_COMMAND
                              && deployment->open != NULL;
            if (containers != NULL)
                identity_check_list(&registry, containers, deployment->entries[i], finding);
        }
    free(registry.known);
}

static void check_commit(const struct audit *audit, enum action action, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *entry = deployment_good_entry(deployment, action),
                       *updated = deployment_good_entry(deployment, ACTION_UPDATE_CODE);
    if (entry == NULL)
        return;
    struct slice asked = node_text(deployment->open, "commit"),
                 head = reading_line(entry, PROBE_GIT_HEAD);
    const struct item *status = entry_item(entry, 0, entry->item_count, PROBE_GIT_STATUS, NULL);
    if (head.length != 40 || (asked.length > 0 && !slice_equal(asked, head)))
        finding_violated(finding, "P-20", entry, "the commit is %.*s, and another was asked for",
                         SLICE_ARGUMENTS(head));
    else if (updated != NULL && !slice_equal(reading_line(updated, PROBE_GIT_HEAD), head))
        finding_violated(finding, "P-20", entry,
                         "the commit is %.*s, and the update led to another",
                         SLICE_ARGUMENTS(head));
    if (status != NULL && status->output.length > 0)
        finding_violated(finding, "P-20", entry, "the tree has changes that no commit holds");
}

/* P-35 */
static void check_files_behind(const struct deployment *deployment, enum action action,
                               struct finding *finding)
{
    static const enum probe probes[] = {PROBE_HMAC_KEY, PROBE_CONFIG_HMAC, PROBE_ENV_HMAC,
                                        PROBE_ENV_MODE, PROBE_POLICY_HMAC, PROBE_GIT_BRANCH};
    const struct entry *entry = deployment_good_entry(deployment, action);
    for (size_t i = 0; entry != NULL && i < sizeof probes / sizeof probes[0]; i++) {
        const struct entry *before = deployment_good_entry(deployment, probes[i] == PROBE_GIT_BRANCH
                                                                           ? ACTION_UPDATE_CODE
                                                                           : ACTION_PULL_IMAGES);
        if (before != NULL
            && !slice_equal(reading_line(before, probes[i]), reading_line(entry, probes[i])))
            finding_violated(finding, "P-35", entry, "`%s` is another behind %s than before it",
                             probe_name(probes[i]), action_name(action));
    }
}

/* The tree goes to another commit by the act alone. */
static void check_moved(const struct entry *entry, struct finding *finding)
{
    const struct item *head = NULL;
    bool updated = false;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        updated = updated || (item->probe == PROBE_ACT && slice_is(item->subject, "update"));
        if (item->probe != PROBE_GIT_HEAD)
            continue;
        if (head != NULL && !updated && !slice_equal(head->output, item->output))
            finding_violated(finding, "P-20", entry,
                             "the tree went to another commit, and nobody is recorded to have "
                             "updated it");
        head = item;
        updated = false;
    }
}

/* The branch that was asked for, from a tree without changes of its own. */
static void check_update(const struct deployment *deployment, struct finding *finding)
{
    const struct entry *entry = deployment_good_entry(deployment, ACTION_UPDATE_CODE);
    if (entry == NULL)
        return;
    check_moved(entry, finding);
    struct slice branch = reading_line(entry, PROBE_GIT_BRANCH);
    if (!slice_equal(branch, node_text(deployment->open, "branch")))
        finding_violated(finding, "P-20", entry, "the branch is %.*s, and another was asked for",
                         SLICE_ARGUMENTS(branch));
    for (size_t i = 0; i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_GIT_STATUS && entry->items[i].output.length > 0)
            finding_violated(finding, "P-20", entry,
                             "the tree had changes that no commit holds when it was updated");
}

/* `only`: of this service alone; "" = of all. */
static void check_images(const struct audit *audit, const struct entry *entry,
                         const struct listing *pulled, const struct listing *containers,
                         bool must_run, const char *only, struct finding *finding)
{
    for (size_t i = 0; i < pulled->count; i++) {
        const struct listed *image = &pulled->list[i];
        struct slice service = slice_of(image->service);
        if (only[0] != '\0' && strcmp(only, image->service) != 0)
            continue;
        int64_t due = services_row(audit, ACTION_PULL_IMAGES, image->service).replicas;
        size_t present = services_present(audit, ACTION_PULL_IMAGES, containers, image->service);
        if (must_run && present == 0 && due > 0)
            finding_violated(finding, "P-21", entry, "the service %s was pulled and does not run",
                             image->service);
        else if (must_run && (int64_t)present != due)
            finding_violated(finding, "P-21", entry,
                             "the service %s is to have %lld containers and has %zu",
                             image->service, (long long)due, present);
        for (size_t k = 0; k < containers->count; k++)
            if (slice_is(service, containers->list[k].service)
                && services_is_present(audit, ACTION_PULL_IMAGES, &containers->list[k])
                && image->id[0] != '\0' && !reading_is_same_image(&containers->list[k], image))
                finding_violated(finding, "P-21", entry,
                                 "the service %s runs another image than was pulled for it",
                                 image->service);
    }
}

static void check_no_other(const struct audit *audit, const struct entry *entry,
                           const struct listing *pulled, const struct listing *containers,
                           struct finding *finding)
{
    for (size_t i = 0; i < containers->count; i++)
        if (reading_service(pulled, slice_of(containers->list[i].service)) == NULL
            && !services_row(audit, ACTION_PULL_IMAGES, containers->list[i].service).off)
            finding_violated(finding, "P-21", entry,
                             "the service %s has a container and was not pulled",
                             containers->list[i].service);
}

/* A service that was brought up by its name, in the list next behind. `due`: with its image, or
 * one of them. */
static void check_brought_up(const struct audit *audit, const struct entry *entry,
                             const struct listing *containers, const struct listed *due,
                             const struct listing *all_due, struct finding *finding)
{
    struct slice service = slice_of(due->service);
    bool single = slice_equal(service, audit->genesis.execution)
                  || slice_equal(service, audit->genesis.brain);
    bool none_due = due->image[0] == '\0' /* a row of compose.images: forward */
                    && services_row(audit, ACTION_PULL_IMAGES, due->service).replicas == 0;
    if ((reading_service(containers, service) == NULL && !none_due)
        || (single && reading_running(containers, service) > 1))
        finding_violated(finding, "P-21", entry,
                         "%s was brought up, and has no container or more than one behind it",
                         due->service);
    for (size_t i = 0; i < containers->count; i++) {
        const struct listed *container = &containers->list[i];
        bool good = !slice_is(service, container->service) || !reading_is_running(container);
        for (size_t k = 0; k < all_due->count && !good; k++)
            good = strcmp(all_due->list[k].service, due->service) == 0
                   && ((all_due->list[k].image[0] == '\0' && all_due->list[k].id[0] == '\0')
                       || reading_is_same_image(container, &all_due->list[k]));
        if (!good)
            finding_violated(finding, "P-21", entry, "%s was brought up from another image",
                             due->service);
    }
}

/* Whether a later `compose.up` of the entry names the service too. */
static bool is_named_again(const struct entry *entry, size_t place, const char *service)
{
    for (size_t i = place; i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_COMPOSE_UP
            && reading_has_word(entry->items[i].subject, service))
            return true;
    return false;
}

/* Each list next behind a `compose.up` that names services. On the way back the last one of a
 * service counts, and only where the deployment was restored: what was not is named there (R). */
static void check_behind_ups(const struct audit *audit, const struct step *step,
                             const struct listing *pulled, struct finding *finding)
{
    const struct entry *entry = step->transition;
    bool back = step->action == ACTION_REDEPLOY;
    const struct listing *due = back ? deployment_list_before(&audit->deployment) : pulled;
    const struct item *up = NULL;
    if (back
        && (deployment_good_entry(&audit->deployment, ACTION_VERIFY_RESTORED) == NULL
            || deployment_good_entry(&audit->deployment, ACTION_REDEPLOY) != entry))
        return;
    for (size_t i = 0; due != NULL && i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(item)
                                               : NULL;
        up = item->probe == PROBE_COMPOSE_UP ? item : up;
        for (size_t k = 0; up != NULL && containers != NULL && k < due->count; k++)
            if (reading_has_word(up->subject, due->list[k].service)
                && !(back && is_named_again(entry, i, due->list[k].service)))
                check_brought_up(audit, entry, containers, &due->list[k], due, finding);
        up = item->probe == PROBE_COMPOSE_CONTAINERS ? NULL : up;
    }
}

static void check_step_images(const struct audit *audit, const struct step *step,
                              const struct listing *pulled, struct finding *finding)
{
    char execution[256];
    const struct listing *containers = reading_last_list(step->transition);
    bool brings_up = step->action == ACTION_SWITCH_SERVICES || step->action == ACTION_DEPLOY_BRAIN;
    bool all = brings_up || step->action == ACTION_VERIFY_RELEASE
               || step->action == ACTION_VERIFY_PARITY || step->action == ACTION_ARM
               || step->action == ACTION_CONFIRM;
    if (!all && step->action != ACTION_VERIFY_EXECUTION)
        return;
    if (containers == NULL || !slice_copy(audit->genesis.execution, execution, sizeof execution)) {
        finding_undecidable(finding, "P-21", step->transition,
                            "what runs cannot be compared with what was pulled");
        return;
    }
    check_images(audit, step->transition, pulled, containers, true, all ? "" : execution, finding);
    if (brings_up)
        check_no_other(audit, step->transition, pulled, containers, finding);
}

void procedure_check_identity(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *pull = deployment_good_entry(deployment, ACTION_PULL_IMAGES);
    const struct listing *pulled = pull != NULL
                                       ? reading_list(entry_item(pull, 0, pull->item_count,
                                                                 PROBE_COMPOSE_IMAGES, NULL))
                                       : NULL;
    check_lists(deployment, finding);
    check_update(deployment, finding);
    check_files_behind(deployment, ACTION_SWITCH_SERVICES, finding);
    check_files_behind(deployment, ACTION_DEPLOY_BRAIN, finding);
    check_commit(audit, ACTION_UPDATE_CODE, finding);
    check_commit(audit, ACTION_SWITCH_SERVICES, finding);
    check_commit(audit, ACTION_DEPLOY_BRAIN, finding);
    if (pulled == NULL)
        return;
    for (size_t i = 0; i < deployment->step_count; i++)
        if (step_is_good(&deployment->steps[i])) {
            check_step_images(audit, &deployment->steps[i], pulled, finding);
            check_behind_ups(audit, &deployment->steps[i], pulled, finding);
        }
    bool failed = deployment_failure(deployment) != NULL;
    for (size_t i = 0; !failed && i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; entry->type == ENTRY_SAMPLE && k < entry->item_count; k++) {
            const struct listing *containers = entry->items[k].probe == PROBE_COMPOSE_CONTAINERS
                                                   ? reading_list(&entry->items[k])
                                                   : NULL;
            if (containers != NULL)
                check_images(audit, entry, pulled, containers, false, "", finding);
        }
    }
}
