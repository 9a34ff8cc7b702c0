#include "fsm/terminal/question.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fsm/terminal/progress.h"

/* One line within the time; "" for silence. */
static void read_line(struct driver *driver, char *ret_line, size_t room)
{
    int64_t until_ns = driver_now_ns(driver) + driver->config.limits.answer_ms * 1000000;
    ret_line[0] = '\0';
    while (!driver_is_interrupted()) {
        int64_t left_ms = (until_ns - driver_now_ns(driver)) / 1000000;
        struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
        if (left_ms <= 0)
            return;
        if (poll(&ready, 1, (int)left_ms) <= 0)
            continue;
        if (fgets(ret_line, (int)room, stdin) == NULL)
            ret_line[0] = '\0';
        return;
    }
}

enum error_code question_rearm(struct driver *driver, enum answer *ret_answer, struct error *error)
{
    const char *outcome = driver->options.rearm == ANSWER_YES  ? "yes"
                          : driver->options.rearm == ANSWER_NO ? "no"
                                                               : "unanswered";
    const char *reason = driver->options.rearm == ANSWER_ASK ? "" : "given on the command line";
    char key[33];
    if (driver->options.rearm == ANSWER_ASK && isatty(STDIN_FILENO) == 1) {
        char line[64];
        progress_pause(driver);
        progress_word(driver,
                      "Execution was armed before and came up disarmed. Arm it again after this "
                      "check? Type yes within %lld s; silence leaves it disarmed.",
                      (long long)(driver->config.limits.answer_ms / 1000));
        read_line(driver, line, sizeof line);
        progress_resume(driver);
        outcome = strcmp(line, "yes\n") == 0 ? "yes" : line[0] != '\0' ? "no" : "unanswered";
        reason = "asked on the terminal";
    }
    driver_key(key);
    enum error_code code = record_command(&driver->recorder, "answer", "outcome", key, outcome,
                                          reason, NULL, error);
    if (code == ERROR_OK)
        *ret_answer = strcmp(outcome, "yes") == 0 ? ANSWER_YES : ANSWER_NO;
    return code;
}
