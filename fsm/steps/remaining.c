#include "fsm/steps/remaining.h"

#include <string.h>

#include "actions/compose/drift.h"
#include "actions/git.h"
#include "journal/format/names.h"

enum error_code remaining_pulled(struct step *step, struct images *ret_images, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    const struct journal_entry *pulled = deployment_transition_to(&step->driver->deployment,
                                                                  STATE_PULLED);
    if (pulled == NULL)
        return error_set(error, ERROR_DAMAGED, 0, "", "run titan-verify on the journal",
                         "the deployment has no record of the pulled images");
    enum error_code code = deployment_evidence(step->driver->journal, pulled, PROBE_COMPOSE_IMAGES,
                                               &lines, error);
    return code == ERROR_OK ? images_read(&lines, ret_images, error) : code;
}

static enum error_code judge(struct step *step, const struct drift *drift,
                             const struct git_state *git, struct error *error)
{
    const struct drift_line *failing = drift_first_failing(drift);
    const char *updated = deployment_fact(&step->driver->deployment, STATE_UPDATED, "commit");
    char text[STEP_REASON_MAX];
    drift_sentence(drift, text, sizeof text);
    enum error_code code = drift->count > 0 ? step_fact(step, "drift", text, error) : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    if (failing != NULL)
        return step_is(step, EVENT_MISMATCH, "drift remains after the switch: %s", failing->what);
    if (strcmp(git->commit, updated) != 0)
        return step_is(
            step, EVENT_MISMATCH,
            "drift remains after the switch: the tree is at %.12s and was updated to %.12s",
            git->commit, updated);
    if (!git->clean)
        return step_is(step, EVENT_MISMATCH,
                       "drift remains after the switch: the tree has changes that no commit holds");
    return step_is(step, EVENT_DONE, "%s", text); /* empty, or what compose cannot tell */
}

enum error_code remaining_judge(struct step *step, struct target *target,
                                const struct compose_model *model, struct error *error)
{
    struct containers containers;
    struct configurations configurations;
    struct images pulled;
    struct git_state git;
    struct drift drift = {.count = 0};
    enum error_code code = remaining_pulled(step, &pulled, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = compose_configurations(target, model, NULL, COMPOSE_KEY_MAKE, &step->evidence,
                                      &configurations, error);
    if (code == ERROR_OK)
        code = git_look(target, &step->evidence, &git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code != ERROR_OK)
        return code;
    drift_services(step->driver->config.setup.compose.file, &containers, &pulled, &configurations,
                   &drift);
    return judge(step, &drift, &git, error);
}
