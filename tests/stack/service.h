/* tests/stack/service: the small Titan. One static program that is Execution, Brain or a plain web
 * service, and the bus tool of the tests.
 * Knows:     what the real services were seen to print, answer and keep; and how to be told to
 *            fail.
 * Time:      CLOCK_MONOTONIC in milliseconds for everything that is waited for; the wall clock only
 *            in what is printed.
 * Ownership: one struct service, one thread, nothing is freed before exit.
 * Faults:    words "name" or "name=value" in three places, all read again at every use:
 *            SHARED/faults/<service> (from outside, while it runs), /app/faults (in the image, so
 *            that a release brings a fault and a rollback takes it away), $TITAN_FAULTS. */
#ifndef STACK_SERVICE_H
#define STACK_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SERVICE_HASH_HEX = 64,
    SERVICE_TEXT_MAX = 4096,
    SERVICE_LEAK_MAX = 24576,
    BUS_BYTES_MAX = 1200000,
    HTTP_CLIENTS_MAX = 16
};

enum role { ROLE_INVALID = 0, ROLE_EXECUTION, ROLE_BRAIN, ROLE_WEB };

struct bus_message {
    int sid;
    const char *reply; /* "" = none */
    const uint8_t *data;
    size_t size;
    bool no_responders;
};

/* A connection that speaks the NATS text protocol; it connects again by itself. */
struct bus {
    int fd;     /* -1 = not connected */
    bool ready; /* the server has accepted user and password */
    char host[64], user[64], password[128];
    int port;
    int64_t retry_ms;
    size_t used;
    unsigned pongs;
    char error[300]; /* the last -ERR */
    void (*on_ready)(void *context);
    void (*on_message)(void *context, const struct bus_message *message);
    void *context;
    uint8_t buffer[BUS_BYTES_MAX];
};

struct http_client {
    int fd;
    size_t used;
    int64_t since_ms;
    char request[1024];
};

struct service {
    enum role role;
    const char *name;   /* titan-execution */
    const char *root;   /* where /app lies: "" in a container */
    const char *shared; /* directory that the outside sees too, "" = none */
    int64_t started_ms;
    char version[64];
    int http_port, http_fd;
    bool http_reported;
    struct http_client clients[HTTP_CLIENTS_MAX];
    char last_error_line[256];
    bool leaked;
    bool armed, responding; /* Execution */
    int64_t truth_ms;
    enum {
        HANDSHAKE_INVALID = 0,
        HANDSHAKE_TO_COME,
        HANDSHAKE_ASKED,
        HANDSHAKE_OVER
    } handshake; /* Brain */
    int64_t handshake_ms, heartbeat_ms;
    int64_t agreed_ms, lost_ms; /* 0 = not yet */
    bool failed_late, regained;
    struct bus bus;
};

/* service_text.c */
int64_t text_now_ms(void);
int64_t text_epoch_ms(void);
void text_utc(char *ret_text, size_t room);
/* JSON string contents; bytes that are no UTF-8 become U+FFFD, as a lossy decoder does. */
void text_json(const uint8_t *data, size_t size, char *ret_text, size_t room);
size_t text_read_file(const char *root, const char *path, char *ret_text, size_t room);
void text_sha256_hex(const void *data, size_t size, char ret_hex[SERVICE_HASH_HEX + 1]);
/* One JSON line on standard output in the form of the role. `message` is JSON string contents
 * already. */
void text_log(const struct service *service, const char *level, const char *message);
void text_logf(const struct service *service, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One line into a file of the shared directory. */
void text_note(const struct service *service, const char *file, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* service_faults.c */
bool fault_get(const struct service *service, const char *name, char *ret_value, size_t room);
bool fault_on(const struct service *service, const char *name);
/* The fault "leak": what SHARED/leak holds, as JSON string contents; "" where it is off. */
void fault_leak(const struct service *service, char *ret_text, size_t room);
int64_t fault_number(const struct service *service, const char *name, int64_t otherwise);

/* service_bus.c */
void bus_init(struct bus *bus, const char *url, const char *user, const char *password);
void bus_tick(struct bus *bus);
void bus_read(struct bus *bus);
void bus_subscribe(struct bus *bus, const char *subject, int sid);
void bus_unsubscribe(struct bus *bus, int sid);
void bus_publish(struct bus *bus, const char *subject, const char *reply, const void *data,
                 size_t size);
void bus_ping(struct bus *bus);

/* service_http.c */
void http_open(struct service *service);
void http_serve(struct service *service, int fd);

/* service_execution.c, service_brain.c */
void policy_hash(const struct service *service, char ret_hex[SERVICE_HASH_HEX + 1]);
bool service_is_unhealthy(const struct service *service);
void execution_start(struct service *service);
void execution_tick(struct service *service);
void execution_health(const struct service *service, int *ret_status, char *ret_body, size_t room);
void brain_start(struct service *service);
void brain_tick(struct service *service);
void brain_health(const struct service *service, int *ret_status, char *ret_body, size_t room);

/* service_tool.c */
int tool_run(int count, char **words);

#endif
