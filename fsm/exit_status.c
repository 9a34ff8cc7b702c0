#include "fsm/exit_status.h"

#define EXIT_ROW(token, number, meaning) {EXIT_##token, meaning},
static const struct exit_row rows[] = {EXIT_STATUSES(EXIT_ROW)};

const struct exit_row *exit_status_list(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}

enum exit_status exit_status_of(enum error_code code)
{
    switch (code) {
    case ERROR_OK:
        return EXIT_DONE;
    case ERROR_USAGE:
        return EXIT_USAGE;
    case ERROR_CONFIG:
        return EXIT_CONFIG;
    case ERROR_SYSTEM:
        return EXIT_INTERNAL;
    case ERROR_MEMORY:
        return EXIT_INTERNAL;
    case ERROR_DAMAGED:
        return EXIT_JOURNAL_DAMAGED;
    case ERROR_JOURNAL_WRITE:
        return EXIT_JOURNAL_WRITE;
    case ERROR_HELD:
        return EXIT_HELD;
    case ERROR_UNREACHABLE:
        return EXIT_UNREACHABLE;
    case ERROR_HOST_REFUSED:
        return EXIT_HOST_REFUSED;
    case ERROR_KEY_REFUSED:
        return EXIT_KEY_REFUSED;
    case ERROR_REFUSED:
        return EXIT_REFUSED;
    case ERROR_TIMEOUT:
        return EXIT_STEP_FAILED;
    case ERROR_PROTOCOL:
        return EXIT_STEP_FAILED;
    case ERROR_REMOTE:
        return EXIT_STEP_FAILED;
    case ERROR_LIMIT:
        return EXIT_STEP_FAILED;
    case ERROR_NEEDS_PERSON:
        return EXIT_NEEDS_PERSON;
    }
    return EXIT_INTERNAL;
}

const char *exit_status_next(enum error_code code)
{
    switch (code) {
    case ERROR_USAGE:
        return "titan-fsm --help";
    case ERROR_CONFIG:
        return "titan-fsm config check";
    case ERROR_SYSTEM:
        return "mend that on this machine, then give the same command again; titan-fsm resume goes "
               "on with a deployment that is open";
    case ERROR_MEMORY:
        return "free memory on this machine, then give the same command again; titan-fsm resume "
               "goes on with a deployment that is open";
    case ERROR_DAMAGED:
        return "keep it as it is, and let titan-verify say what of it is damaged";
    case ERROR_JOURNAL_WRITE:
        return "make room for the journal, then titan-fsm resume";
    case ERROR_HELD:
        return "titan-fsm status";
    case ERROR_UNREACHABLE:
        return "titan-fsm resume, once it can be reached";
    case ERROR_HOST_REFUSED:
        return "find out whose key it is before anything else";
    case ERROR_KEY_REFUSED:
        return "titan-fsm roster says who may";
    case ERROR_REFUSED:
        return "titan-fsm explain says what can be done from here";
    case ERROR_TIMEOUT:
    case ERROR_PROTOCOL:
    case ERROR_REMOTE:
    case ERROR_LIMIT:
        return "look at the target; titan-fsm resume goes on with a deployment that is open";
    case ERROR_NEEDS_PERSON:
        return "titan-fsm status";
    case ERROR_OK:
        break;
    }
    return "";
}

enum exit_status exit_status_of_state(enum state state)
{
    switch (state) {
    case STATE_ROLLED_BACK:
        return EXIT_ROLLED_BACK;
    case STATE_ABORTED:
        return EXIT_ABORTED;
    case STATE_ROLLBACK_FAILED:
        return EXIT_ROLLBACK_FAILED;
    case STATE_INVALID:
    case STATE_COUNT:
        return EXIT_INTERNAL;
    case STATE_OPENED:
    case STATE_PREFLIGHTED:
    case STATE_CONNECTED:
    case STATE_UPDATED:
    case STATE_PULLED:
    case STATE_GUARDED:
    case STATE_SWITCHED:
    case STATE_VERIFIED:
    case STATE_DISARMED:
    case STATE_EXECUTION_DEPLOYED:
    case STATE_EXECUTION_VERIFIED:
    case STATE_BRAIN_DEPLOYED:
    case STATE_PARITY_VERIFIED:
    case STATE_ARMED:
    case STATE_OBSERVED:
    case STATE_CONFIRMED:
    case STATE_COMPLETED:
    case STATE_ROLLING_BACK:
    case STATE_SAFE:
    case STATE_REVERTED:
    case STATE_REDEPLOYED:
    case STATE_ABORTING:
        return EXIT_DONE;
    }
    return EXIT_INTERNAL;
}
