/* The small world from which evidence is made: what a target would have answered. */
#include "tests/verify/forge_items.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned containers_made;

void forge_fill(char *to, char digit, size_t count)
{
    memset(to, digit, count);
    to[count] = '\0';
}

void forge_world_init(struct forge *forge)
{
    forge_fill(forge->hash_before, 'a', 64);
    forge_fill(forge->hash_new, 'a', 64);
    forge_fill(forge->commit_before, '1', 40);
    forge_fill(forge->commit_after, '2', 40);
    (void)snprintf(forge->image_before, sizeof forge->image_before, "sha256:%064d", 1);
    (void)snprintf(forge->image_after, sizeof forge->image_after, "sha256:%064d", 2);
    memcpy(forge->code, forge->commit_before, sizeof forge->code);
    forge->recreate = forge->marker = true;
    forge->up_ms = 2000;
    forge->sample_ms = 5000;
    forge->samples = 61;
    forge_start(forge, &forge->execution, true, forge->image_before, forge->hash_before);
    forge_start(forge, &forge->brain, false, forge->image_before, forge->hash_before);
    forge_wait(forge, 60000);
}

void forge_wait(struct forge *forge, int64_t ms)
{
    forge->now_ns += ms * 1000000;
}

void forge_log(struct forge *forge, struct forge_container *container, const char *message)
{
    struct error error;
    char time[40];
    forge->now_ns += 1000000;
    json_t *line = json_pack("{s:s, s:s, s:{s:s}}", "timestamp", forge_time(forge, time), "level",
                             "INFO", "fields", "message", message);
    char *text = json_dumps(line, JSON_COMPACT);
    assert(bytes_append_format(&container->log, &error, "%s %s\n", forge_time(forge, time), text)
           == ERROR_OK);
    free(text);
    json_decref(line);
}

void forge_start(struct forge *forge, struct forge_container *container, bool execution,
                 const char *image, const char *hash)
{
    char line[200];
    bytes_free(&container->log);
    *container = (struct forge_container){0};
    (void)snprintf(container->id, sizeof container->id, "%064x", ++containers_made);
    (void)snprintf(container->image, sizeof container->image, "%s", image);
    (void)snprintf(container->state, sizeof container->state, "running");
    (void)forge_time(forge, container->started_at);
    forge->now_ns += 1000000;
    if (execution) {
        forge->armed = false;
        (void)snprintf(line, sizeof line, "✅ Risk Policy Loaded. Hash: %s", hash);
        forge_log(forge, container, line);
        forge_log(forge, container, "🔒 Execution initialized DISARMED");
    } else {
        (void)snprintf(line, sizeof line,
                       "✅ Policy hash handshake OK. Enabling signal processing. Hash: %s", hash);
        forge_log(forge, container, line);
    }
}

void forge_store(struct forge *forge, const void *data, size_t size, char ret_hex[65])
{
    struct error error;
    uint8_t hash[32];
    size_t at = 0;
    bytes_sha256(data, size, hash);
    bytes_hex(hash, 32, ret_hex);
    while (at < forge->blob_count && memcmp(forge->blobs[at].hash, hash, 32) < 0)
        at++;
    if (at < forge->blob_count && memcmp(forge->blobs[at].hash, hash, 32) == 0)
        return;
    forge->blobs = reallocarray(forge->blobs, forge->blob_count + 1, sizeof *forge->blobs);
    memmove(&forge->blobs[at + 1], &forge->blobs[at],
            (forge->blob_count - at) * sizeof *forge->blobs);
    forge->blob_count++;
    memset(&forge->blobs[at], 0, sizeof forge->blobs[at]);
    memcpy(forge->blobs[at].hash, hash, 32);
    assert(bytes_append(&forge->blobs[at].data, data, size, &error) == ERROR_OK);
}
