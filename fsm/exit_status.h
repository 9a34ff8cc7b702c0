/* fsm/exit_status: what titan-fsm tells the shell. The numbers are documented in README.md and
 * never reused; `titan-fsm --help` and the man page print this table. */
#ifndef FSM_EXIT_STATUS_H
#define FSM_EXIT_STATUS_H

#include <stddef.h>

#include "fsm/machine.h"
#include "journal/format/error.h"

/*    token            number  meaning */
#define EXIT_STATUSES(STATUS)                                                                     \
    STATUS(DONE, 0, "what was asked is done")                                                     \
    STATUS(INTERNAL, 1, "internal: memory, a system call")                                        \
    STATUS(USAGE, 2, "usage")                                                                     \
    STATUS(CONFIG, 3, "configuration; file, line and column are named")                           \
    STATUS(ROLLED_BACK, 10, "a step failed, and what ran before runs again")                      \
    STATUS(ABORTED, 11, "aborted before a service changed")                                       \
    STATUS(ROLLBACK_FAILED, 12, "the rollback failed: a person must act now")                     \
    STATUS(NEEDS_PERSON, 13,                                                                      \
           "a person is needed: an item, an approval, a question; or you interrupted it")         \
    STATUS(HELD, 14,                                                                              \
           "held: another driver, another copy of the journal, a holder whose time is not over, " \
           "another script under deploy.lock")                                                    \
    STATUS(UNREACHABLE, 15,                                                                       \
           "the target is unreachable; nothing is guessed, `titan-fsm resume` goes on")           \
    STATUS(HOST_REFUSED, 16, "the host key is unknown, changed or marked")                        \
    STATUS(KEY_REFUSED, 17,                                                                       \
           "key refused: passphrase, agent, roster; or not that of whoever drives")               \
    STATUS(JOURNAL_DAMAGED, 18, "the journal is damaged")                                         \
    STATUS(JOURNAL_WRITE, 19,                                                                     \
           "the journal cannot be written; nothing more was done to the target")                  \
    STATUS(REFUSED, 20, "refused: the machine has no such edge, or a rule forbids it")            \
    STATUS(STEP_FAILED, 21, "arm, disarm or preflight did not reach what it was for")             \
    STATUS(DRIFT, 22, "what runs differs from its source, or cannot be compared")

#define EXIT_ENUM(token, number, meaning) EXIT_##token = (number),
enum exit_status { EXIT_STATUSES(EXIT_ENUM) };
#undef EXIT_ENUM

struct exit_row {
    enum exit_status status;
    const char *meaning;
};

const struct exit_row *exit_status_list(size_t *ret_count);
enum exit_status exit_status_of(enum error_code code);
/* Of a command that drove a deployment to this state. */
enum exit_status exit_status_of_state(enum state state);
/* The next step after an error of this class, where the place that found it names no better one:
 * none is left without. */
const char *exit_status_next(enum error_code code);

#endif
