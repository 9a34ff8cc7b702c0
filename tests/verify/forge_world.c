/* The small world from which evidence is made: what a target would have answered. */
#include "tests/verify/forge.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char subject_hash[] = "titan.req.exec.policy_hash.v1";
static unsigned containers_made;

static void fill(char *to, char digit, size_t count)
{
    memset(to, digit, count);
    to[count] = '\0';
}

void forge_world_init(struct forge *forge)
{
    fill(forge->hash_before, 'a', 64);
    fill(forge->hash_new, 'a', 64);
    fill(forge->commit_before, '1', 40);
    fill(forge->commit_after, '2', 40);
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

static bool runs_on_target(const char *probe)
{
    return strncmp(probe, "bus.", 4) != 0 && strcmp(probe, "health") != 0
           && strcmp(probe, "preflight") != 0 && strcmp(probe, "guard") != 0;
}

void forge_item(struct forge *forge, json_t *evidence, const char *probe, const char *subject,
                int status, const char *output)
{
    char hex[65];
    forge_store(forge, output, strlen(output), hex);
    int64_t sent = forge->now_ns + 1000000, received = sent + 2000000;
    int64_t ahead = forge->target_ahead_ns;
    forge->now_ns = received;
    json_t *item = json_pack("{s:s, s:s, s:i, s:s, s:I, s:I, s:I}", "probe", probe, "subject",
                             subject, "status", status, "output", hex, "size",
                             (json_int_t)strlen(output), "sent_ns", (json_int_t)sent, "received_ns",
                             (json_int_t)received);
    if (runs_on_target(probe))
        json_object_set_new(item, "target",
                            json_pack("{s:s, s:I, s:I}", "boot",
                                      "99999999-2222-3333-4444-555555555555", "before_ms",
                                      (json_int_t)((sent + ahead) / 1000000), "after_ms",
                                      (json_int_t)((received + ahead) / 1000000)));
    assert(json_array_append_new(evidence, item) == 0);
}

static void containers(struct forge *forge, json_t *evidence)
{
    char text[2000];
    const char *names[] = {"titan-brain", "titan-execution"}; /* in ascending order */
    const struct forge_container *list[] = {&forge->brain, &forge->execution};
    int length = 0;
    for (unsigned i = 0; i < 2; i++)
        if (list[i]->id[0] != '\0')
            length += snprintf(text + length, sizeof text - (size_t)length,
                               "{\"service\":\"%s\",\"id\":\"%s\",\"image\":\"%s\",\"state\":\"%"
                               "s\",\"health\":null,"
                               "\"started_at\":\"%s\",\"restarts\":0,\"name\":\"%s-1\"}\n",
                               names[i], list[i]->id, list[i]->image, list[i]->state,
                               list[i]->started_at, names[i]);
    text[length] = '\0';
    forge_item(forge, evidence, "compose.containers", "", 0, text);
}

static void logs(struct forge *forge, json_t *evidence, bool execution)
{
    if (forge->no_policy || (execution && forge->execution.id[0] == '\0'))
        return;
    struct bytes *log = execution ? &forge->execution.log : &forge->brain.log;
    forge_item(forge, evidence, execution ? "logs.execution" : "logs.brain",
               execution ? "titan-execution" : "titan-brain", 0,
               log->size > 0 ? (char *)log->data : "");
}

static void marker(struct forge *forge, json_t *evidence)
{
    if (forge->marker && !forge->no_policy && forge->execution.id[0] != '\0')
        forge_item(forge, evidence, "interlock.marker", "titan-execution-1", 0,
                   forge->armed ? "present\n" : "absent\n");
}

void forge_look(struct forge *forge, json_t *evidence)
{
    containers(forge, evidence);
    logs(forge, evidence, true);
    marker(forge, evidence);
}

static void replies(struct forge *forge, json_t *evidence, unsigned count)
{
    char text[200];
    bool old = strcmp(forge->execution.image, forge->image_before) == 0;
    for (unsigned i = 0; i < count && !forge->no_policy; i++) {
        (void)snprintf(text, sizeof text, "{\"policy_hash\":\"%s\",\"timestamp\":%u}",
                       old ? forge->hash_before : forge->hash_new, i);
        forge_item(forge, evidence, "bus.policy_hash", subject_hash, 0, text);
    }
}

void forge_send(struct forge *forge, json_t *evidence, bool arm)
{
    char text[200];
    (void)snprintf(text, sizeof text, "%s because of a test", forge->key);
    forge_item(forge, evidence, "bus.publish", arm ? FORGE_ARM : FORGE_DISARM, 0, text);
    (void)snprintf(text, sizeof text, "Received %s command: %s because of a test",
                   arm ? "ARM" : "DISARM", forge->key);
    forge_log(forge, &forge->execution, text);
    if (forge->armed != arm) {
        (void)snprintf(text, sizeof text, "⚡ EXECUTION %s: %s because of a test",
                       arm ? "ARMED" : "DISARMED", forge->key);
        forge_log(forge, &forge->execution, text);
    }
    forge->armed = arm;
}

static void up(struct forge *forge, json_t *evidence, const char *services)
{
    forge_item(forge, evidence, "compose.up", services, 0, "Recreating ...\n");
    json_t *item = forge_find(evidence, "compose.up", NULL);
    forge_wait(forge, forge->up_ms);
    json_object_set_new(item, "received_ns", json_integer((json_int_t)forge->now_ns));
}

static void health(struct forge *forge, json_t *evidence, bool sick)
{
    forge_item(forge, evidence, "health", "execution", 200,
               "{\"status\":\"ok\",\"version\":\"1\"}");
    forge_item(forge, evidence, "health", "brain", sick ? 503 : 200,
               sick ? "{\"status\":\"unhealthy\"}" : "{\"status\":\"healthy\"}");
}

static void one_sample(struct forge *forge, json_t *evidence, bool sick)
{
    containers(forge, evidence);
    health(forge, evidence, sick);
    replies(forge, evidence, 1);
    logs(forge, evidence, true);
    logs(forge, evidence, false);
    forge_look(forge, evidence);
}

void forge_sample(struct forge *forge, unsigned n)
{
    json_t *evidence = json_array();
    int64_t begun_ns = forge->now_ns;
    one_sample(forge, evidence, forge->sick_from != 0 && n >= forge->sick_from);
    if (forge->tamper != NULL)
        forge->tamper(forge, "sample", n, evidence);
    (void)forge_append(forge, "sample", forge->deployment,
                       json_pack("{s:I, s:I, s:o, s:{s:b}}", "intent", (json_int_t)forge->intent,
                                 "n", (json_int_t)n, "evidence", evidence, "facts", "healthy", 1));
    if (forge->now_ns < begun_ns + forge->sample_ms * 1000000)
        forge->now_ns = begun_ns + forge->sample_ms * 1000000;
}

static void line(struct forge *forge, json_t *evidence, const char *probe, const char *text)
{
    char output[200];
    (void)snprintf(output, sizeof output, "%s\n", text);
    forge_item(forge, evidence, probe, "", 0, output);
}

static void images(struct forge *forge, json_t *evidence, const char *image)
{
    char text[800];
    (void)snprintf(text, sizeof text,
                   "{\"service\":\"titan-brain\",\"name\":\"y\",\"id\":\"%s\",\"digests\":[]}\n"
                   "{\"service\":\"titan-execution\",\"name\":\"x\",\"id\":\"%s\",\"digests\":["
                   "\"127.0.0.1:5000/execution@sha256:%064d\"]}\n",
                   image, image, 3);
    forge_item(forge, evidence, "compose.images", "", 0, text);
}

/* Of titan-execution: the one address that `images` has. */
static void registry(struct forge *forge, json_t *evidence)
{
    char address[160];
    (void)snprintf(address, sizeof address, "127.0.0.1:5000/execution@sha256:%064d", 3);
    line(forge, evidence, "compose.registry", address);
}

static void hmacs(struct forge *forge, json_t *evidence)
{
    char text[65];
    fill(text, 'd', 64);
    line(forge, evidence, "hmac.key", text);
    fill(text, forge->code[0], 64);
    line(forge, evidence, "config.hmac", text);
    fill(text, 'e', 64);
    line(forge, evidence, "env.hmac", text);
    line(forge, evidence, "env.mode", "600 1000 1000");
}

static void policy_files(struct forge *forge, json_t *evidence)
{
    char text[65];
    fill(text, 'd', 64);
    line(forge, evidence, "policy.hmac", text);
}

/* Each container as the file of the present commit declares it; one that is left alone is declared
 * as before. */
static void drift(struct forge *forge, json_t *evidence, const char *subject)
{
    char hmac[65], text[600];
    fill(hmac, (forge->recreate ? forge->code : forge->commit_before)[0], 64);
    (void)snprintf(text, sizeof text,
                   "{\"service\":\"titan-brain\",\"declared\":\"%s\",\"running\":\"%s\"}\n"
                   "{\"service\":\"titan-execution\",\"declared\":\"%s\",\"running\":\"%s\"}\n",
                   hmac, hmac, hmac, hmac);
    forge_item(forge, evidence, "compose.drift", subject, 0, text);
}

static void files(struct forge *forge, json_t *evidence)
{
    line(forge, evidence, "git.head", forge->code);
    line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    hmacs(forge, evidence);
}

static void services(struct forge *forge, json_t *evidence)
{
    forge_item(forge, evidence, "compose.services", "", 0, "titan-brain\ntitan-execution\n");
}

/* The target's own deployment.json, with the last entry as its head. */
static void tenancy(struct forge *forge, json_t *evidence, bool held)
{
    char text[400], hash[65];
    bytes_sha256_hex(forge->values[forge->count - 1].data, forge->values[forge->count - 1].size,
                     hash);
    (void)snprintf(text, sizeof text,
                   "{\"journal\":\"%s\",\"deployment\":%lld,\"epoch\":%lld,\"head_seq\":%zu,"
                   "\"head_hash\":\"%s\",\"holder\":\"%s\"}",
                   forge->journal, held ? (long long)forge->deployment : 0LL,
                   (long long)forge->epoch, forge->count - 1, hash,
                   held ? "alice on a laptop" : "");
    forge_item(forge, evidence, "tenancy", "", 0, text);
    forge->epoch += !held; /* of the next deployment */
}

static void release_target(struct forge *forge, json_t *evidence)
{
    tenancy(forge, evidence, true);
    forge_item(forge, evidence, "act", "release images", 0, "");
    tenancy(forge, evidence, false);
}

/* What stands behind the last `up` of either procedure. */
static void remaining(struct forge *forge, json_t *evidence)
{
    containers(forge, evidence);
    drift(forge, evidence, "");
    files(forge, evidence);
    policy_files(forge, evidence);
}

static void voices(struct forge *forge, json_t *evidence, bool brain)
{
    replies(forge, evidence, 3);
    logs(forge, evidence, true);
    if (brain)
        logs(forge, evidence, false);
}

static void connect_target(struct forge *forge, json_t *evidence)
{
    tenancy(forge, evidence, true);
    files(forge, evidence);
    services(forge, evidence);
    line(forge, evidence, "compose.store", "classic");
    containers(forge, evidence);
    images(forge, evidence, forge->image_before);
    drift(forge, evidence, "");
    health(forge, evidence, false);
    line(forge, evidence, "env.good", "none");
    forge_look(forge, evidence);
    voices(forge, evidence, true);
    forge_item(forge, evidence, "act", "hold images", 0, "");
    forge_item(forge, evidence, "act", "keep files", 0, "");
}

static void update_code(struct forge *forge, json_t *evidence)
{
    char change[96];
    line(forge, evidence, "git.head", forge->code);
    line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    (void)snprintf(change, sizeof change, "%s..%s", forge->code, forge->commit_after);
    memcpy(forge->code, forge->commit_after, sizeof forge->code);
    forge_item(forge, evidence, "act", "update", 0, "");
    line(forge, evidence, "git.head", forge->code);
    line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    forge_item(forge, evidence, "git.changed", change, 0, "docker-compose.prod.yml\n");
    forge_item(forge, evidence, "git.subject", forge->code, 0, "a release\n");
}

static void prepare(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "run_preflight") == 0) {
        forge_item(forge, evidence, "preflight", "backups", 0, "newest backup: 3 h");
        forge_item(forge, evidence, "preflight", "ports", 0, "80 443");
    } else if (strcmp(action, "connect") == 0) {
        connect_target(forge, evidence);
    } else if (strcmp(action, "update_code") == 0) {
        update_code(forge, evidence);
    } else if (strcmp(action, "pull_images") == 0) {
        services(forge, evidence);
        hmacs(forge, evidence);
        policy_files(forge, evidence);
        forge_item(forge, evidence, "compose.pull", "", 0, "pulled\n");
        forge_item(forge, evidence, "act", "hold images", 0, "");
        images(forge, evidence, forge->image_after);
        registry(forge, evidence);
    } else if (strcmp(action, "lay_guard") == 0) {
        forge_item(forge, evidence, "guard", "", 0, "absent\n");
    }
}

static void last_look(struct forge *forge, json_t *evidence)
{
    files(forge, evidence);
    policy_files(forge, evidence);
    services(forge, evidence);
    containers(forge, evidence);
    images(forge, evidence, forge->image_after);
    forge_look(forge, evidence);
    voices(forge, evidence, true);
    forge_look(forge, evidence);
}

static void switch_services(struct forge *forge, json_t *evidence)
{
    last_look(forge, evidence);
    up(forge, evidence, "titan-execution");
    if (forge->recreate)
        forge_start(forge, &forge->execution, true, forge->image_after, forge->hash_new);
    up(forge, evidence, "titan-brain");
    if (forge->recreate)
        forge_start(forge, &forge->brain, false, forge->image_after, forge->hash_new);
    up(forge, evidence, "");
    remaining(forge, evidence);
}

static void deploy(struct forge *forge, json_t *evidence, bool execution)
{
    if (execution)
        last_look(forge, evidence);
    forge_send(forge, evidence, false);
    forge_look(forge, evidence);
    up(forge, evidence, execution ? "titan-execution" : "titan-brain");
    forge_start(forge, execution ? &forge->execution : &forge->brain, execution, forge->image_after,
                forge->hash_new);
    forge_look(forge, evidence);
    if (execution)
        return;
    up(forge, evidence, "");
    services(forge, evidence);
    remaining(forge, evidence);
    forge_look(forge, evidence);
}

static void change(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "switch_services") == 0) {
        switch_services(forge, evidence);
    } else if (strcmp(action, "disarm") == 0) {
        forge_send(forge, evidence, false);
        forge_look(forge, evidence);
    } else if (strcmp(action, "deploy_execution") == 0 || strcmp(action, "deploy_brain") == 0) {
        deploy(forge, evidence, strcmp(action, "deploy_execution") == 0);
    }
}

static void examine(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "verify_release") == 0) {
        containers(forge, evidence);
        health(forge, evidence, false);
        forge_item(forge, evidence, "logs.errors", "titan-brain", 0, "");
        voices(forge, evidence, true);
        forge_look(forge, evidence);
    } else if (strcmp(action, "verify_execution") == 0 || strcmp(action, "verify_parity") == 0) {
        containers(forge, evidence);
        voices(forge, evidence, strcmp(action, "verify_parity") == 0);
        forge_look(forge, evidence);
    } else if (strcmp(action, "arm") == 0) {
        containers(forge, evidence);
        voices(forge, evidence, true);
        forge_look(forge, evidence);
        forge_send(forge, evidence, true);
        forge_look(forge, evidence);
    } else if (strcmp(action, "confirm") == 0) {
        forge_item(forge, evidence, "guard", "", 0, "absent\n");
        one_sample(forge, evidence, false);
    } else if (strcmp(action, "complete") == 0) {
        tenancy(forge, evidence, true);
        forge_item(forge, evidence, "act", "keep as good", 0, "");
        forge_item(forge, evidence, "act", "release images", 0, "");
        tenancy(forge, evidence, false);
    }
}

static void pin(struct forge *forge, json_t *evidence, const char *service)
{
    char subject[160];
    (void)snprintf(subject, sizeof subject, "pin %s %s", service, forge->image_before);
    forge_item(forge, evidence, "act", subject, 0, "");
}

static void redeploy(struct forge *forge, json_t *evidence)
{
    services(forge, evidence);
    containers(forge, evidence);
    forge_look(forge, evidence);
    up(forge, evidence, "titan-execution");
    forge_start(forge, &forge->execution, true, forge->image_before, forge->hash_before);
    forge_look(forge, evidence);
    up(forge, evidence, "titan-brain");
    forge_start(forge, &forge->brain, false, forge->image_before, forge->hash_before);
    containers(forge, evidence);
}

static void verify_restored(struct forge *forge, json_t *evidence)
{
    services(forge, evidence);
    files(forge, evidence);
    containers(forge, evidence);
    health(forge, evidence, false);
    forge_look(forge, evidence);
    voices(forge, evidence, true);
    drift(forge, evidence, "");
    images(forge, evidence, forge->image_before);
    release_target(forge, evidence);
}

static void restore(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "make_safe") == 0) {
        forge_send(forge, evidence, false);
        forge_look(forge, evidence);
    } else if (strcmp(action, "revert") == 0) {
        memcpy(forge->code, forge->commit_before, sizeof forge->code);
        forge_item(forge, evidence, "act", "restore", 0, "");
        line(forge, evidence, "git.head", forge->code);
        line(forge, evidence, "git.branch", "main");
        forge_item(forge, evidence, "git.status", "", 0, "");
        forge_item(forge, evidence, "act", "restore env", 0, "");
        hmacs(forge, evidence);
        services(forge, evidence);
        images(forge, evidence, forge->image_before);
        pin(forge, evidence, "titan-brain");
        pin(forge, evidence, "titan-execution");
    } else if (strcmp(action, "redeploy") == 0) {
        redeploy(forge, evidence);
    } else if (strcmp(action, "verify_restored") == 0) {
        verify_restored(forge, evidence);
    } else if (strcmp(action, "restore_code") == 0) {
        memcpy(forge->code, forge->commit_before, sizeof forge->code);
        tenancy(forge, evidence, true);
        forge_item(forge, evidence, "act", "restore", 0, "");
        line(forge, evidence, "git.head", forge->code);
        line(forge, evidence, "git.branch", "main");
        forge_item(forge, evidence, "git.status", "", 0, "");
        if (forge->pulls) {
            forge_item(forge, evidence, "act", "give names back", 0, "");
            images(forge, evidence, forge->image_before);
        }
        forge_item(forge, evidence, "act", "release images", 0, "");
        tenancy(forge, evidence, false);
    }
}

json_t *forge_found(struct forge *forge)
{
    json_t *evidence = json_array();
    line(forge, evidence, "git.head", forge->code);
    line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    containers(forge, evidence);
    return evidence;
}

json_t *forge_evidence(struct forge *forge, const char *action)
{
    json_t *evidence = json_array();
    prepare(forge, evidence, action);
    change(forge, evidence, action);
    examine(forge, evidence, action);
    restore(forge, evidence, action);
    if (forge->tamper != NULL)
        forge->tamper(forge, action, 0, evidence);
    return evidence;
}

json_t *forge_find(json_t *evidence, const char *probe, const char *subject)
{
    for (size_t i = json_array_size(evidence); i-- > 0;) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), probe) == 0
            && (subject == NULL
                || strcmp(json_string_value(json_object_get(item, "subject")), subject) == 0))
            return item;
    }
    return NULL;
}

void forge_replace(struct forge *forge, json_t *item, const char *output)
{
    char hex[65];
    assert(item != NULL);
    forge_store(forge, output, strlen(output), hex);
    json_object_set_new(item, "output", json_string(hex));
    json_object_set_new(item, "size", json_integer((json_int_t)strlen(output)));
}

void forge_drop(json_t *evidence, const char *probe, const char *subject)
{
    for (size_t i = json_array_size(evidence); i-- > 0;) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), probe) == 0
            && (subject == NULL
                || strcmp(json_string_value(json_object_get(item, "subject")), subject) == 0))
            json_array_remove(evidence, i);
    }
}
