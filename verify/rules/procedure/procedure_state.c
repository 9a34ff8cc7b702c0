/* Drift (P-22), health (P-23), lines that report an error (P-24). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/healthy.h"
#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/judge/settling.h"
#include "verify/read/utc.h"

static const struct listing *images_pulled(const struct deployment *deployment)
{
    const struct entry *pull = deployment_good_entry(deployment, ACTION_PULL_IMAGES);
    return pull != NULL
               ? reading_list(entry_item(pull, 0, pull->item_count, PROBE_COMPOSE_IMAGES, NULL))
               : NULL;
}

static const struct listing *drift_of(const struct entry *entry)
{
    return entry != NULL
               ? reading_list(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_DRIFT, NULL))
               : NULL;
}

static void check_drift(const struct audit *audit, enum action action, struct finding *finding)
{
    const struct entry *entry = deployment_good_entry(&audit->deployment, action);
    const struct listing *pulled = images_pulled(&audit->deployment), *drift = drift_of(entry);
    if (entry == NULL)
        return;
    if (pulled == NULL || drift == NULL) {
        finding_undecidable(finding, "P-22", entry,
                            "what runs cannot be compared with what is declared");
        return;
    }
    for (size_t i = 0; i < pulled->count; i++) {
        const char *service = pulled->list[i].service;
        const struct listed *row = reading_service(drift, slice_of(service));
        if (row == NULL)
            finding_violated(finding, "P-22", entry,
                             "nobody looked whether %s runs as it is declared", service);
        else if (row->declared[0] != '\0' && strcmp(row->declared, row->running) != 0
                 && services_row(audit, action, service).replicas > 0)
            finding_violated(finding, "P-22", entry,
                             "the service %s runs with another configuration than is declared",
                             service);
    }
}

size_t procedure_untold(const struct audit *audit)
{
    const enum action actions[] = {ACTION_SWITCH_SERVICES, ACTION_DEPLOY_BRAIN};
    size_t untold = 0;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        const struct listing *drift = drift_of(
            deployment_good_entry(&audit->deployment, actions[i]));
        for (size_t k = 0; drift != NULL && k < drift->count; k++)
            untold += drift->list[k].declared[0] == '\0';
    }
    return untold;
}

/* Every container of a service that was pulled. */
static void check_good(const struct audit *audit, const struct entry *entry,
                       struct finding *finding)
{
    const struct item *list = entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS,
                                         NULL);
    const struct listing *pulled = images_pulled(&audit->deployment),
                         *containers = reading_list(list);
    for (size_t i = 0; pulled != NULL && containers != NULL && i < containers->count; i++) {
        const struct listed *container = &containers->list[i];
        if (reading_service(pulled, slice_of(container->service)) != NULL
            && !services_is_good(audit, ACTION_PULL_IMAGES, container)
            && !settling_container(audit, entry, list, container))
            finding_violated(finding, "P-23", entry, "a container of %s is not good: %s %s",
                             container->service, container->state, container->health);
    }
}

static void check_endpoints(const struct audit *audit, enum action action, struct finding *finding)
{
    const struct entry *entry = deployment_good_entry(&audit->deployment, action);
    if (entry == NULL)
        return;
    const struct entry *before = action == ACTION_VERIFY_RESTORED
                                     ? deployment_good_entry(&audit->deployment, ACTION_CONNECT)
                                     : NULL;
    struct slice missing = reading_missing_endpoint(&audit->genesis, entry);
    if (missing.length > 0)
        finding_violated(finding, "P-23", entry, "there is no answer of the endpoint %.*s",
                         SLICE_ARGUMENTS(missing));
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe != PROBE_HEALTH || deployment_health_is_good(audit, entry, item)
            || reading_was_sick(&audit->genesis, before, item->subject)
            || settling_endpoint(audit, entry, item))
            continue;
        finding_violated(finding, "P-23", entry,
                         healthy_answer(&audit->genesis, item) == HEALTHY_BAD
                             ? "there is no good answer of the endpoint %.*s"
                             : "the endpoint %.*s answered without the status that it had before",
                         SLICE_ARGUMENTS(item->subject));
    }
    if (action != ACTION_VERIFY_RESTORED)
        check_good(audit, entry, finding);
}

static void state_check_lines(const struct audit *audit, const struct entry *entry,
                              const struct item *item, struct finding *finding)
{
    struct slice rest = item->output, line;
    while (slice_line(&rest, &line)) {
        CLEANUP_TREE struct tree tree = {0};
        size_t stamp = slice_word(line).length;
        if (stamp == line.length)
            continue;
        struct slice message = pattern_message(slice_from(line, stamp + 1), &tree);
        if (pattern_matches(message, audit->genesis.patterns[PATTERN_ERRORS], NULL, NULL))
            finding_violated(finding, "P-24", entry, "%.*s reported: %.*s",
                             SLICE_ARGUMENTS(item->subject),
                             SLICE_ARGUMENTS(slice_head(message, 120)));
    }
}

void procedure_check_state(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    check_drift(audit, ACTION_SWITCH_SERVICES, finding);
    check_drift(audit, ACTION_DEPLOY_BRAIN, finding);
    check_endpoints(audit, ACTION_VERIFY_RELEASE, finding);
    check_endpoints(audit, ACTION_CONFIRM, finding);
    check_endpoints(audit, ACTION_VERIFY_RESTORED, finding);
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct entry *entry = deployment->steps[i].transition;
        for (size_t k = 0; step_is_good(&deployment->steps[i]) && k < entry->item_count; k++)
            if (entry->items[k].probe == PROBE_LOGS_ERRORS)
                state_check_lines(audit, entry, &entry->items[k], finding);
    }
}
