#include "tests/verify/forge.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "journal/format/allowed_signers.h"
#include "journal/canonical.h"
#include "journal/format/merkle.h"
#include "journal/format/note.h"
#include "journal/format/sshsig.h"

#define BOTH "both"
#define RELEASE "release"
#define POLICY "policy"

static const struct {
    const char *procedure, *from, *event, *action, *to;
} rows[] = {
#define TRANSITION(procedure, from, event, action, to, deadline_ms) \
    {procedure, #from, #event, #action, #to},
#include "fsm/transitions.def"
#undef TRANSITION
};

static void lower(const char *from, char *to)
{
    size_t i = 0;
    for (; from[i] != '\0'; i++)
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
    to[i] = '\0';
}

const struct forge_edge *forge_edges(size_t *ret_count)
{
    static struct forge_edge edges[2 * sizeof rows / sizeof rows[0]];
    static size_t count;
    for (size_t i = 0, filled = count; filled == 0 && i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        const char *name = i % 2 == 0 ? RELEASE : POLICY;
        if (strcmp(rows[i / 2].procedure, BOTH) != 0 && strcmp(rows[i / 2].procedure, name) != 0)
            continue;
        struct forge_edge *edge = &edges[count++];
        edge->procedure = name;
        lower(rows[i / 2].from, edge->from);
        lower(rows[i / 2].event, edge->event);
        lower(rows[i / 2].action, edge->action);
        lower(rows[i / 2].to, edge->to);
    }
    *ret_count = count;
    return edges;
}

void forge_init(struct forge *forge)
{
    assert(sodium_init() >= 0);
    *forge = (struct forge){.now_ns = 1000000000000,
                            .wall_offset_ns = 1763881200000000000,
                            .deployment = -1,
                            .intent = -1,
                            .sessions = FORGE_FIRST_SESSION,
                            .epoch = 1,
                            .genesis_window_ms = 300000};
    memcpy(forge->journal, "00112233445566778899aabbccddeeff", 33);
    memcpy(forge->boot, "11111111-2222-3333-4444-555555555555", 37);
    forge_world_init(forge);
}

void forge_free(struct forge *forge)
{
    for (size_t i = 0; i < forge->count; i++)
        bytes_free(&forge->values[i]);
    for (size_t i = 0; i < forge->blob_count; i++)
        bytes_free(&forge->blobs[i].data);
    free(forge->values);
    free(forge->blobs);
    bytes_free(&forge->execution.log);
    bytes_free(&forge->brain.log);
}

static void keypair(uint8_t seed, uint8_t public_key[KEY_BYTES],
                    uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
    uint8_t bytes[SEED_BYTES];
    memset(bytes, seed, sizeof bytes);
    assert(crypto_sign_seed_keypair(public_key, secret, bytes) == 0);
}

void forge_public_key(uint8_t seed, uint8_t ret_key[KEY_BYTES])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    keypair(seed, ret_key, secret);
}

char *forge_signer_line(uint8_t seed, const char *principal)
{
    uint8_t key[KEY_BYTES];
    char text[SSH_PUBLIC_KEY_TEXT_MAX], *line = NULL;
    forge_public_key(seed, key);
    ssh_public_key_text(key, text);
    assert(
        asprintf(&line, "%s namespaces=\"titan-journal-v1,titan-approval-v1\" %s", principal, text)
        > 0);
    return line;
}

void forge_trust(struct allowed_signers *ret_trust)
{
    struct error error;
    char *line = forge_signer_line(FORGE_OPERATOR, "alice");
    assert(allowed_signers_read("trust", line, strlen(line), ret_trust, &error) == ERROR_OK);
    free(line);
}

static void utc(const struct forge *forge, char ret_utc[40])
{
    int64_t ns = forge->now_ns + forge->wall_offset_ns;
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    char day[24];
    assert(gmtime_r(&seconds, &parts) != NULL
           && strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts) > 0);
    (void)snprintf(ret_utc, 40, "%s.%09lldZ", day, (long long)(ns % 1000000000));
}

const char *forge_time(const struct forge *forge, char ret_time[40])
{
    utc(forge, ret_time);
    return ret_time;
}

static uint8_t signer_of(struct forge *forge, const char *type, int64_t deployment)
{
    static const char *const own[] = {"genesis", "roster", "open", "attestation", "takeover"};
    uint8_t seed = deployment >= 0 ? forge->session : FORGE_OPERATOR;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i], type) == 0)
            seed = FORGE_OPERATOR;
    if (forge->sign_as != 0)
        seed = forge->sign_as;
    forge->sign_as = 0;
    return seed;
}

uint64_t forge_append(struct forge *forge, const char *type, int64_t deployment, json_t *body)
{
    uint8_t public_key[KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES],
        data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES];
    char prev[65], signer[65], time[40];
    struct error error;
    struct bytes payload = {0}, value = {0};
    keypair(signer_of(forge, type, deployment), public_key, secret);
    forge->now_ns += 1000000;
    utc(forge, time);
    bytes_hex(public_key, KEY_BYTES, signer);
    memset(prev, '0', 64);
    prev[64] = '\0';
    if (forge->count > 0)
        bytes_sha256_hex(forge->values[forge->count - 1].data, forge->values[forge->count - 1].size,
                         prev);
    json_t *entry = json_pack("{s:i, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:s}", "v", 1, "journal",
                              forge->journal, "seq", (json_int_t)forge->count, "prev", prev, "utc",
                              time, "boot", forge->boot, "boottime_ns", (json_int_t)forge->now_ns,
                              "signer", signer, "type", type);
    if (deployment >= 0)
        json_object_set_new(entry, "deployment", json_integer(deployment));
    json_object_set_new(entry, "body", body);
    if (strcmp(type, "takeover") == 0) /* and gives its epoch to the target */
        forge->epoch = json_integer_value(json_object_get(body, "epoch"));
    assert(canonical_write(entry, &payload, &error) == ERROR_OK);
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size, data);
    assert(crypto_sign_detached(signature, NULL, data, size, secret) == 0);
    assert(bytes_append(&value, signature, sizeof signature, &error) == ERROR_OK
           && bytes_append(&value, payload.data, payload.size, &error) == ERROR_OK);
    bytes_free(&payload);
    json_decref(entry);
    forge->values = reallocarray(forge->values, forge->count + 1, sizeof *forge->values);
    forge->values[forge->count] = value;
    return forge->count++;
}

static json_t *roster(void)
{
    char *operator= forge_signer_line(FORGE_OPERATOR, "alice"),
         *second = forge_signer_line(FORGE_SECOND, "bob");
    char *approver = forge_signer_line(FORGE_APPROVER, "carol");
    json_t *json = json_pack("{s:[s,s], s:[s], s:[s]}", "operators", operator, second, "approvers",
                             approver, "administrators", operator);
    free(operator);
    free(second);
    free(approver);
    return json;
}

void forge_genesis(struct forge *forge)
{
    json_t *patterns = json_pack(
        "{s:[s,s], s:[s,s], s:[s,s], s:[s], s:[s,s], s:[s,s], s:[]}", "policy_loaded",
        "Risk Policy Loaded. Hash: %H", "Loaded RiskPolicy (hash: %H", "handshake_ok",
        "Policy hash handshake OK. Enabling signal processing. Hash: %H",
        "Policy hash handshake OK", "handshake_failed", "CRITICAL: Policy hash handshake FAILED",
        "Policy hash handshake FAILED", "disarm_received", "Received DISARM command: %N",
        "disarmed", "EXECUTION DISARMED: ", "Execution initialized DISARMED", "armed",
        "EXECUTION ARMED: ", "Execution initialized in ARMED state", "errors");
    json_t *limits = json_pack("{s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "window_ms",
                               (json_int_t)forge->genesis_window_ms, "sample_interval_ms", 5000,
                               "sample_gap_ms", 10000, "window_start_ms", 120000,
                               "window_start_armed_ms", 10000, "failures", 3, "rollback_start_ms",
                               10000, "rollback_ms", 300000, "disarm_fresh_ms", 10000, "answer_ms",
                               60000);
    json_t *checklist = forge->no_checklist ? json_array() : json_pack("[s,s]", "backups", "ports");
    json_t *body = json_pack(
        "{s:{s:s, s:s, s:s}, s:{s:s, s:s}, s:[s,s], s:b, s:o, s:o, s:o, s:o, s:{s:I, s:I}}",
        "target", "name", FORGE_TARGET, "address", "local", "host_key", "", "services", "execution",
        forge->no_policy ? "" : "titan-execution", "brain", forge->no_policy ? "" : "titan-brain",
        "endpoints", "execution", "brain", "marker", forge->marker && !forge->no_policy, "patterns",
        patterns, "limits", limits, "roster", forge->roster != NULL ? forge->roster : roster(),
        "checklist", checklist, "approvals", "policy", (json_int_t)forge->approvals, "release",
        (json_int_t)forge->approvals);
    assert(body != NULL);
    if (forge->succeeds != NULL)
        json_object_set_new(body, "succeeds", forge->succeeds);
    (void)forge_append(forge, "genesis", -1, body);
}

void forge_open(struct forge *forge, const char *procedure)
{
    uint8_t key[KEY_BYTES];
    char session[65], zeros[65];
    memset(zeros, '0', 64);
    zeros[64] = '\0';
    forge->session = forge->sessions++;
    forge->procedure = procedure;
    if (strcmp(procedure, POLICY) == 0 && strcmp(forge->hash_new, forge->hash_before) == 0)
        memset(forge->hash_new, 'b', 64);
    forge_public_key(forge->session, key);
    bytes_hex(key, KEY_BYTES, session);
    const char *opener = forge->operator!= NULL ? forge->operator: "alice";
    const char *reason = forge->reason != NULL ? forge->reason : "a test";
    const char *expect = forge->expect != NULL ? forge->expect : "";
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[], s:i, s:s}",
                             "procedure", procedure, "operator", opener, "reason", reason,
                             "session", session, "table", zeros, "program", "forge", "branch",
                             "main", "commit", "", "expect", expect, "checklist", "approvals", 0,
                             "config", zeros);
    forge->deployment = (int64_t)forge->count;
    (void)snprintf(forge->state, sizeof forge->state, "opened");
    (void)forge_append(forge, "open", forge->deployment, body);
}

uint64_t forge_intent(struct forge *forge, const char *action, int64_t repeats, bool same_key)
{
    if (strcmp(forge->state, "guarded") == 0 && repeats < 0)
        forge_note(forge, "confirmed");
    if (!same_key)
        (void)snprintf(forge->key, sizeof forge->key, "%032x", ++forge->keys);
    json_t *body = json_pack("{s:s, s:s, s:s, s:i}", "from", forge->state, "action", action, "key",
                             forge->key, "deadline_ms", 60000);
    if (repeats >= 0)
        json_object_set_new(body, "repeats", json_integer(repeats));
    json_object_set_new(body, "what", json_string("what is done"));
    forge->intent = (int64_t)forge_append(forge, "intent", forge->deployment, body);
    forge->pulls = forge->pulls || strcmp(action, "pull_images") == 0;
    return (uint64_t)forge->intent;
}

void forge_transition(struct forge *forge, int64_t intent, const char *event, const char *to,
                      json_t *evidence)
{
    json_t *body = json_object();
    if (intent >= 0)
        json_object_set_new(body, "intent", json_integer(intent));
    json_t *rest = json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s, s:b}}", "from", forge->state,
                             "event", event, "to", to, "reason", "", "evidence",
                             evidence != NULL ? evidence : json_array(), "facts", "parity", "equal",
                             "interlock", "as it must be", "healthy", 1);
    json_object_update(body, rest);
    json_decref(rest);
    (void)forge_append(forge, "transition", forge->deployment, body);
    (void)snprintf(forge->state, sizeof forge->state, "%s", to);
}

void forge_reconcile(struct forge *forge, const char *found, const char *then, json_t *evidence)
{
    json_t *body = json_pack("{s:I, s:s, s:s, s:s, s:o}", "intent", (json_int_t)forge->intent,
                             "found", found, "then", then, "reason", "", "evidence",
                             evidence != NULL ? evidence : forge_found(forge));
    (void)forge_append(forge, "reconciliation", forge->deployment, body);
}

void forge_answer(struct forge *forge, const char *outcome)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "command", "answer", "phase",
                             "outcome", "key", "", "outcome", outcome, "reason", "arm again?",
                             "evidence");
    (void)forge_append(forge, "command", forge->deployment, body);
}

void forge_note(struct forge *forge, const char *kind)
{
    (void)forge_append(forge, "note", forge->deployment,
                       json_pack("{s:s, s:s}", "text", "a note", "kind", kind));
}

const struct forge_edge *forge_edge(const struct forge *forge, const char *event)
{
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(edges[i].procedure, forge->procedure) == 0
            && strcmp(edges[i].from, forge->state) == 0 && strcmp(edges[i].event, event) == 0)
            return &edges[i];
    return NULL;
}

const char *forge_action_of(const char *procedure, const char *state)
{
    size_t count;
    const struct forge_edge *edges = forge_edges(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(edges[i].procedure, procedure) == 0 && strcmp(edges[i].from, state) == 0
            && strcmp(edges[i].event, "done") == 0)
            return edges[i].action;
    return NULL;
}

static bool is_answer(const char *event)
{
    return strcmp(event, "abort") != 0 && strcmp(event, "rollback") != 0
           && strcmp(event, "guard_fired") != 0;
}

void forge_take(struct forge *forge, const char *event)
{
    const struct forge_edge *edge = forge_edge(forge, event);
    assert(edge != NULL);
    bool good = strcmp(event, "done") == 0 || strcmp(event, "rearmed") == 0;
    if (!is_answer(event)) {
        forge_transition(forge, -1, event, edge->to,
                         strcmp(event, "guard_fired") == 0 ? forge_fired(forge) : NULL);
        return;
    }
    const char *action = good ? edge->action : forge_action_of(forge->procedure, forge->state);
    uint64_t intent = forge_intent(forge, action, -1, false);
    unsigned last = good ? forge->samples : forge->sick_from != 0 ? forge->sick_from + 2 : 0;
    for (unsigned n = 1; strcmp(action, "observe_window") == 0 && n <= last; n++)
        forge_sample(forge, n);
    forge_transition(forge, (int64_t)intent, event, edge->to,
                     good ? forge_evidence(forge, action) : NULL);
}

void forge_until(struct forge *forge, const char *state)
{
    for (unsigned i = 0; strcmp(forge->state, state) != 0; i++) {
        assert(i < 32);
        forge_take(forge, "done");
    }
}

void forge_rollback(struct forge *forge)
{
    forge_until(forge, "rolled_back");
}

void forge_whole(struct forge *forge, const char *procedure)
{
    if (forge->count == 0)
        forge_genesis(forge);
    forge_open(forge, procedure);
    forge_until(forge, "completed");
}

void forge_record(const struct forge *forge, struct record *ret_record)
{
    struct error error;
    for (size_t i = 0; i < forge->count; i++) {
        struct bytes value = {0};
        assert(bytes_append(&value, forge->values[i].data, forge->values[i].size, &error)
               == ERROR_OK);
        assert(record_add_entry(ret_record, i, &value, &error) == ERROR_OK);
    }
    for (size_t i = 0; i < forge->blob_count; i++) {
        struct bytes data = {0};
        assert(bytes_append(&data, forge->blobs[i].data.data, forge->blobs[i].data.size, &error)
               == ERROR_OK);
        assert(record_add_blob(ret_record, forge->blobs[i].hash, &data, &error) == ERROR_OK);
    }
}

void forge_sign_checkpoint(const struct forge *forge, const struct merkle *merkle, uint8_t seed,
                           struct bytes *ret_note)
{
    uint8_t public_key[KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES], signature[SIGNATURE_BYTES];
    struct checkpoint checkpoint = {.size = merkle->size};
    struct bytes text = {0};
    struct error error;
    merkle_root(merkle, checkpoint.root);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "titan/%s", forge->journal);
    keypair(seed, public_key, secret);
    assert(checkpoint_text(&checkpoint, &text, &error) == ERROR_OK
           && crypto_sign_detached(signature, NULL, text.data, text.size, secret) == 0);
    assert(checkpoint_note(&checkpoint, signature, public_key, ret_note, &error) == ERROR_OK);
    bytes_free(&text);
}

void forge_checkpoint(const struct forge *forge, size_t size, uint8_t seed, struct bytes *ret_note)
{
    struct merkle merkle;
    merkle_init(&merkle);
    for (size_t i = 0; i < size; i++)
        merkle_add(&merkle, forge->values[i].data, forge->values[i].size);
    forge_sign_checkpoint(forge, &merkle, seed, ret_note);
}

void forge_bundle(const struct forge *forge, struct bytes *ret_text)
{
    struct error error;
    struct bytes note = {0};
    assert(bytes_append_format(
               ret_text, &error,
               "{\"titan_bundle\":1,\"journal\":\"%s\",\"entries\":%zu,\"blobs\":%zu}\n",
               forge->journal, forge->count, forge->blob_count)
           == ERROR_OK);
    for (size_t i = 0; i < forge->count; i++) {
        struct bytes payload = {0}, signature = {0};
        assert(bytes_base64(forge->values[i].data + SIGNATURE_BYTES,
                            forge->values[i].size - SIGNATURE_BYTES, &payload, &error)
               == ERROR_OK);
        assert(bytes_base64(forge->values[i].data, SIGNATURE_BYTES, &signature, &error)
               == ERROR_OK);
        assert(bytes_append_format(ret_text, &error,
                                   "{\"seq\":%zu,\"payload\":\"%s\",\"signature\":\"%s\"}\n", i,
                                   (char *)payload.data, (char *)signature.data)
               == ERROR_OK);
        bytes_free(&payload);
        bytes_free(&signature);
    }
    for (size_t i = 0; i < forge->blob_count; i++) {
        char hex[65];
        struct bytes data = {0};
        bytes_hex(forge->blobs[i].hash, 32, hex);
        assert(bytes_base64(forge->blobs[i].data.data, forge->blobs[i].data.size, &data, &error)
               == ERROR_OK);
        assert(bytes_append_format(ret_text, &error, "{\"sha256\":\"%s\",\"data\":\"%s\"}\n", hex,
                                   data.size > 0 ? (char *)data.data : "")
               == ERROR_OK);
        bytes_free(&data);
    }
    forge_checkpoint(forge, forge->count, FORGE_OPERATOR, &note);
    json_t *line = json_pack("{s:s#}", "checkpoint", (const char *)note.data, (int)note.size);
    assert(canonical_write(line, ret_text, &error) == ERROR_OK
           && bytes_append(ret_text, "\n", 1, &error) == ERROR_OK);
    json_decref(line);
    bytes_free(&note);
}

void forge_write(const char *path, const struct bytes *data)
{
    FILE *file = fopen(path, "we");
    assert(file != NULL && fwrite(data->data, 1, data->size, file) == data->size
           && fclose(file) == 0);
}

void forge_verify(const struct forge *forge, const struct limits *limits, struct report *ret_report)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits standard;
    struct error error;
    limits_default(&standard);
    forge_trust(&trust);
    forge_record(forge, &record);
    struct audit audit = {.limits = limits != NULL ? limits : &standard,
                          .trust = &trust,
                          .target = FORGE_TARGET};
    assert(verify_record(&record, &audit, SELECTION_LAST, 0, ret_report, &error) == ERROR_OK);
}

struct finding forge_judge(const struct forge *forge, const struct limits *limits, enum claim claim)
{
    CLEANUP_REPORT struct report report = {0};
    forge_verify(forge, limits, &report);
    return report.deployments[0].claims[claim];
}
