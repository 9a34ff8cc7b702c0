/* Honest journals of the real driver in scripted worlds, for the forger: releases and policy
 * changes, good and failing, armed and not, some of them killed at a boundary and resumed.
 * Usage:     scripted_journals DIRECTORY COUNT [FIRST]
 * Writes:    NUMBER.bundle without a checkpoint (the forger signs everything again) and
 *            NUMBER.trust; one line a journal on standard output: number, scenario, state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/sshsig.h"
#include "tests/world/person.h"

enum { RESUMES_MAX = 6, VARIANTS = 2, KILLED_EACH = 3, BOUNDARIES = 61 };
static const int64_t RESTART_NS = 400000000; /* until the next driver is there */

static const struct scenario {
    const char *name, *begin;
    struct titan_release release;
} scenarios[] = {
    {"release", "begin release --reason test", {.subject = "two"}},
    {"policy", "begin policy --reason test", {.subject = "two", .policy = "p2"}},
    {"release-fails",
     "begin release --reason test",
     {.subject = "bad", .web_faults = FAULT_UNHEALTHY}},
    {"policy-fails",
     "begin policy --reason test",
     {.subject = "bad", .policy = "p2", .brain_policy = "p3"}},
};
enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

struct death {
    struct scripted *scripted;
    unsigned at, count;
};

static enum error_code die_at(void *context, const struct scripted_call *call, struct error *error)
{
    struct death *death = context;
    if (call->kind == CALL_LOOK || call->kind == CALL_REQUEST || call->kind == CALL_HTTP
        || !call->after || ++death->count != death->at)
        return ERROR_OK;
    death->scripted->dead = true;
    return error_set(error, call->kind == CALL_APPEND ? ERROR_JOURNAL_WRITE : ERROR_UNREACHABLE, 0,
                     "", "", "the driver has died");
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "scripted_journals: %s\n%s\n", what, person_said());
    exit(1);
}

static FILE *create(const char *directory, unsigned number, const char *kind)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%u.%s", directory, number, kind);
    FILE *file = fopen(path, "we");
    must(file != NULL, path);
    return file;
}

static void write_base64(FILE *file, const char *key, const uint8_t *data, size_t size)
{
    struct bytes text = {0};
    struct error error;
    must(bytes_base64(data, size, &text, &error) == ERROR_OK, "base64");
    (void)fprintf(file, "\"%s\":\"%s\"", key, size > 0 ? (const char *)text.data : "");
    bytes_free(&text);
}

static void write_bundle(const struct scripted_store *stored, FILE *file)
{
    for (size_t i = 0; i < stored->entry_count; i++) {
        const struct bytes *value = &stored->entries[i].value;
        (void)fprintf(file, "{\"seq\":%zu,", i);
        write_base64(file, "payload", value->data + SIGNATURE_BYTES, value->size - SIGNATURE_BYTES);
        (void)fputc(',', file);
        write_base64(file, "signature", value->data, SIGNATURE_BYTES);
        (void)fputs("}\n", file);
    }
    for (size_t i = 0; i < stored->blob_count; i++) {
        char hex[SHA256_HEX + 1];
        bytes_hex(stored->blobs[i].hash, SHA256_BYTES, hex);
        (void)fprintf(file, "{\"sha256\":\"%s\",", hex);
        write_base64(file, "data", stored->blobs[i].data.data, stored->blobs[i].data.size);
        (void)fputs("}\n", file);
    }
    (void)fclose(file);
}

static void write_trust(const struct scripted *scripted, FILE *file)
{
    char key[SSH_PUBLIC_KEY_TEXT_MAX];
    ssh_public_key_text(scripted->agent_public, key);
    (void)fprintf(file, "alice@example namespaces=\"%s\" %s\n", SSHSIG_NAMESPACE_JOURNAL, key);
    (void)fclose(file);
}

static bool is_over(struct scripted *scripted)
{
    const char *state = person_state(scripted);
    return strcmp(state, "completed") == 0 || strcmp(state, "rolled_back") == 0
           || strcmp(state, "aborted") == 0;
}

static void deploy(unsigned number, const char *directory)
{
    const struct scenario *scenario = &scenarios[number % SCENARIOS];
    unsigned variant = number / SCENARIOS;
    const struct person_choice choice = {.window_ms = 1000,
                                         .interval_ms = 500,
                                         .unarmed = variant % VARIANTS == 1,
                                         .container = variant / VARIANTS % VARIANTS == 1};
    struct scripted *scripted = person_begins(1 + number, &choice);
    struct death death = {.scripted = scripted};
    if (variant % KILLED_EACH == 1)
        death.at = 1 + number % BOUNDARIES;
    titan_publish(&scripted->titan, &scenario->release);
    must(person_runs(scripted, scenario->begin) == 0, "begin");
    scripted->fault = die_at;
    scripted->fault_context = &death;
    (void)person_runs(scripted, "run --rearm yes --confirm " PERSON_TARGET);
    scripted->fault = NULL;
    scripted->dead = false;
    for (unsigned i = 0; !is_over(scripted); i++) {
        must(i < RESUMES_MAX, "it does not come to its end");
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + RESTART_NS);
        (void)person_runs(scripted, "resume --rearm yes --confirm " PERSON_TARGET);
    }
    (void)printf("%u %s%s %s\n", number, scenario->name,
                 death.count >= death.at && death.at > 0 ? "-killed" : "", person_state(scripted));
    write_bundle(&scripted->stored, create(directory, number, "bundle"));
    write_trust(scripted, create(directory, number, "trust"));
    scripted_close(scripted);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fputs("usage: scripted_journals DIRECTORY COUNT [FIRST]\n", stderr);
        return 2;
    }
    unsigned count = (unsigned)strtoul(argv[2], NULL, 10),
             first = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    for (unsigned number = first; number < first + count; number++)
        deploy(number, argv[1]);
    return 0;
}
