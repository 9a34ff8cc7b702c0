#include "actions/target/ssh/ssh_agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/target/world_system.h"
#include "journal/format/agent_exchange.h"

enum { SIGN_MS = 60000 }; /* a person may have to touch a key, or to confirm */

struct ssh_agent {
    const char *socket;
    const struct bytes *only;
    int own; /* end of the pair, libssh has the other */
    pthread_t thread;
    struct ssh_agent_seen seen;
};

/* The list with the one key alone: type, count, and a blob and a comment for each key. */
static bool keep_one_key(struct ssh_agent *agent, struct bytes *list)
{
    struct error error;
    CLEANUP_BYTES struct bytes kept = {0};
    uint8_t head[5] = {AGENT_KEYS};
    size_t at = sizeof head;
    if (list->size < at || list->data[0] != AGENT_KEYS)
        return false;
    for (uint32_t left = bytes_get_u32(list->data + 1); left > 0; left--) {
        size_t from = at, parts[2];
        for (unsigned part = 0; part < 2; part++) {
            if (list->size - at < 4 || bytes_get_u32(list->data + at) > list->size - at - 4)
                return false;
            parts[part] = bytes_get_u32(list->data + at);
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
    bytes_put_u32(head + 1, kept.size > 0);
    return bytes_append(list, head, sizeof head, &error) == ERROR_OK
           && bytes_append(list, kept.data, kept.size, &error) == ERROR_OK;
}

/* False where there is no answer, or none that may be shown. */
static bool answer_request(struct ssh_agent *agent, struct bytes *request, struct bytes *ret_answer)
{
    struct error error;
    bool lists = request->data[0] == AGENT_LIST;
    if (agent_exchange(world_local_system(), world_clock_system(), agent->socket, request,
                       lists ? AGENT_LIST_MS : SIGN_MS, ret_answer, &error)
        != ERROR_OK)
        return false;
    if (!lists)
        return true;
    agent->seen = (struct ssh_agent_seen){.answered = ret_answer->data[0] == AGENT_KEYS};
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
    static const uint8_t failure[] = {0, 0, 0, 1, AGENT_FAILURE};
    uint8_t length[4];
    CLEANUP_BYTES struct bytes request = {0}, answer = {0};
    size_t size = receive_whole(agent->own, length, sizeof length) ? bytes_get_u32(length) : 0;
    request.data = size > 0 && size <= AGENT_MESSAGE_MAX ? malloc(size) : NULL;
    if (request.data == NULL || !receive_whole(agent->own, request.data, size))
        return false;
    request.size = size;
    if (!answer_request(agent, &request, &answer))
        return send_whole(agent->own, failure, sizeof failure);
    bytes_put_u32(length, (uint32_t)answer.size);
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
