#include "fsm/snapshot.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

static enum error_code line_of(struct driver *driver, const struct journal_entry *entry,
                               const char *probe, char *ret_text, size_t room, struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    enum error_code code = deployment_evidence(driver->journal, entry, probe, &output, error);
    if (code == ERROR_OK)
        (void)snprintf(ret_text, room, "%.*s",
                       output.size > 0 ? (int)strcspn((const char *)output.data, "\n") : 0,
                       output.size > 0 ? (const char *)output.data : "");
    return code;
}

static bool is_line_of(const struct bytes *lines, const char *word)
{
    size_t length = strlen(word);
    for (size_t at = 0; at < lines->size;) {
        const uint8_t *newline = memchr(lines->data + at, '\n', lines->size - at);
        size_t size = newline != NULL ? (size_t)(newline - (lines->data + at)) : lines->size - at;
        if (size == length && memcmp(lines->data + at, word, length) == 0)
            return true;
        at += size + 1;
    }
    return false;
}

static enum error_code load_containers(struct driver *driver, const struct journal_entry *entry,
                                       struct snapshot *snapshot, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0}, images = {0}, declared = {0}, configurations = {0};
    struct containers all = {0};
    enum error_code code = deployment_evidence(driver->journal, entry, PROBE_COMPOSE_CONTAINERS,
                                               &lines, error);
    if (code == ERROR_OK)
        code = deployment_evidence(driver->journal, entry, PROBE_COMPOSE_IMAGES, &images, error);
    if (code == ERROR_OK)
        code = deployment_evidence(driver->journal, entry, PROBE_COMPOSE_SERVICES, &declared,
                                   error);
    if (code == ERROR_OK)
        code = deployment_evidence(driver->journal, entry, PROBE_COMPOSE_DRIFT, &configurations,
                                   error);
    if (code == ERROR_OK)
        code = configurations_read(&configurations, &snapshot->configurations, error);
    if (code == ERROR_OK)
        code = containers_read(&lines, &all, error);
    if (code == ERROR_OK)
        code = images_read(&images, &snapshot->images, error);
    for (size_t i = 0; code == ERROR_OK && i < all.count; i++) {
        bool twice = false;
        for (size_t k = 0; k < snapshot->containers.count; k++)
            twice = twice || strcmp(snapshot->containers.list[k].service, all.list[i].service) == 0;
        const struct container *container = containers_find(&all, all.list[i].service);
        if (!twice && is_line_of(&declared, container->service)
            && strcmp(container->state, "running") == 0)
            snapshot->containers.list[snapshot->containers.count++] = *container;
    }
    return code;
}

enum error_code snapshot_load(struct driver *driver, struct snapshot *ret_snapshot,
                              struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *entry = deployment_transition_to(deployment, STATE_CONNECTED);
    struct snapshot snapshot = {.interlock = INTERLOCK_UNKNOWN};
    if (entry == NULL)
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                         "run titan-verify on the journal",
                         "the deployment has no before snapshot");
    enum error_code code = line_of(driver, entry, PROBE_GIT_HEAD, snapshot.commit,
                                   sizeof snapshot.commit, error);
    if (code == ERROR_OK)
        code = line_of(driver, entry, PROBE_GIT_BRANCH, snapshot.branch, sizeof snapshot.branch,
                       error);
    if (code == ERROR_OK)
        code = line_of(driver, entry, PROBE_CONFIG_HMAC, snapshot.config_hmac,
                       sizeof snapshot.config_hmac, error);
    if (code == ERROR_OK)
        code = line_of(driver, entry, PROBE_ENV_HMAC, snapshot.env_hmac, sizeof snapshot.env_hmac,
                       error);
    if (code == ERROR_OK)
        code = load_containers(driver, entry, &snapshot, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(snapshot.policy_hash, sizeof snapshot.policy_hash, "%s",
                   deployment_fact(deployment, STATE_CONNECTED, "policy_hash"));
    const char *interlock = deployment_fact(deployment, STATE_CONNECTED, "interlock");
    snapshot.interlock = strcmp(interlock, "armed") == 0      ? INTERLOCK_ARMED
                         : strcmp(interlock, "disarmed") == 0 ? INTERLOCK_DISARMED
                                                              : INTERLOCK_UNKNOWN;
    *ret_snapshot = snapshot;
    return ERROR_OK;
}
