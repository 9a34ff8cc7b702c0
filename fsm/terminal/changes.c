#include "fsm/terminal/changes.h"

#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/git.h"
#include "fsm/last_look.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

void changes_clear(struct changes *changes)
{
    bytes_free(&changes->subjects);
}

static enum error_code read_pulled(struct driver *driver, struct images *ret_images,
                                   struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    const struct journal_entry *pulled = deployment_transition_to(&driver->deployment,
                                                                  STATE_PULLED);
    if (pulled == NULL)
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                         "run titan-verify on the journal",
                         "the deployment has no record of the pulled images");
    enum error_code code = entry_output(driver->journal, pulled, PROBE_COMPOSE_IMAGES, &lines,
                                        error);
    return code == ERROR_OK ? images_read(&lines, ret_images, error) : code;
}

/* The one-shots of the pulled configuration. */
static enum error_code name_one_shots(struct driver *driver, struct changes *changes,
                                      struct error *error)
{
    CLEANUP_TEXT struct text names = {0};
    struct declared declared;
    enum error_code code = entry_declared(driver->journal,
                                          deployment_transition_to(&driver->deployment,
                                                                   STATE_PULLED),
                                          &declared, error);
    for (size_t i = 0; code == ERROR_OK && i < declared.count; i++)
        if (declared_is_one_shot(&declared.list[i]))
            text_add_format(&names, "%s%s", names.bytes.size > 0 ? ", " : "",
                            declared.list[i].service);
    if (code != ERROR_OK || text_failed(&names, error))
        return error->code;
    text_cut(changes->partial, sizeof changes->partial, text_string(&names));
    return ERROR_OK;
}

/* As the present compose file and env file declare them. If the target cannot render them the list
 * stays empty, and every service is unknown. */
static enum error_code read_planned_configurations(struct target *target,
                                                   const struct images *images,
                                                   struct configurations *ret_configurations,
                                                   struct error *error)
{
    struct compose_model model = {.count = images->count};
    struct evidence *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return error_set(error, ERROR_MEMORY, 0, "changes", "", "out of memory");
    for (size_t i = 0; i < images->count; i++)
        (void)snprintf(model.services[i].service, sizeof model.services[i].service, "%s",
                       images->list[i].service);
    enum error_code code = compose_configurations(target, &model, NULL, COMPOSE_KEY_LEAVE, scratch,
                                                  ret_configurations, error);
    evidence_clear(scratch);
    free(scratch);
    return code == ERROR_REMOTE || code == ERROR_PROTOCOL ? ERROR_OK : code;
}

static void decide_service(struct change *change, enum fate fate, const char *why)
{
    change->fate = fate;
    change->why = why;
}

/* The policy procedure always re-creates Execution and Brain. */
static void predict_fate(struct change *change, const struct configuration *configuration,
                         bool same_image, bool forced)
{
    bool known = configuration != NULL && configuration->declared[0] != '\0';
    if (change->after[0] == '\0')
        decide_service(change, FATE_REMOVED, "it is no longer declared");
    else if (change->before[0] == '\0')
        decide_service(change, FATE_STARTED, "it did not run before");
    else if (!same_image)
        decide_service(change, FATE_RECREATED, "another image");
    else if (forced)
        decide_service(change, FATE_RECREATED, "the policy procedure re-creates it");
    else if (!known)
        decide_service(change, FATE_UNKNOWN,
                       "the same image; compose cannot say whether its configuration changed");
    else if (strcmp(configuration->declared, configuration->running) != 0)
        decide_service(change, FATE_RECREATED, "another configuration");
    else
        decide_service(change, FATE_LEFT, "same image, same configuration");
}

static void compare_images(const struct driver *driver, const struct snapshot *before,
                           const struct images *pulled, const struct configurations *now,
                           struct changes *changes)
{
    const struct setup_services *services = &driver->config.setup.services;
    for (size_t i = 0; i < pulled->count; i++) {
        const struct image *image = &pulled->list[i];
        const struct container *container = containers_find(&before->containers, image->service);
        struct change *change = &changes->list[changes->count++];
        bool forced = changes->procedure == PROCEDURE_POLICY
                      && (strcmp(image->service, services->execution) == 0
                          || strcmp(image->service, services->brain) == 0);
        (void)snprintf(change->service, sizeof change->service, "%s", image->service);
        (void)snprintf(change->name, sizeof change->name, "%s", image->name);
        (void)snprintf(change->before, sizeof change->before, "%s",
                       container != NULL ? container->image : "");
        (void)snprintf(change->after, sizeof change->after, "%s", image->id);
        predict_fate(change, configurations_find(now, image->service),
                     container != NULL && image_is_of(image, container), forced);
    }
    for (size_t i = 0; i < before->containers.count; i++) {
        const struct container *container = &before->containers.list[i];
        if (images_find(pulled, container->service) != NULL)
            continue;
        struct change *change = &changes->list[changes->count++];
        (void)snprintf(change->service, sizeof change->service, "%s", container->service);
        (void)snprintf(change->before, sizeof change->before, "%s", container->image);
        predict_fate(change, NULL, false, false);
    }
}

/* A release keeps the hash that was found, where one was; a policy change ends with the expected
 * one, if --expect named one. */
static void read_policy(const struct driver *driver, const struct snapshot *before,
                        struct changes *changes)
{
    const struct deployment *deployment = &driver->deployment;
    changes->has_policy = driver->config.setup.services.execution[0] != '\0';
    changes->policy_file = deployment_facts(deployment, STATE_UPDATED).policy_changed;
    memcpy(changes->policy_before, before->policy_hash, sizeof changes->policy_before);
    (void)snprintf(changes->policy_after, sizeof changes->policy_after, "%s",
                   changes->procedure == PROCEDURE_RELEASE && before->policy_hash[0] != '\0'
                       ? before->policy_hash
                       : deployment_open_string(deployment, "expect"));
}

/* Nothing of it is recorded: the step looks again, right before it changes anything. */
static enum error_code read_differences(struct driver *driver, struct target *target,
                                        struct last_look *look, struct changes *changes,
                                        struct error *error)
{
    const int64_t settle_ns = driver->config.setup.services.settle_ms * 1000000;
    const struct last_look_terms terms = {
        .first = true,
        .interlock = deployment_facts(&driver->deployment, STATE_CONNECTED).interlock,
        .until_ns = driver_now_ns(driver) + settle_ns};
    struct evidence *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return error_set(error, ERROR_MEMORY, 0, "changes", "", "out of memory");
    enum error_code code = look_for_the_last_time(driver, target, &terms, scratch, look, error);
    evidence_clear(scratch);
    free(scratch);
    text_cut(changes->differs, sizeof changes->differs, look->differs);
    return code;
}

/* What the changes are computed from. */
struct plan {
    struct snapshot before;
    struct images pulled;
    struct configurations now;
    struct last_look look;
};

static enum error_code fill_changes(struct driver *driver, struct plan *plan,
                                    struct changes *changes, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct target *target;
    enum error_code code = snapshot_load(driver, &plan->before, error);
    if (code == ERROR_OK)
        code = read_pulled(driver, &plan->pulled, error);
    if (code == ERROR_OK)
        code = name_one_shots(driver, changes, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = read_planned_configurations(target, &plan->pulled, &plan->now, error);
    if (code == ERROR_OK)
        code = read_differences(driver, target, &plan->look, changes, error);
    if (code != ERROR_OK)
        return code;
    changes->target = driver->config.setup.target.name;
    changes->deployment = deployment->number;
    changes->procedure = deployment->procedure;
    text_cut(changes->before, sizeof changes->before, plan->before.commit);
    text_cut(changes->after, sizeof changes->after,
             deployment_facts(deployment, STATE_UPDATED).commit);
    text_cut(changes->health, sizeof changes->health,
             deployment_facts(deployment, STATE_CONNECTED).health);
    text_cut(changes->missing, sizeof changes->missing,
             deployment_facts(deployment, STATE_CONNECTED).missing);
    text_cut(changes->drift, sizeof changes->drift,
             deployment_facts(deployment, STATE_CONNECTED).drift);
    text_cut(changes->env, sizeof changes->env, deployment_facts(deployment, STATE_CONNECTED).env);
    compare_images(driver, &plan->before, &plan->pulled, &plan->now, changes);
    read_policy(driver, &plan->before, changes);
    return git_subjects(target, changes->before, changes->after, CHANGES_SUBJECTS_MAX + 1,
                        &changes->subjects, error);
}

enum error_code changes_read(struct driver *driver, struct changes *changes, struct error *error)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return error_set(error, ERROR_MEMORY, 0, "changes", "", "out of memory");
    enum error_code code = fill_changes(driver, plan, changes, error);
    free(plan);
    return code;
}
