#include "actions/target/bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>
#include <sodium.h>

#include "actions/secrets/credential.h"
#include "actions/secrets/secrets.h"
#include "journal/format/names.h"

enum { BUS_TIMEOUT_MS = 5000, ANSWERS_MAX = 16 };

struct bus {
    struct target_forward *forward;
    natsOptions *options;
    natsConnection *connection;
};

static void bus_close(struct bus *bus)
{
    natsConnection_Destroy(bus->connection);
    natsOptions_Destroy(bus->options);
    target_forward_close(bus->forward);
    *bus = (struct bus){0};
}
#define CLEANUP_BUS __attribute__((cleanup(bus_close)))

/* The value of one key of the env file on the target, as it was read when the connection was made.
 */
static enum error_code password_from_key(const struct target *target, struct bytes *ret_password,
                                         struct error *error)
{
    const struct setup *setup = target_setup(target);
    const char *password = secrets_bus_password(target_secrets(target));
    if (password == NULL || password[0] == '\0')
        return error_set(error, ERROR_CONFIG, 0, setup->compose.env_file,
                         "set it there, or use bus.password_file",
                         "the env file has no value for %s", setup->bus.password_key);
    return bytes_append(ret_password, password, strlen(password), error);
}

static enum error_code unreachable(const struct setup_bus *setup, natsStatus status,
                                   struct error *error)
{
    char where[300];
    (void)snprintf(where, sizeof where, "nats://%s:%d", setup->host, setup->port);
    return error_set(error, ERROR_UNREACHABLE, (int)status, where,
                     "check the bus, user and password; nothing was sent",
                     "the bus cannot be reached: %s", natsStatus_GetText(status));
}

static enum error_code bus_open(struct target *target, struct bus *bus, struct error *error)
{
    const struct setup_bus *setup = &target_setup(target)->bus;
    CLEANUP_BYTES struct bytes password = {0};
    enum error_code code = ERROR_OK;
    if (setup->password_file[0] != '\0')
        code = credential_read_file(setup->password_file, "the bus password file", &password,
                                    error);
    else if (setup->password_key[0] != '\0')
        code = password_from_key(target, &password, error);
    if (code == ERROR_OK)
        code = target_forward_open(target, setup->host, setup->port, &bus->forward, error);
    if (code != ERROR_OK)
        return code;
    char url[300];
    (void)snprintf(url, sizeof url, "nats://%s:%d", target_forward_host(bus->forward),
                   target_forward_port(bus->forward));
    natsStatus status = natsOptions_Create(&bus->options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(bus->options, url);
    if (status == NATS_OK && setup->user[0] != '\0')
        status = natsOptions_SetUserInfo(bus->options, setup->user,
                                         password.data != NULL ? (const char *)password.data : "");
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(bus->options, false);
    if (status == NATS_OK)
        status = natsOptions_SetIgnoreDiscoveredServers(bus->options, true);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(bus->options, BUS_TIMEOUT_MS);
    if (status == NATS_OK)
        status = natsConnection_Connect(&bus->connection, bus->options);
    return status == NATS_OK ? ERROR_OK : unreachable(setup, status, error);
}

enum error_code bus_publish(struct target *target, const char *subject, const char *payload,
                            struct evidence *evidence, bool *ret_sent, struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    int64_t sent_ns = clock_boottime_ns(target_clock(target));
    natsStatus status = natsConnection_Publish(bus.connection, subject, payload,
                                               (int)strlen(payload));
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(bus.connection, BUS_TIMEOUT_MS);
    const char *text = NULL;
    natsStatus last = natsConnection_GetLastError(
        bus.connection, &text); /* permissions are refused asynchronously, and only seen here */
    bool refused = last == NATS_NOT_PERMITTED;
    if (!refused && status != NATS_OK)
        return error_set(error, ERROR_UNREACHABLE, (int)status, subject, "titan-fsm resume",
                         "the bus was lost while a command was being sent: %s",
                         natsStatus_GetText(status));
    struct bytes copy = {0};
    code = bytes_append(&copy, payload, strlen(payload), error);
    if (code == ERROR_OK) /* its reason is what somebody typed */
        code = target_redact(target, REDACT_ALL, &copy, error);
    if (code == ERROR_OK)
        code = evidence_add(evidence, PROBE_BUS_PUBLISH, subject, refused ? 1 : 0, &copy, sent_ns,
                            clock_boottime_ns(target_clock(target)), NULL, error);
    bytes_free(&copy);
    if (code == ERROR_OK)
        *ret_sent = !refused;
    return code;
}

struct gathering {
    struct target *target;
    const char *probe, *subject;
    struct evidence *evidence;
    int64_t sent_ns;
    unsigned answers;
    bool no_responder;
};

static enum error_code keep(struct gathering *gathering, int status, const void *data, size_t size,
                            struct error *error)
{
    struct bytes copy = {0};
    enum error_code code = bytes_append(&copy, data, size, error);
    if (code == ERROR_OK)
        code = target_redact(gathering->target, REDACT_ALL, &copy, error);
    if (code == ERROR_OK)
        code = evidence_add(gathering->evidence, gathering->probe, gathering->subject, status,
                            &copy, gathering->sent_ns,
                            clock_boottime_ns(target_clock(gathering->target)), NULL, error);
    bytes_free(&copy);
    return code;
}

static enum error_code gather(struct gathering *gathering, natsSubscription *inbox,
                              int64_t timeout_ms, struct error *error)
{
    int64_t reply_ms = target_setup(gathering->target)->bus.reply_ms;
    int64_t until_ns = clock_boottime_ns(target_clock(gathering->target)) + timeout_ms * 1000000;
    while (gathering->answers < ANSWERS_MAX) {
        natsMsg *message = NULL;
        int64_t left_ms = (until_ns - clock_boottime_ns(target_clock(gathering->target))) / 1000000;
        if (left_ms <= 0 || natsSubscription_NextMsg(&message, inbox, left_ms) != NATS_OK)
            return ERROR_OK;
        gathering->no_responder = natsMsg_IsNoResponders(message);
        enum error_code code = gathering->no_responder
                                   ? ERROR_OK
                                   : keep(gathering, 0, natsMsg_GetData(message),
                                          (size_t)natsMsg_GetDataLength(message), error);
        natsMsg_Destroy(message);
        if (code != ERROR_OK || gathering->no_responder)
            return code;
        if (gathering->answers++ == 0)
            until_ns = clock_boottime_ns(target_clock(gathering->target)) + reply_ms * 1000000;
    }
    return ERROR_OK;
}

enum error_code bus_request(struct target *target, const char *probe, const char *subject,
                            const char *payload, int64_t timeout_ms, struct evidence *evidence,
                            unsigned *ret_answers, struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    char inbox[64], token[33];
    uint8_t random[16];
    randombytes_buf(random, sizeof random);
    bytes_hex(random, sizeof random, token);
    (void)snprintf(inbox, sizeof inbox, "_INBOX.%s", token);
    natsSubscription *subscription = NULL;
    natsStatus status = natsConnection_SubscribeSync(&subscription, bus.connection, inbox);
    struct gathering gathering = {.target = target,
                                  .probe = probe,
                                  .subject = subject,
                                  .evidence = evidence,
                                  .sent_ns = clock_boottime_ns(target_clock(target))};
    if (status == NATS_OK)
        status = natsConnection_PublishRequest(bus.connection, subject, inbox, payload,
                                               (int)strlen(payload));
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(bus.connection, BUS_TIMEOUT_MS);
    code = status == NATS_OK ? gather(&gathering, subscription, timeout_ms, error)
                             : unreachable(&target_setup(target)->bus, status, error);
    natsSubscription_Destroy(subscription);
    if (code == ERROR_OK && gathering.answers == 0)
        code = keep(&gathering, gathering.no_responder ? 1 : 2, "", 0, error);
    if (code == ERROR_OK)
        *ret_answers = gathering.answers;
    return code;
}

struct ears {
    natsSubscription *subscriptions[SETUP_NAMES_MAX];
};

static void ears_close(struct ears *ears)
{
    for (size_t i = 0; i < SETUP_NAMES_MAX; i++)
        natsSubscription_Destroy(ears->subscriptions[i]);
}
#define CLEANUP_EARS __attribute__((cleanup(ears_close)))

/* The server says asynchronously that it does not permit a subscription; behind a flush that has
 * been seen. */
static natsStatus subscribe(struct bus *bus, const char *subject,
                            natsSubscription **ret_subscription, bool *ret_forbidden)
{
    const char *text = NULL;
    natsStatus status = natsConnection_SubscribeSync(ret_subscription, bus->connection, subject);
    if (status == NATS_OK)
        status = natsSubscription_AutoUnsubscribe(
            *ret_subscription, 1); /* one message is enough, however many there are */
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(bus->connection, BUS_TIMEOUT_MS);
    *ret_forbidden = natsConnection_GetLastError(bus->connection, &text) == NATS_NOT_PERMITTED;
    return *ret_forbidden ? NATS_OK : status;
}

static enum error_code wait_for_each(struct target *target, struct ears *ears, size_t count,
                                     int64_t until_ns, enum bus_hearing *ret_hearing,
                                     size_t *ret_at, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        natsMsg *message = NULL;
        int64_t left_ms = (until_ns - clock_boottime_ns(target_clock(target))) / 1000000;
        natsStatus status = natsSubscription_NextMsg(&message, ears->subscriptions[i],
                                                     left_ms > 0 ? left_ms : 1);
        natsMsg_Destroy(message);
        if (status != NATS_OK && status != NATS_TIMEOUT)
            return unreachable(&target_setup(target)->bus, status, error);
        if (status == NATS_TIMEOUT) {
            *ret_hearing = BUS_SILENT;
            *ret_at = i;
            return ERROR_OK;
        }
    }
    *ret_hearing = BUS_HEARD;
    return ERROR_OK;
}

enum error_code bus_listen(struct target *target, const struct setup_list *subjects,
                           int64_t within_ms, enum bus_hearing *ret_hearing, size_t *ret_at,
                           struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    CLEANUP_EARS struct ears ears = {{NULL}};
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < subjects->count; i++) {
        bool forbidden;
        natsStatus status = subscribe(&bus, subjects->items[i], &ears.subscriptions[i], &forbidden);
        if (status != NATS_OK)
            return unreachable(&target_setup(target)->bus, status, error);
        if (forbidden) {
            *ret_hearing = BUS_FORBIDDEN;
            *ret_at = i;
            return ERROR_OK;
        }
    }
    return wait_for_each(target, &ears, subjects->count,
                         clock_boottime_ns(target_clock(target)) + within_ms * 1000000, ret_hearing,
                         ret_at, error);
}
