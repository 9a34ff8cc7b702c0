/* tests/stack/service_tool: what tests and the stack's script need and the services' own program
 * can do.
 *   titan-service health PORT                  status 0 when GET /health answers 200 (the
 *   containers' own check)
 *   titan-service publish SUBJECT PAYLOAD      1 when the server refused it; NATS_URL, NATS_USER,
 *   NATS_PASSWORD
 *   titan-service request SUBJECT PAYLOAD [MS [COUNT]]  prints COUNT answers (1); 1 = nobody
 *   answers, 2 = refused, 3 = not in time
 *   titan-service listen SUBJECT MS [COUNT]    prints payloads, one a line, until COUNT came (0) or
 *   the time is over (3)
 *   titan-service ports N                      N free ports of 127.0.0.1 below the range from which
 *   the kernel takes source ports */
#include "service.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOOL_MS = 5000, PORT_FIRST = 20000, PORT_COUNT = 12000, PORTS_MAX = 64 };

struct answers {
    unsigned wanted, seen;
    bool no_responders;
};

static void keep(void *context, const struct bus_message *message)
{
    struct answers *answers = context;
    answers->no_responders = message->no_responders;
    if (!message->no_responders && answers->seen++ < answers->wanted)
        printf("%.*s\n", (int)message->size, (const char *)message->data);
}

static struct bus *connect_bus(struct answers *answers)
{
    static struct bus bus;
    const char *url = getenv("NATS_URL"), *user = getenv("NATS_USER"),
               *password = getenv("NATS_PASSWORD");
    bus_init(&bus, url != NULL ? url : "nats://127.0.0.1:4222", user != NULL ? user : "",
             password != NULL ? password : "");
    bus.on_message = keep;
    bus.context = answers;
    return &bus;
}

/* Serves the connection until `done` says so, the server refuses something, or the time is over
 * (false). */
static bool serve(struct bus *bus, int64_t until_ms, bool (*done)(const struct bus *bus))
{
    while (!done(bus)) {
        int64_t left = until_ms - text_now_ms();
        if (left <= 0)
            return false;
        bus_tick(bus);
        struct pollfd fd = {.fd = bus->fd, .events = POLLIN};
        if (poll(&fd, 1, left < 20 ? (int)left : 20) > 0)
            bus_read(bus);
    }
    return true;
}

static bool is_ready(const struct bus *bus)
{
    return bus->ready || bus->error[0] != '\0';
}

static bool has_pong(const struct bus *bus)
{
    return bus->pongs >= 2 || bus->error[0] != '\0';
}

static bool has_answer(const struct bus *bus)
{
    const struct answers *answers = bus->context;
    return answers->seen >= answers->wanted || answers->no_responders || bus->error[0] != '\0';
}

static int refused(const struct bus *bus, int status)
{
    (void)fprintf(stderr, "titan-service: %s\n",
                  bus->error[0] != '\0' ? bus->error : "no answer in time");
    return bus->error[0] != '\0' ? status : 3;
}

static int publish(const char *subject, const char *payload)
{
    struct answers answers = {.wanted = 1};
    struct bus *bus = connect_bus(&answers);
    if (!serve(bus, text_now_ms() + TOOL_MS, is_ready) || bus->error[0] != '\0')
        return refused(bus, 2);
    bus_publish(bus, subject, "", payload, strlen(payload));
    bus_ping(bus);
    return serve(bus, text_now_ms() + TOOL_MS, has_pong) && bus->error[0] == '\0' ? 0
                                                                                  : refused(bus, 1);
}

static int request(const char *subject, const char *payload, int64_t wait_ms, unsigned wanted)
{
    struct answers answers = {.wanted = wanted};
    struct bus *bus = connect_bus(&answers);
    char inbox[64];
    if (!serve(bus, text_now_ms() + TOOL_MS, is_ready) || bus->error[0] != '\0')
        return refused(bus, 2);
    (void)snprintf(inbox, sizeof inbox, "_INBOX.tool.%d.%lld", (int)getpid(),
                   (long long)text_now_ms());
    bus_subscribe(bus, inbox, 1);
    bus_publish(bus, subject, inbox, payload, strlen(payload));
    if (!serve(bus, text_now_ms() + wait_ms, has_answer) || bus->error[0] != '\0')
        return refused(bus, 2);
    if (answers.no_responders)
        (void)fprintf(stderr, "titan-service: 503 no responders\n");
    return answers.no_responders ? 1 : 0;
}

static int listen_to(const char *subject, int64_t wait_ms, unsigned wanted)
{
    struct answers answers = {.wanted = wanted};
    struct bus *bus = connect_bus(&answers);
    if (!serve(bus, text_now_ms() + TOOL_MS, is_ready) || bus->error[0] != '\0')
        return refused(bus, 2);
    bus_subscribe(bus, subject, 1);
    return serve(bus, text_now_ms() + wait_ms, has_answer) && bus->error[0] == '\0'
               ? 0
               : refused(bus, 2);
}

static int health(int port)
{
    static const char question[] =
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval bound = {.tv_sec = 2};
    char answer[1024];
    size_t used = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0
        || send(fd, question, sizeof question - 1, MSG_NOSIGNAL) < 0) {
        perror("titan-service health");
        return 1;
    }
    for (ssize_t got; used + 1 < sizeof answer
                      && (got = recv(fd, answer + used, sizeof answer - used - 1, 0)) > 0;)
        used += (size_t)got;
    answer[used] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    printf("%s\n", body != NULL ? body + 4 : "no answer");
    return strncmp(answer, "HTTP/1.1 200 ", 13) == 0 ? 0 : 1;
}

/* All of them are bound at the same time, so they differ. A source port of some connection can
 * never take one away later. */
static int ports(int wanted)
{
    int found = 0, fds[PORTS_MAX];
    srandom((unsigned)(text_epoch_ms() ^ ((int64_t)getpid() << 16)));
    for (int tries = 0; found < wanted && found < PORTS_MAX && tries < PORT_COUNT; tries++) {
        int port = PORT_FIRST + (int)(random() % PORT_COUNT);
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr.s_addr = htonl(INADDR_ANY)};
        fds[found] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(fds[found], (struct sockaddr *)&address, sizeof address) == 0
            && listen(fds[found], 1) == 0) {
            printf("%d\n", port);
            found++;
        } else {
            (void)close(fds[found]);
        }
    }
    return found == wanted ? 0 : 1;
}

int tool_run(int count, char **words)
{
    const char *word = count > 1 ? words[1] : "";
    if (strcmp(word, "health") == 0 && count == 3)
        return health(atoi(words[2]));
    if (strcmp(word, "publish") == 0 && count == 4)
        return publish(words[2], words[3]);
    if (strcmp(word, "request") == 0 && count >= 4 && count <= 6)
        return request(words[2], words[3], count > 4 ? atoi(words[4]) : TOOL_MS,
                       count > 5 ? (unsigned)atoi(words[5]) : 1);
    if (strcmp(word, "listen") == 0 && (count == 4 || count == 5))
        return listen_to(words[2], atoi(words[3]),
                         count == 5 ? (unsigned)atoi(words[4]) : UINT32_MAX);
    if (strcmp(word, "ports") == 0 && count == 3)
        return ports(atoi(words[2]));
    (void)fprintf(
        stderr,
        "usage: titan-service execution|brain|web | health PORT | publish SUBJECT PAYLOAD |\n"
        "       request SUBJECT PAYLOAD [MS [COUNT]] | listen SUBJECT MS [COUNT] | ports N\n");
    return 64;
}
