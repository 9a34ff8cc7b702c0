/* actions/checklist/websocket: the client's side of RFC 6455, as bytes in and bytes out: handshake
 * and framing. It opens no connection.
 * Use:       websocket_request() makes what is sent first; websocket_feed() takes what came back,
 * in pieces of any size; websocket_next() returns its events until it returns MORE.
 *            websocket_frame() makes what is sent in return.
 * Untrusted: everything that came back. A frame is judged by its header before its payload is
 *            waited for; a message, fragments together, is bounded. The first thing that the RFC
 *            forbids ends it: BROKEN, with the reason in printable words, from then on.
 * Errors:    memory only. */
#ifndef ACTIONS_WEBSOCKET_H
#define ACTIONS_WEBSOCKET_H

#include "actions/target/http.h"
#include "journal/format/bytes.h"
#include "journal/format/world.h"

enum {
    WEBSOCKET_MESSAGE_BYTES_MAX = 65536,
    WEBSOCKET_CONTROL_BYTES_MAX = 125,
    WEBSOCKET_HEAD_BYTES_MAX = 16384,
    WEBSOCKET_KEY_LENGTH = 24
};

enum websocket_event {
    WEBSOCKET_MORE = 0, /* feed it */
    WEBSOCKET_OPEN,     /* the handshake is good */
    WEBSOCKET_TEXT,
    WEBSOCKET_BINARY, /* `message`, valid until the next call */
    WEBSOCKET_PING,
    WEBSOCKET_PONG,
    WEBSOCKET_CLOSE,  /* `control`; nothing follows CLOSE */
    WEBSOCKET_BROKEN, /* `broken` */
};

enum websocket_opcode {
    OPCODE_CONTINUATION = 0,
    OPCODE_TEXT = 1,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10
};

struct websocket {
    const struct world_random *random;  /* for the key; borrowed, set before the request */
    char key[WEBSOCKET_KEY_LENGTH + 1]; /* of the request */
    bool open;
    enum websocket_event ended; /* CLOSE or BROKEN, once it was */
    struct bytes pending;       /* came back and is not yet read */
    struct bytes message;
    uint8_t fragments; /* opcode of the message that is coming in fragments, 0 = none is */
    bool is_delivered; /* `message` was handed out */
    uint8_t control[WEBSOCKET_CONTROL_BYTES_MAX];
    size_t control_bytes;
    char broken[HTTP_WORDS_MAX];
};
void websocket_clear(struct websocket *websocket);
#define CLEANUP_WEBSOCKET __attribute__((cleanup(websocket_clear)))

/* Draws the key. The request holds the token where there is one: wipe it. */
enum error_code websocket_request(struct websocket *websocket, const struct http_place *place,
                                  const struct bytes *bearer, struct bytes *ret_request,
                                  struct error *error) CHECKED;
/* What Sec-WebSocket-Accept must be for a key. */
enum { WEBSOCKET_ACCEPT_LENGTH = 28 };
void websocket_accept(const char *key, char ret_accept[WEBSOCKET_ACCEPT_LENGTH + 1]);

enum error_code websocket_feed(struct websocket *websocket, const void *data, size_t size,
                               struct error *error) CHECKED;
enum error_code websocket_next(struct websocket *websocket, enum websocket_event *ret_event,
                               struct error *error) CHECKED;
/* Of CLOSE: its code, 1005 where it gives none. */
int websocket_close_code(const struct websocket *websocket);
/* One whole frame of a client, masked with random bytes; at most WEBSOCKET_CONTROL_BYTES_MAX of
 * payload. */
enum error_code websocket_frame(const struct world_random *random, enum websocket_opcode opcode,
                                const void *payload, size_t size, struct bytes *ret_frame,
                                struct error *error) CHECKED;

#endif
