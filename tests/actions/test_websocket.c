/* Goal: the handshake is believed only from a server that read this very request; every frame that
 * RFC 6455 forbids a server ends the dialog before its payload is waited for; however the bytes are
 * cut, they say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actions/checklist/websocket.h"
#include "actions/target/world_system.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* of the example in RFC 6455, section 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define GOOD                                                                             \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, " \
    "Upgrade\r\nsec-websocket-accept: " ACCEPT "\r\n\r\n"
#define BYTES(literal) literal, sizeof literal - 1

static struct websocket begun(void)
{
    struct websocket websocket = {.random = world_random_system()};
    memcpy(websocket.key, KEY, sizeof KEY);
    return websocket;
}

static enum websocket_event next(struct websocket *websocket)
{
    struct error error;
    enum websocket_event event = WEBSOCKET_BROKEN;
    assert_int_equal(websocket_next(websocket, &event, &error), ERROR_OK);
    return event;
}

static enum websocket_event feed(struct websocket *websocket, const void *data, size_t size)
{
    struct error error;
    assert_int_equal(websocket_feed(websocket, data, size, &error), ERROR_OK);
    return next(websocket);
}

static struct websocket opened(void)
{
    struct websocket websocket = begun();
    assert_int_equal(feed(&websocket, BYTES(GOOD)), WEBSOCKET_OPEN);
    return websocket;
}

static void websocket_accept_example_of_the_rfc_matches(void **state)
{
    (void)state;
    char accept[WEBSOCKET_ACCEPT_LENGTH + 1];
    websocket_accept(KEY, accept);
    assert_string_equal(accept, ACCEPT);
}

static void websocket_request_says_what_the_rfc_asks_for(void **state)
{
    (void)state;
    CLEANUP_WEBSOCKET struct websocket one = {.random = world_random_system()},
                                       other = {.random = world_random_system()};
    CLEANUP_BYTES struct bytes request = {0}, plain = {0}, token = {0};
    struct http_place place;
    struct error error;
    assert_true(http_place_of("https://titan.example:8443/ws?x=1#y", &place));
    assert_int_equal(bytes_append(&token, BYTES("t0ken"), &error), ERROR_OK);
    assert_int_equal(websocket_request(&one, &place, &token, &request, &error), ERROR_OK);
    assert_int_equal(websocket_request(&other, &place, NULL, &plain, &error), ERROR_OK);
    const char *text = (const char *)request.data;
    assert_int_equal(strncmp(text, BYTES("GET /ws?x=1 HTTP/1.1\r\nHost: titan.example:8443\r\n")),
                     0);
    assert_non_null(strstr(text, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
    assert_non_null(
        strstr(text, "\r\nSec-WebSocket-Version: 13\r\nOrigin: https://titan.example:8443\r\n"));
    assert_non_null(strstr(text, "\r\nAuthorization: Bearer t0ken\r\n\r\n"));
    assert_null(strstr((const char *)plain.data, "Authorization"));
    assert_int_equal(strlen(one.key), WEBSOCKET_KEY_LENGTH);
    assert_string_not_equal(one.key, other.key);
}

static void websocket_next_wrong_handshake_is_broken(void **state)
{
    (void)state;
    static const struct {
        const char *head, *reason;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", "200 and not 101"},
        {"HTTP/1.1 502\r\n\r\n", "502 and not 101"},
        {"HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "HTTP/1.1"},
        {"HTTP/1.1 1010\r\n\r\n", "HTTP/1.1"},
        {"220 mail.example ESMTP\r\n\r\n", "HTTP/1.1"},
        {"\r\n\r\n", "HTTP/1.1"},
        {"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "does not upgrade"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: close, "
         "Upgraded\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "does not upgrade"},
        {"HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
         "\r\n\r\n",
         "does not upgrade"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "Accept"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\n\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "Accept"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
         "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         "Accept"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
         "Accept"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
         "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
         "extension"},
        {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: "
         "Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
         "protocol"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_WEBSOCKET struct websocket websocket = begun();
        assert_int_equal(feed(&websocket, rows[i].head, strlen(rows[i].head)), WEBSOCKET_BROKEN);
        if (strstr(websocket.broken, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, websocket.broken);
        assert_int_equal(feed(&websocket, BYTES(GOOD)), WEBSOCKET_BROKEN); /* and stays so */
    }
}

static void websocket_next_endless_or_binary_head_is_broken(void **state)
{
    (void)state;
    CLEANUP_WEBSOCKET struct websocket endless = begun(), binary = begun();
    char line[1024];
    memset(line, 'x', sizeof line);
    enum websocket_event event = WEBSOCKET_MORE;
    size_t fed = 0;
    while (event == WEBSOCKET_MORE && fed < 1 << 20) {
        event = feed(&endless, line, sizeof line);
        fed += sizeof line;
    }
    assert_int_equal(event, WEBSOCKET_BROKEN);
    assert_in_range(fed, WEBSOCKET_HEAD_BYTES_MAX, WEBSOCKET_HEAD_BYTES_MAX + sizeof line);
    assert_int_equal(feed(&binary, BYTES("HTTP/1.1 101 x\0\r\n\r\n")), WEBSOCKET_BROKEN);
}

static void websocket_next_hostile_frame_is_broken_by_its_header(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *reason;
    } rows[] = {
        {BYTES("\xc1\x02"), "reserved"},
        {BYTES("\xa1\x02"), "reserved"},
        {BYTES("\x91\x02"), "reserved"},
        {BYTES("\x83\x00"), "opcode 3"},
        {BYTES("\x87\x00"), "opcode 7"},
        {BYTES("\x8b\x00"), "opcode 11"},
        {BYTES("\x8f\x00"), "opcode 15"},
        {BYTES("\x81\x82"), "masked"},
        {BYTES("\x89\x80"), "masked"},
        {BYTES("\x09\x00"), "control"},
        {BYTES("\x08\x00"), "control"},
        {BYTES("\x89\x7e"), "control"},
        {BYTES("\x88\x7f"), "control"},
        {BYTES("\x80\x00"), "not begun"},
        {BYTES("\x81\x7e\x00\x7d"), "shortest"},
        {BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), "shortest"},
        {BYTES("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01"), "longer"},
        {BYTES("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00"), "longer"},
        {BYTES("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), "longer"},
        {BYTES("\x81\x02\xc3\x28"), "UTF-8"},
        {BYTES("\x88\x01x"), "half a code"},
        {BYTES("\x01\x01"
               "a\x81\x01"
               "b"),
         "within another"},
        {BYTES("\x01\x01"
               "a\x02\x01"
               "b"),
         "within another"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_WEBSOCKET struct websocket websocket = opened();
        if (feed(&websocket, rows[i].bytes, rows[i].size) != WEBSOCKET_BROKEN
            || strstr(websocket.broken, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, websocket.broken);
        assert_int_equal(feed(&websocket, BYTES("\x81\x01"
                                                "a")),
                         WEBSOCKET_BROKEN);
    }
}

static void websocket_next_fragments_are_bounded_together(void **state)
{
    (void)state;
    CLEANUP_WEBSOCKET struct websocket websocket = opened();
    static uint8_t frame[4 + 40000] = {0x01, 126, 40000 >> 8, 40000 & 0xff};
    memset(frame + 4, 'x', 40000);
    assert_int_equal(feed(&websocket, frame, sizeof frame), WEBSOCKET_MORE);
    frame[0] = 0x80;
    assert_int_equal(feed(&websocket, frame, 4), WEBSOCKET_BROKEN);
    assert_non_null(strstr(websocket.broken, "longer"));
}

static void websocket_next_largest_message_is_read(void **state)
{
    (void)state;
    CLEANUP_WEBSOCKET struct websocket websocket = opened();
    static uint8_t frame[10 + WEBSOCKET_MESSAGE_BYTES_MAX] = {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0};
    memset(frame + 10, 'x', WEBSOCKET_MESSAGE_BYTES_MAX);
    assert_int_equal(feed(&websocket, frame, sizeof frame - 1), WEBSOCKET_MORE);
    assert_int_equal(feed(&websocket, "x", 1), WEBSOCKET_TEXT);
    assert_int_equal(websocket.message.size, WEBSOCKET_MESSAGE_BYTES_MAX);
}

/* Handshake, a ping within a fragmented message, an empty message, a close, and bytes behind it. */
static const char DIALOG[] = GOOD
    "\x01\x03"
    "con\x89\x02hi\x80\x06nected\x81\x00\x8a\x00\x82\x02\x00\xff\x88\x04\x03\xf0ok\x81\x01z";

static void check_dialog(size_t piece)
{
    static const struct {
        enum websocket_event event;
        const char *text;
    } expected[] = {
        {WEBSOCKET_OPEN, NULL},  {WEBSOCKET_PING, "hi"}, {WEBSOCKET_TEXT, "connected"},
        {WEBSOCKET_TEXT, ""},    {WEBSOCKET_PONG, ""},   {WEBSOCKET_BINARY, NULL},
        {WEBSOCKET_CLOSE, NULL},
    };
    CLEANUP_WEBSOCKET struct websocket websocket = begun();
    size_t seen = 0;
    for (size_t at = 0; at < sizeof DIALOG - 1; at += piece) {
        size_t left = sizeof DIALOG - 1 - at;
        for (enum websocket_event event =
                 feed(&websocket, DIALOG + at, piece < left ? piece : left);
             event != WEBSOCKET_MORE; event = next(&websocket)) {
            if (seen == sizeof expected / sizeof expected[0] && event == WEBSOCKET_CLOSE)
                break; /* it stays closed */
            assert_in_range(seen, 0, sizeof expected / sizeof expected[0] - 1);
            assert_int_equal(event, expected[seen].event);
            const struct bytes *message = &websocket.message;
            if (event == WEBSOCKET_TEXT)
                assert_string_equal((const char *)message->data, expected[seen].text);
            if (event == WEBSOCKET_PING)
                assert_memory_equal(websocket.control, expected[seen].text,
                                    websocket.control_bytes);
            seen++;
        }
    }
    assert_int_equal(seen, sizeof expected / sizeof expected[0]);
    assert_int_equal(websocket_close_code(&websocket), 1008);
}

static void websocket_next_bytes_cut_anywhere_say_the_same(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof DIALOG; piece++)
        check_dialog(piece);
}

/* Whatever comes: no crash (the sanitizers look), no message beyond the bound, and nothing after
 *                 the end. */
static void websocket_next_random_frames_stay_within_bounds(void **state)
{
    (void)state;
    unsigned seed = 20111211; /* of RFC 6455, December 2011; the same every time */
    for (int round = 0; round < 3000; round++) {
        CLEANUP_WEBSOCKET struct websocket websocket = opened();
        for (int piece = 0; piece < 8; piece++) {
            uint8_t noise[64];
            for (size_t i = 0; i < sizeof noise; i++)
                noise[i] = (uint8_t)(rand_r(&seed) >> 8);
            noise[0] = (uint8_t)(noise[0] & 0x8f);
            noise[1] = (uint8_t)(noise[1] & 0x7f);
            for (enum websocket_event event = feed(&websocket, noise, sizeof noise);
                 event != WEBSOCKET_MORE && websocket.ended == WEBSOCKET_MORE;
                 event = next(&websocket))
                assert_in_range(websocket.message.size, 0, WEBSOCKET_MESSAGE_BYTES_MAX);
            assert_in_range(websocket.pending.size, 0, 8 * sizeof noise);
        }
    }
}

static void websocket_frame_is_final_masked_and_unmasks_to_its_payload(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes frame = {0};
    struct error error;
    uint8_t payload[WEBSOCKET_CONTROL_BYTES_MAX];
    memset(payload, 'p', sizeof payload);
    assert_int_equal(websocket_frame(world_random_system(), OPCODE_PONG, payload, sizeof payload,
                                     &frame, &error),
                     ERROR_OK);
    assert_int_equal(frame.size, 6 + sizeof payload);
    assert_int_equal(frame.data[0], 0x8a);
    assert_int_equal(frame.data[1], 0x80 | sizeof payload);
    for (size_t i = 0; i < sizeof payload; i++)
        assert_int_equal(frame.data[6 + i] ^ frame.data[2 + i % 4], 'p');
}

static void http_place_of_parts_are_those_of_the_address(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool good, tls;
        const char *host;
        int port;
        const char *authority, *target;
    } rows[] = {
        {"https://titan.example", true, true, "titan.example", 443, "titan.example", "/"},
        {"http://titan.example:80/a?b=c#d", true, false, "titan.example", 80, "titan.example",
         "/a?b=c"},
        {"https://[::1]:8443/x", true, true, "::1", 8443, "[::1]:8443", "/x"},
        {"ftp://titan.example/", false},
        {"ws://titan.example/", false},
        {"https://", false},
        {"", false},
        {"/path", false},
        {"https://titan.example:0x/", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_place place;
        if (http_place_of(rows[i].url, &place) != rows[i].good)
            fail_msg("%s", rows[i].url);
        if (!rows[i].good)
            continue;
        assert_int_equal(place.tls, rows[i].tls);
        assert_string_equal(place.host, rows[i].host);
        assert_int_equal(place.port, rows[i].port);
        assert_string_equal(place.authority, rows[i].authority);
        assert_string_equal(place.target, rows[i].target);
        assert_false(place.user);
    }
    struct http_place place;
    assert_true(http_place_of("https://alice@titan.example/", &place) && place.user);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(websocket_accept_example_of_the_rfc_matches),
        cmocka_unit_test(websocket_request_says_what_the_rfc_asks_for),
        cmocka_unit_test(websocket_next_wrong_handshake_is_broken),
        cmocka_unit_test(websocket_next_endless_or_binary_head_is_broken),
        cmocka_unit_test(websocket_next_hostile_frame_is_broken_by_its_header),
        cmocka_unit_test(websocket_next_fragments_are_bounded_together),
        cmocka_unit_test(websocket_next_largest_message_is_read),
        cmocka_unit_test(websocket_next_bytes_cut_anywhere_say_the_same),
        cmocka_unit_test(websocket_next_random_frames_stay_within_bounds),
        cmocka_unit_test(websocket_frame_is_final_masked_and_unmasks_to_its_payload),
        cmocka_unit_test(http_place_of_parts_are_those_of_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
