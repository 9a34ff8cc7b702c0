/* disarm: disarms Execution at any time, beside a running driver too. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/execution_now.h"
#include "fsm/roster/authority.h"
#include "fsm/steps/disarm.h"
#include "fsm/terminal/print.h"
#include "fsm/terminal/progress.h"
#include "fsm/watcher.h"

/* An operator whose key is at hand in an agent signs with it, also beside the session key of
 * somebody else: the record then names the right person. It never waits for a passphrase. */
static void prefer_own_key(struct driver *driver)
{
    struct error ignored;
    if (driver->session == NULL
        || !driver->config.operator.agent || authority_check_holder(driver, &ignored) == ERROR_OK)
        return;
    if (driver_unlock(driver, &ignored) == ERROR_OK
        && authority_check_own(driver, ROSTER_OPERATOR, &ignored) == ERROR_OK)
        driver->recorder.session = NULL;
}

/* The session key of an open deployment signs without a passphrase, even if its opener was removed
 * since. Otherwise an operator in force signs with their own key. */
static enum error_code find_signer(struct driver *driver, struct error *error)
{
    prefer_own_key(driver);
    if (driver->session != NULL)
        return ERROR_OK;
    enum error_code code = driver_unlock(driver, error);
    return code == ERROR_OK ? authority_check_own(driver, ROSTER_OPERATOR, error) : code;
}

/* Needs neither lock nor tenancy, and waits for nobody who has the journal. */
static enum error_code open_journal(struct driver *driver, const struct driver_options *options,
                                    struct error *error)
{
    enum error_code code = driver_open(driver, options,
                                       DRIVER_WRITES | DRIVER_SESSION | DRIVER_SOON, error);
    if (code != ERROR_OK && driver->journal != NULL
        && driver_is_open(
            driver)) { /* the session key is elsewhere: the operator's own may sign this */
        driver_close(driver);
        code = driver_open(driver, options, DRIVER_WRITES | DRIVER_SOON, error);
        driver->recorder.deployment = code == ERROR_OK ? (int64_t)driver->deployment.number
                                                       : JOURNAL_NO_DEPLOYMENT;
    }
    return code;
}

/* An emergency waits neither for the journal, nor for a key, nor for a part of the configuration
 * that it does not need. `cause` says why it cannot be recorded now; ERROR_OK where it can. What is
 * returned stands in the way of the sending itself. */
static enum error_code open_for_disarm(struct driver *driver, const struct command_line *line,
                                       struct error *cause, struct error *error)
{
    struct driver_options at_once = line->options;
    at_once.at_once = true;
    cause->code = open_journal(driver, &at_once, cause);
    if (cause->code == ERROR_OK) {
        cause->code = find_signer(driver, cause);
        return ERROR_OK;
    }
    driver_close(driver);
    if (driver_open_config(driver, &at_once, false, error) == ERROR_OK)
        return ERROR_OK;
    driver_close(driver);
    if (driver_open_reach(driver, &at_once, error) == ERROR_OK)
        return ERROR_OK;
    *error = *cause; /* it names the place in the whole file */
    return error->code;
}

/* What a DISARM does to the deployment that is open; "" where none is, or it goes on. */
static const char *consequence(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    if (!driver_is_open(driver) || machine_phase(deployment->state) != PHASE_CHANGED)
        return "";
    enum action action = deployment->intent.action;
    bool armed = deployment_transition_to(deployment, STATE_ARMED) != NULL
                 || deployment_facts(deployment, STATE_VERIFIED).interlock == INTERLOCK_ARMED;
    if (deployment->state == STATE_CONFIRMED)
        return "which ends now, with Execution disarmed";
    if (action == ACTION_CONFIRM || action == ACTION_ARM)
        return "which looks at Execution for the last time, or arms it, just now: this DISARM "
               "rolls "
               "it back, or it ends with Execution disarmed";
    if (armed)
        return "which must stay armed: this DISARM rolls it back";
    if (deployment->procedure == PROCEDURE_RELEASE)
        return deployment->state == STATE_SWITCHED
                   ? "which is being verified: it goes on disarmed, or this DISARM rolls it back"
                   : "which goes on with Execution disarmed";
    return "which asks a person before it arms Execution";
}

/* An emergency does not wait for an answer, but nobody may be surprised by what follows. */
static void say_before(const struct driver *driver, const char *what)
{
    const struct deployment *deployment = &driver->deployment;
    if (what[0] != '\0')
        progress_word(driver, "%s %llu of %s is open in %s, %s",
                      machine_procedure_name(deployment->procedure),
                      (unsigned long long)deployment->number,
                      deployment_open_string(deployment, "operator"),
                      machine_state_name(deployment->state), what);
}

static void say_after(const struct driver *driver, const char *what)
{
    struct watcher watcher = {.life = WATCHER_UNKNOWN};
    if (what[0] == '\0')
        return;
    if (driver->journal != NULL)
        watcher_ask(driver, &watcher);
    bool back = strstr(what, ": this DISARM rolls it back") != NULL
                && strstr(what, ", or ") == NULL;
    if (watcher.life == WATCHER_GONE)
        progress_word(driver, "nobody drives the deployment now; next: titan-fsm resume%s",
                      back ? ", which sees the DISARM and rolls back" : "");
    else
        progress_word(driver, "%snext: titan-fsm status --watch",
                      back ? "the deployment rolls back as soon as its driver sees this; " : "");
}

static void say_what_was_seen(const struct driver *driver, const struct disarm_seen *seen)
{
    char removal[1600];
    progress_word(driver, "%s; Execution is %s", disarm_words_sent(seen), disarm_words_seen(seen));
    if (seen->observed || (seen->looked && seen->running == 0))
        return;
    execution_removal(driver, seen->names, removal, sizeof removal);
    progress_word(driver, "NOT disarmed, as far as anybody saw; next, on %s: %s",
                  driver->config.setup.target.name, removal);
}

/* Where it could not be recorded before. Now a person may be asked for the key; what was not sent
 * at all is tried once more, as an act with an intent. */
static enum error_code record_behind(struct driver *driver, const struct command_line *line,
                                     const struct disarm_draft *draft, struct disarm_seen *seen,
                                     struct error *error)
{
    driver_close(driver);
    enum error_code code = open_journal(driver, &line->options, error);
    if (code == ERROR_OK)
        code = find_signer(driver, error);
    if (code != ERROR_OK)
        return code;
    if (seen->bus != DISARM_NOT_SENT) {
        code = disarm_record_late(driver, draft, seen, error);
        if (code == ERROR_OK)
            progress_word(driver, "it is recorded after it");
        return code;
    }
    evidence_clear(draft->evidence);
    code = disarm_record_intent(driver, draft, error);
    if (code != ERROR_OK)
        return code;
    disarm_try(driver, draft, seen);
    say_what_was_seen(driver, seen);
    return disarm_record_outcome(driver, draft, seen, error);
}

/* `cause`: why it cannot be recorded now. */
static enum error_code send_disarm(struct driver *driver, const struct command_line *line,
                                   const struct error *cause, struct evidence *evidence,
                                   struct disarm_seen *seen, struct error *error)
{
    char key[33];
    const struct disarm_draft draft = {.key = key, .reason = line->reason, .evidence = evidence};
    driver_key(driver, key);
    bool intended = cause->code == ERROR_OK
                    && disarm_record_intent(driver, &draft, error) == ERROR_OK;
    if (!intended)
        progress_word(driver, "DISARM does not wait for its record");
    disarm_try(driver, &draft, seen);
    say_what_was_seen(driver, seen);
    return intended ? disarm_record_outcome(driver, &draft, seen, error)
                    : record_behind(driver, line, &draft, seen, error);
}

/* The last sentence of a DISARM that nobody can read of afterwards. */
static enum error_code end_unrecorded(const struct command_line *line,
                                      const struct disarm_seen *seen, enum exit_status *ret_status,
                                      struct error *error)
{
    const struct error cause = *error;
    const char *next = cause.next[0] != '\0' ? cause.next : exit_status_next(cause.code);
    (void)error_set(error, cause.code, cause.library_code, cause.where, next,
                    "Execution is %.300s, and this is not on record: %.180s",
                    disarm_words_seen(seen), cause.what);
    if (seen->observed)
        return error->code;
    print_failure(line->options.world->terminal, error);
    *ret_status = EXIT_STEP_FAILED;
    return ERROR_OK;
}

enum error_code command_disarm(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    struct disarm_seen seen = {.observed = false};
    struct error cause = {.code = ERROR_OK};
    enum error_code code = open_for_disarm(driver, line, &cause, error);
    if (code == ERROR_OK)
        code = disarm_check_possible(driver, error);
    if (code != ERROR_OK)
        return code;
    const char *what = consequence(driver);
    say_before(driver, what);
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "disarm", "", "out of memory");
    code = send_disarm(driver, line, &cause, evidence, &seen, error);
    evidence_clear(evidence);
    free(evidence);
    say_after(driver, what);
    *ret_status = seen.observed ? EXIT_DONE : EXIT_STEP_FAILED;
    return code == ERROR_OK ? ERROR_OK : end_unrecorded(line, &seen, ret_status, error);
}
