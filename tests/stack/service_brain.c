/* tests/stack/service_brain: Brain with its heartbeat and its one handshake. A handshake that
 * failed is not tried again, and /health stays 200. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SID_INBOX = 1, HEARTBEAT_MS = 1000, ANSWER_MS = 2000, DELAY_MS = 300 };

static void fail(struct service *service, const char *why, const char *theirs)
{
    char ours[SERVICE_HASH_HEX + 1];
    policy_hash(service, ours);
    service->handshake = HANDSHAKE_OVER;
    if (fault_on(service, "silent_handshake"))
        return;
    text_logf(service, "ERROR", "\xF0\x9F\x9A\xA8 CRITICAL: Policy hash handshake FAILED. %s", why);
    text_logf(service, "ERROR", "Brain hash: %s, Execution hash: %s", ours, theirs);
}

/* The fault "handshake_line=TEXT": '_' stands for a blank, %H for the hash, %U for it in upper
 * case, %S for its first eight digits, %O for another hash, %P for that in
 * upper case. */
static void write_line(const char *form, const char *ours, char *ret_line, size_t room)
{
    char other[SERVICE_HASH_HEX + 1], upper[SERVICE_HASH_HEX + 1], upper_other[sizeof other];
    size_t used = 0;
    text_sha256_hex(ours, SERVICE_HASH_HEX, other);
    for (size_t i = 0; i <= SERVICE_HASH_HEX; i++) {
        upper[i] = (char)(ours[i] >= 'a' ? ours[i] - 'a' + 'A' : ours[i]);
        upper_other[i] = (char)(other[i] >= 'a' ? other[i] - 'a' + 'A' : other[i]);
    }
    for (const char *at = form; *at != '\0' && used + SERVICE_HASH_HEX + 1 < room; at++) {
        const char *said = at[0] != '%'                   ? NULL
                           : at[1] == 'H' || at[1] == 'S' ? ours
                           : at[1] == 'U'                 ? upper
                           : at[1] == 'O'                 ? other
                           : at[1] == 'P'                 ? upper_other
                                                          : NULL;
        if (said != NULL)
            used += (size_t)snprintf(ret_line + used, room - used, "%.*s",
                                     at[1] == 'S' ? 8 : SERVICE_HASH_HEX, said);
        else
            ret_line[used++] = *at == '_' ? ' ' : *at;
        at += said != NULL;
    }
    ret_line[used] = '\0';
}

static void agree(struct service *service)
{
    char ours[SERVICE_HASH_HEX + 1], form[256], line[512];
    policy_hash(service, ours);
    if (!fault_get(service, "handshake_line", form, sizeof form))
        (void)snprintf(form, sizeof form,
                       "Policy hash handshake OK. Enabling signal processing. Hash: %%H");
    write_line(form, ours, line, sizeof line);
    text_logf(service, "INFO", "\xE2\x9C\x85 %s", line);
}

/* The string behind "policy_hash" or "hash"; Brain trusts the form of its own peer. */
static bool read_hash(const struct bus_message *message, char ret_hash[SERVICE_HASH_HEX + 1])
{
    const char *found = memmem(message->data, message->size, "hash\":\"", 7);
    if (found == NULL
        || (size_t)(found + 7 - (const char *)message->data) + SERVICE_HASH_HEX > message->size)
        return false;
    memcpy(ret_hash, found + 7, SERVICE_HASH_HEX);
    ret_hash[SERVICE_HASH_HEX] = '\0';
    return strspn(ret_hash, "0123456789abcdef") == SERVICE_HASH_HEX;
}

static void on_message(void *context, const struct bus_message *message)
{
    struct service *service = context;
    char ours[SERVICE_HASH_HEX + 1], theirs[SERVICE_HASH_HEX + 1];
    if (message->sid != SID_INBOX || service->handshake != HANDSHAKE_ASKED)
        return;
    policy_hash(service, ours);
    if (message->no_responders) {
        fail(service, "503 No Responders", "unknown");
    } else if (!read_hash(message, theirs)) {
        fail(service, "The answer names no policy hash", "unknown");
    } else if (strcmp(ours, theirs) != 0) {
        fail(service, "Policy hash mismatch", theirs);
    } else {
        service->handshake = HANDSHAKE_OVER;
        service->agreed_ms = text_now_ms();
        if (!fault_on(service, "silent_handshake"))
            agree(service);
    }
}

static void ask(struct service *service)
{
    static const char question[] = "{\"request_type\":\"policy_hash\"}";
    char inbox[100];
    if (!service->bus.ready) {
        fail(service, "Not connected to NATS", "unknown");
        return;
    }
    (void)snprintf(inbox, sizeof inbox, "_INBOX.brain.%lld.%d", (long long)text_epoch_ms(),
                   (int)getpid());
    bus_subscribe(&service->bus, inbox, SID_INBOX);
    bus_publish(&service->bus, "titan.req.exec.policy_hash.v1", inbox, question,
                sizeof question - 1);
    service->handshake = HANDSHAKE_ASKED;
    service->handshake_ms = text_now_ms() + ANSWER_MS;
}

static void on_ready(void *context)
{
    const struct service *service = context;
    text_logf(service, "INFO", "Connected to NATS at %s:%d", service->bus.host, service->bus.port);
}

void brain_start(struct service *service)
{
    const char *delay = getenv("TITAN_HANDSHAKE_MS");
    text_logf(service, "INFO", "Brain %s starting, waiting for the leader lease", service->version);
    service->handshake = HANDSHAKE_TO_COME;
    service->handshake_ms = text_now_ms()
                            + fault_number(service, "handshake_delay",
                                           delay != NULL && delay[0] != '\0'
                                               ? strtoll(delay, NULL, 10)
                                               : DELAY_MS);
    service->bus.on_ready = on_ready;
    service->bus.on_message = on_message;
    service->bus.context = service;
}

static bool is_due(const struct service *service, const char *fault, int64_t since_ms)
{
    int64_t after_ms = fault_number(service, fault, -1);
    return since_ms > 0 && after_ms >= 0 && text_now_ms() - since_ms >= after_ms;
}

/* What Brain says of itself after its handshake was good, each once. */
static void change_mind(struct service *service)
{
    if (!service->failed_late && is_due(service, "handshake_fails", service->agreed_ms)) {
        service->failed_late = true;
        fail(service, "Policy hash mismatch", "unknown");
    }
    if (service->lost_ms == 0 && is_due(service, "leadership_lost", service->agreed_ms)) {
        service->lost_ms = text_now_ms();
        text_logf(service, "WARN", "\xF0\x9F\x94\xBB Brain demoted to FOLLOWER");
    }
    if (!service->regained && is_due(service, "leadership_regained", service->lost_ms)) {
        service->regained = true;
        agree(service);
    }
}

void brain_tick(struct service *service)
{
    char beat[200];
    int64_t now = text_now_ms();
    change_mind(service);
    if (service->handshake == HANDSHAKE_TO_COME && now >= service->handshake_ms)
        ask(service);
    else if (service->handshake == HANDSHAKE_ASKED && now >= service->handshake_ms)
        fail(service, "No answer in time", "unknown");
    if (!service->bus.ready || now < service->heartbeat_ms)
        return;
    int length = snprintf(beat, sizeof beat,
                          "{\"ts\":%lld,\"state\":\"NORMAL\",\"regime\":\"STABLE\"}",
                          (long long)text_epoch_ms());
    bus_publish(&service->bus, "titan.sys.heartbeat.v1.risk-guardian", "", beat, (size_t)length);
    service->heartbeat_ms = now + HEARTBEAT_MS;
}

void brain_health(const struct service *service, int *ret_status, char *ret_body, size_t room)
{
    bool good = !service_is_unhealthy(service);
    *ret_status = good ? 200 : 503;
    (void)snprintf(ret_body, room, "{\"status\":\"%s\"}", good ? "healthy" : "unhealthy");
}
