/* actions/target/target_backend: what process.c and ssh.c provide to target.c, and a simulation can
 * provide instead: bytes in, bytes out.
 * Deadlines: boottime_ns of the driver. Ownership: `close` releases the context. */
#ifndef ACTIONS_TARGET_BACKEND_H
#define ACTIONS_TARGET_BACKEND_H

#include "actions/target/setup.h"
#include "journal/format/bytes.h"
#include "journal/format/clock.h"

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
    /* More arrived on standard error: all of it, not yet redacted. NULL = no observer. */
    void (*received)(void *context, const struct bytes *errors);
    void *received_context;
};

struct target_forward;

struct target_backend {
    /* ERROR_UNREACHABLE: it may or may not have run. ERROR_TIMEOUT: it was ended, or given up.
     * ERROR_LIMIT: it printed too much. */
    enum error_code (*run)(void *context, const struct raw_command *command,
                           struct raw_result *ret_result, struct error *error);
    /* A host that begins with / is the path of a unix socket there, and has no port. */
    enum error_code (*forward)(void *context, const char *host, int port,
                               struct target_forward **ret_forward, struct error *error);
    const char *(*host_key)(void *context);
    void (*close)(void *context);
};

/* A way to a port or a unix socket as seen from the target: where it listens here. */
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
