/* tests/stack/service_http: GET /health on 127.0.0.1, one answer a connection. */
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The container that is being replaced may still hold the port: the caller tries again at its next
 * turn. */
void http_open(struct service *service)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)service->http_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 64) == 0) {
        service->http_fd = fd;
        text_logf(service, "INFO", "Health endpoint listening on 127.0.0.1:%d", service->http_port);
        return;
    }
    if (!service->http_reported)
        text_logf(service, "WARN", "Port %d is not free yet: %s", service->http_port,
                  strerror(errno));
    service->http_reported = true;
    (void)close(fd);
}

static void close_client(struct http_client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    client->fd = -1;
    client->used = 0;
}

static void accept_client(struct service *service)
{
    int fd = accept4(service->http_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    struct http_client *free_client = &service->clients[0];
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
        struct http_client *client = &service->clients[i];
        if (client->fd < 0 || (free_client->fd >= 0 && client->since_ms < free_client->since_ms))
            free_client = client;
        if (client->fd < 0)
            break;
    }
    close_client(free_client);
    free_client->fd = fd;
    free_client->since_ms = text_now_ms();
}

static void look_at_health(const struct service *service, int *ret_status, char *ret_body,
                           size_t room)
{
    switch (service->role) {
    case ROLE_INVALID:
        break;
    case ROLE_EXECUTION:
        execution_health(service, ret_status, ret_body, room);
        break;
    case ROLE_BRAIN:
        brain_health(service, ret_status, ret_body, room);
        break;
    case ROLE_WEB:
        *ret_status = service_is_unhealthy(service) ? 503 : 200;
        (void)snprintf(ret_body, room, "{\"status\":\"%s\",\"version\":\"%s\"}",
                       *ret_status == 200 ? "ok" : "error", service->version);
        break;
    }
}

static void answer(struct service *service, struct http_client *client)
{
    static char leak[SERVICE_LEAK_MAX], body[SERVICE_LEAK_MAX + 600], head[SERVICE_LEAK_MAX + 1200];
    int status = 404;
    body[0] = '\0';
    if (fault_on(service, "health_hangs"))
        return;
    if (strncmp(client->request, "GET /health ", 12) == 0)
        look_at_health(service, &status, body, 512);
    fault_leak(service, leak, sizeof leak);
    if (leak[0] != '\0' && body[0] != '\0') /* in place of the closing brace */
        (void)snprintf(body + strlen(body) - 1, sizeof body - 512, ",\"detail\":\"%s\"}", leak);
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: "
                          "%zu\r\nConnection: close\r\n\r\n%s",
                          status,
                          status == 200   ? "OK"
                          : status == 404 ? "Not Found"
                                          : "Service Unavailable",
                          strlen(body), body);
    ssize_t sent = send(client->fd, head, (size_t)length, MSG_NOSIGNAL);
    (void)sent;
    close_client(client);
}

void http_serve(struct service *service, int fd)
{
    if (fd == service->http_fd) {
        accept_client(service);
        return;
    }
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++) {
        struct http_client *client = &service->clients[i];
        if (client->fd != fd)
            continue;
        ssize_t got = recv(fd, client->request + client->used,
                           sizeof client->request - client->used - 1, 0);
        if (got <= 0 && !(got < 0 && (errno == EAGAIN || errno == EINTR))) {
            close_client(client);
            return;
        }
        client->used += got > 0 ? (size_t)got : 0;
        client->request[client->used] = '\0';
        if (strstr(client->request, "\r\n\r\n") != NULL)
            answer(service, client);
        else if (client->used + 1 >= sizeof client->request)
            close_client(client);
        return;
    }
}
