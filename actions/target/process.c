/* The target is this machine: a child process in a group of its own, under a deadline and a cap. An
 * abandoned command runs to its end, as over ssh, because half a `compose up` is worse than a whole
 * one; its own `timeout` bounds it. */
#include "actions/target/target_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/text.h"

extern char **environ;

enum { CHUNK_BYTES = 8192 };

struct pipes {
    int input[2], output[2], errors[2];
};

static void close_one(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
}

static void close_pipes(struct pipes *pipes)
{
    for (unsigned i = 0; i < 2; i++) {
        close_one(&pipes->input[i]);
        close_one(&pipes->output[i]);
        close_one(&pipes->errors[i]);
    }
}

static enum error_code system_error(struct error *error, const char *what)
{
    return error_set(error, ERROR_SYSTEM, errno, "local", "", "%s: %s", what, strerror(errno));
}

static enum error_code start_child(const char *line, struct pipes *pipes, pid_t *ret_pid,
                                   struct error *error)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGXFSZ);
    char *arguments[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
                         (char *)(uintptr_t)line, NULL};
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&attributes);
    int code = posix_spawn_file_actions_adddup2(&files, pipes->input[0], STDIN_FILENO);
    code = code != 0 ? code
                     : posix_spawn_file_actions_adddup2(&files, pipes->output[1], STDOUT_FILENO);
    code = code != 0 ? code
                     : posix_spawn_file_actions_adddup2(&files, pipes->errors[1], STDERR_FILENO);
    /* Whatever a library opened without O_CLOEXEC: a child must not reach the journal or a socket.
     */
    code = code != 0 ? code : posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    code = code != 0 ? code : posix_spawnattr_setsigdefault(&attributes, &defaults);
    code = code != 0 ? code : posix_spawnattr_setpgroup(&attributes, 0);
    code = code != 0 ? code
                     : posix_spawnattr_setflags(&attributes,
                                                POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    code = code != 0 ? code
                     : posix_spawn(ret_pid, "/bin/sh", &files, &attributes, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&attributes);
    errno = code;
    return code == 0 ? ERROR_OK : system_error(error, "a command cannot be started");
}

/* One read; true while the stream goes on. */
static bool receive_output(int *descriptor, struct bytes *into, size_t cap, enum error_code *code,
                           struct error *error)
{
    uint8_t chunk[CHUNK_BYTES]; /* not yet redacted, hence wiped */
    ssize_t got = read(*descriptor, chunk, sizeof chunk);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0) {
        close_one(descriptor);
        return false;
    }
    if (into->size + (size_t)got > cap)
        *code = error_set(error, ERROR_LIMIT, 0, "local",
                          "see why it prints so much, or raise output_bytes_max in titan.yml",
                          "a command printed more than %zu bytes", cap);
    else
        *code = bytes_append(into, chunk, (size_t)got, error);
    sodium_memzero(chunk, (size_t)got);
    return *code == ERROR_OK;
}

static bool send_input(int *descriptor, const struct raw_command *command, size_t *sent)
{
    ssize_t put = *sent < command->input_bytes
                      ? write(*descriptor, (const uint8_t *)command->input + *sent,
                              command->input_bytes - *sent)
                      : 0;
    if (put < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    *sent += put > 0 ? (size_t)put : 0;
    if (put < 0 || *sent == command->input_bytes)
        close_one(descriptor);
    return true;
}

static enum error_code exchange_with_child(const struct clock *clock,
                                           const struct raw_command *command, struct pipes *pipes,
                                           struct raw_result *result, struct error *error)
{
    size_t sent = 0;
    enum error_code code = ERROR_OK;
    while (code == ERROR_OK && (pipes->output[0] >= 0 || pipes->errors[0] >= 0)) {
        int64_t left_ns = command->deadline_ns - clock_boottime_ns(clock);
        if (left_ns <= 0)
            return error_set(error, ERROR_TIMEOUT, 0, "local",
                             "check this machine; raise command_ms in titan.yml if the command "
                             "only needs longer",
                             "a command did not end in time");
        struct pollfd ready[] = {{.fd = pipes->output[0], .events = POLLIN},
                                 {.fd = pipes->errors[0], .events = POLLIN},
                                 {.fd = pipes->input[1], .events = POLLOUT}};
        if (poll(ready, 3, (int)(left_ns / 1000000) + 1) < 0 && errno != EINTR)
            return system_error(error, "poll");
        if (ready[0].revents != 0)
            (void)receive_output(&pipes->output[0], &result->output, command->output_bytes_max,
                                 &code, error);
        if (code == ERROR_OK && ready[1].revents != 0
            && receive_output(&pipes->errors[0], &result->errors, command->output_bytes_max, &code,
                              error)
            && command->received != NULL)
            command->received(command->received_context, &result->errors);
        if (code == ERROR_OK && ready[2].revents != 0)
            (void)send_input(&pipes->input[1], command, &sent);
    }
    return code;
}

static enum error_code process_run(void *context, const struct raw_command *command,
                                   struct raw_result *ret_result, struct error *error)
{
    const struct clock *clock = context;
    struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
    struct raw_result result = {0};
    pid_t pid = -1;
    enum error_code code = pipe2(pipes.input, O_CLOEXEC) == 0 && pipe2(pipes.output, O_CLOEXEC) == 0
                                   && pipe2(pipes.errors, O_CLOEXEC) == 0
                               ? ERROR_OK
                               : system_error(error, "a command cannot be started");
    if (code == ERROR_OK)
        code = start_child(command->line, &pipes, &pid, error);
    close_one(&pipes.input[0]);
    close_one(&pipes.output[1]);
    close_one(&pipes.errors[1]);
    if (code == ERROR_OK && command->input_bytes == 0)
        close_one(&pipes.input[1]);
    if (code == ERROR_OK)
        code = exchange_with_child(clock, command, &pipes, &result, error);
    if (code != ERROR_OK && pid > 0)
        (void)kill(-pid, SIGKILL);
    close_pipes(&pipes);
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (code != ERROR_OK) {
        bytes_free(&result.output);
        bytes_free(&result.errors);
        return code;
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    *ret_result = result;
    return ERROR_OK;
}

static void local_forward_close(void *context)
{
    (void)context;
}

static enum error_code process_forward(void *context, const char *host, int port,
                                       struct target_forward **ret_forward, struct error *error)
{
    (void)context;
    struct target_forward *forward = calloc(1, sizeof *forward);
    if (forward == NULL)
        return error_set(error, ERROR_MEMORY, 0, host, "", "out of memory");
    enum error_code code = text_exact(forward->host, sizeof forward->host, host,
                                      "the name of a host", error);
    if (code != ERROR_OK) {
        free(forward);
        return code;
    }
    forward->port = port;
    forward->close = local_forward_close;
    *ret_forward = forward;
    return ERROR_OK;
}

static const char *process_host_key(void *context)
{
    (void)context;
    return "";
}

static void process_close(void *context)
{
    (void)context;
}

enum error_code process_backend_open(const struct clock *clock,
                                     const struct target_backend **ret_backend, void **ret_context,
                                     struct error *error)
{
    static const struct target_backend backend = {.run = process_run,
                                                  .forward = process_forward,
                                                  .host_key = process_host_key,
                                                  .close = process_close};
    (void)error;
    *ret_backend = &backend;
    *ret_context = (void *)(uintptr_t)clock;
    return ERROR_OK;
}
