/* tests/world/scripted_bus: NATS as the Titan has it: commands to Execution without an answer, a
 * responder for the policy hash, heartbeats. */
#include "tests/world/scripted.h"

#include <stdlib.h>
#include <string.h>

struct subscription {
    struct scripted *scripted;
    char subject[128];
    bool wanted; /* a request was sent that this one hears the answer of */
    bool answered;
    struct subscription *next; /* of the connection */
};

struct connection {
    struct scripted *scripted;
    struct subscription *first;
};

static enum error_code open_bus(void *context, const struct world_bus_address *address,
                                void **ret_connection, struct error *error)
{
    struct scripted *scripted = context;
    if (scripted->dead || scripted->titan.bus_down)
        return error_set(error, ERROR_UNREACHABLE, 0, address->host, "",
                         "the bus cannot be reached");
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return error_set(error, ERROR_MEMORY, 0, "bus", "", "out of memory");
    connection->scripted = scripted;
    *ret_connection = connection;
    return ERROR_OK;
}

static void close_bus(void *connection)
{
    free(connection);
}

static enum error_code publish(void *handle, const char *subject, const char *reply,
                               const void *data, size_t size, int64_t timeout_ms, bool *ret_refused,
                               struct error *error)
{
    struct connection *connection = handle;
    struct scripted *scripted = connection->scripted;
    bool arm = strcmp(subject, "titan.cmd.operator.arm.v1") == 0,
         disarm = strcmp(subject, "titan.cmd.operator.disarm.v1") == 0;
    enum scripted_kind kind = arm || disarm ? CALL_PUBLISH : CALL_REQUEST;
    enum error_code code = scripted_ask(scripted, kind, false, subject, error);
    (void)timeout_ms;
    if (code != ERROR_OK)
        return code;
    timeline_move(&scripted->timeline, scripted->timeline.now_ns + 1000000);
    if (arm || disarm)
        titan_receive(&scripted->titan, arm, data, size);
    for (struct subscription *each = connection->first; each != NULL; each = each->next)
        each->wanted = each->wanted || (reply != NULL && strcmp(each->subject, reply) == 0);
    *ret_refused = false;
    return scripted_ask(scripted, kind, true, subject, error);
}

static enum error_code subscribe(void *handle, const char *subject, int messages_max,
                                 int64_t timeout_ms, void **ret_subscription, bool *ret_refused,
                                 struct error *error)
{
    struct connection *connection = handle;
    struct subscription *made = calloc(1, sizeof *made);
    (void)messages_max;
    (void)timeout_ms;
    if (made == NULL || strlen(subject) >= sizeof made->subject)
        return error_set(error, ERROR_MEMORY, 0, "bus", "", "out of memory");
    *made = (struct subscription){.scripted = connection->scripted, .next = connection->first};
    memcpy(made->subject, subject, strlen(subject) + 1);
    connection->first = made;
    *ret_subscription = made;
    *ret_refused = false;
    return ERROR_OK;
}

/* Its connection may be closed before or after: it only forgets that there was one. */
static void unsubscribe(void *handle)
{
    free(handle);
}

static enum error_code next(void *handle, int64_t wait_ms, enum world_message *ret_kind,
                            struct bytes *ret_data, struct error *error)
{
    struct subscription *subscription = handle;
    struct scripted *scripted = subscription->scripted;
    char reply[256];
    if (scripted->dead)
        return error_set(error, ERROR_UNREACHABLE, 0, "bus", "", "the driver has died");
    if (!subscription->wanted || subscription->answered) {
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + wait_ms * 1000000);
        *ret_kind = MESSAGE_NONE;
        return ERROR_OK;
    }
    timeline_move(&scripted->timeline, scripted->timeline.now_ns + 2000000);
    subscription->answered = true;
    if (!titan_policy_reply(&scripted->titan, reply, sizeof reply)) {
        *ret_kind = MESSAGE_NO_RESPONDER;
        return ERROR_OK;
    }
    *ret_kind = MESSAGE_DATA;
    return bytes_append(ret_data, reply, strlen(reply), error);
}

void scripted_fill_bus(struct scripted *scripted)
{
    scripted->bus = (struct world_bus){.context = scripted,
                                       .open = open_bus,
                                       .close = close_bus,
                                       .publish = publish,
                                       .subscribe = subscribe,
                                       .unsubscribe = unsubscribe,
                                       .next = next};
}
