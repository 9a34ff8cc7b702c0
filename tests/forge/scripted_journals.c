/* Honest journals of the real driver in scripted worlds, for the forger: releases and policy
 * changes, good and failing, armed and not; a person who pauses or gives up, and once somewhere a
 * driver that dies, a call that fails, a stranger, a delay.
 * Usage:     scripted_journals DIRECTORY COUNT [FIRST]
 * Writes:    NUMBER.bundle without a checkpoint (the forger signs everything again) and
 *            NUMBER.trust; one line a journal on standard output: number, scenario, state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/exit_status.h"
#include "journal/format/sshsig.h"
#include "tests/world/ending.h"
#include "tests/world/person.h"

enum { RESUMES_MAX = 6, CALLS_MAX = 150, PAUSES = 12 };
static const int64_t RESTART_NS = 400000000; /* until the next driver is there */
static const int64_t DELAY_NS = 700000000, PAUSE_MAX_NS = INT64_C(300000000000);

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

/* What happens once besides, at the nth call of the driver. */
enum happening {
    NOTHING = 0,
    DEATH,    /* behind a change */
    FAILURE,  /* it cannot be reached */
    NO_REPLY, /* it was done, and the reply is lost */
    DISARM,   /* somebody else disarms Execution */
    DELAY,    /* 700 ms */
    HAPPENINGS
};
static const char *const happening_names[HAPPENINGS] = {"",      "-killed",   "-failure",
                                                        "-lost", "-disarmed", "-late"};

struct besides {
    struct scripted *scripted;
    enum happening happening;
    unsigned at, count;
    bool happened;
};

static enum error_code lose(struct besides *besides, bool after, struct error *error)
{
    besides->happened = true;
    return error_set(error, after ? ERROR_TIMEOUT : ERROR_UNREACHABLE, 0, "the target", "wait",
                     "there was no answer");
}

static enum error_code happen(void *context, const struct scripted_call *call, struct error *error)
{
    struct besides *besides = context;
    bool changes = call->kind == CALL_APPEND || call->kind == CALL_CHANGE
                   || call->kind == CALL_PUBLISH || call->kind == CALL_WRITE,
         away = call->kind != CALL_APPEND && call->kind != CALL_WRITE;
    enum happening what = besides->happening;
    bool counts = what == DEATH      ? call->after && changes
                  : what == NO_REPLY ? call->after && away
                                     : !call->after && away;
    if (what == NOTHING || besides->happened || !counts || ++besides->count < besides->at)
        return ERROR_OK;
    besides->happened = true;
    if (what == DELAY)
        timeline_move(&besides->scripted->timeline, besides->scripted->timeline.now_ns + DELAY_NS);
    if (what == DISARM)
        ending_stranger_disarms(besides->scripted);
    besides->scripted->dead = what == DEATH;
    return what == DEATH
               ? error_set(error,
                           call->kind == CALL_APPEND ? ERROR_JOURNAL_WRITE : ERROR_UNREACHABLE, 0,
                           "", "", "the driver has died")
           : what == FAILURE || what == NO_REPLY ? lose(besides, what == NO_REPLY, error)
                                                 : ERROR_OK;
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

/* The same each time for a number, and scattered (splitmix64). */
static uint64_t scatter(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A person who stops between the steps, and sometimes gives up before a service was changed. */
static bool go_slowly(struct scripted *scripted, uint64_t *chance)
{
    unsigned steps = (unsigned)(scatter(chance) % PAUSES);
    for (unsigned i = 0; i < steps && !is_over(scripted); i++) {
        (void)person_runs(scripted, "advance --rearm yes --confirm " PERSON_TARGET);
        timeline_move(&scripted->timeline,
                      scripted->timeline.now_ns
                          + (int64_t)(scatter(chance) % (uint64_t)PAUSE_MAX_NS));
    }
    bool gives_up = scatter(chance) % 4 == 0;
    if (gives_up)
        (void)person_runs(scripted,
                          steps % 2 == 0 ? "abort --reason doubt" : "rollback --reason doubt");
    return gives_up;
}

/* What was open goes to its end; where a person must decide, they go back. */
static void finish(struct scripted *scripted)
{
    for (unsigned i = 0; !is_over(scripted); i++) {
        must(i < RESUMES_MAX, "it does not come to its end");
        timeline_move(&scripted->timeline, scripted->timeline.now_ns + RESTART_NS);
        int status = person_runs(scripted, "resume --rearm yes --confirm " PERSON_TARGET);
        if ((status == EXIT_NEEDS_PERSON || status == EXIT_REFUSED)
            && person_runs(scripted, "rollback --reason doubt") != 0)
            (void)person_runs(scripted, "abort --reason doubt");
    }
}

static void deploy(unsigned number, const char *directory)
{
    const struct scenario *scenario = &scenarios[number % SCENARIOS];
    uint64_t chance = number;
    uint64_t choices = scatter(&chance);
    const struct person_choice choice = {.window_ms = 1000,
                                         .interval_ms = 500,
                                         .unarmed = choices % 3 == 0,
                                         .container = choices >> 8 & 1};
    struct scripted *scripted = person_begins(1 + number, &choice);
    struct besides besides = {.scripted = scripted,
                              .happening = number / SCENARIOS % HAPPENINGS,
                              .at = 1 + (unsigned)(scatter(&chance) % CALLS_MAX)};
    bool slow = choices >> 16 & 1, more = (choices >> 24) % 4 == 0, gave_up = false;
    titan_publish(&scripted->titan, &scenario->release);
    must(person_runs(scripted, scenario->begin) == 0, "begin");
    scripted->fault = happen;
    scripted->fault_context = &besides;
    if (slow)
        gave_up = go_slowly(scripted, &chance);
    else
        (void)person_runs(scripted, "run --rearm yes --confirm " PERSON_TARGET);
    scripted->fault = NULL;
    scripted->dead = false;
    finish(scripted);
    if (more && person_runs(scripted, "begin release --again --reason next") == 0)
        finish(scripted);
    (void)printf("%u %s%s%s%s %s\n", number, scenario->name,
                 besides.happened ? happening_names[besides.happening] : "",
                 gave_up ? "-given_up" : "", more ? "-twice" : "", person_state(scripted));
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
