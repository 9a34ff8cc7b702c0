#include "fsm/step.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/secrets/secrets.h"

enum error_code step_run(struct step *step, struct error *error)
{
    switch (step->edge->action) {
    case ACTION_RUN_PREFLIGHT:
        return step_run_preflight(step, error);
    case ACTION_CONNECT:
        return step_connect(step, error);
    case ACTION_UPDATE_CODE:
        return step_update_code(step, error);
    case ACTION_PULL_IMAGES:
        return step_pull_images(step, error);
    case ACTION_LAY_GUARD:
        return step_lay_guard(step, error);
    case ACTION_SWITCH_SERVICES:
        return step_switch_services(step, error);
    case ACTION_VERIFY_RELEASE:
        return step_verify_release(step, error);
    case ACTION_DISARM:
        return step_disarm(step, error);
    case ACTION_DEPLOY_EXECUTION:
        return step_deploy_execution(step, error);
    case ACTION_VERIFY_EXECUTION:
        return step_verify_execution(step, error);
    case ACTION_DEPLOY_BRAIN:
        return step_deploy_brain(step, error);
    case ACTION_VERIFY_PARITY:
        return step_verify_parity(step, error);
    case ACTION_ARM:
        return step_arm(step, error);
    case ACTION_OBSERVE_WINDOW:
        return step_observe_window(step, error);
    case ACTION_CONFIRM:
        return step_confirm(step, error);
    case ACTION_COMPLETE:
        return step_complete(step, error);
    case ACTION_MAKE_SAFE:
        return step_make_safe(step, error);
    case ACTION_REVERT:
        return step_revert(step, error);
    case ACTION_REDEPLOY:
        return step_redeploy(step, error);
    case ACTION_VERIFY_RESTORED:
        return step_verify_restored(step, error);
    case ACTION_RESTORE_CODE:
        return step_restore_code(step, error);
    case ACTION_INVALID:
    case ACTION_NONE:
    case ACTION_COUNT:
        break;
    }
    return error_set(error, ERROR_REFUSED, 0, machine_state_name(step->edge->from),
                     "titan-fsm status", "the table names no action for this state");
}

void step_clear(struct step *step)
{
    evidence_clear(&step->evidence);
    json_decref(step->facts);
    step->facts = NULL;
}

enum error_code step_is(struct step *step, enum event event, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(step->reason, sizeof step->reason, format, arguments);
    va_end(arguments);
    /* what a command printed ends in a newline and may have more: one sentence is one line */
    size_t length = strlen(step->reason);
    while (length > 0 && (unsigned char)step->reason[length - 1] <= ' ')
        step->reason[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (step->reason[i] == '\n')
            step->reason[i] = ' ';
    step->event = event;
    return ERROR_OK;
}

enum event step_event(enum error_code code)
{
    switch (code) {
    case ERROR_TIMEOUT:
    case ERROR_PROTOCOL:
    case ERROR_REMOTE:
    case ERROR_LIMIT:
        return EVENT_FAILED;
    case ERROR_OK:
    case ERROR_USAGE:
    case ERROR_CONFIG:
    case ERROR_SYSTEM:
    case ERROR_MEMORY:
    case ERROR_DAMAGED:
    case ERROR_JOURNAL_WRITE:
    case ERROR_HELD:
    case ERROR_UNREACHABLE:
    case ERROR_HOST_REFUSED:
    case ERROR_KEY_REFUSED:
    case ERROR_REFUSED:
    case ERROR_NEEDS_PERSON:
        return EVENT_INVALID;
    }
    return EVENT_INVALID;
}

int64_t step_remaining_ms(const struct step *step)
{
    int64_t left = (step->deadline_ns - driver_now_ns(step->driver)) / 1000000;
    return left > 1000
               ? left
               : 1000; /* a command gets a second, so that it can say that it was too late */
}

int64_t step_until_ns(const struct step *step, int64_t ms)
{
    int64_t until = driver_now_ns(step->driver) + ms * 1000000;
    return until < step->deadline_ns ? until : step->deadline_ns;
}

int64_t step_settle_ns(const struct step *step)
{
    return step_until_ns(step, step->driver->config.setup.services.settle_ms);
}

bool step_has_policy(const struct step *step)
{
    return step->driver->config.setup.services.execution[0] != '\0';
}

enum error_code step_target(struct step *step, struct target **ret_target, struct error *error)
{
    struct target *target;
    enum error_code code = driver_target(step->driver, &target, error);
    /* Later on, safety goes before: whatever can be redacted is. The checklist says by itself what
     * is wrong with the file. */
    if (code == ERROR_OK && machine_phase(step->edge->from) == PHASE_PREPARING
        && step->edge->action != ACTION_RUN_PREFLIGHT)
        code = secrets_check(target_secrets(target), error);
    if (code == ERROR_OK)
        *ret_target = target;
    return code;
}

enum error_code step_fact(struct step *step, const char *name, const char *value,
                          struct error *error)
{
    char clean[STEP_REASON_MAX];
    record_text(value, clean, sizeof clean);
    if (step->facts == NULL)
        step->facts = json_object();
    if (step->facts == NULL || json_object_set_new(step->facts, name, json_string(clean)) != 0)
        return error_set(error, ERROR_MEMORY, 0, name, "", "out of memory");
    return ERROR_OK;
}
