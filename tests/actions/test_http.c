/* One HTTP exchange against a world that answers from a list, without a connection. Goal: a
 * redirect is followed to the same https origin only, foreign headers arrive as printable text, and
 * a token reaches the request and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actions/target/http.h"
#include "local_target.h"

enum { ANSWERS_MAX = 8 };

struct scripted_http {
    struct world_http_reply answers[ANSWERS_MAX];
    size_t count, asked;
    char urls[ANSWERS_MAX][128];
    char authorization[128], connect_host[64];
    int connect_port;
};

static struct scripted_http script;
static struct world world;

static enum error_code scripted_exchange(void *context, const struct world_http_request *request,
                                         struct world_http_reply *ret_reply, struct error *error)
{
    struct scripted_http *into = context;
    assert_true(into->asked < into->count);
    (void)snprintf(into->urls[into->asked], sizeof into->urls[0], "%s", request->url);
    (void)snprintf(into->authorization, sizeof into->authorization, "%s",
                   request->authorization != NULL ? request->authorization : "");
    (void)snprintf(into->connect_host, sizeof into->connect_host, "%s",
                   request->connect_host != NULL ? request->connect_host : "");
    into->connect_port = request->connect_port;
    struct world_http_reply reply = into->answers[into->asked++];
    enum error_code code = bytes_append(&reply.body, "body", 4, error);
    if (code == ERROR_OK)
        *ret_reply = reply;
    return code;
}

static const struct world_http SCRIPTED = {.context = &script, .exchange = scripted_exchange};

static struct http_request request_of(const char *url)
{
    world = *local_world();
    world.http = &SCRIPTED;
    return (struct http_request){.world = &world, .url = url, .timeout_ms = 1000};
}

static void http_fetch_redirect_is_followed_to_the_same_https_origin_only(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        bool followed;
    } rows[] = {
        {"https://a.example/x", "https://a.example/y", true},
        {"https://a.example/x", "https://A.EXAMPLE:443/y", true},
        {"https://a.example/x", "https://b.example/y", false},
        {"https://a.example/x", "https://a.example:8443/y", false},
        {"https://a.example/x", "http://a.example/y", false},
        {"http://a.example/x", "http://a.example/y", false},
        {"https://a.example/x", "ftp://a.example/y", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_REPLY struct http_reply reply = {0};
        struct error error;
        struct http_request request = request_of(rows[i].from);
        request.redirects_max = 3;
        script = (struct scripted_http){.answers = {{.status = 302}, {.status = 200}}, .count = 2};
        (void)snprintf(script.answers[0].location, sizeof script.answers[0].location, "%s",
                       rows[i].to);
        assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
        assert_int_equal(reply.status, rows[i].followed ? 200 : 0);
        assert_int_equal(script.asked, rows[i].followed ? 2 : 1);
        assert_string_equal(script.urls[script.asked - 1],
                            rows[i].followed ? rows[i].to : rows[i].from);
        assert_string_equal(reply.elsewhere, rows[i].followed ? "" : rows[i].to);
    }
}

static void http_fetch_too_many_redirects_end_without_a_status(void **state)
{
    (void)state;
    CLEANUP_REPLY struct http_reply reply = {0};
    struct error error;
    struct http_request request = request_of("https://a.example/0");
    request.redirects_max = 2;
    script = (struct scripted_http){.count = 3};
    for (size_t i = 0; i < 3; i++)
        script.answers[i] = (struct world_http_reply){.status = 302,
                                                      .location = "https://a.example/again"};
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
    assert_int_equal(script.asked, 3);
    assert_int_equal(reply.status, 0);
    assert_string_equal(reply.words, "it redirects too often, last to");
}

static void http_fetch_foreign_headers_are_printable(void **state)
{
    (void)state;
    CLEANUP_REPLY struct http_reply reply = {0};
    struct error error;
    struct http_request request = request_of("https://a.example/");
    script = (struct scripted_http){.answers = {{.status = 200,
                                                 .type = "text/\x1b[2Jhtml\xc3\xa9",
                                                 .disposition = "a\r\nb",
                                                 .reason = "x\x07y"}},
                                    .count = 1};
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
    assert_string_equal(reply.type, "text/?[2Jhtml??");
    assert_string_equal(reply.disposition, "a??b");
    assert_string_equal(reply.words, "x?y");
    assert_int_equal(reply.body.size, 4);
}

static void http_fetch_token_is_in_the_request_only(void **state)
{
    (void)state;
    CLEANUP_REPLY struct http_reply reply = {0};
    CLEANUP_BYTES struct bytes token = {0}, long_token = {0};
    struct error error;
    struct http_request request = request_of("https://a.example/");
    char letters[1100];
    memset(letters, 't', sizeof letters);
    assert_int_equal(bytes_append(&token, "abc.def", 7, &error), ERROR_OK);
    assert_int_equal(bytes_append(&long_token, letters, sizeof letters, &error), ERROR_OK);
    script = (struct scripted_http){.answers = {{.status = 200}}, .count = 1};
    request.bearer = &token;
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
    assert_string_equal(script.authorization, "Bearer abc.def");
    request.bearer = &long_token; /* a part of a token is none */
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_LIMIT);
    assert_int_equal(script.asked, 1);
}

static void http_fetch_route_leads_through_the_target(void **state)
{
    (void)state;
    CLEANUP_REPLY struct http_reply reply = {0};
    struct error error;
    struct local_target local = {.target = NULL};
    struct http_request request = request_of("http://inside.example:3100/ready");
    assert_int_equal(local_target_open(&local), 0);
    script = (struct scripted_http){.answers = {{.status = 200}, {.status = 200}}, .count = 2};
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
    assert_string_equal(script.connect_host, "");
    request.through = local.target;
    assert_int_equal(http_fetch(&request, &reply, &error), ERROR_OK);
    assert_string_equal(script.connect_host, "inside.example");
    assert_int_equal(script.connect_port, 3100);
    local_target_close(&local);
}

static void http_fetch_what_is_no_http_address_is_not_asked(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "a.example", "ftp://a.example/", "http://", "file:///x"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        CLEANUP_REPLY struct http_reply reply = {0};
        struct error error;
        struct http_request request = request_of(urls[i]);
        script = (struct scripted_http){.count = 0};
        assert_int_equal(http_fetch(&request, &reply, &error), ERROR_CONFIG);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_fetch_redirect_is_followed_to_the_same_https_origin_only),
        cmocka_unit_test(http_fetch_too_many_redirects_end_without_a_status),
        cmocka_unit_test(http_fetch_foreign_headers_are_printable),
        cmocka_unit_test(http_fetch_token_is_in_the_request_only),
        cmocka_unit_test(http_fetch_route_leads_through_the_target),
        cmocka_unit_test(http_fetch_what_is_no_http_address_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
