/* actions/target/http: one exchange on a connection of its own, from this machine or through the
 * target; the connection itself is the world's (world->http).
 * Knows:     addresses, routes, certificates, caps and time; what a status or a body means is the
 *            caller's. No proxy, no cookie, no connection is used twice.
 * Routes:    `through` a target, the address is as seen from there; without, as the operator's
 *            browser on this machine would reach it.
 * Failures:  refused connections, certificates, time-outs and answers that are too long are a reply
 *            with status 0 and the reason in words; ERROR_* are failures of this program.
 * Secrets:   http_get()'s body comes redacted; what http_fetch() and a stream bring is redacted
 *            where it is put into words (check_foreign).
 * Untrusted: of the other side's words, headers are copied as printable ASCII ('?' for the rest);
 *            the body is bytes. */
#ifndef ACTIONS_HTTP_H
#define ACTIONS_HTTP_H

#include "actions/target/target.h"

enum { HTTP_BODY_BYTES_MAX = 65536, HTTP_HEADER_MAX = 200, HTTP_WORDS_MAX = 320 };

struct http_request {
    const struct world *world;
    const char *url;
    struct target *through; /* NULL: from this machine */
    const char *socket;     /* of a server on the target, by its path; NULL or "" = url's host */
    const char *ca_file;    /* the one authority that counts; NULL or "" = the system's */
    const struct bytes *bearer; /* a token for the Authorization header, borrowed; NULL = none */
    /* followed to the same https origin only; one that goes elsewhere, or one too many, is a
     * failure */
    int redirects_max;
    size_t body_bytes_max; /* 0 = HTTP_BODY_BYTES_MAX; more is a failure */
    bool truncate;         /* keeps the first body_bytes_max bytes instead of failing */
    int64_t timeout_ms;    /* of each hop, all of it */
};

struct http_reply {
    int status;                 /* 0: none came back */
    char words[HTTP_WORDS_MAX]; /* why not, in ours and the library's own; "" where one did */
    char elsewhere[2048]; /* where it redirects to instead, printed after `words`; "" = nowhere */
    char type[HTTP_HEADER_MAX],
        disposition[HTTP_HEADER_MAX]; /* Content-Type, Content-Disposition; "" = absent */
    struct bytes body;
};
void http_reply_clear(struct http_reply *reply);
#define CLEANUP_REPLY __attribute__((cleanup(http_reply_clear)))

enum error_code http_fetch(const struct http_request *request, struct http_reply *ret_reply,
                           struct error *error) CHECKED;
/* http_fetch() through request->through, redacted; the body is the reason where *ret_status is 0.
 */
enum error_code http_get(const struct http_request *request, int *ret_status,
                         struct bytes *ret_body, struct error *error) CHECKED;

/* The parts of an http(s) address; false where it is none. In http_curl.c, because libcurl's own
 * parser decides: what it reads is where it connects to. */
struct http_place {
    bool tls;
    bool user; /* it carries a user name, and perhaps a password */
    int port;
    char host[256];      /* without brackets */
    char authority[300]; /* as in a Host header: the port only where it is not the scheme's own */
    char target[2048];   /* path and query, never empty */
};
bool http_place_of(const char *url, struct http_place *ret_place);

/* A connection for another protocol, TLS included, verified as above. Of the request, url, through,
 * ca_file and timeout_ms (for the connection) are read. *ret_stream is NULL where none was made:
 * `words` (HTTP_WORDS_MAX) says why. */
struct http_stream;
enum error_code http_stream_open(const struct http_request *request,
                                 struct http_stream **ret_stream, char *ret_words,
                                 struct error *error) CHECKED;
void http_stream_close(struct http_stream *stream);
/* At most `size` bytes, waiting for at most wait_ms: how many; 0 = none yet, -1 = the connection
 * has ended. The caller keeps the deadline. */
ssize_t http_stream_send(struct http_stream *stream, const void *data, size_t size,
                         int64_t wait_ms);
ssize_t http_stream_receive(struct http_stream *stream, void *data, size_t size, int64_t wait_ms);

#endif
