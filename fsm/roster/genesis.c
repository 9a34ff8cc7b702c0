#include "fsm/roster/genesis.h"

#include <stdio.h>
#include <string.h>

#include "actions/health.h"
#include "fsm/roster/roster.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

json_t *genesis_list_json(const char *const *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (json_array_append_new(list, json_string(items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *roster_json(const struct config *config)
{
    return json_pack("{s:o, s:o, s:o}", "operators",
                     genesis_list_json(config->roster.operators.items,
                                       config->roster.operators.count),
                     "approvers",
                     genesis_list_json(config->roster.approvers.items,
                                       config->roster.approvers.count),
                     "administrators",
                     genesis_list_json(config->roster.administrators.items,
                                       config->roster.administrators.count));
}

static json_t *patterns_json(const struct setup_services *services)
{
    const struct {
        const char *name;
        const struct setup_patterns *patterns;
    } rows[] = {
#define EACH(name) {#name, &services->name},
        PATTERNS(EACH)
#undef EACH
    };
    json_t *json = json_object();
    for (size_t i = 0; json != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (json_object_set_new(json, rows[i].name,
                                genesis_list_json(rows[i].patterns->items, rows[i].patterns->count))
            != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *limits_json(const struct limits *limits)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
#define EACH(name) {#name, limits->name},
        LIMITS(EACH)
#undef EACH
    };
    json_t *json = json_object();
    for (size_t i = 0; json != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (json_object_set_new(json, rows[i].name, json_integer(rows[i].value)) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *mandatory_json(const struct setup *setup)
{
    const char *ids[sizeof setup->checks / sizeof setup->checks[0]];
    size_t count = 0;
    for (size_t i = 0; i < setup->check_count; i++)
        if (setup->checks[i].mandatory)
            ids[count++] = setup->checks[i].id;
    return genesis_list_json(ids, count);
}

static json_t *target_json(const struct setup_target *target, const char *host_key)
{
    char address[300];
    if (target->local)
        (void)snprintf(address, sizeof address, "local");
    else
        (void)snprintf(address, sizeof address, "%s:%d", target->host, target->port);
    return json_pack("{s:s, s:s, s:s}", "name", target->name, "address", address, "host_key",
                     host_key);
}

static bool add_health_words(json_t *list, const char *endpoint, const char *kind,
                             const struct setup_list *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (json_array_append_new(list, json_sprintf("%s %s %s", endpoint, kind, words->items[i]))
            != 0)
            return false;
    return true;
}

/* NULL also where no endpoint has words of its own: the key is absent then. */
static json_t *health_words_json(const struct setup *setup)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < setup->endpoint_count; i++) {
        const struct setup_endpoint *endpoint = &setup->endpoints[i];
        good = add_health_words(list, endpoint->name, "healthy", &endpoint->healthy)
               && add_health_words(list, endpoint->name, "degraded", &endpoint->degraded);
    }
    if (good && json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

/* NULL also where no endpoint is answered by a service that is known: the key is absent then. */
static json_t *endpoint_services_json(const struct setup *setup)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < setup->endpoint_count; i++) {
        const char *service;
        size_t length = health_service(&setup->endpoints[i], &service);
        good = length == 0
               || json_array_append_new(list, json_sprintf("%s %.*s", setup->endpoints[i].name,
                                                           (int)length, service))
                      == 0;
    }
    if (good && json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *genesis_json(const struct config *config, const char *host_key)
{
    const struct setup *setup = &config->setup;
    const char *endpoints[SETUP_NAMES_MAX];
    for (size_t i = 0; i < setup->endpoint_count; i++)
        endpoints[i] = setup->endpoints[i].name;
    return json_pack("{s:o, s:{s:s, s:s, s:o}, s:{s:s, s:s, s:s}, s:s, s:o, s:o*, s:o*, s:b, s:o, "
                     "s:o, s:o, s:o, "
                     "s:{s:i, s:i}}",
                     "target", target_json(&setup->target, host_key), "services", "execution",
                     setup->services.execution, "brain", setup->services.brain, "restarts_allowed",
                     genesis_list_json(setup->services.restarts_allowed.items,
                                       setup->services.restarts_allowed.count),
                     "subjects", "policy_hash", setup->bus.subject_policy_hash, "arm",
                     setup->bus.subject_arm, "disarm", setup->bus.subject_disarm, "script",
                     setup->verify.script, "endpoints",
                     genesis_list_json(endpoints, setup->endpoint_count), "endpoint_services",
                     endpoint_services_json(setup), "health_words", health_words_json(setup),
                     "marker", setup->services.marker[0] != '\0', "patterns",
                     patterns_json(&setup->services), "limits", limits_json(&config->limits),
                     "roster", roster_json(config), "checklist", mandatory_json(setup), "approvals",
                     "policy", config->approvals.policy, "release", config->approvals.release);
}

json_t *genesis_settings_json(const struct config *config, const char *reason)
{
    json_t *body = genesis_json(config, "");
    if (body == NULL)
        return NULL;
    (void)json_object_del(body, "target");
    (void)json_object_del(body, "roster");
    if (json_object_set_new(body, "reason", json_string(reason)) == 0)
        return body;
    json_decref(body);
    return NULL;
}

enum error_code genesis_check_roster(const struct driver *driver, const json_t *lines,
                                     struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    const struct config *config = &driver->config;
    const uint8_t *key = signer_public_key(driver->operator_signer);
    const char *principal = config->operator.principal;
    int policy = config->setup.services.execution[0] != '\0'
                     ? config->approvals.policy
                     : 0; /* without a shared hash there is no policy procedure */
    int most = policy > config->approvals.release ? policy : config->approvals.release;
    enum error_code code = roster_read(lines, &roster, error);
    if (code != ERROR_OK)
        return code;
    if (roster_find(&roster, ROSTER_OPERATOR, key, principal) == NULL
        && roster_find(&roster, ROSTER_ADMINISTRATOR, key, principal) == NULL)
        return error_set(
            error, ERROR_KEY_REFUSED, 0, principal,
            "write this key's line into roster.operators or roster.administrators",
            "this key under this principal is neither operator nor administrator of the roster");
    size_t others = roster_others(&roster, ROSTER_APPROVER, key, principal);
    if (others < (size_t)most)
        return error_set(
            error, ERROR_CONFIG, 0, driver->options.config_path,
            "name approvers in roster.approvers, or write `approvals: {policy: 0, release: 0}`",
            "it takes %d approval%s, and the roster has %zu approver%s besides %.100s", most,
            text_many((uint64_t)most), others, text_many(others), principal);
    return ERROR_OK;
}
