#include "actions/target/ssh/ssh_tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "journal/format/text.h"

enum { POLL_MS = 200, CHUNK_BYTES = 8192 };
/* How libssh writes reason 1 of RFC 4254, section 5.1: administratively prohibited. */
#define PROHIBITED "error (1)"

struct tunnel {
    ssh_session session; /* borrowed while the thread runs */
    ssh_channel channel; /* NULL: nobody listens there */
    int listener, stop;
    char host[256];
    int port;
    pthread_t thread;
    bool *used; /* borrowed: the session is the thread's */
};

/* From the client to the target; false at its end. */
static bool pump_up(int client, ssh_channel channel)
{
    char chunk[CHUNK_BYTES];
    ssize_t got = recv(client, chunk, sizeof chunk, 0);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got == 0) {
        (void)ssh_channel_send_eof(channel);
        return false;
    }
    return ssh_channel_write(channel, chunk, (uint32_t)got) == got;
}

static bool send_to_client(int client, const char *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t put = send(client, data + sent, size - sent, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return false;
        sent += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool pump_down(int client, ssh_channel channel)
{
    char chunk[CHUNK_BYTES];
    for (;;) {
        int got = ssh_channel_read_nonblocking(channel, chunk, sizeof chunk, 0);
        if (got > 0 && send_to_client(client, chunk, (size_t)got))
            continue;
        return got == 0 && !ssh_channel_is_eof(channel) && ssh_channel_is_open(channel);
    }
}

static void pump(struct tunnel *tunnel, int client)
{
    ssh_channel channel = tunnel->channel;
    bool up = true;
    while (pump_down(client, channel)) {
        struct pollfd ready[] = {{.fd = ssh_get_fd(tunnel->session), .events = POLLIN},
                                 {.fd = tunnel->stop, .events = POLLIN},
                                 {.fd = up ? client : -1, .events = POLLIN}};
        if ((poll(ready, 3, POLL_MS) < 0 && errno != EINTR) || ready[1].revents != 0)
            break;
        if (ready[2].revents != 0)
            up = pump_up(client, channel);
    }
    (void)ssh_channel_close(channel);
}

/* Accepts one connection and closes the listener at once, so that no other program of this machine
 * gets a way to the target. */
static void *tunnel_thread(void *context)
{
    struct tunnel *tunnel = context;
    struct pollfd ready[] = {{.fd = tunnel->listener, .events = POLLIN},
                             {.fd = tunnel->stop, .events = POLLIN}};
    while (poll(ready, 2, -1) < 0 && errno == EINTR)
        continue;
    int client = ready[0].revents != 0 ? accept4(tunnel->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    (void)close(tunnel->listener);
    tunnel->listener = -1;
    if (client >= 0) {
        if (tunnel->channel != NULL)
            pump(tunnel, client);
        (void)close(client);
    }
    return NULL;
}

static void tunnel_close(void *context)
{
    struct tunnel *tunnel = context;
    uint64_t one = 1;
    (void)!write(tunnel->stop, &one, sizeof one);
    (void)pthread_join(tunnel->thread, NULL);
    if (tunnel->listener >= 0)
        (void)close(tunnel->listener);
    (void)close(tunnel->stop);
    ssh_channel_free(tunnel->channel);
    *tunnel->used = false;
    free(tunnel);
}

/* A server that forbids it says so of a port, and not which line of its configuration does. That
 * nobody listens behind it is seen by who connects. */
static enum error_code open_channel(struct tunnel *tunnel, struct error *error)
{
    ssh_channel channel = ssh_channel_new(tunnel->session);
    bool local = tunnel->host[0] == '/';
    int result = channel == NULL ? SSH_ERROR
                 : local ? ssh_channel_open_forward_unix(channel, tunnel->host, "127.0.0.1", 0)
                         : ssh_channel_open_forward(channel, tunnel->host, tunnel->port,
                                                    "127.0.0.1", 0);
    if (result == SSH_OK) {
        tunnel->channel = channel;
        return ERROR_OK;
    }
    ssh_channel_free(channel);
    const char *said = ssh_get_error(tunnel->session);
    if (strstr(said, PROHIBITED) == NULL)
        return ERROR_OK;
    char where[300];
    (void)snprintf(where, sizeof where, "%s:%d through ssh", tunnel->host, tunnel->port);
    return error_set(error, ERROR_UNREACHABLE, 0, where,
                     "write `AllowTcpForwarding local` into the sshd_config of the target, and see "
                     "that PermitOpen and DisableForwarding allow it, then reload sshd",
                     "the sshd of the target forbids to forward a port: %.200s", said);
}

static enum error_code listen_once(struct tunnel *tunnel, int *ret_port, struct error *error)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    tunnel->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    tunnel->stop = eventfd(0, EFD_CLOEXEC);
    if (tunnel->listener < 0 || tunnel->stop < 0
        || bind(tunnel->listener, (struct sockaddr *)&address, sizeof address) != 0
        || listen(tunnel->listener, 1) != 0
        || getsockname(tunnel->listener, (struct sockaddr *)&address, &length) != 0)
        return error_set(error, ERROR_SYSTEM, errno, "127.0.0.1",
                         "see how many descriptors and ports this machine has left",
                         "no loopback listener can be opened: %s", strerror(errno));
    *ret_port = ntohs(address.sin_port);
    return ERROR_OK;
}

enum error_code ssh_tunnel_open(ssh_session session, bool *used, const char *host, int port,
                                struct target_forward **ret_forward, struct error *error)
{
    enum error_code code = ERROR_OK;
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    struct target_forward *forward = calloc(1, sizeof *forward);
    if (tunnel == NULL || forward == NULL)
        code = error_set(error, ERROR_MEMORY, 0, host, "", "out of memory");
    else
        *tunnel = (struct tunnel){
            .session = session, .used = used, .listener = -1, .stop = -1, .port = port};
    if (code == ERROR_OK)
        code = text_exact(tunnel->host, sizeof tunnel->host, host, "the name of a host", error);
    if (code == ERROR_OK)
        code = open_channel(tunnel, error);
    if (code == ERROR_OK)
        code = listen_once(tunnel, &forward->port, error);
    if (code == ERROR_OK && pthread_create(&tunnel->thread, NULL, tunnel_thread, tunnel) != 0)
        code = error_set(error, ERROR_SYSTEM, errno, host, "",
                         "no thread can be started for the tunnel");
    if (code != ERROR_OK) {
        if (tunnel != NULL && tunnel->listener >= 0)
            (void)close(tunnel->listener);
        if (tunnel != NULL && tunnel->stop >= 0)
            (void)close(tunnel->stop);
        if (tunnel != NULL)
            ssh_channel_free(tunnel->channel);
        free(tunnel);
        free(forward);
        return code;
    }
    *used = true;
    (void)snprintf(forward->host, sizeof forward->host, "127.0.0.1");
    forward->context = tunnel;
    forward->close = tunnel_close;
    *ret_forward = forward;
    return ERROR_OK;
}
