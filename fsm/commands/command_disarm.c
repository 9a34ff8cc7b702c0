/* disarm: disarms Execution at any time, beside a running driver too. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Needs neither lock nor tenancy. */
static enum error_code open_journal(struct driver *driver, const struct command_line *line,
                                    struct error *error)
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
    return code;
}

/* An emergency does not wait: when the journal cannot be opened, DISARM goes before its record. */
static enum error_code open_for_disarm(struct driver *driver, const struct command_line *line,
                                       bool *ret_recorded, struct error *error)
{
    enum error_code code = open_journal(driver, line, error);
    *ret_recorded = code == ERROR_OK;
    if (code == ERROR_OK)
        return find_signer(driver, error);
    if (code != ERROR_DAMAGED && code != ERROR_JOURNAL_WRITE && code != ERROR_SYSTEM)
        return code;
    print_failure(driver->world->terminal, error);
    fputs("titan-fsm: DISARM does not wait for its record\n", stderr);
    driver_close(driver);
    return driver_open_config(driver, &line->options, true, error);
}

/* What a DISARM does to the deployment that is open; "" where none is, or it goes on. */
static const char *consequence(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    if (!driver_is_open(driver) || machine_phase(deployment->state) != PHASE_CHANGED)
        return "";
    bool armed = deployment_transition_to(deployment, STATE_ARMED) != NULL
                 || deployment_facts(deployment, STATE_VERIFIED).interlock == INTERLOCK_ARMED;
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
    if (strstr(what, "rolls it back") == NULL)
        return;
    watcher_ask(driver, &watcher);
    progress_word(driver,
                  watcher.life == WATCHER_GONE
                      ? "nobody drives the deployment now; next: titan-fsm resume, which sees the "
                        "DISARM and rolls back"
                      : "the deployment rolls back as soon as its driver sees this; next: "
                        "titan-fsm status --watch");
}

static void say_what_was_seen(const struct driver *driver, const struct disarm_seen *seen)
{
    progress_word(driver, "%s; Execution is %s", disarm_words_sent(seen), disarm_words_seen(seen));
}

/* The journal could not be opened before. */
static void record_behind(struct driver *driver, const struct command_line *line,
                          const struct disarm_draft *draft, const struct disarm_seen *seen)
{
    struct error error;
    driver_close(driver);
    enum error_code code = open_journal(driver, line, &error);
    if (code == ERROR_OK)
        code = find_signer(driver, &error);
    if (code == ERROR_OK)
        code = disarm_record_late(driver, draft, seen, &error);
    if (code == ERROR_OK)
        progress_word(driver, "it is recorded after it");
    else
        progress_word(driver, "it is not on record: %s", error.what);
}

static enum error_code send_disarm(struct driver *driver, const struct command_line *line,
                                   bool recorded, struct evidence *evidence,
                                   struct disarm_seen *seen, struct error *error)
{
    char key[33];
    const struct disarm_draft draft = {.key = key, .reason = line->reason, .evidence = evidence};
    if (recorded) {
        enum error_code code = disarm_recorded(driver, line->reason, evidence, seen, error);
        say_what_was_seen(driver, seen);
        return code;
    }
    driver_key(driver, key);
    disarm_try(driver, &draft, seen);
    say_what_was_seen(driver, seen);
    record_behind(driver, line, &draft, seen);
    return ERROR_OK;
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
    const char *what = recorded ? consequence(driver) : "";
    say_before(driver, what);
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "disarm", "", "out of memory");
    code = send_disarm(driver, line, recorded, evidence, &seen, error);
    evidence_clear(evidence);
    free(evidence);
    say_after(driver, what);
    *ret_status = seen.observed ? EXIT_DONE : EXIT_STEP_FAILED;
    return code;
}
