#include "fsm/back/rollback_end.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "fsm/guarded.h"
#include "fsm/steps/disarm.h"
#include "journal/format/names.h"

enum { LIST_MAX = 400 };

static void add_name(char list[LIST_MAX], const char *name)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, LIST_MAX - used, "%s%s", used > 0 ? ", " : "", name);
}

static void add_words(struct step *step, const char *what, const char *list)
{
    size_t used = strlen(step->reason);
    (void)snprintf(step->reason + used, sizeof step->reason - used, "; %s%s", what, list);
}

/* A restored Execution that shows itself disarmed stays: only another one is made safe again. */
static bool is_seen_safe(struct step *step, const char **ret_shown)
{
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    struct error ignored;
    if (step_connect_target(step, &ignored) != ERROR_OK
        || interlock_look(step->target, &(struct interlock_question){0}, &step->evidence, &view,
                          &ignored)
               != ERROR_OK)
        return false;
    *ret_shown = view.gone ? "gone" : view.running == 0 ? "not running" : "disarmed";
    return view.running == 0 || view.interlock == INTERLOCK_DISARMED;
}

static enum error_code disarm_once_more(struct step *step, struct error *error)
{
    struct disarm_seen seen;
    const char *shown = "unknown";
    if (!step_has_policy(step))
        return ERROR_OK;
    if (is_seen_safe(step, &shown)) {
        add_words(step, "Execution is ", shown);
        return step_fact(step, FACT_INTERLOCK, shown, error);
    }
    disarm_try(step->driver,
               &(struct disarm_draft){.key = step->key,
                                      .reason = "titan-fsm rollback failed",
                                      .every_way = true,
                                      .evidence = &step->evidence},
               &seen);
    step->target = NULL; /* a lost way was closed */
    shown = disarm_is_safe(&seen) ? seen.observed ? "disarmed" : "gone" : "unknown";
    add_words(step, "Execution is ", disarm_words_seen(&seen));
    return step_fact(step, FACT_INTERLOCK, shown, error);
}

/* The image that it ran, in a container that runs well. */
static bool is_restored(const struct declared *declared, const struct containers *now,
                        const struct container *old)
{
    for (size_t i = 0; i < now->count; i++)
        if (strcmp(now->list[i].service, old->service) == 0
            && containers_share_image(&now->list[i], old)
            && declared_is_good(declared, &now->list[i]))
            return true;
    return false;
}

static enum error_code list_restored(struct step *step, struct error *error)
{
    const struct containers *before = &step->seen.before.containers;
    char restored[LIST_MAX] = "", missing[LIST_MAX] = "";
    struct error ignored;
    enum error_code code = snapshot_load(step->driver, &step->seen.before, &ignored);
    if (code == ERROR_OK)
        code = step_connect_target(step, &ignored);
    if (code == ERROR_OK)
        code = compose_containers(step->target, &step->evidence, &step->seen.containers, &ignored);
    if (code != ERROR_OK) {
        add_words(step, "what runs now is not known: ", ignored.what);
        return ERROR_OK;
    }
    for (size_t i = 0; i < before->count; i++)
        add_name(is_restored(step_declared(step), &step->seen.containers, &before->list[i])
                     ? restored
                     : missing,
                 before->list[i].service);
    add_words(step, "restored: ", restored[0] != '\0' ? restored : "nothing");
    add_words(step, "not restored: ", missing[0] != '\0' ? missing : "no service");
    code = step_fact(step, FACT_RESTORED, restored, error);
    return code == ERROR_OK ? step_fact(step, FACT_MISSING, missing, error) : code;
}

enum error_code rollback_end(struct step *step, struct error *error)
{
    struct error ignored;
    enum error_code code = disarm_once_more(step, error);
    size_t items = step->evidence.count;
    /* Its text is that of the rollback that failed: a person looks at what is there now. */
    if (code == ERROR_OK && step_connect_target(step, &ignored) == ERROR_OK
        && guarded_withdraw(step, true, &ignored) != ERROR_OK)
        evidence_cut(&step->evidence, items);
    return code == ERROR_OK ? list_restored(step, error) : code;
}
