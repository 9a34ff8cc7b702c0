/* actions/target/target: a machine on which commands run and from which ports can be reached: this
 * one, or one behind ssh.
 * Knows:     how a command travels, its deadline, its cap, and the clocks around it; not what it
 *            means.
 * Secrets:   bytes are redacted where they come into the process, whole and before anything reads
 *            them: here what a command printed, by target_redact() what came by another way. So
 *            what is judged, recorded and printed are the same bytes, and a verifier judges what
 *            the driver judged.
 * Interface: struct target_backend is all that `local` (process.h) and `ssh` (ssh.h) provide; a
 *            simulation provides a third.
 * Deadlines: on the driver's boot clock, and again on the target (`timeout -k 2`), so that an
 *            abandoned command ends.
 * Lost link: a command that had been sent and whose outcome did not come back is ERROR_UNREACHABLE;
 *            this layer never sends one twice. */
#ifndef ACTIONS_TARGET_H
#define ACTIONS_TARGET_H

#include "actions/target/evidence.h"
#include "actions/secrets/redact.h"
#include "actions/target/setup.h"

struct target;
struct secrets;
struct target_lease;

/* What standard output is, which decides how much of it is redacted. Standard error is always of
 * the first kind. */
enum target_output {
    OUTPUT_FOREIGN = 0, /* whatever a program printed: every value of secrets.h */
    /* names, identities and addresses that are compared or go into later commands: only what its
     * key calls secret */
    OUTPUT_NAMES,
    /* a file that this tool wrote itself, or a secret on its way into locked memory, or what a
     * probe reads and repeats only by check_foreign(): nothing. A secret never becomes evidence */
    OUTPUT_RAW,
};

/* Somebody who watches a long command: its last whole line, redacted, at most a few times a second.
 * For people: nothing is decided from it, and what is recorded is what came back at the end. */
struct target_watch {
    void (*line)(void *context, const char *line); /* no newline; foreign: to be escaped */
    void *context;
};

struct target_command {
    /* POSIX sh, run by `sh` in the target's directory with DOCKER_HOST set where configured */
    const char *script;
    const void *input; /* standard input, NULL = empty */
    size_t input_bytes;
    int64_t deadline_ms; /* 0 = setup.command_ms */
    size_t
        output_bytes_max; /* 0 = setup.output_bytes_max; more is ERROR_LIMIT, never cut silently */
    enum target_output output;
    const struct target_watch *watch; /* NULL = nobody; only with a lease */
    /* not NULL: a mutating command, run under the flock of state/deploy.lock after the epoch was
     * checked */
    const struct target_lease *lease;
};

/* What a mutating command must find in deployment.json (tenancy.h). */
struct target_lease {
    const char *journal; /* id */
    int64_t deployment, epoch;
};

struct target_result {
    int status;                  /* exit status; 128 + n for a signal; 124 for the deadline */
    struct bytes output, errors; /* standard output and standard error */
    int64_t sent_ns, received_ns;
    struct target_span span;
};
void target_result_clear(struct target_result *result);
#define CLEANUP_RESULT __attribute__((cleanup(target_result_clear)))

enum error_code target_open(const struct setup *setup, const struct clock *clock,
                            struct target **ret_target, struct error *error) CHECKED;
void target_close(struct target *target);
/* SHA256:... of the host key that was checked, "" for local. */
const char *target_host_key(const struct target *target);
const struct setup *target_setup(const struct target *target);
const struct clock *target_clock(const struct target *target);
/* As they were read when the connection was made. */
const struct secrets *target_secrets(const struct target *target);
/* For foreign bytes that did not come through target_run(): a body, a reply, a frame. */
enum error_code target_redact(const struct target *target, enum redact_level level,
                              struct bytes *text, struct error *error) CHECKED;
/* A file of the state directory, absolute. */
enum error_code target_state_path(const struct target *target, const char *name,
                                  struct bytes *ret_path, struct error *error) CHECKED;

/* ERROR_OK whenever an exit status came back, whatever it is. ERROR_HELD: the flock or the epoch
 * refused (nothing was run). */
enum error_code target_run(struct target *target, const struct target_command *command,
                           struct target_result *ret_result, struct error *error) CHECKED;
/* target_run() and evidence_add() in one: `probe`, `subject`, status and standard output. */
enum error_code target_probe(struct target *target, const struct target_command *command,
                             const char *probe, const char *subject, struct evidence *evidence,
                             int *ret_status, struct error *error) CHECKED;

/* A way to host:port as seen from the target. Local: the address itself. Over ssh: a loopback
 * listener that takes exactly one connection (closed when it was accepted) and a thread with an ssh
 * session of its own. */
struct target_forward;
enum error_code target_forward_open(struct target *target, const char *host, int port,
                                    struct target_forward **ret_forward, struct error *error)
    CHECKED;
const char *target_forward_host(const struct target_forward *forward);
int target_forward_port(const struct target_forward *forward);
void target_forward_close(struct target_forward *forward);

/* 'word' quoted for sh, appended. */
enum error_code shell_quote(struct bytes *script, const char *word, struct error *error) CHECKED;

#endif
