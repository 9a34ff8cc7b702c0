#include "actions/http.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

static size_t take(char *data, size_t size, size_t count, void *context)
{
    struct bytes *body = context;
    struct error ignored;
    if (body->size + size * count > HTTP_BODY_BYTES_MAX)
        return 0;
    return bytes_append(body, data, size * count, &ignored) == ERROR_OK ? size * count : 0;
}

/* host and port of "scheme://host[:port]/..."; IPv6 in brackets. */
static bool split_url(const char *url, char *ret_host, size_t room, int *ret_port)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    bool good = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK
                && curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (good) {
        size_t length = strlen(host);
        bool bracketed = host[0] == '[';
        good = snprintf(ret_host, room, "%.*s", (int)(bracketed ? length - 2 : length), host + bracketed) < (int)room && sscanf(port, "%d", ret_port) == 1;
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return good;
}

static CURLcode perform(const char *url, const char *connect_to, int64_t timeout_ms, struct bytes *body, long *ret_status)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *routes = curl_slist_append(NULL, connect_to);
    CURLcode code = curl != NULL && routes != NULL ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK) {
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_CONNECT_TO, routes);
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);       /* libcurl resends on a fresh connection when a reused one dies */
        (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
        code = curl_easy_perform(curl);
    }
    if (code == CURLE_OK)
        code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_slist_free_all(routes);
    curl_easy_cleanup(curl);
    return code;
}

enum error_code http_get(struct target *target, const char *url, int64_t timeout_ms, int *ret_status, struct bytes *ret_body, struct error *error)
{
    char host[256], route[600];
    int port;
    if (!split_url(url, host, sizeof host, &port))
        return error_set(error, ERROR_CONFIG, 0, url, "write http://host:port/path", "this is not an http address");
    struct target_forward *forward = NULL;
    enum error_code code = target_forward_open(target, host, port, &forward, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(route, sizeof route, "::%s:%d", target_forward_host(forward), target_forward_port(forward));
    struct bytes body = {0};
    long status = 0;
    CURLcode result = perform(url, route, timeout_ms, &body, &status);
    target_forward_close(forward);
    if (result != CURLE_OK) {
        bytes_free(&body);
        code = bytes_append_format(&body, error, "%s", curl_easy_strerror(result));
        status = 0;
    } else {
        code = bytes_append(&body, "", 0, error);
    }
    if (code != ERROR_OK)
        return code;
    code = target_redact(target, REDACT_ALL, &body, error);
    if (code != ERROR_OK) {
        bytes_free(&body);
        return code;
    }
    *ret_status = (int)status;
    bytes_free(ret_body);
    *ret_body = body;
    return ERROR_OK;
}
