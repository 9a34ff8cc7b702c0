#include "fsm/roster/approval.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/containers.h"
#include "fsm/roster/roster.h"
#include "fsm/past/recorded.h"
#include "journal/canonical.h"
#include "journal/format/sshsig.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

static enum error_code no_memory_for_approval(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "approval", "", "out of memory");
}

static enum error_code list_images(const struct images *images, json_t **ret_list,
                                   struct error *error)
{
    CLEANUP_JSON json_t *list = json_array();
    for (size_t i = 0; i < images->count; i++)
        if (json_array_append_new(list, json_pack("{s:s, s:s}", "service", images->list[i].service,
                                                  "id", images->list[i].id))
            != 0)
            return no_memory_for_approval(error);
    *ret_list = json_incref(list);
    return ERROR_OK;
}

static enum error_code images_json(struct driver *driver, const struct journal_entry *pulled,
                                   json_t **ret_images, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    enum error_code code = entry_output(driver->journal, pulled, PROBE_COMPOSE_IMAGES, &lines,
                                        error);
    if (code != ERROR_OK)
        return code;
    struct images *images = calloc(1, sizeof *images); /* too large for the stack */
    if (images == NULL)
        return no_memory_for_approval(error);
    code = images_read(&lines, images, error);
    if (code == ERROR_OK)
        code = list_images(images, ret_images, error);
    free(images);
    return code;
}

/* What a rollback does not undo. */
static enum error_code one_shots_json(struct driver *driver, const struct journal_entry *pulled,
                                      json_t **ret_names, struct error *error)
{
    CLEANUP_JSON json_t *names = json_array();
    struct declared declared;
    enum error_code code = names != NULL ? entry_declared(driver->journal, pulled, &declared, error)
                                         : no_memory_for_approval(error);
    for (size_t i = 0; code == ERROR_OK && i < declared.count; i++)
        if (declared_is_one_shot(&declared.list[i])
            && json_array_append_new(names, json_string(declared.list[i].service)) != 0)
            code = no_memory_for_approval(error);
    if (code == ERROR_OK)
        *ret_names = json_incref(names);
    return code;
}

static enum error_code read_fingerprint(struct driver *driver, const struct journal_entry *pulled,
                                        const char *probe, char ret_hex[SHA256_HEX + 1],
                                        struct error *error)
{
    CLEANUP_BYTES struct bytes line = {0};
    enum error_code code = entry_output(driver->journal, pulled, probe, &line, error);
    if (code == ERROR_OK && line.size >= SHA256_HEX)
        (void)snprintf(ret_hex, SHA256_HEX + 1, "%.*s", SHA256_HEX, (const char *)line.data);
    return code;
}

enum error_code approval_statement(struct driver *driver, struct bytes *ret_text,
                                   struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *pulled = deployment_transition_to(deployment, STATE_PULLED);
    CLEANUP_JSON json_t *images = NULL, *partial = NULL;
    char open[SHA256_HEX + 1], config[SHA256_HEX + 1] = "", env[SHA256_HEX + 1] = "";
    const char *guard = strcmp(driver->config.setup.guard_start, "none") == 0 ? "absent" : "laid";
    if (pulled == NULL)
        return error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm advance",
                         "an approval speaks of the images, and they are not pulled yet");
    enum error_code code = images_json(driver, pulled, &images, error);
    if (code == ERROR_OK)
        code = one_shots_json(driver, pulled, &partial, error);
    if (code == ERROR_OK)
        code = read_fingerprint(driver, pulled, PROBE_CONFIG_HMAC, config, error);
    if (code == ERROR_OK)
        code = read_fingerprint(driver, pulled, PROBE_ENV_HMAC, env, error);
    if (code != ERROR_OK)
        return code;
    bytes_hex(deployment->entries[0].hash, SHA256_BYTES, open);
    CLEANUP_JSON json_t *statement = json_pack(
        "{s:s, s:s, s:s, s:O, s:s, s:s, s:s, s:s, s:O}", "journal", journal_id(driver->journal),
        "open", open, "commit", deployment_facts(deployment, STATE_UPDATED).commit, "images",
        images, "expect", deployment_open_string(deployment, "expect"), "config", config, "env",
        env, "guard", guard, "partial", partial);
    return statement != NULL ? canonical_write(statement, ret_text, error)
                             : no_memory_for_approval(error);
}

/* Why this approver counts as a driver of the deployment: their principal or key opened it or took
 * it over. NULL if neither did. */
static const char *drove(const struct deployment *deployment, const char *principal,
                         const uint8_t key[KEY_BYTES])
{
    char hex[SHA256_HEX + 1];
    bytes_hex(key, KEY_BYTES, hex);
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *operator= json_string_value(json_object_get(entry->body, "operator"));
        if ((strcmp(entry->type, ENTRY_OPEN) != 0 && strcmp(entry->type, ENTRY_TAKEOVER) != 0)
            || operator== NULL)
            continue;
        if (strcmp(operator, principal) == 0)
            return "the principal opened or took over this deployment, and nobody approves his own";
        if (strcmp(entry->signer, hex) == 0)
            return "the key is that of somebody who opened or took over this deployment, and two "
                   "names of one key are one person";
    }
    return NULL;
}

static const char *standing(const struct roster *at_open, const struct roster *now,
                            const char *principal, const uint8_t key[KEY_BYTES])
{
    bool then = roster_find(at_open, ROSTER_APPROVER, key, principal) != NULL,
         still = roster_find(now, ROSTER_APPROVER, key, principal) != NULL;
    if (!then && !still)
        return "this key under this principal is no approver of the roster";
    if (!then)
        return "the approver was added to the roster after the deployment was opened";
    return still ? NULL : "the approver was removed from the roster";
}

static const char *judge(const struct deployment *deployment, const struct approval *approval,
                         const struct bytes *statement, const struct roster *at_open,
                         const struct roster *now, uint8_t ret_key[KEY_BYTES])
{
    uint8_t signature[SIGNATURE_BYTES];
    struct error ignored;
    size_t size = strlen(approval->statement);
    if (sshsig_dearmor(approval->signature, strlen(approval->signature), SSHSIG_NAMESPACE_APPROVAL,
                       signature, ret_key, &ignored)
        != ERROR_OK)
        return "the signature is no Ed25519 SSH signature in the "
               "namespace " SSHSIG_NAMESPACE_APPROVAL;
    if (size != statement->size || memcmp(approval->statement, statement->data, size) != 0)
        return "the statement is not that of this deployment: its journal, open entry, commit, "
               "images, expected hash, configuration, env file, guard and part";
    if (!sshsig_verify(SSHSIG_NAMESPACE_APPROVAL, approval->statement, size, signature, ret_key))
        return "the signature is not one over this deployment's statement";
    const char *why = standing(at_open, now, approval->principal, ret_key);
    return why != NULL ? why : drove(deployment, approval->principal, ret_key);
}

enum error_code approval_judge(struct driver *driver, const struct approval *approval,
                               uint64_t size, char *ret_why, size_t room, struct error *error)
{
    CLEANUP_BYTES struct bytes statement = {0};
    CLEANUP_ROSTER struct roster at_open = {0};
    CLEANUP_ROSTER struct roster now = {0};
    uint8_t key[KEY_BYTES];
    enum error_code code = approval_statement(driver, &statement, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, driver->deployment.number, &at_open, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, size, &now, error);
    if (code != ERROR_OK)
        return code;
    const char *why = judge(&driver->deployment, approval, &statement, &at_open, &now, key);
    (void)snprintf(ret_why, room, "%s", why != NULL ? why : "");
    return ERROR_OK;
}

static void count(struct approval_tally *tally, const struct journal_entry *entry,
                  const char *principal, const uint8_t key[KEY_BYTES])
{
    for (size_t i = 0; i < tally->count; i++)
        if (strcmp(tally->given[i].principal, principal) == 0
            || memcmp(tally->given[i].key, key, KEY_BYTES) == 0)
            return;
    if (tally->count == APPROVALS_MAX)
        return;
    tally->given[tally->count].principal = principal;
    memcpy(tally->given[tally->count].key, key, KEY_BYTES);
    tally->given[tally->count++].entry = entry->seq;
}

static enum error_code count_entry(struct driver *driver, const struct journal_entry *entry,
                                   const struct bytes *statement, const struct roster *at_open,
                                   struct approval_tally *tally, struct error *error)
{
    CLEANUP_ROSTER struct roster then = {0};
    struct approval approval;
    uint8_t key[KEY_BYTES];
    if (json_unpack(entry->body, "{s:s, s:s, s:s}", "principal", &approval.principal, "statement",
                    &approval.statement, "signature", &approval.signature)
        != 0)
        return ERROR_OK;
    enum error_code code = roster_load(driver->journal, entry->seq, &then, error);
    if (code == ERROR_OK
        && judge(&driver->deployment, &approval, statement, at_open, &then, key) == NULL)
        count(tally, entry, approval.principal, key);
    return code;
}

enum error_code approval_count(struct driver *driver, struct approval_tally *ret_tally,
                               struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct approval_tally tally = {.required = (uint64_t)json_integer_value(
                                       json_object_get(deployment->entries[0].body, "approvals"))};
    CLEANUP_BYTES struct bytes statement = {0};
    CLEANUP_ROSTER struct roster at_open = {0};
    enum error_code code = ERROR_OK;
    if (tally.required > 0 && deployment_transition_to(deployment, STATE_PULLED) != NULL) {
        code = approval_statement(driver, &statement, error);
        if (code == ERROR_OK)
            code = roster_load(driver->journal, deployment->number, &at_open, error);
        for (size_t i = 0; code == ERROR_OK && i < deployment->count; i++)
            if (strcmp(deployment->entries[i].type, ENTRY_APPROVAL) == 0)
                code = count_entry(driver, &deployment->entries[i], &statement, &at_open, &tally,
                                   error);
    }
    if (code == ERROR_OK)
        *ret_tally = tally;
    return code;
}

void approval_describe(const struct approval_tally *tally, char *ret_text, size_t room)
{
    (void)snprintf(ret_text, room, "%zu of %llu approval%s", tally->count,
                   (unsigned long long)tally->required, text_many(tally->required));
    for (size_t i = 0; i < tally->count; i++) {
        size_t used = strlen(ret_text);
        (void)snprintf(ret_text + used, room - used, "%s %.60s (entry %llu)", i == 0 ? ":" : ",",
                       tally->given[i].principal, (unsigned long long)tally->given[i].entry);
    }
}

enum error_code approval_check_awaited(const struct driver *driver, const char *word,
                                       struct error *error)
{
    if (!driver_is_open(driver))
        return error_set(error, ERROR_REFUSED, 0, word, "titan-fsm begin release --reason TEXT",
                         "no deployment is open");
    if (driver->deployment.state != STATE_PULLED)
        return error_set(error, ERROR_REFUSED, 0, word, "titan-fsm status",
                         "in %s no approval is expected: it is given between pulled and guarded",
                         machine_state_name(driver->deployment.state));
    return ERROR_OK;
}
