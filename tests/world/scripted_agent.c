/* tests/world/scripted_agent: an ssh-agent with the operator's key behind world->local. */
#include "tests/world/scripted.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { REQUEST_LIST = 11, ANSWER_LIST = 12, REQUEST_SIGN = 13, ANSWER_SIGN = 14, BLOB_BYTES = 51 };

struct talk {
    struct scripted *scripted;
    struct bytes heard, answer;
    size_t at;
};

static void add(struct talk *talk, const void *data, size_t size)
{
    struct error error;
    if (bytes_append(&talk->answer, data, size, &error) != ERROR_OK)
        abort();
}

static void add_u32(struct talk *talk, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    add(talk, bytes, sizeof bytes);
}

static size_t u32_at(const uint8_t *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static void add_string(struct talk *talk, const void *data, size_t size)
{
    add_u32(talk, size);
    add(talk, data, size);
}

static void answer_list(struct talk *talk)
{
    const uint8_t type = ANSWER_LIST;
    add_u32(talk, 1 + 4 + 4 + BLOB_BYTES + 4);
    add(talk, &type, 1);
    add_u32(talk, 1);
    add_u32(talk, BLOB_BYTES);
    add_string(talk, "ssh-ed25519", 11);
    add_string(talk, talk->scripted->agent_public, KEY_BYTES);
    add_u32(talk, 0);
}

static void answer_sign(struct talk *talk)
{
    const uint8_t type = ANSWER_SIGN, *data = talk->heard.data + 4 + 1 + 4 + BLOB_BYTES;
    uint8_t signature[SIGNATURE_BYTES];
    (void)crypto_sign_detached(signature, NULL, data + 4, u32_at(data), talk->scripted->agent_key);
    add_u32(talk, 1 + 4 + 15 + 4 + SIGNATURE_BYTES);
    add(talk, &type, 1);
    add_u32(talk, 15 + 4 + SIGNATURE_BYTES);
    add_string(talk, "ssh-ed25519", 11);
    add_string(talk, signature, sizeof signature);
}

static ssize_t send_bytes(void *stream, const void *data, size_t size, int64_t wait_ms)
{
    struct talk *talk = stream;
    struct error error;
    (void)wait_ms;
    if (bytes_append(&talk->heard, data, size, &error) != ERROR_OK)
        return -1;
    if (talk->heard.size < 5 || talk->heard.size < 4 + u32_at(talk->heard.data))
        return (ssize_t)size;
    if (talk->heard.data[4] == REQUEST_LIST)
        answer_list(talk);
    else if (talk->heard.data[4] == REQUEST_SIGN)
        answer_sign(talk);
    bytes_free(&talk->heard);
    return (ssize_t)size;
}

static ssize_t receive_bytes(void *stream, void *data, size_t size, int64_t wait_ms)
{
    struct talk *talk = stream;
    size_t left = talk->answer.size - talk->at, given = left < size ? left : size;
    (void)wait_ms;
    if (given > 0)
        memcpy(data, talk->answer.data + talk->at, given);
    talk->at += given;
    return given > 0 ? (ssize_t)given : -1;
}

static void close_talk(void *stream)
{
    struct talk *talk = stream;
    bytes_free(&talk->heard);
    bytes_free(&talk->answer);
    free(talk);
}

static enum error_code connect_agent(void *context, const char *path,
                                     const struct world_stream **ret_stream, void **ret_handle,
                                     struct error *error)
{
    static const struct world_stream stream = {.send = send_bytes,
                                               .receive = receive_bytes,
                                               .close = close_talk};
    struct talk *talk = calloc(1, sizeof *talk);
    if (talk == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    talk->scripted = context;
    *ret_stream = &stream;
    *ret_handle = talk;
    return ERROR_OK;
}

void scripted_fill_agent(struct scripted *scripted)
{
    static const uint8_t seed[SEED_BYTES] = {1, 9, 8, 4}, other_seed[SEED_BYTES] = {2};
    uint8_t unused[KEY_BYTES + SEED_BYTES];
    (void)crypto_sign_seed_keypair(scripted->approver_public, unused, other_seed);
    (void)crypto_sign_seed_keypair(scripted->agent_public, scripted->agent_key, seed);
    scripted->local = (struct world_local){.context = scripted, .connect = connect_agent};
}
