/* Items of evidence, each as a target of the forger's world answers. */
#include "tests/verify/forge_items.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char subject_hash[] = "titan.req.exec.policy_hash.v1";

static bool runs_on_target(const struct forge *forge, const char *probe)
{
    return strncmp(probe, "bus.", 4) != 0 && strcmp(probe, "health") != 0
           && strcmp(probe, "preflight") != 0 && (strcmp(probe, "guard") != 0 || forge->guard);
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
    if (runs_on_target(forge, probe))
        json_object_set_new(item, "target",
                            json_pack("{s:s, s:I, s:I}", "boot",
                                      "99999999-2222-3333-4444-555555555555", "before_ms",
                                      (json_int_t)((sent + ahead) / 1000000), "after_ms",
                                      (json_int_t)((received + ahead) / 1000000)));
    assert(json_array_append_new(evidence, item) == 0);
}

void forge_containers(struct forge *forge, json_t *evidence)
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

static void forge_logs(struct forge *forge, json_t *evidence, bool execution)
{
    if (forge->no_policy || (execution && forge->execution.id[0] == '\0'))
        return;
    struct bytes *log = execution ? &forge->execution.log : &forge->brain.log;
    forge_item(forge, evidence, execution ? "logs.execution" : "logs.brain",
               execution ? "titan-execution" : "titan-brain", 0,
               log->size > 0 ? (char *)log->data : "");
}

static void forge_marker(struct forge *forge, json_t *evidence)
{
    if (forge->marker && !forge->no_policy && forge->execution.id[0] != '\0')
        forge_item(forge, evidence, "interlock.marker", "titan-execution-1", 0,
                   forge->armed ? "present\n" : "absent\n");
}

void forge_look(struct forge *forge, json_t *evidence)
{
    forge_containers(forge, evidence);
    forge_logs(forge, evidence, true);
    forge_marker(forge, evidence);
}

static void forge_replies(struct forge *forge, json_t *evidence, unsigned count)
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

void forge_up(struct forge *forge, json_t *evidence, const char *services)
{
    forge_item(forge, evidence, "compose.up", services, 0, "Recreating ...\n");
    json_t *item = forge_find(evidence, "compose.up", NULL);
    forge_wait(forge, forge->up_ms);
    json_object_set_new(item, "received_ns", json_integer((json_int_t)forge->now_ns));
}

void forge_health(struct forge *forge, json_t *evidence, bool sick)
{
    forge_item(forge, evidence, "health", "execution", 200,
               "{\"status\":\"ok\",\"version\":\"1\"}");
    forge_item(forge, evidence, "health", "brain", sick ? 503 : 200,
               sick ? "{\"status\":\"unhealthy\"}" : "{\"status\":\"healthy\"}");
}

void forge_one_sample(struct forge *forge, json_t *evidence, bool sick)
{
    forge_containers(forge, evidence);
    forge_health(forge, evidence, sick);
    forge_replies(forge, evidence, 1);
    forge_logs(forge, evidence, true);
    forge_logs(forge, evidence, false);
    forge_look(forge, evidence);
}

void forge_sample(struct forge *forge, unsigned n)
{
    json_t *evidence = json_array();
    int64_t begun_ns = forge->now_ns;
    forge_one_sample(forge, evidence, forge->sick_from != 0 && n >= forge->sick_from);
    if (forge->tamper != NULL)
        forge->tamper(forge, "sample", n, evidence);
    (void)forge_append(forge, "sample", forge->deployment,
                       json_pack("{s:I, s:I, s:o, s:{s:b}}", "intent", (json_int_t)forge->intent,
                                 "n", (json_int_t)n, "evidence", evidence, "facts", "healthy", 1));
    if (forge->now_ns < begun_ns + forge->sample_ms * 1000000)
        forge->now_ns = begun_ns + forge->sample_ms * 1000000;
}

void forge_line(struct forge *forge, json_t *evidence, const char *probe, const char *text)
{
    char output[200];
    (void)snprintf(output, sizeof output, "%s\n", text);
    forge_item(forge, evidence, probe, "", 0, output);
}

void forge_images(struct forge *forge, json_t *evidence, const char *image)
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
void forge_registry(struct forge *forge, json_t *evidence)
{
    char address[160];
    (void)snprintf(address, sizeof address, "127.0.0.1:5000/execution@sha256:%064d", 3);
    forge_line(forge, evidence, "compose.registry", address);
}

void forge_hmacs(struct forge *forge, json_t *evidence)
{
    char text[65];
    forge_fill(text, 'd', 64);
    forge_line(forge, evidence, "hmac.key", text);
    forge_fill(text, forge->code[0], 64);
    forge_line(forge, evidence, "config.hmac", text);
    forge_fill(text, 'e', 64);
    forge_line(forge, evidence, "env.hmac", text);
    forge_line(forge, evidence, "env.mode", "600 1000 1000");
}

void forge_policy_files(struct forge *forge, json_t *evidence)
{
    char text[65];
    forge_fill(text, 'd', 64);
    forge_line(forge, evidence, "policy.hmac", text);
}

/* Each container as the file of the present commit declares it; one that is left alone is declared
 * as before. */
void forge_drift(struct forge *forge, json_t *evidence, const char *subject)
{
    char hmac[65], text[600];
    forge_fill(hmac, (forge->recreate ? forge->code : forge->commit_before)[0], 64);
    (void)snprintf(text, sizeof text,
                   "{\"service\":\"titan-brain\",\"declared\":\"%s\",\"running\":\"%s\"}\n"
                   "{\"service\":\"titan-execution\",\"declared\":\"%s\",\"running\":\"%s\"}\n",
                   hmac, hmac, hmac, hmac);
    forge_item(forge, evidence, "compose.drift", subject, 0, text);
}

void forge_files(struct forge *forge, json_t *evidence)
{
    forge_line(forge, evidence, "git.head", forge->code);
    forge_line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    forge_hmacs(forge, evidence);
}

void forge_services(struct forge *forge, json_t *evidence)
{
    forge_item(forge, evidence, "compose.services", "", 0, "titan-brain\ntitan-execution\n");
}

/* The target's own deployment.json, with the last entry as its head. */
void forge_tenancy(struct forge *forge, json_t *evidence, bool held)
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

void forge_release_target(struct forge *forge, json_t *evidence)
{
    forge_tenancy(forge, evidence, true);
    forge_item(forge, evidence, "act", "release images", 0, "");
    forge_tenancy(forge, evidence, false);
}

/* What stands behind the last `up` of either procedure. */
void forge_remaining(struct forge *forge, json_t *evidence)
{
    forge_containers(forge, evidence);
    forge_drift(forge, evidence, "");
    forge_files(forge, evidence);
    forge_policy_files(forge, evidence);
}

void forge_voices(struct forge *forge, json_t *evidence, bool brain)
{
    forge_replies(forge, evidence, 3);
    forge_logs(forge, evidence, true);
    if (brain)
        forge_logs(forge, evidence, false);
}
