#include "actions/target/ssh/ssh_agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/target/world_system.h"

enum {
    FAILURE = 5, /* types of message */
    REQUEST_KEYS = 11,
    ANSWER_KEYS = 12,
    LIST_MS = 5000,
    SIGN_MS = 60000, /* a person may have to touch a key, or to confirm */
    MESSAGE_MAX = 256 * 1024
};

struct ssh_agent {
    const char *socket;
    const struct bytes *only;
    int own; /* end of the pair, libssh has the other */
    pthread_t thread;
    struct ssh_agent_seen seen;
};

static uint32_t wire_number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void wire_set_number(uint8_t *at, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

/* The agent's end, or libssh's. */
struct wire {
    const struct world_stream *stream;
    void *handle;
    int64_t deadline_ns;
};

static void wire_close(struct wire *wire)
{
    if (wire->handle != NULL)
        wire->stream->close(wire->handle);
}

static bool wire_move(const struct wire *wire, bool out, uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        int64_t left_ms = (wire->deadline_ns - clock_boottime_ns(world_clock_system())) / 1000000;
        ssize_t moved = left_ms <= 0 ? -1
                        : out ? wire->stream->send(wire->handle, data + done, size - done, left_ms)
                              : wire->stream->receive(wire->handle, data + done, size - done,
                                                      left_ms);
        if (moved < 0)
            return false;
        done += (size_t)moved;
    }
    return true;
}

/* One request, one answer, on a connection of its own. */
static bool ask_agent(const struct ssh_agent *agent, struct bytes *request, int64_t wait_ms,
                      struct bytes *ret_answer)
{
    const struct world_local *local = world_local_system();
    struct wire wire __attribute__((cleanup(wire_close))) = {0};
    struct error error;
    uint8_t length[4];
    wire.deadline_ns = clock_boottime_ns(world_clock_system()) + wait_ms * 1000000;
    if (local->connect(local->context, agent->socket, &wire.stream, &wire.handle, &error)
        != ERROR_OK)
        return false;
    wire_set_number(length, (uint32_t)request->size);
    if (!wire_move(&wire, true, length, sizeof length)
        || !wire_move(&wire, true, request->data, request->size)
        || !wire_move(&wire, false, length, sizeof length))
        return false;
    size_t size = wire_number(length);
    CLEANUP_BYTES struct bytes answer = {.data = size > 0 && size <= MESSAGE_MAX ? malloc(size)
                                                                                 : NULL};
    if (answer.data == NULL || !wire_move(&wire, false, answer.data, size))
        return false;
    answer.size = size;
    *ret_answer = answer;
    answer = (struct bytes){0};
    return true;
}

/* The list with the one key alone: type, count, and a blob and a comment for each key. */
static bool keep_one_key(struct ssh_agent *agent, struct bytes *list)
{
    struct error error;
    CLEANUP_BYTES struct bytes kept = {0};
    uint8_t head[5] = {ANSWER_KEYS};
    size_t at = sizeof head;
    if (list->size < at || list->data[0] != ANSWER_KEYS)
        return false;
    for (uint32_t left = wire_number(list->data + 1); left > 0; left--) {
        size_t from = at, parts[2];
        for (unsigned part = 0; part < 2; part++) {
            if (list->size - at < 4 || wire_number(list->data + at) > list->size - at - 4)
                return false;
            parts[part] = wire_number(list->data + at);
            at += 4 + parts[part];
        }
        if (agent->seen.held || parts[0] != agent->only->size
            || memcmp(list->data + from + 4, agent->only->data, parts[0]) != 0)
            continue;
        agent->seen.held = true;
        if (bytes_append(&kept, list->data + from, at - from, &error) != ERROR_OK)
            return false;
    }
    bytes_free(list);
    wire_set_number(head + 1, kept.size > 0);
    return bytes_append(list, head, sizeof head, &error) == ERROR_OK
           && bytes_append(list, kept.data, kept.size, &error) == ERROR_OK;
}

/* False where there is no answer, or none that may be shown. */
static bool answer_request(struct ssh_agent *agent, struct bytes *request, struct bytes *ret_answer)
{
    bool lists = request->data[0] == REQUEST_KEYS;
    if (!ask_agent(agent, request, lists ? LIST_MS : SIGN_MS, ret_answer))
        return false;
    if (!lists)
        return true;
    agent->seen = (struct ssh_agent_seen){.answered = ret_answer->data[0] == ANSWER_KEYS};
    return agent->only->size == 0 || keep_one_key(agent, ret_answer);
}

static bool receive_whole(int descriptor, void *data, size_t size)
{
    return recv(descriptor, data, size, MSG_WAITALL) == (ssize_t)size;
}

static bool send_whole(int descriptor, const void *data, size_t size)
{
    return send(descriptor, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* One request of libssh and its answer, for which it waits: there always is one. */
static bool serve_request(struct ssh_agent *agent)
{
    static const uint8_t failure[] = {0, 0, 0, 1, FAILURE};
    uint8_t length[4];
    CLEANUP_BYTES struct bytes request = {0}, answer = {0};
    size_t size = receive_whole(agent->own, length, sizeof length) ? wire_number(length) : 0;
    request.data = size > 0 && size <= MESSAGE_MAX ? malloc(size) : NULL;
    if (request.data == NULL || !receive_whole(agent->own, request.data, size))
        return false;
    request.size = size;
    if (!answer_request(agent, &request, &answer))
        return send_whole(agent->own, failure, sizeof failure);
    wire_set_number(length, (uint32_t)answer.size);
    return send_whole(agent->own, length, sizeof length)
           && send_whole(agent->own, answer.data, answer.size);
}

/* Until libssh closes its end, or ssh_agent_close() this one. */
static void *serve_requests(void *context)
{
    struct ssh_agent *agent = context;
    while (serve_request(agent))
        continue;
    (void)shutdown(agent->own, SHUT_RDWR);
    return NULL;
}

enum error_code ssh_agent_open(const char *socket, const struct bytes *only,
                               struct ssh_agent **ret_agent, int *ret_descriptor,
                               struct error *error)
{
    int pair[2] = {-1, -1};
    struct ssh_agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL)
        return error_set(error, ERROR_MEMORY, 0, socket, "", "out of memory");
    *agent = (struct ssh_agent){.socket = socket, .only = only};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
        agent->own = pair[0];
        if (pthread_create(&agent->thread, NULL, serve_requests, agent) == 0) {
            *ret_agent = agent;
            *ret_descriptor = pair[1];
            return ERROR_OK;
        }
        (void)close(pair[0]);
        (void)close(pair[1]);
    }
    free(agent);
    return error_set(error, ERROR_SYSTEM, errno, socket,
                     "see how many descriptors and threads this machine has left",
                     "no way to the ssh-agent can be made");
}

struct ssh_agent_seen ssh_agent_close(struct ssh_agent *agent)
{
    struct ssh_agent_seen seen = {0};
    if (agent == NULL)
        return seen;
    (void)shutdown(agent->own, SHUT_RDWR);
    (void)pthread_join(agent->thread, NULL);
    seen = agent->seen;
    (void)close(agent->own);
    free(agent);
    return seen;
}
