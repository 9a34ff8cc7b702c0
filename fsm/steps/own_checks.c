#include "fsm/steps/own_checks.h"

#include "actions/script.h"

enum error_code own_checks_look(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    bool found = false;
    enum error_code code = script_search_errors(step->target, step_declared(step),
                                                &seen->containers, &step->evidence, &found,
                                                seen->errors, sizeof seen->errors, error);
    if (!found)
        seen->errors[0] = '\0';
    if (code == ERROR_OK)
        code = script_run(step->target, step_remaining_ms(step), &step->evidence,
                          &seen->script_status, error);
    return code;
}

enum error_code own_checks_judge(struct step *step)
{
    const struct step_seen *seen = &step->seen;
    if (seen->errors[0] != '\0')
        return step_is(step, EVENT_FAILED, "%s", seen->errors);
    if (seen->script_status != 0)
        return step_is(step, EVENT_FAILED, "the verification script ended with %d",
                       seen->script_status);
    return ERROR_OK;
}
