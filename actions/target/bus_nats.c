/* The real bus: a NATS connection by the nats.c library. One connection an opening, never
 * reconnected, because a lost publish was seen to be followed by a good flush. */
#include "actions/target/world_remote.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "actions/target/world_alarm.h"

/* The library asks for token and signature while it connects, and keeps what it is given there. */
struct nats_link {
    natsOptions *options;
    natsConnection *connection;
    const struct world_bus_address *address; /* while it is being opened */
};

static void nats_link_close(void *connection)
{
    struct nats_link *link = connection;
    if (link == NULL)
        return;
    natsConnection_Destroy(link->connection);
    natsOptions_Destroy(link->options);
    free(link);
}

static enum error_code nats_failed(natsStatus status, struct error *error)
{
    natsStatus last = NATS_OK;
    const char *detail = nats_GetLastError(&last); /* "Authorization Violation" */
    bool more = last == status && detail != NULL && detail[0] != '\0';
    return error_set(error, ERROR_UNREACHABLE, (int)status, "", "", "%s%s%.160s",
                     natsStatus_GetText(status), more ? ": " : "", more ? detail : "");
}

static natsStatus sign_nonce(char **ret_custom_error, unsigned char **ret_signature,
                             int *ret_length, const char *nonce, void *context)
{
    const struct nats_link *link = context;
    *ret_custom_error = NULL;
    return nats_Sign(link->address->nkey_seed, nonce, ret_signature, ret_length);
}

static natsStatus give_jwt(char **ret_jwt, char **ret_custom_error, void *context)
{
    const struct nats_link *link = context;
    *ret_custom_error = NULL;
    *ret_jwt = strdup(link->address->jwt);
    return *ret_jwt != NULL ? NATS_OK : NATS_NO_MEMORY;
}

static natsStatus set_login(struct nats_link *link, const struct world_bus_address *address)
{
    if (address->token != NULL)
        return natsOptions_SetToken(link->options, address->token);
    if (address->jwt != NULL)
        return natsOptions_SetUserCredentialsCallbacks(link->options, give_jwt, link, sign_nonce,
                                                       link);
    if (address->nkey_seed != NULL)
        return natsOptions_SetNKey(link->options, address->user, sign_nonce, link);
    return address->user == NULL
               ? NATS_OK
               : natsOptions_SetUserInfo(link->options, address->user,
                                         address->password != NULL ? address->password : "");
}

/* The name is checked even where TLS is not configured: a server may demand it, and then the
 * library goes along. */
static natsStatus set_tls(natsOptions *options, const struct world_bus_address *address)
{
    natsStatus status = address->server_name != NULL
                            ? natsOptions_SetExpectedHostname(options, address->server_name)
                            : NATS_OK;
    if (status == NATS_OK && address->tls)
        status = natsOptions_SetSecure(options, true);
    if (status == NATS_OK && address->authorities != NULL)
        status = natsOptions_SetCATrustedCertificates(options, address->authorities);
    return status == NATS_OK && address->certificate != NULL
               ? natsOptions_SetCertificatesChain(options, address->certificate,
                                                  address->certificate_key)
               : status;
}

/* The library's limit does not hold for the handshake of TLS, in which a server that says nothing
 * would be waited for without end; a server without TLS may ask for one too. */
static natsStatus connect_in_time(struct nats_link *link, int64_t timeout_ms)
{
    struct alarm alarm;
    natsStatus status = natsOptions_SetTimeout(link->options, timeout_ms);
    if (status == NATS_OK && !alarm_begin(&alarm, timeout_ms))
        status = NATS_ERR;
    if (status != NATS_OK)
        return status;
    status = natsConnection_Connect(&link->connection, link->options);
    alarm_end(&alarm);
    return status;
}

static enum error_code nats_link_open(void *context, const struct world_bus_address *address,
                                      void **ret_connection, struct error *error)
{
    (void)context;
    char url[300];
    (void)snprintf(url, sizeof url, "nats://%s:%d", address->host, address->port);
    struct nats_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return error_set(error, ERROR_MEMORY, 0, url, "", "out of memory");
    link->address = address;
    natsStatus status = natsOptions_Create(&link->options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(link->options, url);
    if (status == NATS_OK)
        status = set_login(link, address);
    if (status == NATS_OK)
        status = set_tls(link->options, address);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(link->options, false);
    if (status == NATS_OK)
        status = natsOptions_SetIgnoreDiscoveredServers(link->options, true);
    if (status == NATS_OK)
        status = connect_in_time(link, address->timeout_ms);
    if (status != NATS_OK) {
        enum error_code code = nats_failed(status, error);
        nats_link_close(link);
        return code;
    }
    link->address = NULL;
    *ret_connection = link;
    return ERROR_OK;
}

/* The server refuses a subject asynchronously: only after a flush is the refusal known. */
static natsStatus flush_and_ask(const struct nats_link *link, natsStatus status, int64_t timeout_ms,
                                bool *ret_refused)
{
    const char *text = NULL;
    if (status == NATS_OK)
        status = natsConnection_FlushTimeout(link->connection, timeout_ms);
    *ret_refused = natsConnection_GetLastError(link->connection, &text) == NATS_NOT_PERMITTED;
    return *ret_refused ? NATS_OK : status;
}

static enum error_code nats_publish(void *connection, const char *subject, const char *reply,
                                    const void *data, size_t size, int64_t timeout_ms,
                                    bool *ret_refused, struct error *error)
{
    const struct nats_link *link = connection;
    assert(size <= INT_MAX);
    natsStatus status = reply != NULL
                            ? natsConnection_PublishRequest(link->connection, subject, reply, data,
                                                            (int)size)
                            : natsConnection_Publish(link->connection, subject, data, (int)size);
    bool refused;
    status = flush_and_ask(link, status, timeout_ms, &refused);
    if (status != NATS_OK)
        return nats_failed(status, error);
    *ret_refused = refused;
    return ERROR_OK;
}

static void nats_unsubscribe(void *subscription)
{
    natsSubscription_Destroy(subscription);
}

static enum error_code nats_subscribe(void *connection, const char *subject, int messages_max,
                                      int64_t timeout_ms, void **ret_subscription,
                                      bool *ret_refused, struct error *error)
{
    const struct nats_link *link = connection;
    natsSubscription *subscription = NULL;
    bool refused;
    natsStatus status = natsConnection_SubscribeSync(&subscription, link->connection, subject);
    if (status == NATS_OK && messages_max > 0)
        status = natsSubscription_AutoUnsubscribe(subscription, messages_max);
    status = flush_and_ask(link, status, timeout_ms, &refused);
    if (status != NATS_OK) {
        natsSubscription_Destroy(subscription);
        return nats_failed(status, error);
    }
    *ret_subscription = subscription;
    *ret_refused = refused;
    return ERROR_OK;
}

static enum error_code nats_next(void *subscription, int64_t wait_ms, enum world_message *ret_kind,
                                 struct bytes *ret_data, struct error *error)
{
    natsMsg *message = NULL;
    natsStatus status = natsSubscription_NextMsg(&message, subscription, wait_ms);
    /* The library keeps the server's empty message to itself and returns this status instead. */
    if (status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS) {
        *ret_kind = status == NATS_TIMEOUT ? MESSAGE_NONE : MESSAGE_NO_RESPONDER;
        return ERROR_OK;
    }
    if (status != NATS_OK)
        return nats_failed(status, error);
    struct bytes data = {0};
    enum error_code code = bytes_append(&data, natsMsg_GetData(message),
                                        (size_t)natsMsg_GetDataLength(message), error);
    natsMsg_Destroy(message);
    if (code != ERROR_OK)
        return code;
    *ret_kind = MESSAGE_DATA;
    bytes_free(ret_data);
    *ret_data = data;
    return ERROR_OK;
}

const struct world_bus *world_bus_system(void)
{
    static const struct world_bus bus = {.open = nats_link_open,
                                         .close = nats_link_close,
                                         .publish = nats_publish,
                                         .subscribe = nats_subscribe,
                                         .unsubscribe = nats_unsubscribe,
                                         .next = nats_next};
    return &bus;
}
