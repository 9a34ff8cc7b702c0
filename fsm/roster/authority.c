#include "fsm/roster/authority.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char next_step[] =
    "titan-fsm disarm, abort or rollback; an operator of the roster takes over to go on";

enum error_code authority_holder(const struct deployment *deployment, struct holder *ret_holder,
                                 struct error *error)
{
    assert(deployment->count > 0);
    const struct journal_entry *entry = deployment_last_of_type(deployment, ENTRY_TAKEOVER);
    entry = entry != NULL ? entry : &deployment->entries[0];
    struct holder holder = {
        .principal = json_string_value(json_object_get(entry->body, "operator"))};
    if (holder.principal == NULL
        || !bytes_from_hex(entry->signer, SHA256_HEX, holder.key, KEY_BYTES))
        return error_set(error, ERROR_DAMAGED, 0, "journal", "run titan-verify on it",
                         "an entry does not say who drives the deployment");
    *ret_holder = holder;
    return ERROR_OK;
}

static enum error_code configured_key(const struct driver *driver, uint8_t ret_key[KEY_BYTES],
                                      struct error *error)
{
    const struct config_operator *operator= & driver->config.operator;
    if (!operator->agent)
        return keyfile_public_key(driver->world, operator->key, ret_key, error);
    memcpy(ret_key, operator->public_key, KEY_BYTES);
    return ERROR_OK;
}

enum error_code authority_check_holder(const struct driver *driver, struct error *error)
{
    static const char next[] = "titan-fsm takeover --reason TEXT, once the time of that hold is "
                               "over; `titan-fsm disarm` at any time";
    const struct config_operator *operator= & driver->config.operator;
    unsigned long long number = driver->deployment.number;
    struct holder holder;
    uint8_t key[KEY_BYTES];
    enum error_code code = authority_holder(&driver->deployment, &holder, error);
    if (code != ERROR_OK)
        return code;
    if (strcmp(holder.principal, operator->principal) != 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, driver->options.config_path, next,
                         "deployment %llu is driven by %.128s, not by %.128s", number,
                         holder.principal, operator->principal);
    code = configured_key(driver, key, error);
    if (code != ERROR_OK || memcmp(holder.key, key, KEY_BYTES) == 0)
        return code;
    return error_set(error, ERROR_KEY_REFUSED, 0, driver->options.config_path, next,
                     "deployment %llu is driven by %.128s with another key than the configured one",
                     number, holder.principal);
}

static enum error_code load(struct driver *driver, struct roster *roster, uint64_t *ret_size,
                            struct error *error)
{
    uint64_t entries;
    enum error_code code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, entries, roster, error);
    if (code == ERROR_OK)
        *ret_size = entries;
    return code;
}

enum error_code authority_check_own(struct driver *driver, enum roster_role role,
                                    struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    uint64_t size;
    const char *principal = driver->config.operator.principal;
    enum error_code code = load(driver, &roster, &size, error);
    if (code != ERROR_OK)
        return code;
    if (roster_find(&roster, role, signer_public_key(driver->operator_signer), principal) != NULL)
        return ERROR_OK;
    return error_set(error, ERROR_KEY_REFUSED, 0, principal,
                     "titan-fsm roster shows whom it has; an administrator changes it",
                     "this key under this principal is no %s of the roster in force (entry %llu)",
                     roster_role_name(role), (unsigned long long)roster.entry);
}

bool authority_goes_forward(const struct transition *edge)
{
    return machine_phase(edge->from) != PHASE_REVERTING && edge->action != ACTION_DISARM;
}

enum error_code authority_look(struct driver *driver, char *ret_why, size_t room,
                               uint64_t *ret_size, struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    struct holder holder;
    enum error_code code = authority_holder(&driver->deployment, &holder, error);
    if (code == ERROR_OK)
        code = load(driver, &roster, ret_size, error);
    if (code != ERROR_OK)
        return code;
    ret_why[0] = '\0';
    if (roster_find(&roster, ROSTER_OPERATOR, holder.key, holder.principal) == NULL)
        (void)snprintf(ret_why, room,
                       "%.128s, who drives, was removed from the operators by entry %llu and may "
                       "only disarm, abort and roll back",
                       holder.principal, (unsigned long long)roster.entry);
    return ERROR_OK;
}

enum error_code authority_check_forward(struct driver *driver, const char *event,
                                        struct error *error)
{
    char why[320];
    uint64_t size;
    enum error_code code = authority_look(driver, why, sizeof why, &size, error);
    if (code != ERROR_OK || why[0] == '\0')
        return code;
    code = record_refusal(&driver->recorder, machine_state_name(driver->deployment.state), event,
                          why, error);
    return code == ERROR_OK ? error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                                        next_step, "%s", why)
                            : code;
}

void authority_name_signer(struct driver *driver, const struct journal_entry *entry, char *ret_name,
                           size_t size)
{
    const struct deployment *deployment = &driver->deployment;
    CLEANUP_ROSTER struct roster roster = {0};
    uint8_t key[KEY_BYTES];
    struct error ignored;
    (void)snprintf(ret_name, size, "an unknown key");
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *names = &deployment->entries[i];
        if (deployment_names_session(names)
            && strcmp(entry_string(names, "session"), entry->signer) == 0)
            (void)snprintf(ret_name, size, "the session key of %s",
                           entry_string(names, "operator"));
    }
    if (!bytes_from_hex(entry->signer, SHA256_HEX, key, KEY_BYTES)
        || roster_load(driver->journal, entry->seq, &roster, &ignored) != ERROR_OK)
        return;
    const struct allowed_signer *signer = roster_find(&roster, ROSTER_OPERATOR, key, NULL);
    if (signer != NULL)
        (void)snprintf(ret_name, size, "%s", signer->principals[0]);
}
