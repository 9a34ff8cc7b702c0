/* actions/target/command: one command for a target, and what came back.
 * Deadlines: on the driver's boot clock, and again on the target (`timeout -k 2`), so that an
 *            abandoned command ends. */
#ifndef ACTIONS_COMMAND_H
#define ACTIONS_COMMAND_H

#include "actions/target/evidence.h"
#include "journal/format/text.h"

/* What standard output is, which decides how much of it is redacted. Standard error is always of
 * the first kind. */
enum target_output {
    OUTPUT_FOREIGN = 0, /* what a program printed: every value of secrets.h is redacted */
    /* Names, identities and addresses that are compared or go into later commands: redacted is only
     * what its key calls secret. */
    OUTPUT_NAMES,
    /* Nothing is redacted: a file that this tool wrote itself, a secret on its way into locked
     * memory, or what a probe reads and repeats only by check_foreign(). A secret never becomes
     * evidence. */
    OUTPUT_RAW,
};

/* An observer of a long command: receives its last whole line, redacted, at most a few times a
 * second. For people: nothing is decided from it, and what is recorded is what came back at the
 * end. */
struct target_watch {
    void (*line)(void *context, const char *line); /* no newline; foreign: to be escaped */
    void *context;
};

/* What a mutating command must find in deployment.json (tenancy.h). */
struct target_tenancy {
    const char *journal; /* id */
    int64_t deployment, epoch;
    bool way_out; /* a command of our own that hangs under the lock is ended (own_command.h) */
};

struct target_command {
    /* POSIX sh, run by `sh` in the target's directory, with DOCKER_HOST set where configured. */
    const char *script;
    const struct text *built; /* or this one; what failed while it was built fails the command */
    const void *input;        /* standard input, NULL = empty */
    size_t input_bytes;
    int64_t deadline_ms;     /* 0 = setup.command_ms */
    size_t output_bytes_max; /* 0 = setup.output_bytes_max; more is ERROR_LIMIT, never cut */
    enum target_output output;
    const struct target_watch *watch; /* NULL = no observer; only with a tenancy */
    bool anywhere;                    /* it is run even where the target's directory is gone */
    /* Not NULL: a mutating command, run under the flock of state/deploy.lock after the epoch was
     * checked. */
    const struct target_tenancy *tenancy;
};

struct target_result {
    int status;                  /* exit status; 128 + n for a signal; 124 for the deadline */
    struct bytes output, errors; /* standard output and standard error */
    int64_t sent_ns, received_ns;
    struct target_span span;
};
void target_result_clear(struct target_result *result);
#define CLEANUP_RESULT __attribute__((cleanup(target_result_clear)))

#endif
