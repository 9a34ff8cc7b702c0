/* The commands that move a deployment: advance, run, resume, rollback, abort. */
#include "fsm/commands/command_line.h"

#include <stdio.h>

#include "fsm/roster/authority.h"
#include "fsm/terminal/confirm.h"
#include "fsm/engine.h"
#include "fsm/guarded.h"
#include "fsm/execution_now.h"
#include "fsm/past/recorded.h"
#include "fsm/steps/withdrawn.h"
#include "fsm/terminal/progress.h"
#include "fsm/watcher.h"

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
                         "titan-fsm begin release --reason TEXT", "no deployment is open");
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

/* The sentences end with the state that matters, by a look of this moment. */
static void say_execution(struct driver *driver)
{
    char text[900];
    execution_now(driver, text, sizeof text);
    if (text[0] != '\0')
        progress_word(driver, "%s", text);
}

/* Why it went back, once more at the end: on a screen it has scrolled away by then. */
static void say_why(struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    bool aborted = deployment->state == STATE_ABORTED;
    const struct journal_entry *turn = deployment_transition_to(deployment,
                                                                aborted ? STATE_ABORTING
                                                                        : STATE_ROLLING_BACK);
    if (turn != NULL && entry_string(turn, "reason")[0] != '\0')
        progress_word(driver, "%s: %s",
                      aborted                                  ? "Aborted"
                      : deployment->state == STATE_ROLLED_BACK ? "Rolled back"
                                                               : "The rollback failed; it began "
                                                                 "because",
                      entry_string(turn, "reason"));
}

/* Behind a person's DISARM nobody is told to arm: whoever gave it had a reason. */
static void say_left_disarmed(struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    unsigned long long number = deployment->number;
    const char *state = machine_state_name(deployment->state);
    char who[240];
    if (withdrawn_by(deployment, who, sizeof who))
        progress_word(driver,
                      "deployment %llu is %s; Execution stays disarmed because of %s; settle that "
                      "before anybody arms it; next: titan-fsm export FILE",
                      number, state, who);
    else
        progress_word(
            driver,
            "deployment %llu is %s; Execution was armed before and stays disarmed until somebody "
            "runs titan-fsm arm; next: titan-fsm arm --reason TEXT, and titan-fsm export FILE",
            number, state);
}

/* Nobody had armed it, so nobody is asked to arm it again. */
static void say_came_up(struct driver *driver)
{
    progress_word(
        driver,
        "deployment %llu is completed; Execution did not run before, came up disarmed and "
        "stays so until somebody runs titan-fsm arm; next: titan-fsm arm --reason TEXT, "
        "and titan-fsm export FILE",
        (unsigned long long)driver->deployment.number);
}

/* The guard waits for a person, but not for ever. */
static void say_pause(struct driver *driver)
{
    struct clock_reading now;
    struct error ignored;
    int64_t left_ms;
    const char *state = machine_state_name(driver->deployment.state);
    if (driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK
        && guarded_left(driver, &now, &left_ms))
        progress_word(driver,
                      "in %s; next: titan-fsm advance, within %lld s: then the guard rolls back",
                      state, (long long)(left_ms / 1000));
    else
        progress_word(driver, "in %s; next: titan-fsm advance", state);
}

static void print_next(struct driver *driver, enum exit_status status)
{
    const struct deployment *deployment = &driver->deployment;
    bool stuck = deployment->state == STATE_ROLLBACK_FAILED;
    if (deployment->ended || stuck)
        progress_outage(driver);
    if (stuck || (deployment->ended && deployment->state != STATE_COMPLETED))
        say_why(driver);
    if (stuck)
        progress_word(driver, "the rollback failed and the target is not as it was before. Look at "
                              "it now; then `titan-fsm rollback --reason TEXT`, or `titan-fsm "
                              "attest rollback_failed --reason TEXT`");
    else if (deployment->ended && withdrawn_left_disarmed(deployment))
        say_left_disarmed(driver);
    else if (deployment->state == STATE_COMPLETED && deployment->procedure == PROCEDURE_RELEASE
             && deployment_facts(deployment, STATE_CONNECTED).down)
        say_came_up(driver);
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
        say_pause(driver);
    if (stuck || deployment->state == STATE_ROLLED_BACK
        || (deployment->state == STATE_ABORTED && driver->target != NULL))
        say_execution(driver);
}

/* An error ends the command while something may be running that nobody watches. */
static void say_where_it_stands(struct driver *driver)
{
    enum phase phase = driver->found ? machine_phase(driver->deployment.state) : PHASE_INVALID;
    if (driver_is_open(driver)
        && (phase == PHASE_CHANGED || phase == PHASE_REVERTING || phase == PHASE_STUCK
            || watcher_is_needed(&driver->deployment)))
        say_execution(driver);
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

/* A rollback that failed is gone on with: what hindered it may be mended. */
static enum error_code resume_engine(struct driver *driver, enum exit_status *ret_status,
                                     struct error *error)
{
    return driver->deployment.state == STATE_ROLLBACK_FAILED
               ? engine_command(driver, EVENT_ROLLBACK, "resumed", ret_status, error)
               : engine_drive(driver, ENGINE_RUN, ret_status, error);
}

static enum error_code drive_deployment(const struct command_line *line, enum engine_mode mode,
                                        bool resume, enum exit_status *ret_status,
                                        struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = open_to_drive(driver, line, error);
    if (code == ERROR_OK)
        code = resume ? resume_engine(driver, ret_status, error)
                      : engine_drive(driver, mode, ret_status, error);
    progress_close(driver);
    if (driver_is_open(driver) && driver_is_interrupted(driver))
        end_interrupted(driver, code != ERROR_OK, ret_status);
    else if (code != ERROR_OK && driver->recorder.session != NULL)
        say_where_it_stands(driver);
    else if (code == ERROR_OK)
        print_next(driver, *ret_status);
    /* Whoever ended before this one may have disarmed it, without a record at the worst. */
    if (code == ERROR_OK && resume && driver->deployment.state == STATE_COMPLETED)
        say_execution(driver);
    return code;
}

enum error_code command_advance(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    return drive_deployment(line, ENGINE_ADVANCE, false, ret_status, error);
}

enum error_code command_run(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error)
{
    return drive_deployment(line, ENGINE_RUN, false, ret_status, error);
}

enum error_code command_resume(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    return drive_deployment(line, ENGINE_RUN, true, ret_status, error);
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
    else if (driver->recorder.session != NULL)
        say_where_it_stands(driver);
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
