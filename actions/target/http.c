#include "actions/target/http.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <sodium.h>

/* One connection and what it needs for as long as it lives. */
struct http_stream {
    CURL *curl;
    struct curl_slist *routes, *headers;
    struct target_forward *forward;
    char words[CURL_ERROR_SIZE];
};

struct intake {
    struct bytes body;
    size_t bytes_max;
    bool beginning, full;
};

void http_reply_clear(struct http_reply *reply)
{
    bytes_free(&reply->body);
    *reply = (struct http_reply){0};
}

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

static size_t take(char *data, size_t size, size_t count, void *context)
{
    struct intake *intake = context;
    struct error ignored;
    size_t got = size * count, room = intake->bytes_max - intake->body.size;
    intake->full = got > room;
    if (intake->full && !intake->beginning)
        return 0;
    size_t kept = intake->full ? room : got;
    return bytes_append(&intake->body, data, kept, &ignored) == ERROR_OK ? kept : 0;
}

/* One of the lines may hold a token, of which curl_slist_append() made a copy. */
static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line != NULL; line = line->next)
        sodium_memzero(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

void http_stream_close(struct http_stream *stream)
{
    if (stream == NULL)
        return;
    curl_easy_cleanup(stream->curl);
    curl_slist_free_all(stream->routes);
    free_headers(stream->headers);
    target_forward_close(stream->forward);
    free(stream);
}

static void close_cleanup(struct http_stream **stream)
{
    http_stream_close(*stream);
}
#define CLEANUP_STREAM __attribute__((cleanup(close_cleanup)))

static enum error_code add_bearer(struct http_stream *stream, const struct bytes *bearer,
                                  struct error *error)
{
    char line[1024];
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", (const char *)bearer->data);
    stream->headers = curl_slist_append(NULL, line);
    sodium_memzero(line, sizeof line);
    if (stream->headers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "http", "", "out of memory");
    (void)curl_easy_setopt(stream->curl, CURLOPT_HTTPHEADER, stream->headers);
    return ERROR_OK;
}

static enum error_code add_route(struct http_stream *stream, const struct http_request *request,
                                 const struct http_place *place, struct error *error)
{
    char route[600];
    enum error_code code = target_forward_open(request->through, place->host, place->port,
                                               &stream->forward, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(route, sizeof route, "::%s:%d", target_forward_host(stream->forward),
                   target_forward_port(stream->forward));
    stream->routes = curl_slist_append(NULL, route);
    if (stream->routes == NULL)
        return error_set(error, ERROR_MEMORY, 0, "http", "", "out of memory");
    (void)curl_easy_setopt(stream->curl, CURLOPT_CONNECT_TO, stream->routes);
    return ERROR_OK;
}

static enum error_code prepare(const struct http_request *request, const char *url,
                               struct http_stream **ret_stream, struct error *error)
{
    struct http_place place;
    if (!http_place_of(url, &place))
        return error_set(error, ERROR_CONFIG, 0, url, "write http://host:port/path",
                         "this is not an http address");
    CLEANUP_STREAM struct http_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL || (stream->curl = curl_easy_init()) == NULL)
        return error_set(error, ERROR_MEMORY, 0, url, "", "out of memory");
    CURL *curl = stream->curl;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, stream->words);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT,
                           1L); /* libcurl resends on a fresh connection when a reused one dies */
    (void)curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    if (request->ca_file != NULL && request->ca_file[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH,
                               NULL); /* the private authority alone, not the system's beside it */
    }
    enum error_code code = request->through != NULL ? add_route(stream, request, &place, error)
                                                    : ERROR_OK;
    if (code == ERROR_OK && request->bearer != NULL)
        code = add_bearer(stream, request->bearer, error);
    if (code != ERROR_OK)
        return code;
    *ret_stream = stream;
    stream = NULL;
    return ERROR_OK;
}

static void copy_printable(char *ret_text, size_t room, const char *text)
{
    size_t length = 0;
    for (; text != NULL && text[length] != '\0' && length + 1 < room; length++)
        ret_text[length] = text[length] >= 0x20 && text[length] < 0x7f ? text[length] : '?';
    ret_text[length] = '\0';
}

/* OpenSSL's reasons by their numbers (x509_vfy.h, X509_V_ERR_*), which libcurl passes on: this file
 * includes no header of OpenSSL. */
static const char *reason_of(long verify)
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

static void explain(const struct http_stream *stream, CURLcode result,
                    const struct http_request *request, char *ret_words)
{
    char words[HTTP_WORDS_MAX], library[200];
    long verify = 0;
    copy_printable(library, sizeof library,
                   stream->words[0] != '\0' ? stream->words : curl_easy_strerror(result));
    (void)curl_easy_getinfo(stream->curl, CURLINFO_SSL_VERIFYRESULT, &verify);
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        (void)snprintf(words, sizeof words, "%s (%s)", reason_of(verify), library);
    else if (result == CURLE_SSL_CACERT_BADFILE)
        (void)snprintf(words, sizeof words, "ca_file cannot be used (%s)", library);
    else if (result == CURLE_SSL_CONNECT_ERROR)
        (void)snprintf(words, sizeof words, "what listens there does not speak TLS as it must (%s)",
                       library);
    else if (result == CURLE_OPERATION_TIMEDOUT)
        (void)snprintf(words, sizeof words, "no whole answer within %lld ms",
                       (long long)request->timeout_ms);
    else
        (void)snprintf(words, sizeof words, "%s", library);
    memcpy(ret_words, words, sizeof words);
}

static void read_headers(const struct http_stream *stream, struct http_reply *reply)
{
    struct curl_header *header;
    const char *type = NULL;
    (void)curl_easy_getinfo(stream->curl, CURLINFO_CONTENT_TYPE, &type);
    copy_printable(reply->type, sizeof reply->type, type);
    if (curl_easy_header(stream->curl, "Content-Disposition", 0, CURLH_HEADER, -1, &header)
        == CURLHE_OK)
        copy_printable(reply->disposition, sizeof reply->disposition, header->value);
}

/* Where a redirect leads, "" where this is none. */
static void read_redirect(const struct http_stream *stream, char *ret_url, size_t room)
{
    const char *url = NULL;
    (void)curl_easy_getinfo(stream->curl, CURLINFO_REDIRECT_URL, &url);
    bool fits = url != NULL && strlen(url) < room;
    (void)snprintf(ret_url, room, "%s", fits ? url : "");
}

static enum error_code hop(const struct http_request *request, const char *url,
                           struct http_reply *ret_reply, char *ret_next, size_t room,
                           struct error *error)
{
    CLEANUP_STREAM struct http_stream *stream = NULL;
    CLEANUP_REPLY struct http_reply reply = {0};
    struct intake intake = {.bytes_max = request->body_bytes_max > 0 ? request->body_bytes_max
                                                                     : HTTP_BODY_BYTES_MAX,
                            .beginning = request->beginning};
    enum error_code code = prepare(request, url, &stream, error);
    if (code != ERROR_OK)
        return code;
    (void)curl_easy_setopt(stream->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(stream->curl, CURLOPT_WRITEDATA, &intake);
    CURLcode result = curl_easy_perform(stream->curl);
    long status = 0;
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && intake.full && intake.beginning))
        (void)curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
    else if (intake.full)
        (void)snprintf(reply.words, sizeof reply.words, "the answer is longer than %zu bytes",
                       intake.bytes_max);
    else
        explain(stream, result, request, reply.words);
    reply.status = (int)status;
    reply.body = intake.body;
    code = bytes_append(&reply.body, "", 0, error);
    if (code != ERROR_OK)
        return code;
    ret_next[0] = '\0';
    if (status != 0) {
        read_headers(stream, &reply);
        read_redirect(stream, ret_next, room);
    }
    http_reply_clear(ret_reply);
    *ret_reply = reply;
    reply = (struct http_reply){0};
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
        enum error_code code = hop(request, url, ret_reply, next, sizeof next, error);
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

enum error_code http_get(struct target *target, const char *url, int64_t timeout_ms,
                         int *ret_status, struct bytes *ret_body, struct error *error)
{
    CLEANUP_REPLY struct http_reply reply = {0};
    enum error_code code =
        http_fetch(&(struct http_request){.url = url, .through = target, .timeout_ms = timeout_ms},
                   &reply, error);
    if (code == ERROR_OK && reply.status == 0) {
        bytes_free(&reply.body);
        code = bytes_append(&reply.body, reply.words, strlen(reply.words), error);
    }
    if (code == ERROR_OK)
        code = target_redact(target, REDACT_ALL, &reply.body, error);
    if (code != ERROR_OK)
        return code;
    *ret_status = reply.status;
    bytes_free(ret_body);
    *ret_body = reply.body;
    reply.body = (struct bytes){0};
    return ERROR_OK;
}

enum error_code http_stream_open(const struct http_request *request,
                                 struct http_stream **ret_stream, char *ret_words,
                                 struct error *error)
{
    CLEANUP_STREAM struct http_stream *stream = NULL;
    enum error_code code = prepare(request, request->url, &stream, error);
    if (code != ERROR_OK)
        return code;
    (void)curl_easy_setopt(stream->curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(stream->curl, CURLOPT_FORBID_REUSE,
                           0L); /* else the connection is closed as soon as it is made */
    CURLcode result = curl_easy_perform(stream->curl);
    *ret_stream = NULL;
    if (result != CURLE_OK) {
        explain(stream, result, request, ret_words);
        return ERROR_OK;
    }
    *ret_stream = stream;
    stream = NULL;
    return ERROR_OK;
}

static void wait_for(const struct http_stream *stream, short events, int64_t wait_ms)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    (void)curl_easy_getinfo(stream->curl, CURLINFO_ACTIVESOCKET, &socket);
    struct pollfd ready = {.fd = socket, .events = events};
    (void)poll(&ready, 1, wait_ms > 0 ? (int)wait_ms : 0);
}

ssize_t http_stream_send(struct http_stream *stream, const void *data, size_t size, int64_t wait_ms)
{
    size_t sent = 0;
    CURLcode result = curl_easy_send(stream->curl, data, size, &sent);
    if (result == CURLE_AGAIN)
        wait_for(stream, POLLOUT, wait_ms);
    return result == CURLE_OK ? (ssize_t)sent : result == CURLE_AGAIN ? 0 : -1;
}

/* Asked before it is waited for: what TLS has already decrypted does not make the socket readable.
 */
ssize_t http_stream_receive(struct http_stream *stream, void *data, size_t size, int64_t wait_ms)
{
    size_t got = 0;
    CURLcode result = curl_easy_recv(stream->curl, data, size, &got);
    if (result == CURLE_AGAIN)
        wait_for(stream, POLLIN, wait_ms);
    return result == CURLE_OK && got > 0 ? (ssize_t)got : result == CURLE_AGAIN ? 0 : -1;
}
