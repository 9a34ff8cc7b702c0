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

static bool acts_on_execution(enum action action)
{
    return action == ACTION_DEPLOY_EXECUTION || action == ACTION_MAKE_SAFE;
}

static bool acts_on_any(enum action action)
{
    return action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_BRAIN
           || action == ACTION_REDEPLOY;
}

/* A service of which a container of `left` is not in `right`, and nothing may have changed that;
 * NULL. */
static const char *changes_missing(const struct changes *changes, const struct listing *left,
                                   const struct listing *right)
{
    for (size_t i = 0; i < left->count; i++) {
        const char *service = left->list[i].service;
        bool good = services_may_change(changes->audit, service) || was_acted_on(changes, service);
        for (size_t k = 0; k < right->count && !good; k++)
            good = strcmp(left->list[i].id, right->list[k].id) == 0;
        if (!good)
            return service;
    }
    return NULL;
}

/* A service whose containers changed, and nothing of the driver's changed them; NULL. */
static const char *changed_by_others(const struct changes *changes, const struct entry *entry,
                                     const struct listing *containers)
{
    bool by_hand = changes->audit->deployment.open == NULL,
         compared = changes->last != NULL
                    && ((changes->begun && !by_hand) || changes->entry == entry);
    const char *service = compared ? changes_missing(changes, changes->last, containers) : NULL;
    return compared && service == NULL ? changes_missing(changes, containers, changes->last)
                                       : service;
}

/* What the act of this step did, or does yet, is not known: up to the next list. */
static void changes_note_open_act(struct changes *changes, enum action action)
{
    bool one = acts_on_execution(action), room = changes->act_count < ACTS_MAX;
    changes->all = changes->all || acts_on_any(action) || (one && !room);
    if (one && room)
        changes->acts[changes->act_count++] = changes->audit->genesis.execution;
}

/* A command beside the driver, or behind its end: between two lists of the step it looks at what is
 * in the middle of being changed. */
static bool is_beside_the_act(const struct step *step, struct entry *entry)
{
    return entry->type == ENTRY_COMMAND && step != NULL && step->intent != NULL
           && (acts_on_any(step->action) || acts_on_execution(step->action))
           && node_number(entry_body(step->intent), "repeats", step->intent->seq) < entry->seq;
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
static void follow_changes(struct changes *changes, struct entry *entry, struct finding *finding)
{
    const struct deployment *deployment = &changes->audit->deployment;
    const struct step *step = deployment_step_of(deployment, entry);
    bool fails = step != NULL ? !step_is_good(step) : deployment->open != NULL;
    if (is_beside_the_act(step, entry))
        return;
    /* The first try was waited for, and its list shows what had become of it. */
    if (step != NULL && entry->type == ENTRY_RECONCILIATION) {
        changes_note_open_act(changes, step->action);
        changes->begun = changes->begun || changes->all || changes->act_count > 0;
    }
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
        const char *service = !fails ? changed_by_others(changes, entry, containers) : NULL;
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
    if (fails && step != NULL && step->transition == entry)
        changes_note_open_act(changes, step->action);
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
