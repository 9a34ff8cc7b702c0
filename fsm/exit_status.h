/* fsm/exit_status: what titan-fsm tells the shell. The numbers are documented in README.md and never reused. */
#ifndef FSM_EXIT_STATUS_H
#define FSM_EXIT_STATUS_H

#include "journal/error.h"

enum exit_status {
    EXIT_DONE = 0,              /* what was asked is done */
    EXIT_INTERNAL = 1,          /* memory, a system call, a bug */
    EXIT_USAGE = 2,
    EXIT_CONFIG = 3,            /* titan.yml: file, line and column are named */
    EXIT_ROLLED_BACK = 10,      /* a step failed, and what ran before runs again */
    EXIT_ABORTED = 11,          /* given up before a service changed */
    EXIT_ROLLBACK_FAILED = 12,  /* the target is not as it was: a person must act now */
    EXIT_NEEDS_PERSON = 13,     /* an item of the checklist, a question, or an intent that cannot be settled */
    EXIT_HELD = 14,             /* another driver, or another script under deploy.lock */
    EXIT_UNREACHABLE = 15,      /* the target; nothing is guessed, `titan-fsm resume` goes on */
    EXIT_HOST_REFUSED = 16,     /* the host key is unknown, changed or revoked */
    EXIT_KEY_REFUSED = 17,      /* passphrase, agent, roster; or not the key of whoever drives */
    EXIT_JOURNAL_DAMAGED = 18,
    EXIT_JOURNAL_WRITE = 19,    /* full disk: nothing more was done to the target */
    EXIT_REFUSED = 20,          /* the machine has no such edge, or a rule forbids it */
    EXIT_STEP_FAILED = 21,      /* a command that is no deployment (arm, disarm) did not reach what it was for */
    EXIT_DRIFT = 22,            /* what runs differs from its source, or could not be compared */
};

enum exit_status exit_status_of(enum error_code code);

#endif
