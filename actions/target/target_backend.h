/* actions/target/target_backend: what `local` (process.c) and `ssh` (ssh.c) provide to target.c,
 * and a simulation can provide instead.
 * Deadlines: boottime_ns of the driver. Ownership: `close` releases the context. */
#ifndef ACTIONS_TARGET_BACKEND_H
#define ACTIONS_TARGET_BACKEND_H

#include "actions/target/target.h"

struct raw_result {
    int status; /* exit status, or 128 + signal */
    struct bytes output, errors;
};

struct raw_command {
    const char *line; /* for `sh -c` */
    const void *input;
    size_t input_bytes;
    int64_t deadline_ns;
    size_t output_bytes_max; /* of standard output and of standard error, each */
    void (*heard)(void *context,
                  /* more came on standard error: all of it, not yet redacted; NULL = nobody asks */
                  const struct bytes *errors);
    void *heard_context;
};

struct target_backend {
    /* ERROR_UNREACHABLE: it may or may not have run. ERROR_TIMEOUT: it was ended, or given up.
     * ERROR_LIMIT: it printed too much. */
    enum error_code (*run)(void *context, const struct raw_command *command,
                           struct raw_result *ret_result, struct error *error);
    enum error_code (*forward)(void *context, const char *host, int port,
                               struct target_forward **ret_forward, struct error *error);
    const char *(*host_key)(void *context);
    void (*close)(void *context);
};

struct target_forward {
    char host[256];
    int port;
    void *context;
    void (*close)(void *context);
};

enum error_code process_backend_open(const struct clock *clock,
                                     const struct target_backend **ret_backend, void **ret_context,
                                     struct error *error) CHECKED;
enum error_code ssh_backend_open(const struct setup_target *setup, const struct clock *clock,
                                 const struct target_backend **ret_backend, void **ret_context,
                                 struct error *error) CHECKED;

#endif
