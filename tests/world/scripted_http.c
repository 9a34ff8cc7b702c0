/* tests/world/scripted_http: /health of the containers, by their addresses or by the ports that are
 * published on the target. */
#include "tests/world/scripted.h"

#include <stdio.h>
#include <string.h>

static struct titan_container *find_by_url(struct titan *titan, const char *url)
{
    static const struct {
        const char *port, *service;
    } ports[] = {{":3002/", "titan-execution"}, {":3100/", "titan-brain"}, {":8080/", "web"}};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (strstr(url, ports[i].port) != NULL && strstr(url, "//127.0.0.1:") != NULL)
            return titan_running(titan, ports[i].service);
    for (size_t i = titan->container_count; i-- > 0;) {
        struct titan_container *container = &titan->containers[i];
        const char *at = container->running ? strstr(url, container->address) : NULL;
        if (at != NULL && at[strlen(container->address)] == ':')
            return container;
    }
    return NULL;
}

static enum error_code exchange(void *context, const struct world_http_request *request,
                                struct world_http_reply *ret_reply, struct error *error)
{
    struct scripted *scripted = context;
    struct world_http_reply reply = {.status = 0};
    enum error_code code = scripted_ask(scripted, CALL_HTTP, false, request->url, error);
    if (code != ERROR_OK)
        return code;
    timeline_move(&scripted->timeline, scripted->timeline.now_ns + 3000000);
    const struct titan_container *container = find_by_url(&scripted->titan, request->url);
    if (container == NULL) {
        (void)snprintf(reply.reason, sizeof reply.reason, "connection refused");
    } else {
        bool good = titan_is_healthy(container);
        const char *word = good ? "healthy" : "unhealthy";
        reply.status = good ? 200 : 503;
        code = bytes_append_format(&reply.body, error, "{\"status\":\"%s\"}", word);
    }
    if (code == ERROR_OK)
        code = scripted_ask(scripted, CALL_HTTP, true, request->url, error);
    if (code == ERROR_OK)
        *ret_reply = reply;
    else
        bytes_free(&reply.body);
    return code;
}

static enum error_code connect_nowhere(void *context, const struct world_http_request *request,
                                       const struct world_stream **ret_stream, void **ret_handle,
                                       char *ret_reason, struct error *error)
{
    (void)context;
    (void)error;
    *ret_stream = NULL;
    *ret_handle = NULL;
    (void)snprintf(ret_reason, 320, "nothing listens at %s", request->url);
    return ERROR_OK;
}

static enum error_code attempt(void *context, const char *address, struct reach *attempts,
                               size_t count, int64_t within_ms, const struct clock *clock,
                               struct error *error)
{
    (void)context;
    (void)attempts;
    (void)count;
    (void)within_ms;
    (void)clock;
    return error_set(error, ERROR_UNREACHABLE, 0, address, "",
                     "no port of the scripted world is tried from outside");
}

void scripted_fill_http(struct scripted *scripted)
{
    scripted->http = (struct world_http){.context = scripted,
                                         .exchange = exchange,
                                         .connect = connect_nowhere};
    scripted->reach = (struct world_reach){.context = scripted, .attempt = attempt};
}
