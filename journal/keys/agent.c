/* ssh-agent as a signer (draft-miller-ssh-agent): request 11 lists, request 13 signs. An agent
 * answers every refusal with the same code, so the keys are listed first: that distinguishes an
 * absent key, a locked agent and a refusal. */
#include "journal/keys/signer.h"
#include "journal/keys/signer_backend.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
    REQUEST_LIST = 11,
    ANSWER_LIST = 12,
    REQUEST_SIGN = 13,
    ANSWER_SIGN = 14,
    MESSAGE_BYTES_MAX = 256 * 1024,
    KEY_BLOB_BYTES = 51,
    ANSWER_MS = 5000,
    SOCKET_PATH_MAX = 108
};

struct agent {
    const struct world *world;
    int wait_ms; /* for a signature */
    char path[SOCKET_PATH_MAX];
    uint8_t blob[KEY_BLOB_BYTES];
};

static void write_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static enum error_code unreachable(const struct agent *agent, int number, const char *what,
                                   struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, number, agent->path,
                     "start ssh-agent and set SSH_AUTH_SOCK, then ssh-add the key", "%s", what);
}

/* A connection to the agent, closed when it goes out of scope. */
struct connection {
    const struct clock *clock;
    const struct world_stream *stream;
    void *handle;
    int64_t deadline_ns;
};

static void close_connection(struct connection *connection)
{
    if (connection->handle != NULL)
        connection->stream->close(connection->handle);
}

static int64_t left_ms(const struct connection *connection)
{
    return (connection->deadline_ns - clock_boottime_ns(connection->clock)) / 1000000;
}

/* All `size` bytes before the deadline, in one direction. */
static bool send_all(struct connection *to, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        int64_t wait_ms = left_ms(to);
        ssize_t put = wait_ms > 0 ? to->stream->send(to->handle, data + done, size - done, wait_ms)
                                  : -1;
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static bool receive_all(struct connection *from, uint8_t *data, size_t size)
{
    for (size_t have = 0; have < size;) {
        int64_t wait_ms = left_ms(from);
        ssize_t got = wait_ms > 0
                          ? from->stream->receive(from->handle, data + have, size - have, wait_ms)
                          : -1;
        if (got < 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

/* One request, one answer; ret_answer begins with the type. */
static enum error_code talk(const struct agent *agent, const struct bytes *request, int wait_ms,
                            struct bytes *ret_answer, struct error *error)
{
    const struct world_local *local = agent->world->local;
    struct connection connection
        __attribute__((cleanup(close_connection))) = {.clock = agent->world->clock};
    enum error_code code = local->connect(local->context, agent->path, &connection.stream,
                                          &connection.handle, error);
    if (code != ERROR_OK)
        return unreachable(agent, error->library_code, "no ssh-agent answers on its socket", error);
    uint8_t length[4];
    write_u32(length, (uint32_t)request->size);
    connection.deadline_ns = clock_boottime_ns(connection.clock) + (int64_t)wait_ms * 1000000;
    bool good = send_all(&connection, length, sizeof length)
                && send_all(&connection, request->data, request->size)
                && receive_all(&connection, length, sizeof length);
    size_t size = good ? read_u32(length) : 0;
    struct bytes answer = {0};
    good = good && size > 0 && size <= MESSAGE_BYTES_MAX && (answer.data = malloc(size)) != NULL
           && receive_all(&connection, answer.data, size);
    answer.size = size;
    if (!good) {
        bytes_free(&answer);
        return unreachable(agent, 0, "the ssh-agent did not answer in time", error);
    }
    *ret_answer = answer;
    return ERROR_OK;
}

/* How many keys the agent shows, and whether ours is among them. */
static enum error_code list_keys(const struct agent *agent, uint32_t *ret_count, bool *ret_present,
                                 struct error *error)
{
    CLEANUP_BYTES struct bytes request = {0};
    CLEANUP_BYTES struct bytes answer = {0};
    enum error_code code = bytes_append(&request, (const uint8_t[]){REQUEST_LIST}, 1, error);
    if (code == ERROR_OK)
        code = talk(agent, &request, agent->wait_ms < ANSWER_MS ? agent->wait_ms : ANSWER_MS,
                    &answer, error);
    if (code != ERROR_OK)
        return code;
    if (answer.size < 5 || answer.data[0] != ANSWER_LIST)
        return unreachable(agent, 0, "the ssh-agent does not list its keys", error);
    *ret_count = read_u32(answer.data + 1);
    *ret_present = false;
    for (size_t at = 5; at + 4 <= answer.size;) {
        uint32_t length = read_u32(answer.data + at);
        if (length > answer.size - at - 4)
            break;
        if (length == KEY_BLOB_BYTES
            && memcmp(answer.data + at + 4, agent->blob, KEY_BLOB_BYTES) == 0)
            *ret_present = true;
        at += 4 + length;
        if (at + 4 > answer.size || read_u32(answer.data + at) > answer.size - at - 4)
            break;
        at += 4 + read_u32(answer.data + at); /* the comment */
    }
    return ERROR_OK;
}

static enum error_code check_present(const struct agent *agent, struct error *error)
{
    uint32_t count = 0;
    bool present = false;
    enum error_code code = list_keys(agent, &count, &present, error);
    if (code != ERROR_OK || present)
        return code;
    return error_set(error, ERROR_KEY_REFUSED, 0, agent->path,
                     count == 0 ? "ssh-add -X if it is locked, else ssh-add the key"
                                : "ssh-add the operator's key",
                     count == 0 ? "the ssh-agent shows no key: it is locked or empty"
                                : "the ssh-agent does not hold the operator's key");
}

static enum error_code agent_sign(void *context, const void *data, size_t size,
                                  uint8_t ret_signature[SIGNATURE_BYTES], struct error *error)
{
    const struct agent *agent = context;
    static const uint8_t head[] = {0,   0,   0,   83,  0,   0,   0,   11, 's', 's', 'h', '-',
                                   'e', 'd', '2', '5', '5', '1', '9', 0,  0,   0,   64};
    CLEANUP_BYTES struct bytes request = {0};
    CLEANUP_BYTES struct bytes answer = {0};
    uint8_t length[4];
    write_u32(length, KEY_BLOB_BYTES);
    enum error_code code = bytes_append(&request, (const uint8_t[]){REQUEST_SIGN}, 1, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, length, 4, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, agent->blob, KEY_BLOB_BYTES, error);
    write_u32(length, (uint32_t)size);
    if (code == ERROR_OK)
        code = bytes_append(&request, length, 4, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, data, size, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, (const uint8_t[4]){0}, 4, error); /* flags 0 */
    if (code == ERROR_OK)
        code = talk(agent, &request, agent->wait_ms, &answer, error);
    if (code != ERROR_OK)
        return code;
    if (answer.size == 1 + sizeof head + SIGNATURE_BYTES && answer.data[0] == ANSWER_SIGN
        && memcmp(answer.data + 1, head, sizeof head) == 0) {
        const uint8_t *signature = answer.data + 1 + sizeof head;
        /* A signature stays in the chain for ever, so the one of the agent is verified. */
        if (crypto_sign_verify_detached(signature, data, size,
                                        agent->blob + KEY_BLOB_BYTES - KEY_BYTES)
            != 0)
            return error_set(error, ERROR_KEY_REFUSED, 0, agent->path,
                             "try again; if it fails again, use another agent",
                             "the ssh-agent returned a wrong signature");
        memcpy(ret_signature, signature, SIGNATURE_BYTES);
        return ERROR_OK;
    }
    code = check_present(agent, error);
    return code != ERROR_OK ? code
                            : error_set(error, ERROR_KEY_REFUSED, 0, agent->path,
                                        "confirm it in the agent, and try again",
                                        "the ssh-agent refused to sign");
}

static void agent_close(void *context)
{
    free(context);
}

enum error_code agent_open(const struct world *world, const char *socket_path,
                           const uint8_t public_key[KEY_BYTES], int wait_ms,
                           struct signer **ret_signer, struct error *error)
{
    static const uint8_t head[] = {0,   0,   0,   11,  's', 's', 'h', '-', 'e', 'd',
                                   '2', '5', '5', '1', '9', 0,   0,   0,   32};
    const char *path = socket_path != NULL
                           ? socket_path
                           : world->host->environment(world->host->context, "SSH_AUTH_SOCK");
    struct agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL)
        return error_set(error, ERROR_MEMORY, 0, "agent", "", "out of memory");
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof agent->path) {
        free(agent);
        return error_set(error, ERROR_KEY_REFUSED, 0, "agent",
                         "start ssh-agent and set SSH_AUTH_SOCK", "no ssh-agent is named");
    }
    agent->world = world;
    agent->wait_ms = wait_ms;
    memcpy(agent->path, path, strlen(path) + 1);
    memcpy(agent->blob, head, sizeof head);
    memcpy(agent->blob + sizeof head, public_key, KEY_BYTES);
    enum error_code code = check_present(agent, error);
    if (code != ERROR_OK) {
        free(agent);
        return code;
    }
    return signer_new(public_key, agent, true, agent_sign, agent_close, ret_signer, error);
}
