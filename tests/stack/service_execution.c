/* tests/stack/service_execution: Execution with its interlock, its marker, its responder and its
 * truth.
 * Order:     the policy line is printed before the responder exists; "Received ..." every time,
 *            "EXECUTION ..." only on a change. */
#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SID_DISARM = 1, SID_ARM, SID_POLICY_HASH, TRUTH_MS = 5000 };
static const char MARKER[] = "/app/execution.armed";

static void marker_path(const struct service *service, char *ret_path, size_t room)
{
    (void)snprintf(ret_path, room, "%s%s", service->root, MARKER);
}

static void set_marker(const struct service *service, bool armed)
{
    char path[512];
    marker_path(service, path, sizeof path);
    if (!armed && !fault_on(service, "marker_stuck"))
        (void)unlink(path);
    int fd = armed ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd >= 0)
        (void)close(fd);
}

static void command(struct service *service, bool arm, const struct bus_message *message)
{
    char payload[SERVICE_TEXT_MAX - 256], line[SERVICE_TEXT_MAX];
    text_json(message->data, message->size, payload, sizeof payload);
    if (fault_on(service, arm ? "deaf_arm" : "deaf_disarm")) {
        text_note(service, "received.log", "%s-unheard %s", arm ? "ARM" : "DISARM", payload);
        return;
    }
    text_note(service, "received.log", "%s %s", arm ? "ARM" : "DISARM", payload);
    (void)snprintf(line, sizeof line, "Received %s command: %s", arm ? "ARM" : "DISARM", payload);
    text_log(service, arm ? "INFO" : "WARN", line);
    if (service->armed == arm || fault_on(service, "interlock_stuck"))
        return;
    service->armed = arm;
    set_marker(service, arm);
    (void)snprintf(line, sizeof line, "%s EXECUTION %s: %s",
                   arm ? "\xF0\x9F\x94\x93" : "\xF0\x9F\x94\x92", arm ? "ARMED" : "DISARMED",
                   payload);
    text_log(service, "WARN", line);
}

static void answer_policy_hash(struct service *service, const struct bus_message *message)
{
    char hash[SERVICE_HASH_HEX + 1], other[SERVICE_HASH_HEX + 1], value[SERVICE_HASH_HEX + 1];
    static char leak[SERVICE_LEAK_MAX], reply[SERVICE_LEAK_MAX + 200];
    policy_hash(service, hash);
    text_sha256_hex(hash, SERVICE_HASH_HEX, other);
    bool lies = fault_get(service, "wrong_reply", value, sizeof value);
    const char *said = !lies ? hash : strlen(value) == SERVICE_HASH_HEX ? value : other;
    const char *form = fault_on(service, "old_reply")
                           ? "{\"hash\":\"%s\"}"
                           : "{\"policy_hash\":\"%s\",\"timestamp\":%lld}";
    if (message->reply[0] == '\0')
        return;
    fault_leak(service, leak, sizeof leak);
    /* Two containers on one subject while one replaces the other: two answers to one question. */
    bool doubled = fault_get(service, "two_responders", value, sizeof value);
    for (int i = 0; i < (doubled ? 2 : 1); i++) {
        const char *hashed = i == 0 || strcmp(value, "same") == 0 ? said
                             : strlen(value) == SERVICE_HASH_HEX  ? value
                                                                  : other;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int length = snprintf(reply, sizeof reply, form, hashed, (long long)text_epoch_ms());
#pragma GCC diagnostic pop
        if (leak[0] != '\0') /* in place of the closing brace */
            length += snprintf(reply + length - 1, sizeof reply - 200, ",\"note\":\"%s\"}", leak)
                      - 1;
        bus_publish(&service->bus, message->reply, "", reply, (size_t)length);
    }
}

static void on_message(void *context, const struct bus_message *message)
{
    struct service *service = context;
    if (message->sid == SID_DISARM || message->sid == SID_ARM)
        command(service, message->sid == SID_ARM, message);
    else if (message->sid == SID_POLICY_HASH)
        answer_policy_hash(service, message);
}

static void respond(struct service *service, bool on)
{
    if (on)
        bus_subscribe(&service->bus, "titan.req.exec.policy_hash.v1", SID_POLICY_HASH);
    else
        bus_unsubscribe(&service->bus, SID_POLICY_HASH);
    service->responding = on;
}

static void on_ready(void *context)
{
    struct service *service = context;
    text_logf(service, "INFO", "\xE2\x9C\x85 Connected to NATS at %s:%d", service->bus.host,
              service->bus.port);
    bus_subscribe(&service->bus, "titan.cmd.operator.disarm.v1", SID_DISARM);
    bus_subscribe(&service->bus, "titan.cmd.operator.arm.v1", SID_ARM);
    service->responding = false;
    if (!fault_on(service, "no_responder"))
        respond(service, true);
}

void execution_start(struct service *service)
{
    char hash[SERVICE_HASH_HEX + 1], path[512];
    policy_hash(service, hash);
    text_logf(service, "INFO", "\xE2\x9C\x85 Risk Policy Loaded. Hash: %s", hash);
    marker_path(service, path, sizeof path);
    if (fault_on(service, "armed_at_start"))
        set_marker(service, true);
    service->armed = access(path, F_OK) == 0;
    if (!fault_on(service, "silent_start"))
        text_log(service, "WARN",
                 service->armed ? "Execution initialized in ARMED state"
                                : "\xF0\x9F\x94\x92 Execution initialized DISARMED");
    service->bus.on_ready = on_ready;
    service->bus.on_message = on_message;
    service->bus.context = service;
}

void execution_tick(struct service *service)
{
    char truth[400], hash[SERVICE_HASH_HEX + 1];
    if (!service->bus.ready)
        return;
    if (service->responding == fault_on(service, "no_responder"))
        respond(service, !service->responding);
    if (text_now_ms() < service->truth_ms)
        return;
    policy_hash(service, hash);
    int length = snprintf(truth, sizeof truth,
                          "{\"meta\":{\"version\":\"%s\"},\"policy_hash\":\"%s\",\"positions\":{},"
                          "\"service\":\"titan-execution-rs\",\"timestamp\":%lld}",
                          service->version, hash, (long long)text_epoch_ms());
    bus_publish(&service->bus, "titan.evt.execution.truth.v1", "", truth, (size_t)length);
    service->truth_ms = text_now_ms() + TRUTH_MS;
}

void execution_health(const struct service *service, int *ret_status, char *ret_body, size_t room)
{
    bool good = service->bus.ready && !service_is_unhealthy(service);
    *ret_status = good ? 200 : 503;
    (void)snprintf(ret_body, room,
                   "{\"status\":\"%s\",\"version\":\"%s\",\"dependencies\":{\"nats\":\"%s\"}}",
                   good ? "ok" : "error", service->version,
                   service->bus.ready ? "Connected" : "Disconnected");
}
