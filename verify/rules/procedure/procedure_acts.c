/* Of what each item speaks (P-14), that it is recorded once (P-15), and that no act stands out of
 * its place (P-16, P-17). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

/* The last item of a probe before this entry's item `place`, in it or in an earlier entry. */
static const struct item *last_before(const struct deployment *deployment,
                                      const struct entry *entry, size_t place, enum probe probe)
{
    const struct item *item = entry_item(entry, 0, place, probe, NULL);
    for (size_t i = deployment->count; item == NULL && i-- > 0;)
        if (deployment->entries[i]->seq < entry->seq)
            item = entry_item(deployment->entries[i], 0, deployment->entries[i]->item_count, probe,
                              NULL);
    return item;
}

static bool has_row(struct slice text, struct slice service)
{
    struct slice line;
    while (slice_line(&text, &line))
        if (slice_equal(services_name(line), service) && !services_is_off(line))
            return true;
    return false;
}

/* Each service of a compose.up, "" for all of them. */
static bool names_services(struct slice subject, const struct item *declared)
{
    while (subject.length > 0) {
        const char *space = memchr(subject.at, ' ', subject.length);
        size_t length = space != NULL ? (size_t)(space - subject.at) : subject.length;
        if (declared != NULL && !has_row(declared->output, (struct slice){subject.at, length}))
            return false;
        subject = slice_from(subject, length + (space != NULL ? 1 : 0));
    }
    return true;
}

static bool names_a_service(const struct item *list, struct slice service)
{
    const struct listing *containers = reading_list(list);
    return containers == NULL || reading_service(containers, service) != NULL;
}

static bool names_the_container(const struct item *list, struct slice service, struct slice name)
{
    const struct listing *containers = reading_list(list);
    const struct listed *container = containers != NULL ? reading_sole(containers, service) : NULL;
    return container == NULL || slice_is(name, container->name);
}

/* `A..B`: the commit of the snapshot, and the last one of this entry. */
static bool names_the_change(const struct audit *audit, const struct entry *entry,
                             struct slice subject, bool both)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    struct slice before = snapshot != NULL ? reading_line(snapshot, PROBE_GIT_HEAD) : slice_of(""),
                 after = reading_line(entry, PROBE_GIT_HEAD);
    if (!both)
        return slice_equal(subject, after);
    return subject.length == before.length + 2 + after.length
           && slice_equal((struct slice){subject.at, before.length}, before)
           && slice_begins(slice_from(subject, before.length), "..")
           && slice_equal(slice_from(subject, before.length + 2), after);
}

static bool has_no_subject(enum probe probe)
{
    return probe == PROBE_CLOCK || probe == PROBE_GIT_HEAD || probe == PROBE_GIT_BRANCH
           || probe == PROBE_GIT_STATUS || probe == PROBE_COMPOSE_SERVICES
           || probe == PROBE_COMPOSE_CONTAINERS || probe == PROBE_COMPOSE_IMAGES
           || probe == PROBE_HMAC_KEY || probe == PROBE_CONFIG_HMAC || probe == PROBE_ENV_HMAC
           || probe == PROBE_ENV_MODE || probe == PROBE_POLICY_HMAC || probe == PROBE_ENV_GOOD
           || probe == PROBE_COMPOSE_PULL || probe == PROBE_COMPOSE_STORE
           || probe == PROBE_COMPOSE_REGISTRY || probe == PROBE_TENANCY || probe == PROBE_GUARD
           || probe == PROBE_GUARD_RECORD;
}

const char *procedure_subject_fault(const struct audit *audit, const struct entry *entry,
                                    size_t place)
{
    const struct genesis *genesis = &audit->genesis;
    const struct item *item = &entry->items[place];
    const struct item *list = entry_item(entry, 0, place, PROBE_COMPOSE_CONTAINERS, NULL);
    bool good = true;
    if (item->probe == PROBE_BUS_POLICY_HASH)
        good = slice_equal(item->subject, genesis->subject_hash);
    else if (item->probe == PROBE_BUS_PUBLISH)
        good = slice_equal(item->subject, genesis->subject_arm)
               || slice_equal(item->subject, genesis->subject_disarm);
    else if (item->probe == PROBE_LOGS_EXECUTION)
        good = slice_equal(item->subject, genesis->execution);
    else if (item->probe == PROBE_LOGS_BRAIN)
        good = slice_equal(item->subject, genesis->brain);
    else if (item->probe == PROBE_LOGS_ERRORS)
        good = names_a_service(list, item->subject);
    else if (item->probe == PROBE_INTERLOCK_MARKER)
        good = names_the_container(list, genesis->execution, item->subject);
    else if (item->probe == PROBE_HEALTH)
        good = genesis_names_endpoint(genesis, item->subject);
    else if (item->probe == PROBE_SCRIPT)
        good = genesis->script.length == 0 || slice_equal(item->subject, genesis->script);
    else if (item->probe == PROBE_GIT_CHANGED || item->probe == PROBE_GIT_SUBJECT)
        good = names_the_change(audit, entry, item->subject, item->probe == PROBE_GIT_CHANGED);
    else if (item->probe == PROBE_COMPOSE_UP)
        good = names_services(item->subject, last_before(&audit->deployment, entry, place,
                                                         PROBE_COMPOSE_SERVICES));
    else if (item->probe == PROBE_COMPOSE_DRIFT)
        good = item->subject.length == 0 || slice_is(item->subject, "override");
    else if (has_no_subject(item->probe))
        good = item->subject.length == 0;
    return good ? NULL : "it speaks of something else than what it must";
}

static bool is_same_item(const struct item *left, const struct item *right)
{
    return left->sent_ns == right->sent_ns && left->probe == right->probe
           && slice_equal(left->probe_name, right->probe_name)
           && slice_equal(left->subject, right->subject) && left->received_ns == right->received_ns
           && memcmp(left->hash, right->hash, SHA256_BYTES) == 0;
}

/* In this entry, or in one of the deployment before. What came of a `command` repeats the items of
 * its intent. */
static bool was_recorded(const struct deployment *deployment, size_t place, size_t at)
{
    const struct entry *entry = deployment->entries[place];
    for (size_t other = 0; other < at; other++)
        if (is_same_item(&entry->items[other], &entry->items[at]))
            return true;
    for (size_t i = 0; entry->type != ENTRY_COMMAND && i < place; i++) {
        const struct entry *before = deployment->entries[i];
        for (size_t k = 0; before->type != ENTRY_COMMAND && k < before->item_count; k++)
            if (is_same_item(&before->items[k], &entry->items[at]))
                return true;
    }
    return false;
}

void procedure_check_subjects(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; k < entry->item_count; k++) {
            const char *fault = procedure_subject_fault(audit, entry, k);
            if (fault != NULL)
                finding_violated(finding, "P-14", entry, "the item `%.*s` of '%.*s': %s",
                                 SLICE_ARGUMENTS(entry->items[k].probe_name),
                                 SLICE_ARGUMENTS(entry->items[k].subject), fault);
            if (was_recorded(deployment, i, k))
                finding_violated(finding, "P-15", entry, "the item `%.*s` is recorded twice",
                                 SLICE_ARGUMENTS(entry->items[k].probe_name));
        }
    }
}

static bool act_belongs(const struct genesis *genesis, const struct item *item, enum action action)
{
    struct slice subject = item->subject;
    if (slice_is(subject, "hold images"))
        return action == ACTION_CONNECT || action == ACTION_PULL_IMAGES;
    if (slice_is(subject, "keep files"))
        return action == ACTION_CONNECT;
    if (slice_is(subject, "give names back"))
        return action == ACTION_RESTORE_CODE;
    if (slice_is(subject, "keep as good"))
        return action == ACTION_COMPLETE;
    if (slice_is(subject, "update"))
        return action == ACTION_UPDATE_CODE;
    if (slice_is(subject, "restore"))
        return action == ACTION_REVERT || action == ACTION_RESTORE_CODE;
    if (slice_is(subject, "release images"))
        return action == ACTION_COMPLETE || action == ACTION_VERIFY_RESTORED
               || action == ACTION_RESTORE_CODE;
    if (slice_is(subject, "restore env") || slice_is(subject, "restore env good"))
        return action == ACTION_REVERT;
    if (slice_begins(subject, "pin ") || slice_begins(subject, "write override "))
        return action == ACTION_REVERT;
    if (slice_begins(subject, "remove ") || slice_is(subject, "safe command"))
        return action == ACTION_REDEPLOY || reading_is_removal(item, genesis->execution);
    return false;
}

bool procedure_is_adopted(const struct deployment *deployment, const struct entry *entry)
{
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].transition->seq >= entry->seq)
            return deployment->steps[i].adopted;
    return false;
}

static bool up_belongs(const struct audit *audit, const struct entry *entry, size_t place,
                       enum action action)
{
    const struct genesis *genesis = &audit->genesis;
    const struct item *item = &entry->items[place];
    /* Where Brain was re-created before an interruption, only the rest is brought up. */
    bool first = entry_item(entry, 0, place, PROBE_COMPOSE_UP, NULL) == NULL
                 && !procedure_is_adopted(&audit->deployment, entry);
    if (action == ACTION_SWITCH_SERVICES || action == ACTION_REDEPLOY)
        return true;
    if (action == ACTION_DEPLOY_EXECUTION)
        return slice_equal(item->subject, genesis->execution);
    return action == ACTION_DEPLOY_BRAIN && (slice_equal(item->subject, genesis->brain) || !first);
}

static bool is_in_place(const struct audit *audit, const struct entry *entry, size_t place,
                        enum action action, bool arms)
{
    const struct genesis *genesis = &audit->genesis;
    const struct item *item = &entry->items[place];
    if (item->probe == PROBE_ACT)
        return act_belongs(genesis, item, action);
    if (item->probe == PROBE_COMPOSE_UP)
        return up_belongs(audit, entry, place, action);
    if (item->probe == PROBE_COMPOSE_PULL)
        return action == ACTION_PULL_IMAGES;
    return !reading_is_publish(item, genesis->subject_arm) || arms;
}

static enum action action_of(const struct deployment *deployment, const struct entry *entry)
{
    const struct step *step = deployment_step_of(deployment, entry);
    return step != NULL && step->transition == entry ? step->action : ACTION_INVALID;
}

static bool up_names(const struct item *up, const char *service)
{
    return up->subject.length == 0 || reading_has_word(up->subject, service);
}

/* By that list it ran in this deployment, or still does: it is not to run again. */
static bool had_its_run(const struct audit *audit, enum action action,
                        const struct listing *containers, const char *service)
{
    if (containers == NULL || !services_row(audit, action, service).one_shot)
        return false;
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].service, service) == 0
            && services_is_present(audit, action, &containers->list[i])
            && services_is_new_run(audit, &containers->list[i]))
            return true;
    return false;
}

static const struct listing *images_to_run(const struct deployment *deployment)
{
    const struct entry *entry = deployment_good_entry(deployment, ACTION_PULL_IMAGES);
    return entry != NULL
               ? reading_list(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_IMAGES, NULL))
               : NULL;
}

/* P-17 of one `compose.up`; `last`: the one that is of all. */
static void check_up(const struct audit *audit, enum action action, const struct entry *entry,
                     size_t place, bool last, struct finding *finding)
{
    const struct item *up = &entry->items[place];
    const struct listing *containers = reading_list(
                             entry_item(entry, 0, place, PROBE_COMPOSE_CONTAINERS, NULL)),
                         *images = images_to_run(&audit->deployment);
    const char *left_out = NULL;
    for (size_t i = 0; images != NULL && i < images->count; i++) {
        const char *service = images->list[i].service;
        bool ran = had_its_run(audit, action, containers, service);
        if (ran && up_names(up, service))
            finding_violated(finding, "P-17", entry, "%s had run already, and was brought up again",
                             service);
        if (last && !ran && !up_names(up, service))
            left_out = service;
    }
    if (left_out != NULL)
        finding_violated(finding, "P-17", entry,
                         "the last `compose.up` of %s is not of all services", action_name(action));
}

static void places_check_ups(const struct audit *audit, enum action action, struct finding *finding)
{
    const struct entry *entry = deployment_good_entry(&audit->deployment, action);
    const struct item *last = entry != NULL
                                  ? entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP, NULL)
                                  : NULL;
    for (size_t i = 0; last != NULL && i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_COMPOSE_UP)
            check_up(audit, action, entry, i, &entry->items[i] == last, finding);
}

/* P-17: what has completed is not run again by a rollback. */
static void places_check_way_back(const struct audit *audit, struct finding *finding)
{
    const struct entry *entry = deployment_good_entry(&audit->deployment, ACTION_REDEPLOY),
                       *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *before = snapshot != NULL ? reading_last_list(snapshot) : NULL;
    const struct item *declared = snapshot != NULL ? entry_item(snapshot, 0, snapshot->item_count,
                                                                PROBE_COMPOSE_SERVICES, NULL)
                                                   : NULL;
    for (size_t i = 0; entry != NULL && declared != NULL && i < entry->item_count; i++) {
        struct slice rows = declared->output, line;
        while (entry->items[i].probe == PROBE_COMPOSE_UP && slice_line(&rows, &line)) {
            char service[LISTING_NAME_MAX + 1];
            if (!slice_copy(services_name(line), service, sizeof service)
                || !up_names(&entry->items[i], service))
                continue;
            struct service_row row = services_row(audit, ACTION_REDEPLOY, service);
            if (row.once
                || (row.one_shot && before != NULL
                    && reading_running(before, slice_of(service)) == 0))
                finding_violated(finding, "P-17", entry, "the rollback ran %s again", service);
        }
    }
}

void procedure_check_places(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        enum action action = action_of(deployment, entry);
        bool arms = action == ACTION_ARM
                    || (entry->type == ENTRY_COMMAND
                        && slice_is(node_text(entry_body(entry), "command"), "arm"));
        for (size_t k = 0; k < entry->item_count; k++)
            if (!is_in_place(audit, entry, k, action, arms))
                finding_violated(finding, "P-16", entry, "the act `%.*s` of '%.*s' stands in %s",
                                 SLICE_ARGUMENTS(entry->items[k].probe_name),
                                 SLICE_ARGUMENTS(entry->items[k].subject),
                                 action != ACTION_INVALID ? action_name(action)
                                                          : entry_type_name(entry->type));
    }
    places_check_ups(audit, ACTION_SWITCH_SERVICES, finding);
    places_check_ups(audit, ACTION_DEPLOY_BRAIN, finding);
    places_check_way_back(audit, finding);
}
