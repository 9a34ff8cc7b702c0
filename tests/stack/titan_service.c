/* The small Titan's program: `titan-service execution|brain|web`, or one of the tests' tools
 * (service_tool.c). One thread, one poll loop. */
#include "service.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TURN_MS = 25, BEFORE_FIRST_LINE_MS = 250 };
static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    stopped = number;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

void policy_hash(const struct service *service, char ret_hex[SERVICE_HASH_HEX + 1])
{
    static char policy[65536];
    char value[SERVICE_HASH_HEX + 1], real[SERVICE_HASH_HEX + 1];
    text_sha256_hex(policy,
                    text_read_file(service->root, "/app/policy.json", policy, sizeof policy), real);
    if (!fault_get(service, "wrong_hash", value, sizeof value))
        memcpy(ret_hex, real, sizeof real);
    else if (strlen(value) == SERVICE_HASH_HEX)
        memcpy(ret_hex, value, sizeof value);
    else
        text_sha256_hex(real, SERVICE_HASH_HEX, ret_hex);
}

bool service_is_unhealthy(const struct service *service)
{
    int64_t after_s = fault_number(service, "unhealthy_after", -1);
    return fault_on(service, "unhealthy")
           || (after_s >= 0 && text_now_ms() - service->started_ms >= after_s * 1000);
}

static enum role read_role(const char *word)
{
    return strcmp(word, "execution") == 0 ? ROLE_EXECUTION
           : strcmp(word, "brain") == 0   ? ROLE_BRAIN
           : strcmp(word, "web") == 0     ? ROLE_WEB
                                          : ROLE_INVALID;
}

static void wait_until(int64_t until_ms)
{
    for (int64_t left; stopped == 0 && (left = until_ms - text_now_ms()) > 0;) {
        struct timespec pause = {.tv_nsec = (left < 20 ? left : 20) * 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

/* Docker stamps StartedAt after the first process has begun: a line printed at once could carry an
 * earlier stamp than its own start. */
static void begin(struct service *service)
{
    char hash[SERVICE_HASH_HEX + 1];
    const char *before = getenv("TITAN_START_MS");
    wait_until(service->started_ms
               + (before != NULL ? strtoll(before, NULL, 10) : BEFORE_FIRST_LINE_MS)
               + fault_number(service, "slow_start", 0));
    if (stopped != 0)
        return;
    policy_hash(service, hash);
    text_note(service, "starts.log", "%s %s", service->version, hash);
    switch (service->role) {
    case ROLE_INVALID:
        break;
    case ROLE_EXECUTION:
        execution_start(service);
        break;
    case ROLE_BRAIN:
        brain_start(service);
        break;
    case ROLE_WEB:
        text_logf(service, "INFO", "Web %s ready", service->version);
        break;
    }
}

/* A line that a search of the logs for error patterns must find: the fault "error_line=TEXT" ('_'
 * stands for a blank). */
static void print_error_line(struct service *service)
{
    char value[256] = "";
    if (!fault_get(service, "error_line", value, sizeof value)
        || strcmp(value, service->last_error_line) == 0)
        return;
    (void)snprintf(service->last_error_line, sizeof service->last_error_line, "%s", value);
    for (char *at = value; *at != '\0'; at++)
        *at = *at == '_' ? ' ' : *at;
    text_logf(service, "ERROR", "%s", value);
}

/* The fault "leak": every line of SHARED/leak, as it stands and as a message. */
static void print_leak(struct service *service)
{
    static char text[SERVICE_LEAK_MAX / 2];
    if (service->leaked || !fault_on(service, "leak") || service->shared[0] == '\0')
        return;
    service->leaked = true;
    (void)text_read_file(service->shared, "/leak", text, sizeof text);
    for (char *at = text, *end; *at != '\0'; at = end) {
        size_t length = strcspn(at, "\n");
        end = at + length + (at[length] == '\n');
        text_logf(service, "ERROR", "%.*s", (int)length, at);
        ssize_t written = write(STDOUT_FILENO, at, (size_t)(end - at));
        (void)written;
    }
}

static void turn(struct service *service)
{
    int64_t crash_ms = fault_number(service, "crash_after", -1);
    if (crash_ms >= 0 && text_now_ms() - service->started_ms >= crash_ms) {
        text_logf(service, "ERROR", "panicked: told to crash");
        _exit(101);
    }
    print_error_line(service);
    print_leak(service);
    if (service->http_fd < 0)
        http_open(service);
    if (service->role != ROLE_WEB)
        bus_tick(&service->bus);
    if (service->role == ROLE_EXECUTION)
        execution_tick(service);
    else if (service->role == ROLE_BRAIN)
        brain_tick(service);
}

static void poll_once(struct service *service)
{
    struct pollfd fds[HTTP_CLIENTS_MAX + 2];
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = service->bus.fd, .events = POLLIN};
    fds[count++] = (struct pollfd){.fd = service->http_fd, .events = POLLIN};
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++)
        fds[count++] = (struct pollfd){.fd = service->clients[i].fd, .events = POLLIN};
    if (poll(fds, count, TURN_MS) <= 0)
        return;
    if (fds[0].revents != 0)
        bus_read(&service->bus);
    for (nfds_t i = 1; i < count; i++)
        if (fds[i].revents != 0)
            http_serve(service, fds[i].fd);
}

int main(int count, char **words)
{
    static struct service service;
    service.role = count > 1 ? read_role(words[1]) : ROLE_INVALID;
    if (service.role == ROLE_INVALID)
        return tool_run(count, words);
    service.name = service.role == ROLE_EXECUTION ? "titan-execution"
                   : service.role == ROLE_BRAIN   ? "titan-brain"
                                                  : "titan-web";
    service.root = setting("TITAN_ROOT", "");
    service.shared = setting("TITAN_SHARED", "");
    service.started_ms = text_now_ms();
    service.http_port = atoi(setting("HTTP_PORT", service.role == ROLE_EXECUTION ? "3002"
                                                  : service.role == ROLE_BRAIN   ? "3100"
                                                                                 : "3000"));
    service.http_fd = -1;
    for (size_t i = 0; i < HTTP_CLIENTS_MAX; i++)
        service.clients[i].fd = -1;
    (void)text_read_file(service.root, "/app/version", service.version, sizeof service.version);
    service.version[strcspn(service.version, "\r\n")] = '\0';
    bus_init(&service.bus, setting("NATS_URL", "nats://127.0.0.1:4222"), setting("NATS_USER", ""),
             setting("NATS_PASSWORD", ""));
    struct sigaction action = {
        .sa_handler = on_stop}; /* as process 1 of a container there is no default action */
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)umask(0);
    begin(&service);
    while (stopped == 0) {
        turn(&service);
        poll_once(&service);
    }
    text_logf(&service, "INFO", "Shutting down");
    return 0;
}
