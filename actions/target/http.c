#include "actions/target/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

enum { AUTHORIZATION_MAX = 1024 };

struct http_stream {
    const struct world_stream *stream;
    void *handle;
    struct target_forward *forward;
};

/* What the world is asked, and what it needs while it is asked. */
struct http_route {
    struct world_http_request request;
    struct target_forward *forward;
    char authorization[AUTHORIZATION_MAX];
};

static void route_close(struct http_route *route)
{
    target_forward_close(route->forward);
    sodium_memzero(route->authorization, sizeof route->authorization);
}
#define CLEANUP_ROUTE __attribute__((cleanup(route_close)))

void http_reply_clear(struct http_reply *reply)
{
    bytes_free(&reply->body);
    *reply = (struct http_reply){0};
}

static enum error_code route_open(const struct http_request *request, const char *url,
                                  struct http_route *route, struct error *error)
{
    struct http_place place;
    bool private_authority = request->ca_file != NULL && request->ca_file[0] != '\0';
    if (!http_place_of(url, &place))
        return error_set(error, ERROR_CONFIG, 0, url, "write http://host:port/path",
                         "this is not an http address");
    route->request = (struct world_http_request){.url = url,
                                                 .ca_file = private_authority ? request->ca_file
                                                                              : NULL,
                                                 .body_bytes_max = request->body_bytes_max > 0
                                                                       ? request->body_bytes_max
                                                                       : HTTP_BODY_BYTES_MAX,
                                                 .truncate = request->truncate,
                                                 .timeout_ms = request->timeout_ms};
    if (request->bearer != NULL) {
        int length = snprintf(route->authorization, sizeof route->authorization, "Bearer %s",
                              (const char *)request->bearer->data);
        if (length >= (int)sizeof route->authorization)
            return error_set(error, ERROR_LIMIT, 0, url, "use a shorter token",
                             "the token is too long for a header");
        route->request.authorization = route->authorization;
    }
    if (request->through == NULL)
        return ERROR_OK;
    bool local = request->socket != NULL && request->socket[0] != '\0';
    enum error_code code = target_forward_open(request->through,
                                               local ? request->socket : place.host,
                                               local ? 0 : place.port, &route->forward, error);
    if (code != ERROR_OK)
        return code;
    route->request.connect_host = target_forward_host(route->forward);
    route->request.connect_port = target_forward_port(route->forward);
    return ERROR_OK;
}

/* Foreign text as printable ASCII, '?' for the rest; truncated. */
static void copy_printable(char *ret_text, size_t capacity, const char *text)
{
    size_t length = 0;
    for (; text[length] != '\0' && length + 1 < capacity; length++)
        ret_text[length] = text[length] >= 0x20 && text[length] < 0x7f ? text[length] : '?';
    ret_text[length] = '\0';
}

/* One exchange; `ret_next` (2048) is where it redirects to, "" where it does not. */
static enum error_code http_hop(const struct http_request *request, const char *url,
                                struct http_reply *ret_reply, char *ret_next, struct error *error)
{
    CLEANUP_ROUTE struct http_route route = {.forward = NULL};
    const struct world_http *world = request->world->http;
    struct world_http_reply reply = {.status = 0};
    enum error_code code = route_open(request, url, &route, error);
    if (code == ERROR_OK)
        code = world->exchange(world->context, &route.request, &reply, error);
    if (code != ERROR_OK)
        return code;
    http_reply_clear(ret_reply);
    ret_reply->status = reply.status;
    ret_reply->body = reply.body;
    copy_printable(ret_reply->words, sizeof ret_reply->words, reply.reason);
    copy_printable(ret_reply->type, sizeof ret_reply->type, reply.type);
    copy_printable(ret_reply->disposition, sizeof ret_reply->disposition, reply.disposition);
    memcpy(ret_next, reply.location, sizeof reply.location);
    return ERROR_OK;
}

static bool same_origin(const char *url, const char *next)
{
    struct http_place here, there;
    return http_place_of(url, &here) && http_place_of(next, &there) && here.tls && there.tls
           && here.port == there.port && strcasecmp(here.host, there.host) == 0;
}

enum error_code http_fetch(const struct http_request *request, struct http_reply *ret_reply,
                           struct error *error)
{
    char url[2048], next[2048] = "";
    if (snprintf(url, sizeof url, "%s", request->url) >= (int)sizeof url)
        return error_set(error, ERROR_CONFIG, 0, request->url, "shorten it",
                         "this address is too long");
    for (int redirects = 0;; redirects++) {
        enum error_code code = http_hop(request, url, ret_reply, next, error);
        if (code != ERROR_OK || next[0] == '\0' || request->redirects_max == 0)
            return code;
        if (redirects == request->redirects_max || !same_origin(url, next)) {
            http_reply_clear(ret_reply);
            (void)snprintf(ret_reply->words, sizeof ret_reply->words, "it redirects %s",
                           redirects == request->redirects_max ? "too often, last to"
                                                               : "to another place:");
            copy_printable(ret_reply->elsewhere, sizeof ret_reply->elsewhere, next);
            return ERROR_OK;
        }
        memcpy(url, next, sizeof url);
    }
}

enum error_code http_get(const struct http_request *request, int *ret_status,
                         struct bytes *ret_body, struct error *error)
{
    CLEANUP_REPLY struct http_reply reply = {0};
    enum error_code code = http_fetch(request, &reply, error);
    if (code == ERROR_OK && reply.status == 0) {
        bytes_free(&reply.body);
        code = bytes_append(&reply.body, reply.words, strlen(reply.words), error);
    }
    if (code == ERROR_OK)
        code = target_redact(request->through, REDACT_ALL, &reply.body, error);
    if (code != ERROR_OK)
        return code;
    *ret_status = reply.status;
    bytes_free(ret_body);
    *ret_body = reply.body;
    reply.body = (struct bytes){0};
    return ERROR_OK;
}

void http_stream_close(struct http_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->handle != NULL)
        stream->stream->close(stream->handle);
    target_forward_close(stream->forward);
    free(stream);
}

enum error_code http_stream_open(const struct http_request *request,
                                 struct http_stream **ret_stream, char *ret_words,
                                 struct error *error)
{
    CLEANUP_ROUTE struct http_route route = {.forward = NULL};
    const struct world_http *world = request->world->http;
    char reason[HTTP_WORDS_MAX] = "";
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return error_set(error, ERROR_MEMORY, 0, request->url, "", "out of memory");
    enum error_code code = route_open(request, request->url, &route, error);
    if (code == ERROR_OK)
        code = world->connect(world->context, &route.request, &stream->stream, &stream->handle,
                              reason, error);
    if (code != ERROR_OK || stream->handle == NULL) {
        copy_printable(ret_words, HTTP_WORDS_MAX, reason);
        free(stream);
        if (code == ERROR_OK)
            *ret_stream = NULL;
        return code;
    }
    stream->forward = route.forward;
    route.forward = NULL;
    *ret_stream = stream;
    return ERROR_OK;
}

ssize_t http_stream_send(struct http_stream *stream, const void *data, size_t size, int64_t wait_ms)
{
    return stream->stream->send(stream->handle, data, size, wait_ms);
}

ssize_t http_stream_receive(struct http_stream *stream, void *data, size_t size, int64_t wait_ms)
{
    return stream->stream->receive(stream->handle, data, size, wait_ms);
}
