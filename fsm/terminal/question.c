#include "fsm/terminal/question.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fsm/terminal/progress.h"
#include "fsm/watcher.h"

static const int64_t COUNT_NS = 10000000000; /* how often it is said how much time is left */

static enum error_code wait_for_answer(struct driver *driver, int64_t until_ns, struct bytes *line,
                                       struct error *error)
{
    const struct world_terminal *terminal = driver->world->terminal;
    for (;;) {
        int64_t now_ns = driver_now_ns(driver),
                next_ns = now_ns + COUNT_NS < until_ns ? now_ns + COUNT_NS : until_ns;
        enum error_code code = terminal->read_line(terminal->context, next_ns, line, error);
        now_ns = driver_now_ns(driver);
        if (code != ERROR_TIMEOUT || now_ns >= until_ns || driver_is_interrupted(driver))
            return code;
        progress_word(driver, "%lld s left to type yes",
                      (long long)((until_ns - now_ns + 999999999) / 1000000000));
    }
}

/* One answer on the terminal; *ret_outcome is "unanswered" when none came in time. */
static enum error_code ask_yes_or_no(struct driver *driver, const char *question,
                                     const char **ret_outcome, struct error *error)
{
    CLEANUP_BYTES struct bytes line = {0};
    int64_t until_ns = driver_now_ns(driver) + driver->config.limits.answer_ms * 1000000;
    progress_pause(driver);
    progress_word(driver, "%s Type yes within %lld s; without an answer it stays disarmed.",
                  question, (long long)(driver->config.limits.answer_ms / 1000));
    watcher_tell_question(driver, question, until_ns);
    enum error_code code = wait_for_answer(driver, until_ns, &line, error);
    watcher_tell_question(driver, NULL, 0);
    progress_resume(driver);
    bool yes = line.size == 3 && memcmp(line.data, "yes", 3) == 0;
    *ret_outcome = code == ERROR_TIMEOUT || code == ERROR_NEEDS_PERSON ? "unanswered"
                   : yes                                               ? "yes"
                                                                       : "no";
    return code == ERROR_MEMORY ? code : ERROR_OK;
}

static enum error_code record_answer(struct driver *driver, const char *outcome, const char *reason,
                                     struct error *error)
{
    char key[33];
    driver_key(driver, key);
    return record_command(&driver->recorder,
                          &(struct command_draft){.command = "answer",
                                                  .phase = "outcome",
                                                  .key = key,
                                                  .outcome = outcome,
                                                  .reason = reason},
                          error);
}

enum error_code question_rearm(struct driver *driver, enum answer *ret_answer, struct error *error)
{
    const char *outcome = driver->options.rearm == ANSWER_YES  ? "yes"
                          : driver->options.rearm == ANSWER_NO ? "no"
                                                               : "unanswered";
    const char *reason = driver->options.rearm == ANSWER_ASK ? "" : "given on the command line";
    const struct world_terminal *terminal = driver->world->terminal;
    if (driver->options.rearm == ANSWER_ASK
        && terminal->is_terminal(terminal->context, STDIN_FILENO)) {
        enum error_code code = ask_yes_or_no(
            driver,
            "Execution was armed before and came up disarmed. Arm it again after this check?",
            &outcome, error);
        if (code != ERROR_OK)
            return code;
        reason = "asked on the terminal";
    }
    enum error_code code = record_answer(driver, outcome, reason, error);
    if (code == ERROR_OK)
        *ret_answer = strcmp(outcome, "yes") == 0 ? ANSWER_YES : ANSWER_NO;
    return code;
}

enum error_code question_take_back(struct driver *driver, const char *who, struct error *error)
{
    char reason[300];
    (void)snprintf(reason, sizeof reason, "Execution stays disarmed, because of %s", who);
    enum error_code code = record_answer(driver, "no", reason, error);
    if (code == ERROR_OK)
        progress_word(driver, "%s", reason);
    return code;
}

enum error_code question_arm_after_all(struct driver *driver, const char *who, struct error *error)
{
    const struct world_terminal *terminal = driver->world->terminal;
    const char *outcome = "unanswered";
    if (terminal->is_terminal(terminal->context, STDIN_FILENO)) {
        char question[400];
        (void)snprintf(question, sizeof question,
                       "Execution was disarmed by %s. Arm it all the same?", who);
        enum error_code code = ask_yes_or_no(driver, question, &outcome, error);
        if (code == ERROR_OK)
            code = record_answer(driver, outcome, "asked on the terminal", error);
        if (code != ERROR_OK || strcmp(outcome, "yes") == 0)
            return code;
    }
    return error_set(error, ERROR_NEEDS_PERSON, 0, driver->config.setup.target.name,
                     "titan-fsm advance on a terminal, and answer; or titan-fsm rollback --reason "
                     "TEXT",
                     "Execution was disarmed by %s, so that a person must say whether it is armed",
                     who);
}
