#include "fsm/past/snapshot.h"
#include "fsm/past/recorded.h"
#include "actions/health_answer.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error_code first_line(struct driver *driver, const struct journal_entry *entry,
                                  const char *probe, char *ret_text, size_t size,
                                  struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    enum error_code code = entry_output(driver->journal, entry, probe, &output, error);
    if (code == ERROR_OK)
        (void)snprintf(ret_text, size, "%.*s",
                       output.size > 0 ? (int)strcspn((const char *)output.data, "\n") : 0,
                       output.size > 0 ? (const char *)output.data : "");
    return code;
}

/* What has completed is not run again: nothing of it is restored. */
static bool is_to_be_restored(const struct declared *declared, const char *service)
{
    const struct declared_row *row = declared_find(declared, service);
    return strcmp(row->service, service) == 0 && !row->once;
}

/* The containers that ran: all of them, and of declared services one each. */
static void choose_containers(const struct containers *all, struct snapshot *snapshot)
{
    struct containers *ran = &snapshot->ran, *chosen = &snapshot->containers;
    for (size_t i = 0; i < all->count; i++) {
        const struct container *container = &all->list[i];
        if (!container_runs(container))
            continue;
        ran->list[ran->count++] = *container;
        if (containers_find(chosen, container->service) == NULL
            && is_to_be_restored(&snapshot->declared, container->service))
            chosen->list[chosen->count++] = *container;
    }
}

/* The env file that is to be put back. */
static enum error_code load_good(struct driver *driver, const struct journal_entry *entry,
                                 const struct containers *all, struct snapshot *snapshot,
                                 struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    struct kept_good good;
    enum error_code code = entry_output(driver->journal, entry, PROBE_ENV_GOOD, &lines, error);
    if (code == ERROR_OK)
        code = kept_read(&lines, &good, error);
    if (code != ERROR_OK || !kept_covers(&good, all))
        return code;
    snapshot->env_good = true;
    (void)snprintf(snapshot->env_hmac, sizeof snapshot->env_hmac, "%s", good.hmac);
    (void)snprintf(snapshot->env_mode, sizeof snapshot->env_mode, "%s", good.mode);
    return ERROR_OK;
}

static enum error_code load_containers(struct driver *driver, const struct journal_entry *entry,
                                       struct snapshot *snapshot, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    enum error_code code = entry_output(driver->journal, entry, PROBE_COMPOSE_CONTAINERS, &lines,
                                        error);
    if (code == ERROR_OK)
        code = containers_read(&lines, &snapshot->found, error);
    if (code == ERROR_OK)
        code = entry_declared(driver->journal, entry, &snapshot->declared, error);
    if (code != ERROR_OK)
        return code;
    choose_containers(&snapshot->found, snapshot);
    return load_good(driver, entry, &snapshot->found, snapshot, error);
}

static enum error_code load_images(struct driver *driver, const struct journal_entry *entry,
                                   struct snapshot *snapshot, struct error *error)
{
    CLEANUP_BYTES struct bytes images = {0}, configurations = {0};
    enum error_code code = entry_output(driver->journal, entry, PROBE_COMPOSE_IMAGES, &images,
                                        error);
    if (code == ERROR_OK)
        code = entry_output(driver->journal, entry, PROBE_COMPOSE_DRIFT, &configurations, error);
    if (code == ERROR_OK)
        code = configurations_read(&configurations, &snapshot->configurations, error);
    return code == ERROR_OK ? images_read(&images, &snapshot->images, error) : code;
}

static enum error_code load_tree(struct driver *driver, const struct journal_entry *entry,
                                 struct snapshot *snapshot, struct error *error)
{
    enum error_code code = first_line(driver, entry, PROBE_GIT_HEAD, snapshot->commit,
                                      sizeof snapshot->commit, error);
    if (code == ERROR_OK)
        code = first_line(driver, entry, PROBE_GIT_BRANCH, snapshot->branch,
                          sizeof snapshot->branch, error);
    if (code == ERROR_OK)
        code = first_line(driver, entry, PROBE_HMAC_KEY, snapshot->hmac_key,
                          sizeof snapshot->hmac_key, error);
    if (code == ERROR_OK)
        code = first_line(driver, entry, PROBE_CONFIG_HMAC, snapshot->config_hmac,
                          sizeof snapshot->config_hmac, error);
    if (code == ERROR_OK)
        code = first_line(driver, entry, PROBE_ENV_HMAC, snapshot->env_hmac,
                          sizeof snapshot->env_hmac, error);
    return code == ERROR_OK ? first_line(driver, entry, PROBE_ENV_MODE, snapshot->env_mode,
                                         sizeof snapshot->env_mode, error)
                            : code;
}

/* The last answer of each endpoint counts. */
static enum error_code load_answers(struct driver *driver, const struct journal_entry *entry,
                                    struct snapshot *snapshot, struct error *error)
{
    const struct setup *setup = &driver->config.setup;
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        CLEANUP_BYTES struct bytes body = {0};
        bool word;
        const char *probe = json_string_value(json_object_get(item, "probe")),
                   *subject = json_string_value(json_object_get(item, "subject"));
        int status = (int)json_integer_value(json_object_get(item, "status"));
        if (probe != NULL && strcmp(probe, PROBE_BUS_POLICY_HASH) == 0 && status == 0)
            snapshot->replied = true;
        if (probe == NULL || subject == NULL || strcmp(probe, PROBE_HEALTH) != 0)
            continue;
        enum error_code code = item_output(driver->journal, item, &body, error);
        if (code != ERROR_OK)
            return code;
        for (size_t k = 0; k < setup->endpoint_count; k++)
            if (strcmp(setup->endpoints[k].name, subject) == 0)
                snapshot->sick[k] = status != HEALTH_STATUS_GOOD
                                    && health_answer_read(&setup->endpoints[k], status, &body,
                                                          &word)
                                           == HEALTH_ANSWER_BAD;
    }
    return ERROR_OK;
}

enum error_code snapshot_load(struct driver *driver, struct snapshot *snapshot, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *entry = deployment_transition_to(deployment, STATE_CONNECTED);
    if (entry == NULL)
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                         "run titan-verify on the journal",
                         "the deployment has no before snapshot");
    struct deployment_facts facts = deployment_facts(deployment, STATE_CONNECTED);
    memset(snapshot, 0, sizeof *snapshot);
    snapshot->interlock = facts.interlock;
    snapshot->missing = facts.missing[0] != '\0';
    (void)snprintf(snapshot->policy_hash, sizeof snapshot->policy_hash, "%s", facts.policy_hash);
    enum error_code code = load_tree(driver, entry, snapshot, error);
    if (code == ERROR_OK)
        code = load_containers(driver, entry, snapshot, error);
    if (code == ERROR_OK)
        code = load_answers(driver, entry, snapshot, error);
    return code == ERROR_OK ? load_images(driver, entry, snapshot, error) : code;
}
