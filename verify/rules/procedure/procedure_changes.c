/* Nobody else changes containers (P-30). */
#include "verify/rules/procedure/procedure.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

enum { ACTS_MAX = 32 };

/* Where the walk over the lists of a deployment stands. */
struct changes {
    const struct audit *audit;
    const struct listing *last;
    const struct entry *entry; /* that has it */
    bool begun;                /* the first act was there */
    bool all;                  /* since `last`: an act on all services, or one that failed */
    struct slice acts[ACTS_MAX];
    size_t act_count;
    char *names; /* of services that were put right, or NULL */
    size_t room;
};

static bool was_acted_on(const struct changes *changes, const char *service)
{
    bool found = changes->all;
    for (size_t i = 0; i < changes->act_count && !found; i++)
        found = reading_has_word(changes->acts[i], service);
    return found;
}

static void note_change(struct changes *changes, const struct item *item)
{
    bool removes = item->probe == PROBE_ACT && slice_begins(item->subject, "remove "),
         up = item->probe == PROBE_COMPOSE_UP;
    changes->begun = changes->begun || up || removes || item->probe == PROBE_BUS_PUBLISH;
    if (item->probe == PROBE_ACT && slice_is(item->subject, "safe command"))
        changes->all = true;
    if (!up && !removes)
        return;
    if (item->subject.length == 0 || changes->act_count == ACTS_MAX)
        changes->all = true;
    else
        changes->acts[changes->act_count++] = removes ? slice_from(item->subject, strlen("remove "))
                                                      : item->subject;
}

/* The step that this entry is of: the next transition's. */
static const struct step *step_of(const struct deployment *deployment, const struct entry *entry)
{
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].transition->seq >= entry->seq)
            return &deployment->steps[i];
    return NULL;
}

static bool acts_on_execution(enum action action)
{
    return action == ACTION_DEPLOY_EXECUTION || action == ACTION_MAKE_SAFE;
}

static bool acts_on_any(enum action action)
{
    return action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_BRAIN
           || action == ACTION_REDEPLOY;
}

/* Whether a list before the first intent of an interrupted step has this container. */
static bool is_from_before(const struct deployment *deployment, const struct step *step,
                           const char *id)
{
    int64_t first = node_number(entry_body(step->intent), "repeats", step->intent->seq);
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < first; i++)
        if (reading_lists_container(deployment->entries[i], id))
            return true;
    return false;
}

/* A service of which a container of `left` is not in `right`, and may not be gone; NULL. `step`:
 * the one that was interrupted, or NULL. `comes`: `right` is the earlier list. */
static const char *changes_missing(const struct changes *changes, const struct step *step,
                                   const struct listing *left, const struct listing *right,
                                   bool comes)
{
    const struct audit *audit = changes->audit;
    for (size_t i = 0; i < left->count; i++) {
        const char *service = left->list[i].service, *id = left->list[i].id;
        bool good = services_may_change(audit, service) || was_acted_on(changes, service);
        for (size_t k = 0; k < right->count && !good; k++)
            good = strcmp(id, right->list[k].id) == 0;
        if (!good && step != NULL
            && (acts_on_any(step->action)
                || (acts_on_execution(step->action)
                    && slice_is(audit->genesis.execution, service))))
            good = comes || is_from_before(&audit->deployment, step, id); /* coming back: P-19 */
        if (!good)
            return service;
    }
    return NULL;
}

/* A service whose containers changed, and nothing of the driver's changed them; NULL. */
static const char *changed_by_others(struct changes *changes, const struct step *step,
                                     const struct entry *entry, const struct listing *containers)
{
    const struct deployment *deployment = &changes->audit->deployment;
    bool by_hand = deployment->open == NULL,
         compared = changes->last != NULL
                    && ((changes->begun && !by_hand) || changes->entry == entry),
         interrupted = step != NULL && step->intent != NULL
                       && procedure_is_adopted(deployment, entry);
    const struct step *open = interrupted ? step : NULL;
    const char *service = compared
                              ? changes_missing(changes, open, changes->last, containers, false)
                              : NULL;
    if (compared && service == NULL)
        service = changes_missing(changes, open, containers, changes->last, true);
    return service;
}

static void name_change(struct changes *changes, const char *service, const struct entry *entry)
{
    size_t used = changes->names != NULL ? strlen(changes->names) : 0;
    if (changes->names != NULL && used < changes->room)
        (void)snprintf(changes->names + used, changes->room - used,
                       "%sothers had changed the containers of %s (entry %lld)",
                       used > 0 ? ", " : "", service, (long long)entry->seq);
}

/* Where it is otherwise the step fails: that entry, and the samples right before it. */
static void follow_changes(struct changes *changes, const struct entry *entry,
                           struct finding *finding)
{
    const struct deployment *deployment = &changes->audit->deployment;
    const struct step *step = step_of(deployment, entry);
    bool fails = step != NULL ? !step_is_good(step) : deployment->open != NULL;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(item)
                                               : NULL;
        note_change(changes, item);
        if (containers == NULL)
            continue;
        /* What others did before is made safe, and put right by redeploy. */
        bool put_right = step != NULL
                         && (step->action == ACTION_MAKE_SAFE
                             || (step->action == ACTION_REDEPLOY && changes->entry != entry));
        const char *service = !fails ? changed_by_others(changes, step, entry, containers) : NULL;
        if (service != NULL && put_right)
            name_change(changes, service, entry);
        else if (service != NULL && finding != NULL)
            finding_violated(
                finding, "P-30", entry,
                "the containers of %s changed, and nothing of the driver's changed them", service);
        changes->last = containers;
        changes->entry = entry;
        changes->all = false;
        changes->act_count = 0;
    }
    /* What a failed act did, or still does, is not known. */
    if (fails && step != NULL && step->transition == entry)
        changes->all = changes->all || acts_on_any(step->action) || acts_on_execution(step->action);
}

void procedure_name_changes(const struct audit *audit, char *ret_names, size_t room)
{
    struct changes changes = {.audit = audit, .names = ret_names, .room = room};
    for (size_t i = 0; i < audit->deployment.count; i++)
        follow_changes(&changes, audit->deployment.entries[i], NULL);
}

void procedure_check_changes(const struct audit *audit, struct finding *finding)
{
    struct changes changes = {.audit = audit};
    for (size_t i = 0; i < audit->deployment.count; i++)
        follow_changes(&changes, audit->deployment.entries[i], finding);
}
