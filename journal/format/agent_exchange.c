#include "journal/format/agent_exchange.h"

#include <stdlib.h>

/* Closed when it goes out of scope. */
struct agent_wire {
    const struct clock *clock;
    const struct world_stream *stream;
    void *handle;
    int64_t deadline_ns;
};

static void wire_close(struct agent_wire *wire)
{
    if (wire->handle != NULL)
        wire->stream->close(wire->handle);
}

static int64_t wire_left_ms(const struct agent_wire *wire)
{
    return (wire->deadline_ns - clock_boottime_ns(wire->clock)) / 1000000;
}

/* All `size` bytes before the deadline, in one direction. */
static bool wire_send(const struct agent_wire *to, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        int64_t wait_ms = wire_left_ms(to);
        ssize_t put = wait_ms > 0 ? to->stream->send(to->handle, data + done, size - done, wait_ms)
                                  : -1;
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static bool wire_receive(const struct agent_wire *from, uint8_t *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        int64_t wait_ms = wire_left_ms(from);
        ssize_t got = wait_ms > 0
                          ? from->stream->receive(from->handle, data + have, size - have, wait_ms)
                          : -1;
        if (got < 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static bool converse(const struct agent_wire *wire, const struct bytes *request,
                     struct bytes *answer)
{
    uint8_t length[4];
    bytes_put_u32(length, (uint32_t)request->size);
    if (!wire_send(wire, length, sizeof length) || !wire_send(wire, request->data, request->size)
        || !wire_receive(wire, length, sizeof length))
        return false;
    size_t size = bytes_get_u32(length);
    if (size == 0 || size > AGENT_MESSAGE_MAX || (answer->data = malloc(size)) == NULL)
        return false;
    answer->size = size;
    return wire_receive(wire, answer->data, size);
}

enum error_code agent_exchange(const struct world_local *local, const struct clock *clock,
                               const char *path, const struct bytes *request, int64_t wait_ms,
                               struct bytes *ret_answer, struct error *error)
{
    CLEANUP_BYTES struct bytes answer = {0};
    struct agent_wire wire __attribute__((cleanup(wire_close))) = {.clock = clock};
    enum error_code code = local->connect(local->context, path, &wire.stream, &wire.handle, error);
    if (code != ERROR_OK)
        return code;
    wire.deadline_ns = clock_boottime_ns(clock) + wait_ms * 1000000;
    if (!converse(&wire, request, &answer))
        return error_set(error, ERROR_TIMEOUT, 0, path, "see whether the ssh-agent still answers",
                         "the ssh-agent did not answer in time");
    *ret_answer = answer;
    answer = (struct bytes){0};
    return ERROR_OK;
}
