/* Writes the journals whose pages are looked at: DIRECTORY/NAME.bundle, and DIRECTORY/trust. They
 * are forged (tests/verify/forge.h): signed validly, of a small world that never ran. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/verify/forge.h"

/* What a page must not obey, wherever it stands. */
#define PLANTED                                                                         \
    "<script>window.planted=1</script><img src=x onerror=\"window.planted=2\"><a "      \
    "href=\"javascript:window.planted=3\">press</a>"                                    \
    "</pre></details></svg></title></style><svg onload=window.planted=4>\" "            \
    "onfocus=\"window.planted=5\" autofocus=\"' &lt; \x1b[31mred\x1b]8;;http://x/\x07 " \
    "\xe2\x80\xae"                                                                      \
    "esrever"

static const char *directory;

static bool is_referred(const struct forge *forge, size_t blob)
{
    char hex[65];
    bytes_hex(forge->blobs[blob].hash, 32, hex);
    for (size_t i = 0; i < forge->count; i++)
        if (memmem(forge->values[i].data, forge->values[i].size, hex, 64) != NULL)
            return true;
    return false;
}

/* What a tamper hook put other evidence in the place of: a bundle carries no blob to which nobody
 * refers. */
static void drop_unreferred(struct forge *forge)
{
    size_t kept = 0;
    for (size_t i = 0; i < forge->blob_count; i++) {
        if (is_referred(forge, i))
            forge->blobs[kept++] = forge->blobs[i];
        else
            bytes_free(&forge->blobs[i].data);
    }
    forge->blob_count = kept;
}

static void write_bundle(struct forge *forge, const char *name)
{
    struct bytes bundle = {0};
    char path[400];
    drop_unreferred(forge);
    forge_bundle(forge, &bundle);
    (void)snprintf(path, sizeof path, "%s/%s.bundle", directory, name);
    forge_write(path, &bundle);
    bytes_free(&bundle);
}

static void begin(struct forge *forge, const char *procedure)
{
    forge_init(forge);
    forge->genesis_window_ms = 300000;
    forge->reason = "weekly release, change 4711";
    if (strcmp(procedure, "policy") == 0) {
        forge->armed = true;
        forge_log(forge, &forge->execution, "EXECUTION ARMED: by hand");
    }
    forge_genesis(forge);
    forge_wait(forge, 7000);
    forge_open(forge, procedure);
}

static void release(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge_wait(&forge, 4 * 3600 * 1000); /* nobody was there to approve it */
    forge_until(&forge, "completed");
    write_bundle(&forge, "release");
}

static void policy(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "policy");
    forge_until(&forge, "execution_deployed");
    int64_t intent = (int64_t)forge_intent(&forge, "verify_execution", -1, false);
    forge.boot[0] = '7'; /* the laptop died and came back */
    int64_t away_ns = forge.now_ns + 20 * (int64_t)1000000000 - 50 * (int64_t)1000000000;
    forge.wall_offset_ns += away_ns;
    forge.target_ahead_ns += away_ns;
    forge.now_ns = 50 * (int64_t)1000000000;
    forge_reconcile(&forge, "unknown", "repeat", NULL);
    intent = (int64_t)forge_intent(&forge, "verify_execution", intent, true);
    forge_transition(&forge, intent, "done", "execution_verified",
                     forge_evidence(&forge, "verify_execution"));
    forge_until(&forge, "completed");
    write_bundle(&forge, "policy");
}

static void rolled_back(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge_until(&forge, "verified");
    forge.sick_from = 9;
    forge_take(&forge, "unhealthy");
    forge_rollback(&forge);
    write_bundle(&forge, "rolled_back");
}

static void another_hash(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    if (strcmp(what, "sample") == 0 && n == 20)
        forge_replace(
            forge, forge_find(evidence, "bus.policy_hash", NULL),
            "{\"policy_hash\":\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\","
            "\"timestamp\":1}");
}

static void violated(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge.tamper = another_hash;
    forge_until(&forge, "completed");
    write_bundle(&forge, "violated");
}

static void open_still(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "policy");
    forge_until(&forge, "armed");
    forge.intent = (int64_t)forge_intent(&forge, "observe_window", -1, false);
    for (unsigned n = 1; n <= 14; n++)
        forge_sample(&forge, n);
    write_bundle(&forge, "open");
}

static void plant(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    static const char *const probes[] = {"health",      "bus.policy_hash", "git.head", "git.branch",
                                         "config.hmac", "preflight",       "tenancy"};
    (void)n;
    if (strcmp(what, "sample") == 0 || strcmp(what, "run_preflight") == 0
        || strcmp(what, "connect") == 0 || strcmp(what, "verify_release") == 0)
        for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
            if (forge_find(evidence, probes[i], NULL) != NULL)
                forge_replace(forge, forge_find(evidence, probes[i], NULL), PLANTED "\n");
}

static void hostile(void)
{
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.genesis_window_ms = 300000;
    forge.reason = PLANTED;
    forge.operator= PLANTED;
    forge.samples = 12;
    forge.tamper = plant;
    (void)snprintf(forge.execution.state, sizeof forge.execution.state, "<b onx=1>");
    (void)snprintf(forge.execution.image, sizeof forge.execution.image,
                   "<script>window.planted=6</script>");
    forge_log(&forge, &forge.execution, "Risk Policy Loaded. Hash: " PLANTED);
    forge_log(&forge, &forge.brain, "Policy hash handshake OK " PLANTED);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_log(&forge, &forge.brain, "Policy hash handshake OK " PLANTED);
    (void)forge_append(&forge, "note", forge.deployment,
                       json_pack("{s:s, s:s}", "text", PLANTED, "kind", PLANTED));
    forge_until(&forge, "completed");
    write_bundle(&forge, "hostile");
}

static void many(void)
{
    CLEANUP_FORGE struct forge forge;
    begin(&forge, "release");
    forge_until(&forge, "completed");
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(forge.commit_before, sizeof forge.commit_before, "%s", forge.code);
        (void)snprintf(forge.image_before, sizeof forge.image_before, "%s", forge.execution.image);
        forge_open(&forge, "release");
        forge_until(&forge, "completed");
    }
    write_bundle(&forge, "many");
}

int main(int argc, char **argv)
{
    char path[400];
    assert(argc == 2);
    directory = argv[1];
    (void)snprintf(path, sizeof path, "%s/trust", directory);
    char *line = forge_signer_line(FORGE_OPERATOR, "alice");
    struct bytes trust = {(uint8_t *)line, strlen(line)};
    forge_write(path, &trust);
    free(line);
    release();
    policy();
    rolled_back();
    violated();
    open_still();
    hostile();
    many();
    return 0;
}
