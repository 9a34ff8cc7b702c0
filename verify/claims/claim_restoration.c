/* restoration: what ran after the rollback is what the before snapshot recorded: commit, images,
 * configuration; Execution re-created. */
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/rules/restoration.h"

#include <stdio.h>
#include <string.h>

static void restoration_compare_line(const char *rule, const struct entry *before,
                                     const struct entry *after, enum probe probe,
                                     struct finding *finding)
{
    struct slice was = reading_line(before, probe), is = reading_line(after, probe);
    if (was.length == 0 || is.length == 0)
        finding_violated(finding, rule, after,
                         "`%s` cannot be compared: it is missing before or after",
                         probe_name(probe));
    else if (!slice_equal(was, is))
        finding_violated(finding, rule, after, "`%s` is %.*s and was %.*s before",
                         probe_name(probe), SLICE_ARGUMENTS(slice_head(is, 64)),
                         SLICE_ARGUMENTS(slice_head(was, 64)));
}

/* Each container of the service that ran was good. */
static bool ran_well(const struct listing *was, const char *service)
{
    for (size_t i = 0; i < was->count; i++)
        if (strcmp(was->list[i].service, service) == 0 && reading_is_running(&was->list[i])
            && !reading_is_good(&was->list[i]))
            return false;
    return true;
}

static bool ran_image(const struct listing *was, const struct listed *container)
{
    for (size_t i = 0; i < was->count; i++)
        if (reading_is_running(&was->list[i])
            && strcmp(was->list[i].service, container->service) == 0
            && reading_is_same_image(container, &was->list[i]))
            return true;
    return false;
}

static bool has_container(const struct listing *containers, const char *id)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].id, id) == 0)
            return true;
    return false;
}

/* */
static void restoration_compare_containers(const struct restored *restored, struct finding *finding)
{
    for (size_t i = 0; i < restored->was->count; i++) {
        const char *service = restored->was->list[i].service;
        size_t was = reading_running(restored->was, slice_of(service)),
               is = services_present(restored->audit, ACTION_REVERT, restored->is, service);
        if (restoration_is_expected(restored, service) && was != is)
            finding_violated(finding, "R-02", restored->after,
                             "the service %s ran in %zu containers before and runs in %zu after "
                             "the rollback",
                             service, was, is);
    }
    for (size_t i = 0; i < restored->is->count; i++) {
        const struct listed *container = &restored->is->list[i];
        if (!restoration_is_expected(restored, container->service)) {
            if (reading_is_running(container)
                && !services_row(restored->audit, ACTION_REVERT, container->service).off)
                finding_violated(finding, "R-02", restored->after,
                                 "the service %s runs after the rollback and did not before",
                                 container->service);
            else if (!has_container(restored->was, container->id)
                     && !services_row(restored->audit, ACTION_REVERT, container->service).off)
                finding_violated(finding, "R-02", restored->after,
                                 "a container of %s is left that was not there before",
                                 container->service);
            continue;
        }
        if (reading_is_running(container) && !ran_image(restored->was, container))
            finding_violated(finding, "R-02", restored->after,
                             "the service %s runs image %.24s and did not before",
                             container->service, container->image);
        if (reading_is_running(container)
            && !services_is_good(restored->audit, ACTION_REVERT, container)
            && ran_well(restored->was, container->service))
            finding_violated(finding, "R-02", restored->after,
                             "the service %s is not healthy after the rollback",
                             container->service);
    }
}

/* an armed marker survives a restart, so that a container of before may be there again only
 * if nobody ever touched it. */
static void check_recreated(const struct audit *audit, const struct restored *restored,
                            struct finding *finding)
{
    for (size_t i = 0; i < restored->is->count; i++) {
        const struct listed *is = &restored->is->list[i];
        if (!slice_is(audit->genesis.execution, is->service) || !reading_is_running(is))
            continue;
        for (size_t k = 0; k < restored->was->count; k++)
            if (strcmp(restored->was->list[k].id, is->id) == 0
                && strcmp(restored->was->list[k].started_at, is->started_at) != 0)
                finding_violated(finding, "R-04", restored->after,
                                 "Execution was restarted and not re-created");
        if (!has_container(restored->was, is->id))
            continue;
        for (size_t k = 0; k < audit->deployment.count; k++) {
            const struct entry *entry = audit->deployment.entries[k];
            const struct listing *seen = reading_last_list(entry);
            const struct listed *other = seen != NULL
                                             ? reading_service(seen, audit->genesis.execution)
                                             : NULL;
            if (other != NULL && !has_container(restored->was, other->id))
                finding_violated(
                    finding, "R-04", entry,
                    "Execution's container of before is said to run again after another one");
        }
    }
}

/* */
static void check_pins(const struct restored *restored, struct finding *finding)
{
    for (size_t i = 0; i < restored->was->count; i++) {
        const struct listed *was = &restored->was->list[i];
        bool pinned = false;
        if (!reading_is_running(was) || !restoration_is_expected(restored, was->service))
            continue;
        for (size_t k = 0; k < restored->revert->item_count; k++) {
            char subject[320];
            (void)snprintf(subject, sizeof subject, "pin %s %s", was->service, was->image);
            pinned = pinned
                     || (restored->revert->items[k].probe == PROBE_ACT
                         && slice_is(restored->revert->items[k].subject, subject));
        }
        if (!pinned)
            finding_violated(finding, "R-05", restored->revert,
                             "the image of %s in the snapshot was not pinned", was->service);
    }
}

/* the one-shots that ran in this deployment, whatever became of them. */
static void name_partial(const struct audit *audit, char *ret_words, size_t room)
{
    ret_words[0] = '\0';
    for (size_t i = 0; i < audit->deployment.count; i++) {
        const struct entry *entry = audit->deployment.entries[i];
        const struct listing *containers = reading_last_list(entry);
        for (size_t k = 0; containers != NULL && k < containers->count; k++) {
            const struct listed *container = &containers->list[k];
            size_t used = strlen(ret_words);
            if (services_row(audit, ACTION_PULL_IMAGES, container->service).one_shot
                && strcmp(container->state, "created") != 0 && services_is_new_run(audit, container)
                && !reading_has_word(slice_of(ret_words), container->service))
                (void)snprintf(ret_words + used, room - used, "%s%s", used > 0 ? " " : "",
                               container->service);
        }
    }
}

static const struct step *step_to(const struct deployment *deployment, enum state state)
{
    for (size_t i = deployment->step_count; i-- > 0;)
        if (deployment->steps[i].to == state && deployment->steps[i].event == EVENT_DONE)
            return &deployment->steps[i];
    return NULL;
}

static void restoration_check_lines(const struct restored *restored, struct finding *finding)
{
    const struct entry *before = restored->before, *after = restored->after;
    const struct entry *both[] = {after, restored->revert};
    restoration_compare_line("R-01", before, after, PROBE_GIT_HEAD, finding);
    restoration_compare_line("R-01", before, after, PROBE_GIT_BRANCH, finding);
    for (unsigned i = 0; i < 2; i++) {
        const struct item *status = both[i] != NULL ? entry_item(both[i], 0, both[i]->item_count,
                                                                 PROBE_GIT_STATUS, NULL)
                                                    : NULL;
        if (status != NULL && status->output.length > 0)
            finding_violated(finding, "R-01", both[i], "the restored tree has changes of its own");
    }
    if (restored->revert == NULL)
        finding_violated(finding, "R-01", after,
                         "the rollback ended without the code being reverted");
    else {
        restoration_compare_line("R-01", before, restored->revert, PROBE_GIT_BRANCH, finding);
        restoration_compare_line("R-01", before, restored->revert, PROBE_GIT_HEAD, finding);
    }
}

static void check_rolled_back(const struct audit *audit, const struct entry *before,
                              struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *rolled_back = step_to(deployment, STATE_ROLLED_BACK),
                      *reverted = step_to(deployment, STATE_REVERTED);
    if (deployment->accepted || rolled_back == NULL) {
        finding_violated(finding, "R-06", NULL,
                         "the rollback failed: what ran before was not restored");
        return;
    }
    struct restored restored = {.audit = audit,
                                .before = before,
                                .after = rolled_back->transition,
                                .revert = reverted != NULL ? reverted->transition : NULL,
                                .was = reading_last_list(before),
                                .is = reading_last_list(rolled_back->transition)};
    const struct entry *after = restored.after;
    restored.then = reading_list(
        entry_item(before, 0, before->item_count, PROBE_COMPOSE_DRIFT, NULL));
    restored.now = reading_list(entry_item(after, 0, after->item_count, PROBE_COMPOSE_DRIFT, NULL));
    finding_rests_on(finding, before);
    finding_rests_on(finding, after);
    finding_rests_on(finding, restored.revert);
    restoration_check_lines(&restored, finding);
    restoration_check_files(after, restored.revert, finding);
    const char *env = restoration_check_env(before, after, restored.revert, finding);
    if (restored.was == NULL || restored.is == NULL) {
        finding_undecidable(finding, "R-02", after,
                            "the containers before and after cannot be compared");
        return;
    }
    restoration_compare_containers(&restored, finding);
    char plain[200], ran[400], only[300], guard[120];
    restoration_check_configurations(&restored, only, sizeof only, finding);
    restoration_check_plain(audit, after, restored.revert, plain, sizeof plain, finding);
    if (restored.revert != NULL)
        check_pins(&restored, finding);
    if (audit->genesis.has_policy)
        check_recreated(audit, &restored, finding);
    restoration_check_guard(&restored, guard, sizeof guard, finding);
    name_partial(audit, ran, sizeof ran);
    finding_conclude(finding, after,
                     "commit, branch, configuration and the image of each of %zu containers are "
                     "those of the before snapshot (entry %lld)%s; %s; %s%s%s%s",
                     restored.is->count, (long long)before->seq, guard, env, plain, only,
                     ran[0] != '\0' ? "; it is partial: what these did is not undone: " : "", ran);
}

/* */
static void check_names(const struct entry *before, const struct entry *aborted,
                        struct finding *finding)
{
    const struct listing *was = reading_list(
                             entry_item(before, 0, before->item_count, PROBE_COMPOSE_IMAGES, NULL)),
                         *is = reading_list(entry_item(aborted, 0, aborted->item_count,
                                                       PROBE_COMPOSE_IMAGES, NULL));
    for (size_t i = 0; was != NULL && is != NULL && i < was->count; i++) {
        const struct listed *image = reading_service(is, slice_of(was->list[i].service));
        if (was->list[i].id[0] != '\0'
            && (image == NULL || strcmp(image->id, was->list[i].id) != 0))
            finding_violated(finding, "R-10", aborted,
                             "the name of the image of %s means another one than before",
                             was->list[i].service);
    }
}

static void check_abort(const struct audit *audit, const struct entry *before,
                        struct finding *finding)
{
    const struct step *aborted = step_to(&audit->deployment, STATE_ABORTED);
    if (aborted == NULL) {
        finding_violated(finding, "R-07", NULL,
                         "the deployment was given up without the code being restored");
        return;
    }
    finding_rests_on(finding, before);
    finding_rests_on(finding, aborted->transition);
    restoration_compare_line("R-07", before, aborted->transition, PROBE_GIT_HEAD, finding);
    restoration_compare_line("R-07", before, aborted->transition, PROBE_GIT_BRANCH, finding);
    check_names(before, aborted->transition, finding);
    finding_conclude(
        finding, aborted->transition,
        "no service was changed, and the commit is that of the before snapshot (entry %lld)",
        (long long)before->seq);
}

void claim_restoration(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *connected = deployment_step(deployment, ACTION_CONNECT);
    bool failed = deployment_failure(deployment) != NULL;
    if (!deployment->ended)
        finding_undecidable(finding, "P-09", NULL, "the deployment is still open, in the state %s",
                            state_name(deployment->state));
    else if (deployment->state == STATE_COMPLETED && !failed)
        finding_not_applicable(finding, "nothing had to be restored");
    else if (connected == NULL && !failed)
        finding_not_applicable(finding, "the deployment ended before the target was taken");
    else if (connected == NULL)
        finding_violated(finding, "R-06", NULL,
                         "there is no before snapshot to which anything could have been restored");
    else if (failed)
        check_rolled_back(audit, connected->transition, finding);
    else
        check_abort(audit, connected->transition, finding);
}
