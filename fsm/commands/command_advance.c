/* The commands that move a deployment: advance, run, resume, rollback, abort. */
#include "fsm/commands/command_line.h"

#include <stdio.h>

#include "fsm/roster/authority.h"
#include "fsm/terminal/confirm.h"
#include "fsm/engine.h"
#include "fsm/terminal/progress.h"

/* Only its holder drives a deployment. Checked under the lock, so that no takeover happens in
 * between, and before the session key is opened. */
static enum error_code open_to_drive(struct driver *driver, const struct command_line *line,
                                     struct error *error)
{
    driver_watch_signals(line->options.world);
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_DRIVES,
                                       error);
    if (code == ERROR_OK && !driver_is_open(driver))
        return error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm begin release, or begin policy", "no deployment is open");
    if (code == ERROR_OK)
        code = confirm_check(driver, error);
    if (code == ERROR_OK)
        code = authority_check_holder(driver, error);
    if (code == ERROR_OK)
        code = driver_open_session(driver, error);
    if (code == ERROR_OK)
        progress_open(driver);
    return code;
}

static void print_next(struct driver *driver, enum exit_status status)
{
    const struct deployment *deployment = &driver->deployment;
    if (deployment->ended || deployment->state == STATE_ROLLBACK_FAILED)
        progress_outage(driver);
    if (deployment->state == STATE_ROLLBACK_FAILED)
        progress_word(driver, "the rollback failed and the target is not as it was before. Look at "
                              "it now; then `titan-fsm rollback --reason TEXT`, or `titan-fsm "
                              "attest rollback_failed --reason TEXT`");
    else if (deployment->ended && deployment_left_disarmed(deployment))
        progress_word(
            driver,
            "deployment %llu is %s; Execution was armed before and stays disarmed until somebody "
            "runs titan-fsm arm; next: titan-fsm arm --reason TEXT, and titan-fsm export FILE",
            (unsigned long long)deployment->number, machine_state_name(deployment->state));
    else if (deployment->ended)
        progress_word(driver, "deployment %llu is %s; next: titan-fsm export FILE",
                      (unsigned long long)deployment->number,
                      machine_state_name(deployment->state));
    else if (status == EXIT_NEEDS_PERSON)
        progress_word(driver,
                      "a person is needed in %s: fix what is named above and run titan-fsm "
                      "advance, or `titan-fsm abort --reason TEXT`",
                      machine_state_name(deployment->state));
    else
        progress_word(driver, "in %s; next: titan-fsm advance",
                      machine_state_name(deployment->state));
}

/* After an interruption: the state, whether the target stays held, the next command. The status is
 * not DONE, so that no script takes it for the end. */
static void end_interrupted(struct driver *driver, bool failed, enum exit_status *status)
{
    const struct deployment *deployment = &driver->deployment;
    if (deployment->ended || deployment->state == STATE_ROLLBACK_FAILED) {
        print_next(driver, *status);
        return;
    }
    bool held = deployment_epoch(deployment) > 0;
    progress_word(driver, "interrupted in %s%s%s; next: titan-fsm resume",
                  machine_state_name(deployment->state),
                  failed ? ", in the middle of its step" : "",
                  held ? "; the target stays held by this deployment" : "");
    *status = EXIT_NEEDS_PERSON;
}

static enum error_code drive_deployment(const struct command_line *line, enum engine_mode mode,
                                        enum exit_status *ret_status, struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = open_to_drive(driver, line, error);
    if (code == ERROR_OK)
        code = engine_drive(driver, mode, ret_status, error);
    progress_close(driver);
    if (driver_is_open(driver) && driver_is_interrupted(driver))
        end_interrupted(driver, code != ERROR_OK, ret_status);
    else if (code == ERROR_OK)
        print_next(driver, *ret_status);
    return code;
}

enum error_code command_advance(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    return drive_deployment(line, ENGINE_ADVANCE, ret_status, error);
}

enum error_code command_run(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error)
{
    return drive_deployment(line, ENGINE_RUN, ret_status, error);
}

enum error_code command_resume(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    return drive_deployment(line, ENGINE_RUN, ret_status, error);
}

static enum error_code drive_by_event(const struct command_line *line, enum event event,
                                      enum exit_status *ret_status, struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = open_to_drive(driver, line, error);
    if (code == ERROR_OK)
        code = engine_command(driver, event, line->reason, ret_status, error);
    progress_close(driver);
    if (code == ERROR_OK)
        print_next(driver, *ret_status);
    return code;
}

enum error_code command_rollback(const struct command_line *line, enum exit_status *ret_status,
                                 struct error *error)
{
    return drive_by_event(line, EVENT_ROLLBACK, ret_status, error);
}

enum error_code command_abort(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    return drive_by_event(line, EVENT_ABORT, ret_status, error);
}
