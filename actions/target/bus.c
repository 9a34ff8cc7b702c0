#include "actions/target/bus.h"

#include <stdio.h>
#include <string.h>

#include "actions/target/bus_address.h"
#include "journal/format/names.h"

enum { BUS_TIMEOUT_MS = 5000, ANSWERS_MAX = 16 };

struct bus {
    const struct world_bus *world;
    struct target_forward *forward;
    void *connection;
    size_t at; /* which server */
};

static void bus_close(struct bus *bus)
{
    if (bus->connection != NULL)
        bus->world->close(bus->connection);
    target_forward_close(bus->forward);
    *bus = (struct bus){0};
}
#define CLEANUP_BUS __attribute__((cleanup(bus_close)))

/* The world reports the cause; the place and the next step are added here. */
static enum error_code bus_unreachable(const struct setup_bus *setup, size_t at,
                                       enum error_code code, struct error *error)
{
    char where[300];
    struct error cause = *error;
    struct bus_server server = bus_server_at(setup, at);
    if (code != ERROR_UNREACHABLE)
        return code;
    bool literal = strchr(server.host, ':') != NULL; /* an IPv6 address */
    (void)snprintf(where, sizeof where, "%s://%s%s%s:%d", setup->tls ? "tls" : "nats",
                   literal ? "[" : "", server.host, literal ? "]" : "", server.port);
    return error_set(error, ERROR_UNREACHABLE, cause.library_code, where,
                     "check `bus` in titan.yml: address, login, TLS; this message was not sent",
                     "the bus cannot be reached: %s", cause.what);
}

static enum error_code open_server(struct target *target, size_t at, struct bus_address *address,
                                   struct bus *bus, struct error *error)
{
    const struct setup_bus *setup = &target_setup(target)->bus;
    struct bus_server server = bus_server_at(setup, at);
    enum error_code code = target_forward_open(target, server.host, server.port, &bus->forward,
                                               error);
    if (code != ERROR_OK)
        return code;
    bus->world = target_world(target)->bus;
    bus->at = at;
    address->world.host = target_forward_host(bus->forward);
    address->world.port = target_forward_port(bus->forward);
    address->world.server_name = server.host;
    address->world.timeout_ms = BUS_TIMEOUT_MS / (int64_t)bus_server_count(setup);
    code = bus->world->open(bus->world->context, &address->world, &bus->connection, error);
    return bus_unreachable(setup, at, code, error);
}

/* The first server that takes the connection, all of them within BUS_TIMEOUT_MS. */
static enum error_code bus_open(struct target *target, struct bus *bus, struct error *error)
{
    CLEANUP_BUS_ADDRESS struct bus_address address = {.credential = {0}};
    size_t count = bus_server_count(&target_setup(target)->bus);
    enum error_code code = bus_address_read(target, &address, error);
    if (code != ERROR_OK)
        return code;
    code = ERROR_UNREACHABLE;
    for (size_t i = 0; i < count && code == ERROR_UNREACHABLE; i++) {
        bus_close(bus);
        code = open_server(target, i, &address, bus, error);
    }
    return code;
}

static int64_t bus_now_ns(const struct target *target)
{
    return clock_boottime_ns(target_clock(target));
}

enum error_code bus_publish(struct target *target, const char *subject, const char *payload,
                            struct evidence *evidence, bool *ret_sent, struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    CLEANUP_BYTES struct bytes copy = {0};
    bool refused = false;
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    int64_t sent_ns = bus_now_ns(target);
    code = bus.world->publish(bus.connection, subject, NULL, payload, strlen(payload),
                              BUS_TIMEOUT_MS, &refused, error);
    struct error cause = *error;
    bool lost = code != ERROR_OK && code != ERROR_MEMORY; /* it may have arrived */
    if (code == ERROR_OK || lost)
        code = bytes_append(&copy, payload, strlen(payload), error);
    if (code == ERROR_OK) /* the payload holds a reason that the operator typed */
        code = target_redact(target, REDACT_ALL, &copy, error);
    if (code == ERROR_OK)
        code = evidence_add(evidence,
                            &(struct evidence_draft){.probe = PROBE_BUS_PUBLISH,
                                                     .subject = subject,
                                                     .status = lost      ? BUS_PUBLISH_LOST
                                                               : refused ? 1
                                                                         : 0,
                                                     .output = &copy,
                                                     .sent_ns = sent_ns,
                                                     .received_ns = bus_now_ns(target)},
                            error);
    if (code == ERROR_OK && lost)
        return error_set(error, ERROR_UNREACHABLE, cause.library_code, subject, "titan-fsm resume",
                         "the bus was lost while a command was being sent: %s", cause.what);
    if (code == ERROR_OK)
        *ret_sent = !refused;
    return code;
}

struct gathering {
    struct target *target;
    const struct bus_question *question;
    struct evidence *evidence;
    int64_t sent_ns;
    unsigned answers;
    bool no_responder;
};

/* Takes *answer over. */
static enum error_code keep_answer(struct gathering *gathering, int status, struct bytes *answer,
                                   struct error *error)
{
    size_t bytes_max = (size_t)target_setup(gathering->target)->output_bytes_max;
    if (answer->size > bytes_max) /* before anything walks over it */
        return error_set(error, ERROR_LIMIT, 0, gathering->question->subject,
                         "see who answers so much, or raise output_bytes_max in titan.yml",
                         "an answer on the bus has more than %zu bytes", bytes_max);
    enum error_code code = bytes_append(answer, "", 0, error); /* "" for none, not NULL */
    if (code == ERROR_OK)
        code = target_redact(gathering->target, REDACT_ALL, answer, error);
    if (code == ERROR_OK)
        code = evidence_add(gathering->evidence,
                            &(struct evidence_draft){.probe = gathering->question->probe,
                                                     .subject = gathering->question->subject,
                                                     .status = status,
                                                     .output = answer,
                                                     .sent_ns = gathering->sent_ns,
                                                     .received_ns = bus_now_ns(gathering->target)},
                            error);
    return code;
}

/* A connection that is lost meanwhile ends the gathering: what came is what counts. */
static enum error_code gather_answers(struct gathering *gathering, const struct world_bus *world,
                                      void *inbox, int64_t timeout_ms, struct error *error)
{
    int64_t reply_ms = target_setup(gathering->target)->bus.reply_ms;
    int64_t until_ns = bus_now_ns(gathering->target) + timeout_ms * 1000000;
    while (gathering->answers < ANSWERS_MAX) {
        CLEANUP_BYTES struct bytes answer = {0};
        enum world_message kind = MESSAGE_NONE;
        int64_t left_ms = (until_ns - bus_now_ns(gathering->target)) / 1000000;
        if (left_ms <= 0)
            return ERROR_OK;
        enum error_code code = world->next(inbox, left_ms, &kind, &answer, error);
        if (code == ERROR_UNREACHABLE)
            return ERROR_OK;
        gathering->no_responder = kind == MESSAGE_NO_RESPONDER;
        if (code == ERROR_OK && kind == MESSAGE_DATA)
            code = keep_answer(gathering, 0, &answer, error);
        if (code != ERROR_OK || kind != MESSAGE_DATA)
            return code;
        if (gathering->answers++ == 0)
            until_ns = bus_now_ns(gathering->target) + reply_ms * 1000000;
    }
    return ERROR_OK;
}

/* The sentence has the line of the server's configuration, because it is recorded. */
static enum error_code request_forbidden(const struct target *target, const char *verb,
                                         const char *subject, struct error *error)
{
    const char *user = target_setup(target)->bus.user;
    return error_set(error, ERROR_REFUSED, 0, subject, "",
                     "the bus does not let %s%.60s %s %s; add it to the permissions there, "
                     "%s: { allow: [\"%.200s\"] }",
                     user[0] != '\0' ? "its user " : "this login", user, verb, subject, verb,
                     subject);
}

/* A subscription for the answers, and the question. */
static enum error_code send_question(struct target *target, struct bus *bus,
                                     const struct bus_question *question, void **ret_subscription,
                                     struct error *error)
{
    char inbox[64], token[33];
    bool deaf = false, forbidden = false;
    world_random_hex(target_world(target), 16, token);
    (void)snprintf(inbox, sizeof inbox, "_INBOX.%s", token);
    enum error_code code = bus->world->subscribe(bus->connection, inbox, 0, BUS_TIMEOUT_MS,
                                                 ret_subscription, &deaf, error);
    if (code == ERROR_OK && deaf)
        return request_forbidden(target, "subscribe", "_INBOX.>", error);
    if (code == ERROR_OK)
        code = bus->world->publish(bus->connection, question->subject, inbox, question->payload,
                                   strlen(question->payload), BUS_TIMEOUT_MS, &forbidden, error);
    return code == ERROR_OK && forbidden
               ? request_forbidden(target, "publish", question->subject, error)
               : bus_unreachable(&target_setup(target)->bus, bus->at, code, error);
}

enum error_code bus_request(struct target *target, const struct bus_question *question,
                            struct evidence *evidence, unsigned *ret_answers, struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    void *subscription = NULL;
    struct gathering gathering = {.target = target,
                                  .question = question,
                                  .evidence = evidence,
                                  .sent_ns = bus_now_ns(target)};
    code = send_question(target, &bus, question, &subscription, error);
    if (code == ERROR_OK)
        code = gather_answers(&gathering, bus.world, subscription, question->timeout_ms, error);
    if (subscription != NULL)
        bus.world->unsubscribe(subscription);
    CLEANUP_BYTES struct bytes nothing = {0};
    if (code == ERROR_OK && gathering.answers == 0)
        code = keep_answer(&gathering, gathering.no_responder ? BUS_NO_RESPONDER : BUS_NO_ANSWER,
                           &nothing, error);
    if (code == ERROR_OK)
        *ret_answers = gathering.answers;
    return code;
}

struct subscriptions {
    const struct world_bus *world;
    size_t at; /* the server */
    void *items[SETUP_NAMES_MAX];
};

static void subscriptions_close(struct subscriptions *subscriptions)
{
    for (size_t i = 0; i < SETUP_NAMES_MAX; i++)
        if (subscriptions->items[i] != NULL)
            subscriptions->world->unsubscribe(subscriptions->items[i]);
}
#define CLEANUP_SUBSCRIPTIONS __attribute__((cleanup(subscriptions_close)))

static enum error_code await_each(struct target *target, struct subscriptions *subscriptions,
                                  size_t count, int64_t until_ns, enum bus_received *ret_received,
                                  size_t *ret_at, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BYTES struct bytes message = {0};
        enum world_message kind = MESSAGE_NONE;
        int64_t left_ms = (until_ns - bus_now_ns(target)) / 1000000;
        enum error_code code = subscriptions->world->next(subscriptions->items[i],
                                                          left_ms > 0 ? left_ms : 1, &kind,
                                                          &message, error);
        if (code != ERROR_OK)
            return bus_unreachable(&target_setup(target)->bus, subscriptions->at, code, error);
        if (kind == MESSAGE_NONE) {
            *ret_received = BUS_SILENT;
            *ret_at = i;
            return ERROR_OK;
        }
    }
    *ret_received = BUS_RECEIVED;
    return ERROR_OK;
}

enum error_code bus_listen(struct target *target, const struct setup_list *subjects,
                           int64_t within_ms, enum bus_received *ret_received, size_t *ret_at,
                           struct error *error)
{
    CLEANUP_BUS struct bus bus = {0};
    enum error_code code = bus_open(target, &bus, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_SUBSCRIPTIONS struct subscriptions subscriptions = {.world = bus.world, .at = bus.at};
    for (size_t i = 0; i < subjects->count; i++) {
        bool forbidden = false;
        code = bus.world->subscribe(bus.connection, subjects->items[i], 1, BUS_TIMEOUT_MS,
                                    &subscriptions.items[i], &forbidden, error);
        if (code != ERROR_OK)
            return bus_unreachable(&target_setup(target)->bus, bus.at, code, error);
        if (forbidden) {
            *ret_received = BUS_FORBIDDEN;
            *ret_at = i;
            return ERROR_OK;
        }
    }
    return await_each(target, &subscriptions, subjects->count,
                      bus_now_ns(target) + within_ms * 1000000, ret_received, ret_at, error);
}
