#include "actions/checklist/websocket.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <sodium.h>

enum {
    SHA1_BYTES = 20,
    NONCE_BYTES = 16,
    MASK_BYTES = 4,
    BIT_FINAL = 0x80,
    BITS_RESERVED = 0x70,
    BITS_OPCODE = 0x0f,
    BIT_CONTROL = 0x08,
    BIT_MASKED = 0x80,
    BITS_LENGTH = 0x7f
};

struct frame {
    bool final;
    uint8_t opcode;
    size_t header_bytes, payload_bytes;
};

void websocket_clear(struct websocket *websocket)
{
    bytes_free(&websocket->pending);
    bytes_free(&websocket->message);
    *websocket = (struct websocket){.random = websocket->random};
}

void websocket_accept(const char *key, char ret_accept[WEBSOCKET_ACCEPT_LENGTH + 1])
{
    char text[WEBSOCKET_KEY_LENGTH + 40];
    /* RFC 6455 asks for SHA-1 as a fingerprint of the key, not for its strength */
    uint8_t hash[SHA1_BYTES];
    int length = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                          WEBSOCKET_KEY_LENGTH, key);
    int digested = EVP_Digest(text, (size_t)length, hash, NULL, EVP_sha1(), NULL);
    assert(digested == 1);
    (void)digested;
    (void)sodium_bin2base64(ret_accept, WEBSOCKET_ACCEPT_LENGTH + 1, hash, sizeof hash,
                            sodium_base64_VARIANT_ORIGINAL);
}

enum error_code websocket_request(struct websocket *websocket, const struct http_place *place,
                                  const struct bytes *bearer, struct bytes *ret_request,
                                  struct error *error)
{
    uint8_t nonce[NONCE_BYTES];
    websocket->random->fill(websocket->random->context, nonce, sizeof nonce);
    (void)sodium_bin2base64(websocket->key, sizeof websocket->key, nonce, sizeof nonce,
                            sodium_base64_VARIANT_ORIGINAL);
    enum error_code code = bytes_append_format(
        ret_request, error,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nOrigin: %s://%s\r\n",
        place->target, place->authority, websocket->key, place->tls ? "https" : "http",
        place->authority);
    if (code == ERROR_OK && bearer != NULL)
        code = bytes_append_format(ret_request, error, "Authorization: Bearer %s\r\n",
                                   (const char *)bearer->data);
    return code == ERROR_OK ? bytes_append(ret_request, "\r\n", 2, error) : code;
}

enum error_code websocket_feed(struct websocket *websocket, const void *data, size_t size,
                               struct error *error)
{
    return websocket->ended != WEBSOCKET_MORE
               ? ERROR_OK
               : bytes_append(&websocket->pending, data, size, error);
}

static void drop_pending(struct websocket *websocket, size_t size)
{
    websocket->pending.size -= size;
    memmove(websocket->pending.data, websocket->pending.data + size, websocket->pending.size + 1);
}

static enum websocket_event __attribute__((format(printf, 2, 3)))
broken(struct websocket *websocket, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(websocket->broken, sizeof websocket->broken, format, arguments);
    va_end(arguments);
    websocket->ended = WEBSOCKET_BROKEN;
    return WEBSOCKET_BROKEN;
}

/* The value of a header in "line\r\nline\r\n\r\n", blanks cut, or NULL; *ret_count says how often
 * it stands there. */
static const char *find_header(const char *head, const char *name, size_t *ret_length,
                               size_t *ret_count)
{
    const char *found = NULL;
    size_t name_length = strlen(name);
    *ret_count = 0;
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_length) != 0 || line[name_length] != ':')
            continue;
        const char *value = line + name_length + 1 + strspn(line + name_length + 1, " \t");
        size_t length = strcspn(value, "\r\n");
        while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
            length--;
        found = value;
        *ret_length = length;
        ++*ret_count;
    }
    return found;
}

static bool header_is(const char *head, const char *name, const char *expected, bool any_case)
{
    size_t length = 0, count;
    const char *value = find_header(head, name, &length, &count);
    return count == 1 && length == strlen(expected)
           && (any_case ? strncasecmp(value, expected, length) : strncmp(value, expected, length))
                  == 0;
}

/* "keep-alive, Upgrade" */
static bool header_lists(const char *head, const char *name, const char *token)
{
    size_t length = 0, count, token_length = strlen(token);
    const char *value = find_header(head, name, &length, &count);
    for (size_t at = 0; count > 0 && at < length;) {
        at += strspn(value + at, ", \t");
        size_t word = strcspn(value + at, ", \t\r\n");
        if (at < length && word == token_length && strncasecmp(value + at, token, word) == 0)
            return true;
        at += word;
    }
    return false;
}

static enum websocket_event judge_head(struct websocket *websocket, const char *head)
{
    char accept[WEBSOCKET_ACCEPT_LENGTH + 1];
    size_t length, extensions, protocols;
    websocket_accept(websocket->key, accept);
    (void)find_header(head, "Sec-WebSocket-Extensions", &length, &extensions);
    (void)find_header(head, "Sec-WebSocket-Protocol", &length, &protocols);
    bool http = strncmp(head, "HTTP/1.1 ", 9) == 0 && strspn(head + 9, "0123456789") == 3
                && (head[12] == ' ' || head[12] == '\r');
    if (!http)
        return broken(websocket, "it does not answer in HTTP/1.1");
    if (strncmp(head + 9, "101", 3) != 0)
        return broken(websocket,
                      "it answers %.3s and not 101: no WebSocket is served at this path, or the "
                      "proxy in front does not pass the upgrade on",
                      head + 9);
    if (!header_is(head, "Upgrade", "websocket", true)
        || !header_lists(head, "Connection", "upgrade"))
        return broken(websocket, "it answers 101, but does not upgrade to a WebSocket");
    if (!header_is(head, "Sec-WebSocket-Accept", accept, false))
        return broken(websocket, "its Sec-WebSocket-Accept does not belong to the request: "
                                 "something else, or a cache, answered");
    if (extensions > 0 || protocols > 0)
        return broken(websocket, "it chose an extension or a protocol that was not asked for");
    websocket->open = true;
    return WEBSOCKET_OPEN;
}

static enum websocket_event read_head(struct websocket *websocket)
{
    if (websocket->pending.size == 0)
        return WEBSOCKET_MORE;
    char *head = (char *)websocket->pending.data;
    char *end = memmem(head, websocket->pending.size, "\r\n\r\n", 4);
    size_t head_bytes = end != NULL ? (size_t)(end - head) + 4 : websocket->pending.size;
    if (head_bytes > WEBSOCKET_HEAD_BYTES_MAX)
        return broken(websocket, "its answer to the handshake has no end within %d bytes",
                      WEBSOCKET_HEAD_BYTES_MAX);
    if (end == NULL)
        return WEBSOCKET_MORE;
    if (memchr(head, '\0', head_bytes) != NULL)
        return broken(websocket, "its answer to the handshake holds a zero byte");
    end[2] = '\0'; /* the empty line: what is behind it is no header */
    enum websocket_event event = judge_head(websocket, head);
    if (event == WEBSOCKET_OPEN)
        drop_pending(websocket, head_bytes);
    return event;
}

/* MORE: the header is not whole yet. OPEN: *frame is good. */
static enum websocket_event read_frame_header(struct websocket *websocket, struct frame *frame)
{
    const uint8_t *at = websocket->pending.data;
    size_t size = websocket->pending.size;
    if (size < 2)
        return WEBSOCKET_MORE;
    uint8_t length = at[1] & BITS_LENGTH;
    size_t extra = length == 127 ? 8 : length == 126 ? 2 : 0;
    *frame = (struct frame){.final = (at[0] & BIT_FINAL) != 0,
                            .opcode = at[0] & BITS_OPCODE,
                            .header_bytes = 2 + extra};
    bool control = (frame->opcode & BIT_CONTROL) != 0;
    if ((at[0] & BITS_RESERVED) != 0)
        return broken(websocket, "a frame has reserved bits set");
    if (frame->opcode > OPCODE_PONG || (frame->opcode > OPCODE_BINARY && !control))
        return broken(websocket, "a frame has the opcode %d, which there is not", frame->opcode);
    if ((at[1] & BIT_MASKED) != 0)
        return broken(websocket, "a frame of the server is masked");
    if (control && (!frame->final || length > WEBSOCKET_CONTROL_BYTES_MAX))
        return broken(websocket, "a control frame is in fragments or too long");
    if (!control && (frame->opcode == OPCODE_CONTINUATION) != (websocket->fragments != 0))
        return broken(websocket, websocket->fragments != 0
                                     ? "a message begins within another"
                                     : "a message is continued that has not begun");
    if (size < frame->header_bytes)
        return WEBSOCKET_MORE;
    uint64_t payload = extra == 0 ? length : 0;
    for (size_t i = 0; i < extra; i++)
        payload = payload << 8 | at[2 + i];
    if ((extra == 2 && payload < 126) || (extra == 8 && payload < 65536))
        return broken(websocket, "a frame's length is not written in its shortest form");
    if (payload > WEBSOCKET_MESSAGE_BYTES_MAX - (control ? 0 : websocket->message.size))
        return broken(websocket, "a message is longer than %d bytes", WEBSOCKET_MESSAGE_BYTES_MAX);
    frame->payload_bytes = (size_t)payload;
    return WEBSOCKET_OPEN;
}

static enum websocket_event receive_control(struct websocket *websocket, const struct frame *frame)
{
    memcpy(websocket->control, websocket->pending.data + frame->header_bytes, frame->payload_bytes);
    websocket->control_bytes = frame->payload_bytes;
    if (frame->opcode == OPCODE_PING)
        return WEBSOCKET_PING;
    if (frame->opcode == OPCODE_PONG)
        return WEBSOCKET_PONG;
    if (frame->payload_bytes == 1)
        return broken(websocket, "a close frame has half a code");
    websocket->ended = WEBSOCKET_CLOSE;
    return WEBSOCKET_CLOSE;
}

static enum error_code receive_data(struct websocket *websocket, const struct frame *frame,
                                    enum websocket_event *ret_event, struct error *error)
{
    if (frame->opcode != OPCODE_CONTINUATION)
        websocket->fragments = frame->opcode;
    enum error_code code = bytes_append(&websocket->message,
                                        websocket->pending.data + frame->header_bytes,
                                        frame->payload_bytes, error);
    if (code != ERROR_OK || !frame->final) {
        *ret_event = WEBSOCKET_MORE;
        return code;
    }
    bool text = websocket->fragments == OPCODE_TEXT;
    websocket->fragments = 0;
    websocket->is_delivered = true;
    *ret_event = text ? WEBSOCKET_TEXT : WEBSOCKET_BINARY;
    if (text && !bytes_is_utf8(websocket->message.data, websocket->message.size))
        *ret_event = broken(websocket, "a text message is not UTF-8");
    return ERROR_OK;
}

enum error_code websocket_next(struct websocket *websocket, enum websocket_event *ret_event,
                               struct error *error)
{
    if (websocket->ended == WEBSOCKET_MORE && !websocket->open) {
        *ret_event = read_head(websocket);
        return ERROR_OK;
    }
    if (websocket->is_delivered) {
        bytes_free(&websocket->message);
        websocket->is_delivered = false;
    }
    enum websocket_event event = websocket->ended;
    enum error_code code = ERROR_OK;
    struct frame frame;
    while (event == WEBSOCKET_MORE && code == ERROR_OK) {
        event = read_frame_header(websocket, &frame);
        if (event != WEBSOCKET_OPEN)
            break;
        event = WEBSOCKET_MORE;
        if (websocket->pending.size - frame.header_bytes < frame.payload_bytes)
            break;
        if ((frame.opcode & BIT_CONTROL) != 0)
            event = receive_control(websocket, &frame);
        else
            code = receive_data(websocket, &frame, &event, error);
        drop_pending(websocket, frame.header_bytes + frame.payload_bytes);
    }
    if (code == ERROR_OK)
        *ret_event = event;
    return code;
}

int websocket_close_code(const struct websocket *websocket)
{
    return websocket->control_bytes >= 2 ? websocket->control[0] << 8 | websocket->control[1]
                                         : 1005;
}

enum error_code websocket_frame(const struct world_random *random, enum websocket_opcode opcode,
                                const void *payload, size_t size, struct bytes *ret_frame,
                                struct error *error)
{
    assert(size <= WEBSOCKET_CONTROL_BYTES_MAX);
    uint8_t frame[2 + MASK_BYTES + WEBSOCKET_CONTROL_BYTES_MAX] = {(uint8_t)(BIT_FINAL | opcode),
                                                                   (uint8_t)(BIT_MASKED | size)};
    const uint8_t *plain = payload;
    random->fill(random->context, frame + 2, MASK_BYTES);
    for (size_t i = 0; i < size; i++)
        frame[2 + MASK_BYTES + i] = plain[i] ^ frame[2 + i % MASK_BYTES];
    return bytes_append(ret_frame, frame, 2 + MASK_BYTES + size, error);
}
