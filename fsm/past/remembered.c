#include "fsm/past/remembered.h"
#include "fsm/past/recorded.h"
#include "actions/compose/compose_hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/health_answer.h"
#include "journal/format/names.h"

void remembered_free(struct remembered *remembered)
{
    heard_free(&remembered->heard);
    free(remembered->list);
    *remembered = (struct remembered){0};
}

static void remember_service(struct remembered_acts *acts, const char *services)
{
    size_t used = strlen(acts->services);
    if (services[0] == '\0' || used + strlen(services) + 3 > sizeof acts->services)
        acts->all = true;
    else
        (void)snprintf(acts->services + used, sizeof acts->services - used, " %s ", services);
}

static void remember_act(struct remembered_acts *acts, const char *probe, const char *subject)
{
    static const char remove[] = "remove ";
    bool up = strcmp(probe, PROBE_COMPOSE_UP) == 0,
         removes = strcmp(probe, PROBE_ACT) == 0
                   && strncmp(subject, remove, sizeof remove - 1) == 0;
    acts->begun = acts->begun || up || removes || strcmp(probe, PROBE_BUS_PUBLISH) == 0;
    if (up || removes)
        remember_service(acts, removes ? subject + sizeof remove - 1 : subject);
}

static void remember_no_act(struct remembered_acts *acts)
{
    acts->all = false;
    acts->services[0] = '\0';
}

static bool may_have_changed(const struct remembered_acts *acts, const char *service)
{
    char word[80];
    (void)snprintf(word, sizeof word, " %s ", service);
    return acts->all || strstr(acts->services, word) != NULL;
}

/* What an act whose outcome is not known may have changed, or changes yet. */
static void note_open_act(struct remembered_acts *acts, const char *action, const char *execution)
{
    static const enum action any[] = {ACTION_SWITCH_SERVICES, ACTION_DEPLOY_BRAIN, ACTION_REDEPLOY},
                             one[] = {ACTION_DEPLOY_EXECUTION, ACTION_MAKE_SAFE};
    for (size_t i = 0; i < sizeof any / sizeof any[0]; i++)
        acts->all = acts->all || strcmp(action, machine_action_name(any[i])) == 0;
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++)
        if (strcmp(action, machine_action_name(one[i])) == 0)
            remember_service(acts, execution);
}

/* The list is of the same entry: an item of a log is of the one in front of it. */
static enum error_code fold_log(struct remembered *remembered,
                                const struct setup_services *services, bool execution,
                                const struct bytes *output, struct error *error)
{
    struct log_sets sets;
    const char *service = execution ? services->execution : services->brain;
    const struct log_query query = execution ? logs_query_execution(services, &sets)
                                             : logs_query_brain(services, &sets);
    if (containers_running(remembered->list, service) != 1)
        return ERROR_OK;
    return heard_keep(execution ? &remembered->heard.execution : &remembered->heard.brain,
                      containers_find(remembered->list, service), &query, output, error);
}

/* One that could not be read is on record as what failed (P-31); it is no list. */
static enum error_code fold_list(struct remembered *remembered, const struct bytes *output,
                                 bool *listed, struct error *error)
{
    struct containers *list = calloc(1, sizeof *list);
    if (list == NULL)
        return error_set(error, ERROR_MEMORY, 0, "containers", "", "out of memory");
    enum error_code code = containers_read(output, list, error);
    *listed = code == ERROR_OK;
    if (code != ERROR_OK) {
        free(list);
        return code == ERROR_PROTOCOL ? ERROR_OK : code;
    }
    free(remembered->list);
    remembered->list = list;
    remember_no_act(&remembered->acts);
    return ERROR_OK;
}

/* The first one counts: that of what runs. One that is no name is on record as what failed. */
static enum error_code fold_project(struct remembered *remembered, const struct bytes *output,
                                    struct error *error)
{
    CLEANUP_TEXT struct text name = {0};
    const char *line = output->size > 0 ? (const char *)output->data : "";
    text_add_bytes(&name, line, strcspn(line, "\n"));
    if (text_failed(&name, error))
        return error->code;
    enum error_code code = remembered->project[0] != '\0'
                               ? ERROR_OK
                               : text_exact(remembered->project, sizeof remembered->project,
                                            text_string(&name), "the name of the project", error);
    return code == ERROR_MEMORY ? code : ERROR_OK;
}

static enum error_code fold_declared(struct remembered *remembered, const struct bytes *output,
                                     struct error *error)
{
    enum error_code code = declared_read(output, &remembered->declared, error);
    return code == ERROR_PROTOCOL ? ERROR_OK : code;
}

/* Of a good HTTP status; whether the body is good is not asked. */
static enum error_code fold_health(struct remembered *remembered, struct journal *journal,
                                   const json_t *item, struct error *error)
{
    static const struct setup_endpoint any = {.name = ""};
    CLEANUP_BYTES struct bytes body = {0};
    bool word;
    json_int_t status = json_integer_value(json_object_get(item, "status"));
    if (status < 200 || status > 299)
        return ERROR_OK;
    enum error_code code = item_output(journal, item, &body, error);
    if (code != ERROR_OK)
        return code;
    (void)health_answer_read(&any, (int)status, &body, &word);
    return heard_answer(&remembered->heard, recorded_text(item, "subject"), word, error);
}

static enum error_code fold_item(struct remembered *remembered, struct journal *journal,
                                 const struct setup_services *services, const json_t *item,
                                 bool *listed, struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    const char *probe = recorded_text(item, "probe");
    bool list = strcmp(probe, PROBE_COMPOSE_CONTAINERS) == 0,
         execution = strcmp(probe, PROBE_LOGS_EXECUTION) == 0,
         brain = strcmp(probe, PROBE_LOGS_BRAIN) == 0;
    remember_act(&remembered->acts, probe, recorded_text(item, "subject"));
    bool project = strcmp(probe, PROBE_COMPOSE_PROJECT) == 0,
         declared = strcmp(probe, PROBE_COMPOSE_SERVICES) == 0,
         store = strcmp(probe, PROBE_COMPOSE_STORE) == 0;
    if (strcmp(probe, PROBE_HEALTH) == 0)
        return fold_health(remembered, journal, item, error);
    if (json_integer_value(json_object_get(item, "status")) != 0
        || !(list || project || declared || store || ((execution || brain) && *listed)))
        return ERROR_OK;
    enum error_code code = item_output(journal, item, &output, error);
    if (code != ERROR_OK)
        return code;
    if (store)
        remembered->manifests = output.size >= strlen(STORE_CONTAINERD)
                                && memcmp(output.data, STORE_CONTAINERD, strlen(STORE_CONTAINERD))
                                       == 0;
    if (store)
        return ERROR_OK;
    if (project)
        return fold_project(remembered, &output, error);
    if (declared)
        return fold_declared(remembered, &output, error);
    return list ? fold_list(remembered, &output, listed, error)
                : fold_log(remembered, services, execution, &output, error);
}

/* The action of the intent that an entry names; "" = it names none. */
static const char *action_named_by(const struct deployment *deployment,
                                   const struct journal_entry *entry)
{
    const json_t *seq = json_object_get(entry->body, "intent");
    for (size_t i = 0; seq != NULL && i < deployment->count; i++)
        if (deployment->entries[i].seq == (uint64_t)json_integer_value(seq))
            return entry_string(&deployment->entries[i], "action");
    return "";
}

static bool is_good_event(const char *event)
{
    return strcmp(event, machine_event_name(EVENT_DONE)) == 0
           || strcmp(event, machine_event_name(EVENT_REARMED)) == 0;
}

static enum error_code fold_entry(struct remembered *remembered, struct journal *journal,
                                  const struct deployment *deployment,
                                  const struct setup_services *services,
                                  const struct journal_entry *entry, struct error *error)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    bool listed = false, failed = strcmp(entry->type, ENTRY_TRANSITION) == 0
                                  && !is_good_event(entry_string(entry, "event"));
    enum error_code code = ERROR_OK;
    /* The first try was waited for, and its list shows what had become of it. */
    if (strcmp(entry->type, ENTRY_RECONCILIATION) == 0) {
        struct remembered_acts *acts = &remembered->acts;
        note_open_act(acts, action_named_by(deployment, entry), services->execution);
        acts->begun = acts->begun || acts->all || acts->services[0] != '\0';
    }
    for (size_t i = 0; code == ERROR_OK && i < json_array_size(items); i++)
        code = fold_item(remembered, journal, services, json_array_get(items, i), &listed, error);
    if (failed)
        note_open_act(&remembered->acts, action_named_by(deployment, entry), services->execution);
    return code;
}

enum error_code remembered_follow(struct remembered *remembered, struct journal *journal,
                                  const struct deployment *deployment,
                                  const struct setup_services *services, struct error *error)
{
    enum error_code code = ERROR_OK;
    if (remembered->deployment != deployment->number || remembered->folded > deployment->count)
        remembered_free(remembered);
    remembered->deployment = deployment->number;
    while (code == ERROR_OK && remembered->folded < deployment->count)
        code = fold_entry(remembered, journal, deployment, services,
                          &deployment->entries[remembered->folded++], error);
    return code;
}

static bool may_restart(const struct setup_services *services, const char *service)
{
    for (size_t i = 0; i < services->restarts_allowed.count; i++)
        if (strcmp(services->restarts_allowed.items[i], service) == 0)
            return true;
    return false;
}

/* Two lists; too large for the stack. */
struct comparison {
    struct containers last, now;
    struct remembered_acts acts;
    const struct declared *declared;
    bool known;
};

static const char *missing_from(const struct containers *these, const struct containers *those,
                                const struct comparison *comparison,
                                const struct setup_services *services)
{
    for (size_t i = 0; i < these->count; i++) {
        const char *service = these->list[i].service;
        bool found = may_restart(services, service) || may_have_changed(&comparison->acts, service)
                     || declared_find(comparison->declared, service)->off;
        for (size_t k = 0; k < those->count && !found; k++)
            found = strcmp(these->list[i].id, those->list[k].id) == 0;
        if (!found)
            return service;
    }
    return NULL;
}

static enum error_code compare_next(struct comparison *comparison, const struct evidence_item *item,
                                    const struct setup_services *services, bool compared,
                                    char ret_service[64], struct error *error)
{
    enum error_code code = containers_read(&item->output, &comparison->now, error);
    if (code != ERROR_OK)
        return code;
    const char *service = NULL;
    if (comparison->known && compared) {
        service = missing_from(&comparison->last, &comparison->now, comparison, services);
        if (service == NULL)
            service = missing_from(&comparison->now, &comparison->last, comparison, services);
    }
    if (service != NULL)
        (void)snprintf(ret_service, 64, "%s", service);
    comparison->last = comparison->now;
    comparison->known = true;
    remember_no_act(&comparison->acts);
    return ERROR_OK;
}

enum error_code remembered_change(const struct remembered *remembered, enum action action,
                                  const struct evidence *evidence,
                                  const struct setup_services *services, char ret_service[64],
                                  struct error *error)
{
    struct comparison *comparison = calloc(1, sizeof *comparison);
    enum error_code code = ERROR_OK;
    ret_service[0] = '\0';
    if (comparison == NULL)
        return error_set(error, ERROR_MEMORY, 0, "containers", "", "out of memory");
    comparison->acts = remembered->acts;
    comparison->declared = &remembered->declared;
    /* Whatever others did is made safe, and put right by the step behind it. */
    comparison->known = remembered->list != NULL && action != ACTION_REDEPLOY;
    if (comparison->known)
        comparison->last = *remembered->list;
    bool first = true;
    for (size_t i = 0; action != ACTION_MAKE_SAFE && code == ERROR_OK && ret_service[0] == '\0'
                       && i < evidence->count;
         i++) {
        const struct evidence_item *item = &evidence->items[i];
        remember_act(&comparison->acts, item->probe, item->subject);
        if (strcmp(item->probe, PROBE_COMPOSE_CONTAINERS) != 0 || item->status != 0)
            continue;
        code = compare_next(comparison, item, services, comparison->acts.begun || !first,
                            ret_service, error);
        first = false;
    }
    free(comparison);
    return code;
}
