/* ssh-agent as a signer (draft-miller-ssh-agent): request 11 lists, request 13 signs. Every refusal
 * of an agent is one bare failure, so the list comes first, to tell an absent key from a locked
 * agent from a refusal. */
#include "journal/keys/signer_backend.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

enum {
    REQUEST_LIST = 11,
    ANSWER_LIST = 12,
    REQUEST_SIGN = 13,
    ANSWER_SIGN = 14,
    MESSAGE_BYTES_MAX = 256 * 1024,
    KEY_BLOB_BYTES = 51,
    ANSWER_MS = 5000,
    PERSON_MS = 120000
}; /* a confirmation waits for a person */

struct agent {
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
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

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Exactly `size` bytes before the deadline. */
static bool receive(int descriptor, uint8_t *data, size_t size, int64_t deadline_ms)
{
    for (size_t have = 0; have < size;) {
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        int64_t left = deadline_ms - now_ms();
        if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
            return false;
        ssize_t got = recv(descriptor, data + have, size - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static enum error_code unreachable(const struct agent *agent, const char *what, struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, errno, agent->path,
                     "start ssh-agent and set SSH_AUTH_SOCK, then ssh-add the key", "%s", what);
}

/* One request, one answer; ret_answer begins with the type. */
static enum error_code talk(const struct agent *agent, const struct bytes *request, int wait_ms,
                            struct bytes *ret_answer, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, agent->path, sizeof address.sun_path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        if (descriptor >= 0)
            (void)close(descriptor);
        return unreachable(agent, "no ssh-agent answers on its socket", error);
    }
    uint8_t length[4];
    write_u32(length, (uint32_t)request->size);
    int64_t deadline_ms = now_ms() + wait_ms;
    bool good = send(descriptor, length, sizeof length, MSG_NOSIGNAL) == sizeof length
                && send(descriptor, request->data, request->size, MSG_NOSIGNAL)
                       == (ssize_t)request->size
                && receive(descriptor, length, sizeof length, deadline_ms);
    size_t size = good ? read_u32(length) : 0;
    struct bytes answer = {0};
    good = good && size > 0 && size <= MESSAGE_BYTES_MAX && (answer.data = malloc(size)) != NULL
           && receive(descriptor, answer.data, size, deadline_ms);
    answer.size = size;
    (void)close(descriptor);
    if (!good) {
        bytes_free(&answer);
        return unreachable(agent, "the ssh-agent did not answer in time", error);
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
        code = talk(agent, &request, ANSWER_MS, &answer, error);
    if (code != ERROR_OK)
        return code;
    if (answer.size < 5 || answer.data[0] != ANSWER_LIST)
        return unreachable(agent, "the ssh-agent does not list its keys", error);
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
        code = talk(agent, &request, PERSON_MS, &answer, error);
    if (code != ERROR_OK)
        return code;
    if (answer.size == 1 + sizeof head + SIGNATURE_BYTES && answer.data[0] == ANSWER_SIGN
        && memcmp(answer.data + 1, head, sizeof head) == 0) {
        const uint8_t *signature = answer.data + 1 + sizeof head;
        /* What is signed here stays in the chain for good, so an agent is not taken at its word. */
        if (crypto_sign_verify_detached(signature, data, size,
                                        agent->blob + KEY_BLOB_BYTES - KEY_BYTES)
            != 0)
            return error_set(error, ERROR_KEY_REFUSED, 0, agent->path,
                             "try again; if it stays so, mend the agent",
                             "the ssh-agent gave a wrong signature");
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

enum error_code agent_open(const char *socket_path, const uint8_t public_key[KEY_BYTES],
                           struct signer **ret_signer, struct error *error)
{
    static const uint8_t head[] = {0,   0,   0,   11,  's', 's', 'h', '-', 'e', 'd',
                                   '2', '5', '5', '1', '9', 0,   0,   0,   32};
    const char *path = socket_path != NULL ? socket_path : getenv("SSH_AUTH_SOCK");
    struct agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL)
        return error_set(error, ERROR_MEMORY, 0, "agent", "", "out of memory");
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof agent->path) {
        free(agent);
        return error_set(error, ERROR_KEY_REFUSED, 0, "agent",
                         "start ssh-agent and set SSH_AUTH_SOCK", "no ssh-agent is named");
    }
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
