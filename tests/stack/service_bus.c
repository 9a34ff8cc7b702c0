/* tests/stack/service_bus: the NATS client protocol, as much of it as the small Titan needs (INFO
 * CONNECT PING PONG SUB UNSUB PUB MSG HMSG -ERR).
 * Errors:    a lost or refused connection is closed and tried again every RETRY_MS; what is
 *            published meanwhile is lost, as with core NATS. */
#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RETRY_MS = 100, LINE_MAX_BYTES = 4096 };

void bus_init(struct bus *bus, const char *url, const char *user, const char *password)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t length = strcspn(host, ":");
    bus->fd = -1;
    (void)snprintf(bus->host, sizeof bus->host, "%.*s", (int)length, host);
    bus->port = host[length] == ':' ? atoi(host + length + 1) : 4222;
    (void)snprintf(bus->user, sizeof bus->user, "%s", user);
    (void)snprintf(bus->password, sizeof bus->password, "%s", password);
}

static void drop(struct bus *bus)
{
    if (bus->fd >= 0)
        (void)close(bus->fd);
    bus->fd = -1;
    bus->ready = false;
    bus->used = 0;
    bus->retry_ms = text_now_ms() + RETRY_MS;
}

static void send_all(struct bus *bus, const void *data, size_t size)
{
    const char *at = data;
    while (bus->fd >= 0 && size > 0) {
        ssize_t sent = send(bus->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0 && errno != EINTR)
            drop(bus);
        else if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
}

static void send_line(struct bus *bus, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void send_line(struct bus *bus, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length < sizeof line)
        send_all(bus, line, (size_t)length);
}

void bus_tick(struct bus *bus)
{
    if (bus->fd >= 0 || bus->port == 0 || text_now_ms() < bus->retry_ms)
        return;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bus->port)};
    struct timeval bound = {.tv_sec = 2};
    int on = 1;
    bus->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(bus->fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    (void)setsockopt(bus->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (inet_pton(AF_INET, bus->host, &address.sin_addr) != 1
        || connect(bus->fd, (struct sockaddr *)&address, sizeof address) != 0)
        drop(bus);
}

void bus_subscribe(struct bus *bus, const char *subject, int sid)
{
    send_line(bus, "SUB %s %d\r\n", subject, sid);
}

void bus_unsubscribe(struct bus *bus, int sid)
{
    send_line(bus, "UNSUB %d\r\n", sid);
}

void bus_ping(struct bus *bus)
{
    send_line(bus, "PING\r\n");
}

void bus_publish(struct bus *bus, const char *subject, const char *reply, const void *data,
                 size_t size)
{
    if (!bus->ready)
        return;
    send_line(bus, "PUB %s %s%s%zu\r\n", subject, reply, reply[0] != '\0' ? " " : "", size);
    send_all(bus, data, size);
    send_all(bus, "\r\n", 2);
}

static void greet(struct bus *bus)
{
    send_line(bus,
              "CONNECT "
              "{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,"
              "\"protocol\":1,\"lang\":\"c\",\"version\":\"1\","
              "\"name\":\"%s\",\"user\":\"%s\",\"pass\":\"%s\"}\r\nPING\r\n",
              bus->user, bus->user, bus->password);
}

static void take_line(struct bus *bus, const char *line)
{
    if (strncmp(line, "INFO ", 5) == 0) {
        if (!bus->ready) /* a server sends INFO again when its cluster changes */
            greet(bus);
    } else if (strncmp(line, "PING", 4) == 0) {
        send_line(bus, "PONG\r\n");
    } else if (strncmp(line, "PONG", 4) == 0) {
        bus->pongs++;
        if (!bus->ready) {
            bus->ready = true;
            if (bus->on_ready != NULL)
                bus->on_ready(bus->context);
        }
    } else if (strncmp(line, "-ERR", 4) == 0) {
        (void)snprintf(bus->error, sizeof bus->error, "%s", line + 4 + (line[4] == ' '));
    }
}

/* "MSG subject sid [reply] bytes" and "HMSG subject sid [reply] header-bytes bytes". */
static bool read_head(const char *line, struct bus_message *message, char reply[256],
                      size_t *ret_header, size_t *ret_total)
{
    char words[5][256];
    bool headers = line[0] == 'H';
    int count = sscanf(line + (headers ? 5 : 4), "%255s %255s %255s %255s %255s", words[0],
                       words[1], words[2], words[3], words[4]);
    int numbers = headers ? 2 : 1;
    if (count < 2 + numbers || count > 3 + numbers)
        return false;
    (void)snprintf(reply, 256, "%s", count == 3 + numbers ? words[2] : "");
    message->sid = atoi(words[1]);
    *ret_total = (size_t)strtoull(words[count - 1], NULL, 10);
    *ret_header = headers ? (size_t)strtoull(words[count - 2], NULL, 10) : 0;
    return *ret_total + LINE_MAX_BYTES < BUS_BYTES_MAX && *ret_header <= *ret_total;
}

/* Takes one protocol element from the buffer; its size, or 0 while it is incomplete. */
static size_t take_one(struct bus *bus)
{
    uint8_t *end = memmem(bus->buffer, bus->used, "\r\n", 2);
    if (end == NULL)
        return 0;
    size_t length = (size_t)(end - bus->buffer);
    char line[LINE_MAX_BYTES], reply[256];
    (void)snprintf(line, sizeof line, "%.*s",
                   (int)(length < sizeof line ? length : sizeof line - 1),
                   (const char *)bus->buffer);
    if (strncmp(line, "MSG ", 4) != 0 && strncmp(line, "HMSG ", 5) != 0) {
        take_line(bus, line);
        return length + 2;
    }
    struct bus_message message = {.reply = reply};
    size_t header, total;
    if (!read_head(line, &message, reply, &header, &total)) {
        drop(bus);
        return 0;
    }
    if (bus->used < length + 2 + total + 2)
        return 0;
    const uint8_t *body = bus->buffer + length + 2;
    message.no_responders = header > 0 && header < 64
                            && memmem(body, header, "NATS/1.0 503", 12) != NULL;
    message.data = body + header;
    message.size = total - header;
    if (bus->on_message != NULL)
        bus->on_message(bus->context, &message);
    return length + 2 + total + 2;
}

void bus_read(struct bus *bus)
{
    ssize_t got = recv(bus->fd, bus->buffer + bus->used, sizeof bus->buffer - bus->used,
                       MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        drop(bus);
        return;
    }
    bus->used += got > 0 ? (size_t)got : 0;
    for (size_t taken; bus->fd >= 0 && (taken = take_one(bus)) > 0;) {
        if (bus->fd < 0)
            return;
        memmove(bus->buffer, bus->buffer + taken, bus->used - taken);
        bus->used -= taken;
    }
}
