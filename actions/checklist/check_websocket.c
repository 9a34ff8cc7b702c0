/* The dashboard's socket as the operator's browser would open it: from this machine, verified, and
 * its first message. Connection, handshake and message have within_ms each. */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <string.h>

#include "actions/target/http.h"
#include "actions/secrets/credential.h"
#include "actions/checklist/websocket.h"

enum { CHUNK_BYTES = 4096, CLOSE_NORMAL = 1000, CLOSE_MS = 200 };

struct dialog {
    struct check *check;
    struct http_stream *stream;
    struct websocket websocket;
    int64_t until_ns; /* driver's boot clock */
    bool ended;       /* the connection, by the other side */
};

static void dialog_close(struct dialog *dialog)
{
    http_stream_close(dialog->stream);
    websocket_clear(&dialog->websocket);
}
#define CLEANUP_DIALOG __attribute__((cleanup(dialog_close)))

static void set_deadline(struct dialog *dialog, int64_t wait_ms)
{
    dialog->until_ns = clock_boottime_ns(target_clock(dialog->check->target)) + wait_ms * 1000000;
}

static int64_t dialog_left_ms(const struct dialog *dialog)
{
    int64_t left_ns = dialog->until_ns - clock_boottime_ns(target_clock(dialog->check->target));
    return left_ns > 0 ? (left_ns + 999999) / 1000000 : 0;
}

static void send_bytes(struct dialog *dialog, const struct bytes *data)
{
    for (size_t at = 0; at < data->size && !dialog->ended && dialog_left_ms(dialog) > 0;) {
        ssize_t sent = http_stream_send(dialog->stream, data->data + at, data->size - at,
                                        dialog_left_ms(dialog));
        dialog->ended = sent < 0;
        at += sent > 0 ? (size_t)sent : 0;
    }
}

/* The next event; MORE when there was none before the deadline, or before the end of the
 * connection. */
static enum error_code receive_event(struct dialog *dialog, enum websocket_event *ret_event,
                                     struct error *error)
{
    uint8_t chunk[CHUNK_BYTES];
    enum error_code code = websocket_next(&dialog->websocket, ret_event, error);
    while (code == ERROR_OK && *ret_event == WEBSOCKET_MORE && !dialog->ended
           && dialog_left_ms(dialog) > 0) {
        ssize_t got = http_stream_receive(dialog->stream, chunk, sizeof chunk,
                                          dialog_left_ms(dialog));
        dialog->ended = got < 0;
        if (got > 0)
            code = websocket_feed(&dialog->websocket, chunk, (size_t)got, error);
        if (code == ERROR_OK)
            code = websocket_next(&dialog->websocket, ret_event, error);
    }
    return code;
}

static enum error_code send_client_frame(struct dialog *dialog, enum websocket_opcode opcode,
                                         const void *payload, size_t size, struct error *error)
{
    CLEANUP_BYTES struct bytes frame = {0};
    enum error_code code = websocket_frame(target_world(dialog->check->target)->random, opcode,
                                           payload, size, &frame, error);
    if (code == ERROR_OK)
        send_bytes(dialog, &frame);
    return code;
}

static enum error_code shake_hands(struct dialog *dialog, const struct http_place *place,
                                   const struct bytes *token, struct error *error)
{
    struct check *check = dialog->check;
    CLEANUP_BYTES struct bytes request = {0};
    enum websocket_event event;
    set_deadline(dialog, dialog->check->item->within_ms);
    enum error_code code = websocket_request(&dialog->websocket, place,
                                             token->size > 0 ? token : NULL, &request, error);
    if (code != ERROR_OK)
        return code;
    send_bytes(dialog, &request);
    code = receive_event(dialog, &event, error);
    if (code != ERROR_OK || event == WEBSOCKET_OPEN)
        return code;
    if (event == WEBSOCKET_BROKEN)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s", check->item->url,
                         dialog->websocket.broken);
    return check_say(check, PREFLIGHT_FAILED, error,
                     dialog->ended ? "%s: the connection ended before the handshake was answered"
                                   : "%s: the handshake was not answered within within_ms",
                     check->item->url);
}

static enum error_code judge_first_message(struct check *check, const struct bytes *message,
                                           struct error *error)
{
    const char *text = check->item->text;
    if (text[0] != '\0' && memmem(message->data, message->size, text, strlen(text)) == NULL)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s: its first message does not contain `%s` (text)", check->item->url,
                         text);
    return check_say(check, PREFLIGHT_PASSED, error,
                     "%s: the handshake is good, and its first message came in time",
                     check->item->url);
}

/* Pings are answered meanwhile, as a browser does. */
static enum error_code await_message(struct dialog *dialog, struct error *error)
{
    struct check *check = dialog->check;
    const char *url = check->item->url;
    enum websocket_event event = WEBSOCKET_PONG;
    enum error_code code = ERROR_OK;
    set_deadline(dialog, check->item->within_ms);
    while (code == ERROR_OK && (event == WEBSOCKET_PING || event == WEBSOCKET_PONG)
           && dialog_left_ms(dialog) > 0) {
        code = receive_event(dialog, &event, error);
        if (code == ERROR_OK && event == WEBSOCKET_PING)
            code = send_client_frame(dialog, OPCODE_PONG, dialog->websocket.control,
                                     dialog->websocket.control_bytes, error);
    }
    if (code != ERROR_OK)
        return code;
    switch (event) {
    case WEBSOCKET_TEXT:
        return judge_first_message(check, &dialog->websocket.message, error);
    case WEBSOCKET_BINARY:
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s: its first message is binary, and not text", url);
    case WEBSOCKET_CLOSE:
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s: closed with code %d before the first message", url,
                         websocket_close_code(&dialog->websocket));
    case WEBSOCKET_BROKEN:
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s", url, dialog->websocket.broken);
    case WEBSOCKET_MORE:
    case WEBSOCKET_OPEN:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG:
        break;
    }
    if (dialog->ended)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s: the connection ended before the first message", url);
    return check_say(check, PREFLIGHT_FAILED, error,
                     "%s: no message within %lld ms of the handshake (within_ms)", url,
                     (long long)check->item->within_ms);
}

static enum error_code hold_dialog(struct check *check, const struct http_place *place,
                                   const char *url, const struct bytes *token, struct error *error)
{
    CLEANUP_DIALOG struct dialog dialog = {.check = check,
                                           .websocket = {
                                               .random = target_world(check->target)->random}};
    char words[HTTP_WORDS_MAX];
    struct http_request request = {.world = target_world(check->target),
                                   .url = url,
                                   .ca_file = check->item->ca_file,
                                   .timeout_ms = check->item->within_ms};
    enum error_code code = http_stream_open(&request, &dialog.stream, words, error);
    if (code != ERROR_OK)
        return code;
    if (dialog.stream == NULL)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s", check->item->url, words);
    code = shake_hands(&dialog, place, token, error);
    if (code != ERROR_OK || check->status != PREFLIGHT_INVALID)
        return code;
    code = await_message(&dialog, error);
    set_deadline(&dialog, CLOSE_MS);
    return code == ERROR_OK
               ? send_client_frame(&dialog, OPCODE_CLOSE,
                                   (const uint8_t[]){CLOSE_NORMAL >> 8, CLOSE_NORMAL & 0xff}, 2,
                                   error)
               : code;
}

enum error_code check_websocket(struct check *check, struct error *error)
{
    const char *url = check->item->url;
    CLEANUP_BYTES struct bytes token = {0};
    struct http_place place = {.tls = false};
    char address[2048];
    if (url[0] == '\0')
        return check_no_setting(check, "url", error);
    bool good = strncmp(url, "ws://", 5) == 0 || strncmp(url, "wss://", 6) == 0;
    good = good && snprintf(address, sizeof address, "http%s", url + 2) < (int)sizeof address
           && http_place_of(address, &place);
    if (!good || place.user)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "url %s: write wss://host/path, without a user name",
                         place.user ? "has a user name" : url);
    if (!place.tls && check->item->token_file[0] != '\0')
        return check_say(
            check, PREFLIGHT_FAILED, error,
            "url %s is not encrypted, and the token would be seen on its way: write wss://", url);
    enum error_code code = check_token(check, &token, error);
    return code == ERROR_OK && check->status == PREFLIGHT_INVALID
               ? hold_dialog(check, &place, address, &token, error)
               : code;
}
