#include "fsm/steps/remaining.h"

#include <string.h>

#include "fsm/past/recorded.h"
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
    enum error_code code = entry_output(step->driver->journal, pulled, PROBE_COMPOSE_IMAGES, &lines,
                                        error);
    return code == ERROR_OK ? images_read(&lines, ret_images, error) : code;
}

/* What was approved, and what the next `up` would take. */
static enum error_code judge_pulled_files(struct step *step, struct error *error)
{
    static const struct {
        const char *probe, *name;
    } same[] = {{PROBE_HMAC_KEY, "the key of the fingerprints in the state directory is"},
                {PROBE_CONFIG_HMAC, "the rendered configuration is"},
                {PROBE_ENV_HMAC, "the env file is"},
                {PROBE_ENV_MODE, "mode, owner or group of the env file are"},
                {PROBE_POLICY_HMAC, "the policy files are"}};
    const struct deployment *deployment = &step->driver->deployment;
    const struct journal_entry *pulled = deployment_transition_to(deployment, STATE_PULLED);
    enum error_code code = ERROR_OK;
    if (strcmp(step->seen.git.branch, deployment_open_string(deployment, "branch")) != 0)
        return step_is(step, EVENT_MISMATCH, "drift remains after the switch: the branch is %.80s",
                       step->seen.git.branch);
    for (size_t i = 0; step_goes_on(step, code) && i < sizeof same / sizeof same[0]; i++) {
        CLEANUP_BYTES struct bytes was = {0};
        const struct bytes *is = &evidence_last(&step->evidence, same[i].probe, NULL)->output;
        code = entry_output(step->driver->journal, pulled, same[i].probe, &was, error);
        if (code == ERROR_OK && (was.size != is->size || memcmp(was.data, is->data, was.size) != 0))
            code = step_is(step, EVENT_MISMATCH,
                           "drift remains after the switch: %s not as when the images were pulled",
                           same[i].name);
    }
    return code;
}

static enum error_code judge_remaining(struct step *step, struct error *error)
{
    const struct drift_line *failing = drift_first_failing(&step->seen.drift);
    const struct git_state *git = &step->seen.git;
    const char *updated = deployment_facts(&step->driver->deployment, STATE_UPDATED).commit;
    drift_sentence(&step->seen.drift, step->remark, sizeof step->remark);
    enum error_code code = step->seen.drift.count > 0
                               ? step_fact(step, FACT_DRIFT, step->remark, error)
                               : ERROR_OK;
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
    return judge_pulled_files(step, error);
}

enum error_code remaining_check(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    struct target *target = step->target;
    enum error_code code = remaining_pulled(step, &seen->images, error);
    if (code == ERROR_OK)
        code = compose_containers(target, &step->evidence, &seen->containers, error);
    if (code == ERROR_OK)
        code = compose_configurations(target, &seen->model, NULL, COMPOSE_KEY_MAKE, &step->evidence,
                                      &seen->configurations, error);
    if (code == ERROR_OK)
        code = git_look(target, &step->evidence, &seen->git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, &step->evidence, error);
    if (code == ERROR_OK)
        code = compose_policy_fingerprint(target, &step->evidence, error);
    if (code != ERROR_OK)
        return code;
    seen->drift.count = seen->drift.more = 0;
    drift_services(&(struct drift_terms){.file = step->driver->config.setup.compose.file,
                                         .declared = step_declared(step),
                                         .containers = &seen->containers,
                                         .images = &seen->images,
                                         .configurations = &seen->configurations,
                                         .pulled = true},
                   &seen->drift);
    return judge_remaining(step, error);
}
