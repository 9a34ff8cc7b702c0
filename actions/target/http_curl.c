/* Real HTTP: one exchange by libcurl on a connection of its own. No proxy, no cookie, no redirect
 * followed, no connection used twice. */
#include "actions/target/http.h"
#include "actions/target/world_remote.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <sodium.h>

/* One connection and what it needs for as long as it lives. */
struct curl_link {
    CURL *curl;
    struct curl_slist *routes, *headers;
    char words[CURL_ERROR_SIZE];
};

struct intake {
    struct bytes body;
    size_t bytes_max;
    bool truncate, full;
};

bool http_place_of(const char *url, struct http_place *ret_place)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *user = NULL, *host = NULL, *port = NULL, *path = NULL, *query = NULL;
    struct http_place place = {.tls = false};
    bool good = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK
                && curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
                && curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK
                && curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK
                && curl_url_get(parts, CURLUPART_PATH, &path, 0) == CURLUE_OK;
    if (good) {
        (void)curl_url_get(parts, CURLUPART_QUERY, &query, 0);
        size_t length = strlen(host);
        bool bracketed = host[0] == '[';
        place.user = curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
        place.tls = strcasecmp(scheme, "https") == 0;
        place.port = (int)strtol(port, NULL, 10);
        bool plain_port = place.port == (place.tls ? 443 : 80);
        int written = snprintf(place.authority, sizeof place.authority, plain_port ? "%s" : "%s:%d",
                               host, place.port);
        good = (place.tls || strcasecmp(scheme, "http") == 0) && place.port > 0
               && written < (int)sizeof place.authority
               && snprintf(place.host, sizeof place.host, "%.*s",
                           (int)(bracketed ? length - 2 : length), host + bracketed)
                      < (int)sizeof place.host
               && snprintf(place.target, sizeof place.target, "%s%s%s", path,
                           query != NULL ? "?" : "", query != NULL ? query : "")
                      < (int)sizeof place.target;
    }
    curl_free(scheme);
    curl_free(user);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(parts);
    if (good)
        *ret_place = place;
    return good;
}

static size_t curl_receive_body(char *data, size_t size, size_t count, void *context)
{
    struct intake *intake = context;
    struct error ignored;
    size_t got = size * count, capacity = intake->bytes_max - intake->body.size;
    intake->full = got > capacity;
    if (intake->full && !intake->truncate)
        return 0;
    size_t kept = intake->full ? capacity : got;
    return bytes_append(&intake->body, data, kept, &ignored) == ERROR_OK ? kept : 0;
}

/* One of the lines may hold a token, of which curl_slist_append() made a copy. */
static void curl_free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        sodium_memzero(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

static void curl_link_close(void *handle)
{
    struct curl_link *link = handle;
    if (link == NULL)
        return;
    curl_easy_cleanup(link->curl);
    curl_slist_free_all(link->routes);
    curl_free_headers(link->headers);
    free(link);
}

static void curl_link_cleanup(struct curl_link **link)
{
    curl_link_close(*link);
}
#define CLEANUP_LINK __attribute__((cleanup(curl_link_cleanup)))

static enum error_code curl_add_authorization(struct curl_link *link, const char *authorization,
                                              struct error *error)
{
    char line[1024];
    int length = snprintf(line, sizeof line, "Authorization: %s", authorization);
    bool fits = length < (int)sizeof line;
    link->headers = fits ? curl_slist_append(NULL, line) : NULL;
    sodium_memzero(line, sizeof line);
    if (!fits)
        return error_set(error, ERROR_LIMIT, 0, "http", "use a shorter token",
                         "the Authorization header is longer than %zu bytes", sizeof line);
    if (link->headers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "http", "", "out of memory");
    (void)curl_easy_setopt(link->curl, CURLOPT_HTTPHEADER, link->headers);
    return ERROR_OK;
}

static enum error_code curl_add_route(struct curl_link *link,
                                      const struct world_http_request *request, struct error *error)
{
    char route[600];
    if (request->connect_host[0] == '/') { /* a unix socket */
        (void)curl_easy_setopt(link->curl, CURLOPT_UNIX_SOCKET_PATH, request->connect_host);
        return ERROR_OK;
    }
    (void)snprintf(route, sizeof route, "::%s:%d", request->connect_host, request->connect_port);
    link->routes = curl_slist_append(NULL, route);
    if (link->routes == NULL)
        return error_set(error, ERROR_MEMORY, 0, "http", "", "out of memory");
    (void)curl_easy_setopt(link->curl, CURLOPT_CONNECT_TO, link->routes);
    return ERROR_OK;
}

/* NULL: *error says why. */
static struct curl_link *curl_prepare(const struct world_http_request *request, struct error *error)
{
    CLEANUP_LINK struct curl_link *link = calloc(1, sizeof *link);
    if (link == NULL || (link->curl = curl_easy_init()) == NULL) {
        (void)error_set(error, ERROR_MEMORY, 0, request->url, "", "out of memory");
        return NULL;
    }
    CURL *curl = link->curl;
    (void)curl_easy_setopt(curl, CURLOPT_URL, request->url);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, link->words);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    /* libcurl sends a request again on a fresh connection when a reused one dies. */
    (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (request->ca_file != NULL) {
        /* The private authority alone, not the system's beside it. */
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    enum error_code code = request->connect_host != NULL ? curl_add_route(link, request, error)
                                                         : ERROR_OK;
    if (code == ERROR_OK && request->authorization != NULL)
        code = curl_add_authorization(link, request->authorization, error);
    if (code != ERROR_OK)
        return NULL;
    struct curl_link *made = link;
    link = NULL;
    return made;
}

/* OpenSSL's reasons by their numbers (x509_vfy.h, X509_V_ERR_*), which libcurl passes on: this file
 * includes no header of OpenSSL. */
static const char *certificate_reason(long verify)
{
    switch (verify) {
    case 0:
    case 1:
        return "its certificate is for another host"; /* 1: libcurl compared the names before it
                                                         asked for the rest */
    case 9:
        return "its certificate is not valid yet";
    case 10:
        return "its certificate has expired";
    case 18:
        return "its certificate is self-signed, from no authority that is known here";
    case 2:
    case 19:
    case 20:
    case 21:
        return "its certificate is from an authority that is not known here (ca_file names a "
               "private one)";
    default:
        return "its certificate is refused";
    }
}

static void curl_explain(const struct curl_link *link, CURLcode result, int64_t timeout_ms,
                         char *ret_reason, size_t size)
{
    const char *library = link->words[0] != '\0' ? link->words : curl_easy_strerror(result);
    long verify = 0;
    (void)curl_easy_getinfo(link->curl, CURLINFO_SSL_VERIFYRESULT, &verify);
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        (void)snprintf(ret_reason, size, "%s (%.199s)", certificate_reason(verify), library);
    else if (result == CURLE_SSL_CACERT_BADFILE)
        (void)snprintf(ret_reason, size, "ca_file cannot be used (%.199s)", library);
    else if (result == CURLE_SSL_CONNECT_ERROR)
        (void)snprintf(ret_reason, size,
                       "what listens there does not speak TLS as it must (%.199s)", library);
    else if (result == CURLE_OPERATION_TIMEDOUT)
        (void)snprintf(ret_reason, size, "no whole answer within %lld ms", (long long)timeout_ms);
    else
        (void)snprintf(ret_reason, size, "%.199s", library);
}

/* An address that does not fit is no address: a part of it would lead elsewhere. */
static void curl_read_headers(const struct curl_link *link, struct world_http_reply *reply)
{
    struct curl_header *header;
    const char *type = NULL, *location = NULL;
    (void)curl_easy_getinfo(link->curl, CURLINFO_CONTENT_TYPE, &type);
    (void)snprintf(reply->type, sizeof reply->type, "%s", type != NULL ? type : "");
    if (curl_easy_header(link->curl, "Content-Disposition", 0, CURLH_HEADER, -1, &header)
        == CURLHE_OK)
        (void)snprintf(reply->disposition, sizeof reply->disposition, "%s", header->value);
    (void)curl_easy_getinfo(link->curl, CURLINFO_REDIRECT_URL, &location);
    bool fits = location != NULL && strlen(location) < sizeof reply->location;
    (void)snprintf(reply->location, sizeof reply->location, "%s", fits ? location : "");
}

static enum error_code curl_exchange(void *context, const struct world_http_request *request,
                                     struct world_http_reply *ret_reply, struct error *error)
{
    (void)context;
    CLEANUP_LINK struct curl_link *link = curl_prepare(request, error);
    struct intake intake = {.bytes_max = request->body_bytes_max, .truncate = request->truncate};
    if (link == NULL)
        return error->code;
    (void)curl_easy_setopt(link->curl, CURLOPT_WRITEFUNCTION, curl_receive_body);
    (void)curl_easy_setopt(link->curl, CURLOPT_WRITEDATA, &intake);
    CURLcode result = curl_easy_perform(link->curl);
    enum error_code code = bytes_append(&intake.body, "", 0, error);
    if (code != ERROR_OK) {
        bytes_free(&intake.body);
        return code;
    }
    *ret_reply = (struct world_http_reply){.body = intake.body};
    long status = 0;
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && intake.full && intake.truncate))
        (void)curl_easy_getinfo(link->curl, CURLINFO_RESPONSE_CODE, &status);
    else if (intake.full)
        (void)snprintf(ret_reply->reason, sizeof ret_reply->reason,
                       "the answer is longer than %zu bytes", intake.bytes_max);
    else
        curl_explain(link, result, request->timeout_ms, ret_reply->reason,
                     sizeof ret_reply->reason);
    ret_reply->status = (int)status;
    if (status != 0)
        curl_read_headers(link, ret_reply);
    return ERROR_OK;
}

static void curl_wait(const struct curl_link *link, short events, int64_t wait_ms)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    (void)curl_easy_getinfo(link->curl, CURLINFO_ACTIVESOCKET, &socket);
    struct pollfd ready = {.fd = socket, .events = events};
    (void)poll(&ready, 1, wait_ms > 0 ? (int)wait_ms : 0);
}

static ssize_t curl_stream_send(void *handle, const void *data, size_t size, int64_t wait_ms)
{
    const struct curl_link *link = handle;
    size_t sent = 0;
    CURLcode result = curl_easy_send(link->curl, data, size, &sent);
    if (result == CURLE_AGAIN)
        curl_wait(link, POLLOUT, wait_ms);
    return result == CURLE_OK ? (ssize_t)sent : result == CURLE_AGAIN ? 0 : -1;
}

/* Read first, then wait: what TLS has already decrypted does not make the socket readable. */
static ssize_t curl_stream_receive(void *handle, void *data, size_t size, int64_t wait_ms)
{
    const struct curl_link *link = handle;
    size_t got = 0;
    CURLcode result = curl_easy_recv(link->curl, data, size, &got);
    if (result == CURLE_AGAIN)
        curl_wait(link, POLLIN, wait_ms);
    return result == CURLE_OK && got > 0 ? (ssize_t)got : result == CURLE_AGAIN ? 0 : -1;
}

static enum error_code curl_connect(void *context, const struct world_http_request *request,
                                    const struct world_stream **ret_stream, void **ret_handle,
                                    char *ret_reason, struct error *error)
{
    static const struct world_stream stream = {.send = curl_stream_send,
                                               .receive = curl_stream_receive,
                                               .close = curl_link_close};
    (void)context;
    CLEANUP_LINK struct curl_link *link = curl_prepare(request, error);
    if (link == NULL)
        return error->code;
    (void)curl_easy_setopt(link->curl, CURLOPT_CONNECT_ONLY, 1L);
    /* Else the connection is closed as soon as it is made. */
    (void)curl_easy_setopt(link->curl, CURLOPT_FORBID_REUSE, 0L);
    CURLcode result = curl_easy_perform(link->curl);
    *ret_handle = NULL;
    if (result != CURLE_OK) {
        curl_explain(link, result, request->timeout_ms, ret_reason, HTTP_WORDS_MAX);
        return ERROR_OK;
    }
    *ret_stream = &stream;
    *ret_handle = link;
    link = NULL;
    return ERROR_OK;
}

const struct world_http *world_http_system(void)
{
    static const struct world_http http = {.exchange = curl_exchange, .connect = curl_connect};
    return &http;
}
