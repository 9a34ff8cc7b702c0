/* The target is reached by ssh. Two sessions, because one
 * session in two threads breaks: the first runs commands, the second belongs to the thread of
 * whichever forward is open (one at a time). */
#include "actions/target/target_backend.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libssh/libssh.h>
#include <sodium.h>

#include "actions/target/ssh/ssh_connection.h"
#include "actions/target/ssh/ssh_host.h"
#include "actions/target/ssh/ssh_tunnel.h"
#include "journal/format/text.h"

enum { POLL_MS = 200, CHUNK_BYTES = 8192 };

struct ssh_backend {
    const struct setup_target *setup;
    const struct clock *clock;
    ssh_session commands, tunnel;
    bool tunnel_used; /* a forward is open */
    char host_key[64];
};

/* Reads what is there. False when the stream or the connection is over. */
static bool receive_from_channel(ssh_channel channel, bool errors, struct bytes *into, size_t cap,
                                 enum error_code *code, struct error *error)
{
    char chunk[CHUNK_BYTES]; /* not yet redacted, hence wiped */
    int got = ssh_channel_read_nonblocking(channel, chunk, sizeof chunk, errors);
    if (got <= 0)
        return false;
    if (into->size + (size_t)got > cap)
        *code = error_set(error, ERROR_LIMIT, 0, "ssh",
                          "see why it prints so much, or raise output_bytes_max in titan.yml",
                          "a command printed more than %zu bytes", cap);
    else
        *code = bytes_append(into, chunk, (size_t)got, error);
    sodium_memzero(chunk, (size_t)got);
    return *code == ERROR_OK;
}

/* What came for a session that nobody reads meanwhile: a server asks whether its client still lives
 * (ClientAliveInterval), and closes a session that does not answer. libssh answers while it reads.
 */
static void answer_server(ssh_session session)
{
    ssh_event event = session != NULL && ssh_is_connected(session) ? ssh_event_new() : NULL;
    if (event == NULL)
        return;
    if (ssh_event_add_session(event, session) == SSH_OK) {
        (void)ssh_event_dopoll(event, 0);
        (void)ssh_event_remove_session(event, session);
    }
    ssh_event_free(event);
}

/* The session of the tunnel belongs to its thread while a forward is open. */
static void answer_for_tunnel(const struct ssh_backend *backend)
{
    if (!backend->tunnel_used)
        answer_server(backend->tunnel);
}

static enum error_code exchange_on_channel(struct ssh_backend *backend, ssh_channel channel,
                                           const struct raw_command *command,
                                           struct raw_result *result, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (;;) {
        bool more = receive_from_channel(channel, false, &result->output, command->output_bytes_max,
                                         &code, error);
        bool heard = code == ERROR_OK
                     && receive_from_channel(channel, true, &result->errors,
                                             command->output_bytes_max, &code, error);
        if (heard && command->received != NULL)
            command->received(command->received_context, &result->errors);
        more = heard || more;
        if (code != ERROR_OK)
            return code;
        if (more)
            continue;
        if (ssh_channel_is_eof(channel) || ssh_channel_is_closed(channel))
            return ssh_is_connected(backend->commands)
                       ? ERROR_OK
                       : ssh_connection_lost(backend->setup, backend->commands,
                                             "the connection was lost during a command", error);
        int64_t left_ms = (command->deadline_ns - clock_boottime_ns(backend->clock)) / 1000000;
        if (left_ms
            <= 0) /* the target's own `timeout` had ended it before: nothing comes back any more */
            return ssh_connection_lost(backend->setup, NULL,
                                       "no answer to a command came back in time", error);
        answer_for_tunnel(backend);
        struct pollfd ready = {.fd = ssh_get_fd(backend->commands), .events = POLLIN};
        if (poll(&ready, 1, left_ms < POLL_MS ? (int)left_ms : POLL_MS) < 0 && errno != EINTR)
            return error_set(error, ERROR_SYSTEM, errno, "ssh", "", "poll: %s", strerror(errno));
    }
}

/* The script as one word that every login shell passes on as it is: between single quotes fish
 * reads a backslash, csh an exclamation mark and the end of a line, and all of them the quote. So
 * these, and what is not ASCII, are written in octal, as printf(1) reads it. */
static void add_encoded(struct text *line, const char *script)
{
    for (const char *at = script; *at != '\0'; at++)
        if (*at >= ' ' && *at <= '~' && strchr("\\'!", *at) == NULL)
            text_add_bytes(line, at, 1);
        else
            text_add_format(line, "\\0%03o", (unsigned)(unsigned char)*at);
}

/* The login shell is whatever the account has: it starts sh, and no more. A restricted one knows no
 * `exec`. */
static enum error_code send_line(struct ssh_backend *backend, ssh_channel channel,
                                 const struct raw_command *command, struct error *error)
{
    CLEANUP_TEXT struct text line = {0};
    text_add(&line, "sh -c 'eval \"$(printf %b \"$1\")\"' sh '");
    add_encoded(&line, command->line);
    text_add(&line, "'");
    if (text_failed(&line, error))
        return error->code;
    if (ssh_channel_open_session(channel) != SSH_OK
        || ssh_channel_request_exec(channel, text_string(&line)) != SSH_OK)
        return ssh_connection_lost(backend->setup, backend->commands, "a command could not be sent",
                                   error);
    int on = 1; /* without it the first channel waits 40 ms for a delayed acknowledgement */
    (void)setsockopt(ssh_get_fd(backend->commands), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    for (size_t sent = 0; sent < command->input_bytes;) {
        int put = ssh_channel_write(channel, (const char *)command->input + sent,
                                    (uint32_t)(command->input_bytes - sent));
        if (put <= 0)
            return ssh_connection_lost(backend->setup, backend->commands,
                                       "the input of a command could not be sent", error);
        sent += (size_t)put;
    }
    return ssh_channel_send_eof(channel) == SSH_OK
               ? ERROR_OK
               : ssh_connection_lost(backend->setup, backend->commands,
                                     "the input of a command could not be ended", error);
}

/* One that the server closed while nothing was asked of it is opened anew: nothing of the command
 * that follows was sent yet. The host has to be the same. */
static enum error_code session_awake(struct ssh_backend *backend, ssh_session *session,
                                     struct error *error)
{
    char fingerprint[64] = "";
    answer_server(*session);
    if (*session != NULL && ssh_is_connected(*session))
        return ERROR_OK;
    ssh_connection_close(*session);
    *session = NULL;
    enum error_code code = ssh_connection_open(backend->setup, fingerprint, session, error);
    if (code != ERROR_OK || strcmp(fingerprint, backend->host_key) == 0)
        return code;
    ssh_connection_close(*session);
    *session = NULL;
    return ssh_host_refused(backend->setup, "a further connection came to a host with another key",
                            "find out why before you go on", error);
}

static enum error_code ssh_run(void *context, const struct raw_command *command,
                               struct raw_result *ret_result, struct error *error)
{
    struct ssh_backend *backend = context;
    struct raw_result result = {0};
    answer_for_tunnel(backend);
    enum error_code awake = session_awake(backend, &backend->commands, error);
    if (awake != ERROR_OK)
        return awake;
    ssh_channel channel = ssh_channel_new(backend->commands);
    if (channel == NULL)
        return ssh_connection_lost(backend->setup, backend->commands, "no channel can be opened",
                                   error);
    enum error_code code = send_line(backend, channel, command, error);
    if (code == ERROR_OK)
        code = exchange_on_channel(backend, channel, command, &result, error);
    if (code == ERROR_OK)
        result.status = ssh_channel_get_exit_status(
            channel); /* the envelope of target.c carries the real one */
    (void)ssh_channel_close(channel);
    ssh_channel_free(channel);
    if (code != ERROR_OK) {
        bytes_free(&result.output);
        bytes_free(&result.errors);
        return code;
    }
    *ret_result = result;
    return ERROR_OK;
}

static enum error_code ssh_forward(void *context, const char *host, int port,
                                   struct target_forward **ret_forward, struct error *error)
{
    struct ssh_backend *backend = context;
    answer_server(backend->commands);
    enum error_code code = session_awake(backend, &backend->tunnel, error);
    return code == ERROR_OK ? ssh_tunnel_open(backend->tunnel, &backend->tunnel_used, host, port,
                                              ret_forward, error)
                            : code;
}

static const char *ssh_host_key(void *context)
{
    const struct ssh_backend *backend = context;
    return backend->host_key;
}

static void ssh_close(void *context)
{
    struct ssh_backend *backend = context;
    ssh_connection_close(backend->tunnel);
    ssh_connection_close(backend->commands);
    free(backend);
}

enum error_code ssh_backend_open(const struct setup_target *setup, const struct clock *clock,
                                 const struct target_backend **ret_backend, void **ret_context,
                                 struct error *error)
{
    static const struct target_backend backend = {.run = ssh_run,
                                                  .forward = ssh_forward,
                                                  .host_key = ssh_host_key,
                                                  .close = ssh_close};
    struct ssh_backend *context = calloc(1, sizeof *context);
    if (context == NULL)
        return error_set(error, ERROR_MEMORY, 0, setup->host, "", "out of memory");
    *context = (struct ssh_backend){.setup = setup, .clock = clock};
    enum error_code code = ssh_connection_open(setup, context->host_key, &context->commands, error);
    if (code != ERROR_OK) {
        free(context);
        return code;
    }
    *ret_backend = &backend;
    *ret_context = context;
    return ERROR_OK;
}
