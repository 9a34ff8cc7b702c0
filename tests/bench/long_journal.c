/* A journal of as many entries as are asked for, validly signed, as a directory and as a bundle:
 * deployments from the forge, and behind them commands with evidence, which the verifier reads as
 * it reads samples.
 * usage: long_journal ENTRIES DIRECTORY [DEPLOYMENTS [ATTEMPTS]]
 * ATTEMPTS: a deployment more, whose checklist failed so often.
 * Writes DIRECTORY/journal, DIRECTORY/bundle and DIRECTORY/trust; the target is `titan-test`. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>
#include <sodium.h>

#include "journal/canonical.h"
#include "journal/format/merkle.h"
#include "tests/verify/forge.h"

enum { PATH_BYTES = 400, ITEMS = 5 };

struct outputs {
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi entries, blobs, state;
    FILE *bundle;
    struct merkle merkle;
    size_t written;
};

static void in_directory(const char *directory, const char *name, char ret_path[PATH_BYTES])
{
    assert(snprintf(ret_path, PATH_BYTES, "%s/%s", directory, name) < PATH_BYTES);
}

static void open_outputs(const char *directory, size_t entries, struct outputs *outputs)
{
    char path[PATH_BYTES];
    in_directory(directory, "journal", path);
    assert(mkdir(path, 0700) == 0 && mdb_env_create(&outputs->environment) == 0
           && mdb_env_set_mapsize(outputs->environment, (entries + 65536) * 8192) == 0
           && mdb_env_set_maxdbs(outputs->environment, 4) == 0
           && mdb_env_open(outputs->environment, path, MDB_NOSYNC, 0600) == 0
           && mdb_txn_begin(outputs->environment, NULL, 0, &outputs->transaction) == 0);
    assert(
        mdb_dbi_open(outputs->transaction, FORMAT_DATABASE_ENTRIES, MDB_CREATE, &outputs->entries)
            == 0
        && mdb_dbi_open(outputs->transaction, FORMAT_DATABASE_BLOBS, MDB_CREATE, &outputs->blobs)
               == 0
        && mdb_dbi_open(outputs->transaction, FORMAT_DATABASE_STATE, MDB_CREATE, &outputs->state)
               == 0);
    in_directory(directory, "bundle", path);
    outputs->bundle = fopen(path, "we");
    assert(outputs->bundle != NULL);
    merkle_init(&outputs->merkle);
}

static void put_stored(struct outputs *outputs, MDB_dbi database, const void *name,
                       size_t name_bytes, const struct bytes *value)
{
    MDB_val key = {name_bytes, (void *)(uintptr_t)name}, data = {value->size, value->data};
    assert(mdb_put(outputs->transaction, database, &key, &data, 0) == 0);
}

/* What the forge has and is not written yet. Of what is written only the last value is needed. */
static void write_entries(struct outputs *outputs, struct forge *forge)
{
    struct error error;
    for (; outputs->written < forge->count; outputs->written++) {
        CLEANUP_BYTES struct bytes payload = {0};
        CLEANUP_BYTES struct bytes signature = {0};
        struct bytes *value = &forge->values[outputs->written];
        uint8_t name[8];
        for (unsigned i = 0; i < sizeof name; i++)
            name[i] = (uint8_t)(outputs->written >> (56 - 8 * i));
        put_stored(outputs, outputs->entries, name, sizeof name, value);
        merkle_add(&outputs->merkle, value->data, value->size);
        assert(bytes_base64(value->data + SIGNATURE_BYTES, value->size - SIGNATURE_BYTES, &payload,
                            &error)
                   == ERROR_OK
               && bytes_base64(value->data, SIGNATURE_BYTES, &signature, &error) == ERROR_OK);
        fprintf(outputs->bundle, "{\"seq\":%zu,\"payload\":\"%s\",\"signature\":\"%s\"}\n",
                outputs->written, (const char *)payload.data, (const char *)signature.data);
        if (outputs->written > 0)
            bytes_free(&forge->values[outputs->written - 1]);
    }
}

static void write_blobs(struct outputs *outputs, const struct forge *forge)
{
    struct error error;
    for (size_t i = 0; i < forge->blob_count; i++) {
        CLEANUP_BYTES struct bytes base64 = {0};
        char hex[SHA256_HEX + 1];
        put_stored(outputs, outputs->blobs, forge->blobs[i].hash, SHA256_BYTES,
                   &forge->blobs[i].data);
        bytes_hex(forge->blobs[i].hash, SHA256_BYTES, hex);
        assert(bytes_base64(forge->blobs[i].data.data, forge->blobs[i].data.size, &base64, &error)
               == ERROR_OK);
        fprintf(outputs->bundle, "{\"sha256\":\"%s\",\"data\":\"%s\"}\n", hex,
                (const char *)base64.data);
    }
}

/* The operator's key signs, as it does an export. */
static void write_note(struct outputs *outputs, const struct forge *forge)
{
    CLEANUP_BYTES struct bytes note = {0};
    CLEANUP_BYTES struct bytes line = {0};
    struct error error;
    forge_sign_checkpoint(forge, &outputs->merkle, FORGE_OPERATOR, &note);
    CLEANUP_JSON json_t *object = json_pack("{s:s#}", "checkpoint", (const char *)note.data,
                                            (int)note.size);
    assert(canonical_write(object, &line, &error) == ERROR_OK);
    fprintf(outputs->bundle, "%s\n", (const char *)line.data);
}

/* A question that was answered, with what was looked at for it. Its blobs are the same each time.
 */
static void append_command(struct forge *forge)
{
    char key[33];
    json_t *evidence = json_array();
    (void)snprintf(key, sizeof key, "%032zx", forge->count);
    for (unsigned i = 0; i < ITEMS; i++)
        forge_item(forge, evidence, "git.branch", "", 0, "main\n");
    (void)forge_append(forge, "command", -1,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "command", "answer", "phase",
                                 "outcome", "key", key, "outcome", "yes", "reason",
                                 "an answer of a person, as long as one is", "evidence", evidence));
}

/* A deployment whose checklist failed so often. Each time the driver's machine had been started
 * anew. */
static void append_attempts(struct forge *forge, size_t attempts)
{
    forge_open(forge, "release");
    for (size_t i = 0; i < attempts; i++) {
        (void)snprintf(forge->boot, sizeof forge->boot, "%08zx-2222-3333-4444-555555555555", i);
        uint64_t intent = forge_intent(forge, "run_preflight", -1, false);
        forge_transition(forge, (int64_t)intent, "failed", "opened", NULL);
    }
}

static void write_trust(const char *directory)
{
    char path[PATH_BYTES], *line = forge_signer_line(FORGE_OPERATOR, "alice");
    in_directory(directory, "trust", path);
    FILE *file = fopen(path, "we");
    assert(file != NULL && fputs(line, file) >= 0 && fclose(file) == 0);
    free(line);
}

int main(int argc, char **argv)
{
    CLEANUP_FORGE struct forge forge;
    struct outputs outputs = {.written = 0};
    if (argc < 3 || sodium_init() < 0)
        return 2;
    size_t entries = strtoull(argv[1], NULL, 10),
           deployments = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    forge_init(&forge);
    for (size_t i = 0; i < deployments; i++)
        forge_whole(&forge, i % 2 == 0 ? "release" : "policy");
    if (argc > 4)
        append_attempts(&forge, strtoull(argv[4], NULL, 10));
    append_command(&forge); /* all blobs are there now */
    entries = entries > forge.count ? entries : forge.count;
    open_outputs(argv[2], entries, &outputs);
    fprintf(outputs.bundle,
            "{\"titan_bundle\":1,\"journal\":\"%s\",\"entries\":%zu,\"blobs\":%zu}\n",
            forge.journal, entries, forge.blob_count);
    write_entries(&outputs, &forge);
    while (forge.count < entries) {
        append_command(&forge);
        write_entries(&outputs, &forge);
    }
    write_blobs(&outputs, &forge);
    write_note(&outputs, &forge);
    write_trust(argv[2]);
    assert(mdb_txn_commit(outputs.transaction) == 0 && mdb_env_sync(outputs.environment, 1) == 0
           && fclose(outputs.bundle) == 0);
    mdb_env_close(outputs.environment);
    return 0;
}
