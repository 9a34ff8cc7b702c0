#include "fsm/terminal/question.h"

#include <string.h>
#include <unistd.h>

#include "fsm/terminal/progress.h"

/* The operator's answer; *ret_outcome is "unanswered" when none came in time. */
static enum error_code ask_rearm(struct driver *driver, const char **ret_outcome,
                                 struct error *error)
{
    const struct world_terminal *terminal = driver->world->terminal;
    CLEANUP_BYTES struct bytes line = {0};
    int64_t until_ns = driver_now_ns(driver) + driver->config.limits.answer_ms * 1000000;
    progress_pause(driver);
    progress_word(driver,
                  "Execution was armed before and came up disarmed. Arm it again after this check? "
                  "Type yes within %lld s; without an answer it stays disarmed.",
                  (long long)(driver->config.limits.answer_ms / 1000));
    enum error_code code = terminal->read_line(terminal->context, until_ns, &line, error);
    progress_resume(driver);
    bool yes = line.size == 3 && memcmp(line.data, "yes", 3) == 0;
    *ret_outcome = code == ERROR_TIMEOUT || code == ERROR_NEEDS_PERSON ? "unanswered"
                   : yes                                               ? "yes"
                                                                       : "no";
    return code == ERROR_MEMORY ? code : ERROR_OK;
}

enum error_code question_rearm(struct driver *driver, enum answer *ret_answer, struct error *error)
{
    const char *outcome = driver->options.rearm == ANSWER_YES  ? "yes"
                          : driver->options.rearm == ANSWER_NO ? "no"
                                                               : "unanswered";
    const char *reason = driver->options.rearm == ANSWER_ASK ? "" : "given on the command line";
    char key[33];
    const struct world_terminal *terminal = driver->world->terminal;
    if (driver->options.rearm == ANSWER_ASK
        && terminal->is_terminal(terminal->context, STDIN_FILENO)) {
        enum error_code code = ask_rearm(driver, &outcome, error);
        if (code != ERROR_OK)
            return code;
        reason = "asked on the terminal";
    }
    driver_key(driver, key);
    enum error_code code = record_command(&driver->recorder,
                                          &(struct command_draft){.command = "answer",
                                                                  .phase = "outcome",
                                                                  .key = key,
                                                                  .outcome = outcome,
                                                                  .reason = reason},
                                          error);
    if (code == ERROR_OK)
        *ret_answer = strcmp(outcome, "yes") == 0 ? ANSWER_YES : ANSWER_NO;
    return code;
}
