/* ssh-agent as a signer (draft-miller-ssh-agent): request 11 lists, request 13 signs. An agent
 * answers every refusal with the same code, so the keys are listed first: that distinguishes an
 * absent key, a locked agent and a refusal. */
#include "journal/keys/signer.h"
#include "journal/keys/signer_backend.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/agent_exchange.h"

enum { KEY_BLOB_BYTES = 51, SOCKET_PATH_MAX = 108 };

struct agent {
    const struct world *world;
    int wait_ms; /* for a signature */
    char path[SOCKET_PATH_MAX];
    uint8_t blob[KEY_BLOB_BYTES];
};

static enum error_code unreachable(const struct agent *agent, int number, const char *what,
                                   struct error *error)
{
    return error_set(error, ERROR_KEY_REFUSED, number, agent->path,
                     "start ssh-agent and set SSH_AUTH_SOCK, then ssh-add the key", "%s", what);
}

/* One request, one answer; ret_answer begins with the type. */
static enum error_code talk(const struct agent *agent, const struct bytes *request, int wait_ms,
                            struct bytes *ret_answer, struct error *error)
{
    enum error_code code = agent_exchange(agent->world->local, agent->world->clock, agent->path,
                                          request, wait_ms, ret_answer, error);
    if (code == ERROR_OK)
        return code;
    return unreachable(agent, error->library_code,
                       code == ERROR_TIMEOUT ? "the ssh-agent did not answer in time"
                                             : "no ssh-agent answers on its socket",
                       error);
}

/* How many keys the agent shows, and whether ours is among them. */
static enum error_code list_keys(const struct agent *agent, uint32_t *ret_count, bool *ret_present,
                                 struct error *error)
{
    CLEANUP_BYTES struct bytes request = {0};
    CLEANUP_BYTES struct bytes answer = {0};
    enum error_code code = bytes_append(&request, (const uint8_t[]){AGENT_LIST}, 1, error);
    if (code == ERROR_OK)
        code = talk(agent, &request,
                    agent->wait_ms < AGENT_LIST_MS ? agent->wait_ms : AGENT_LIST_MS, &answer,
                    error);
    if (code != ERROR_OK)
        return code;
    if (answer.size < 5 || answer.data[0] != AGENT_KEYS)
        return unreachable(agent, 0, "the ssh-agent does not list its keys", error);
    *ret_count = bytes_get_u32(answer.data + 1);
    *ret_present = false;
    for (size_t at = 5; at + 4 <= answer.size;) {
        uint32_t length = bytes_get_u32(answer.data + at);
        if (length > answer.size - at - 4)
            break;
        if (length == KEY_BLOB_BYTES
            && memcmp(answer.data + at + 4, agent->blob, KEY_BLOB_BYTES) == 0)
            *ret_present = true;
        at += 4 + length;
        if (at + 4 > answer.size || bytes_get_u32(answer.data + at) > answer.size - at - 4)
            break;
        at += 4 + bytes_get_u32(answer.data + at); /* the comment */
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
    bytes_put_u32(length, KEY_BLOB_BYTES);
    enum error_code code = bytes_append(&request, (const uint8_t[]){AGENT_SIGN}, 1, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, length, 4, error);
    if (code == ERROR_OK)
        code = bytes_append(&request, agent->blob, KEY_BLOB_BYTES, error);
    bytes_put_u32(length, (uint32_t)size);
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
    if (answer.size == 1 + sizeof head + SIGNATURE_BYTES && answer.data[0] == AGENT_SIGNATURE
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
