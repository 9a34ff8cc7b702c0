/* disarm: disarms Execution at any time, beside a running driver too. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/roster/authority.h"
#include "fsm/steps/disarm.h"
#include "fsm/terminal/progress.h"

/* The session key of an open deployment signs without a passphrase, even if its opener was removed
 * since. Otherwise an operator in force signs with their own key. */
static enum error_code find_signer(struct driver *driver, struct error *error)
{
    if (driver->session != NULL)
        return ERROR_OK;
    enum error_code code = driver_unlock(driver, error);
    return code == ERROR_OK ? authority_check_own(driver, ROSTER_OPERATOR, error) : code;
}

/* Needs neither lock nor tenancy: an emergency does not wait. When the journal cannot be opened,
 * DISARM is sent without a record. */
static enum error_code open_for_disarm(struct driver *driver, const struct command_line *line,
                                       bool *ret_recorded, struct error *error)
{
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_SESSION,
                                       error);
    if (code != ERROR_OK && driver->journal != NULL
        && driver_is_open(
            driver)) { /* the session key is elsewhere: the operator's own may sign this */
        driver_close(driver);
        code = driver_open(driver, &line->options, DRIVER_WRITES, error);
        driver->recorder.deployment = code == ERROR_OK ? (int64_t)driver->deployment.number
                                                       : JOURNAL_NO_DEPLOYMENT;
    }
    *ret_recorded = code == ERROR_OK;
    if (code == ERROR_OK)
        return find_signer(driver, error);
    if (code != ERROR_DAMAGED && code != ERROR_JOURNAL_WRITE && code != ERROR_SYSTEM)
        return code;
    error_print(stderr, "titan-fsm", error);
    fputs("titan-fsm: DISARM is sent without a record\n", stderr);
    driver_close(driver);
    return driver_open_config(driver, &line->options, true, error);
}

static void say_what_was_seen(const struct driver *driver, const struct disarm_seen *seen)
{
    if (seen->observed)
        progress_word(driver, "DISARM was sent, and Execution was seen disarmed");
    else if (seen->running > 1)
        progress_word(driver,
                      "Execution was NOT seen disarmed: %u containers of it run (%s), and only one "
                      "may: stop them by hand, or remove them",
                      seen->running, seen->names);
    else
        progress_word(driver, "Execution was NOT seen disarmed: stop it by hand, or remove its "
                              "container");
}

enum error_code command_disarm(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    struct disarm_seen seen = {.observed = false};
    bool recorded = false;
    enum error_code code = open_for_disarm(driver, line, &recorded, error);
    if (code == ERROR_OK)
        code = disarm_check_possible(driver, error);
    if (code != ERROR_OK)
        return code;
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "disarm", "", "out of memory");
    code = recorded ? disarm_recorded(driver, line->reason, evidence, &seen, error)
                    : disarm_unrecorded(driver, line->reason, &seen, error);
    evidence_clear(evidence);
    free(evidence);
    say_what_was_seen(driver, &seen);
    *ret_status = seen.observed ? EXIT_DONE : EXIT_STEP_FAILED;
    return code;
}
