/* Goal: an entry is what FORMAT.md says, chained and signed, whoever else writes at the same time;
 * an open sees a damaged end and a foreign journal; what is too large is refused before anything is
 * stored. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/format.h"
#include "journal/journal.h"
#include "journal/format/sshsig.h"
#include "journal/store.h"

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct support_clock time;
    struct clock clock;
    struct world world; /* the machine, with this clock */
    struct journal *journal;
    struct signer *signer;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->path, sizeof place->path, "%s/journal", place->directory);
    place->time.next = (struct clock_reading){.utc = "2026-11-23T07:20:23.123456789Z",
                                              .boot = "11111111-2222-3333-4444-555555555555",
                                              .boottime_ns = 5};
    place->clock = support_clock(&place->time);
    place->world = *support_world();
    place->world.clock = &place->clock;
    place->signer = support_signer(1);
    support_ok(journal_create(place->path, &place->world, &place->journal, &error), &error);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    journal_close(place->journal);
    signer_close(place->signer);
    support_remove(place->directory);
    free(place);
    return 0;
}

static enum error_code append_text(struct journal *journal, struct signer *signer, const char *text,
                                   uint64_t *ret_seq, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "text", text);
    return journal_append(journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = "note",
                                                .deployment = JOURNAL_NO_DEPLOYMENT,
                                                .body = body},
                          ret_seq, error);
}

static void append(struct place *place, const char *text, uint64_t wanted_seq)
{
    uint64_t seq = 77;
    struct error error;
    support_ok(append_text(place->journal, place->signer, text, &seq, &error), &error);
    assert_true(seq == wanted_seq);
}

static void close_journal(struct place *place)
{
    journal_close(place->journal);
    place->journal = NULL;
}

static void journal_append_payload_is_the_formats(void **state)
{
    struct place *place = *state;
    struct error error;
    char wanted[2][1024], signer[SHA256_HEX + 1], hash[SHA256_HEX + 1];
    CLEANUP_BYTES struct bytes first = {0}, second = {0};
    CLEANUP_JSON json_t *body = json_pack("{s:i, s:s}", "z", 1, "a", "\xc3\xa4");
    bytes_hex(signer_public_key(place->signer), KEY_BYTES, signer);
    append(place, "entry 0 opens no deployment", 0);
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "open",
                                                    .deployment = JOURNAL_DEPLOYMENT_SELF,
                                                    .body = body},
                              NULL, &error),
               &error);
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "note",
                                                    .deployment = 1,
                                                    .body = body},
                              NULL, &error),
               &error);
    append(place, "outside", 3);
    support_ok(journal_stored_value(place->journal, 1, &first, &error), &error);
    support_ok(journal_stored_value(place->journal, 2, &second, &error), &error);
    static const char form[] = "{\"v\":1,\"journal\":\"%s\",\"seq\":%d,\"prev\":\"%s\",\"utc\":"
                               "\"2026-11-23T07:20:23.123456789Z\",\"boot\":"
                               "\"11111111-2222-3333-4444-555555555555\",\"boottime_ns\":%d,"
                               "\"signer\":\"%s\",\"type\":\"%s\",\"deployment\":1,"
                               "\"body\":{\"z\":1,\"a\":\"\xc3\xa4\"}}";
    CLEANUP_BYTES struct bytes before = {0};
    support_ok(journal_stored_value(place->journal, 0, &before, &error), &error);
    bytes_sha256_hex(before.data, before.size, hash);
    (void)snprintf(wanted[0], sizeof wanted[0], form, journal_id(place->journal), 1, hash, 6,
                   signer, "open");
    bytes_sha256_hex(first.data, first.size, hash);
    (void)snprintf(wanted[1], sizeof wanted[1], form, journal_id(place->journal), 2, hash, 7,
                   signer, "note");
    assert_string_equal((const char *)first.data + SIGNATURE_BYTES, wanted[0]);
    assert_string_equal((const char *)second.data + SIGNATURE_BYTES, wanted[1]);
    assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, wanted[0], strlen(wanted[0]), first.data,
                              signer_public_key(place->signer)));
    CLEANUP_BYTES struct bytes third = {0};
    support_ok(journal_stored_value(place->journal, 3, &third, &error), &error);
    assert_null(strstr((const char *)third.data + SIGNATURE_BYTES, "deployment"));
}

static void journal_read_fields_come_back(void **state)
{
    struct place *place = *state;
    CLEANUP_ENTRY struct journal_entry entry = {0};
    CLEANUP_BYTES struct bytes value = {0};
    struct journal_head head;
    struct error error;
    uint8_t hash[SHA256_BYTES];
    support_ok(journal_head(place->journal, &head, &error), &error);
    assert_true(head.size == 0);
    append(place, "zero", 0);
    append(place, "one", 1);
    support_ok(journal_read(place->journal, 1, &entry, &error), &error);
    assert_true(entry.seq == 1 && entry.deployment == JOURNAL_NO_DEPLOYMENT
                && entry.boottime_ns == 6);
    assert_string_equal(entry.type, "note");
    assert_string_equal(entry.utc, "2026-11-23T07:20:23.123456789Z");
    assert_string_equal(entry.boot, "11111111-2222-3333-4444-555555555555");
    assert_string_equal(json_string_value(json_object_get(entry.body, "text")), "one");
    support_ok(journal_stored_value(place->journal, 1, &value, &error), &error);
    bytes_sha256(value.data, value.size, hash);
    assert_memory_equal(entry.hash, hash, sizeof hash);
    support_ok(journal_head(place->journal, &head, &error), &error);
    assert_true(head.size == 2);
    assert_memory_equal(head.hash, hash, sizeof hash);
    support_code(journal_read(place->journal, 2, &entry, &error), ERROR_DAMAGED, &error);
    assert_true(entry.seq == 1);
}

static void journal_create_and_open_keep_the_id(void **state)
{
    struct place *place = *state;
    struct journal *other = NULL;
    struct error error;
    char id[FORMAT_JOURNAL_ID_HEX + 1], second[SUPPORT_PATH_MAX + 16];
    (void)snprintf(second, sizeof second, "%s/second", place->directory);
    (void)snprintf(id, sizeof id, "%s", journal_id(place->journal));
    assert_true(bytes_is_hex(id, FORMAT_JOURNAL_ID_HEX));
    assert_string_equal(journal_directory(place->journal), place->path);
    support_code(journal_create(place->path, &place->world, &other, &error), ERROR_REFUSED, &error);
    assert_null(other);
    support_ok(journal_create(second, &place->world, &other, &error), &error);
    assert_string_not_equal(journal_id(other), id);
    journal_close(other);
    other = NULL;
    support_code(journal_open(second, &place->world, false, &other, &error), ERROR_DAMAGED,
                 &error); /* no genesis in it */
    assert_null(other);
    append(place, "zero", 0);
    for (unsigned read_only = 0; read_only < 2; read_only++) {
        close_journal(place);
        support_ok(journal_open(place->path, &place->world, read_only, &place->journal, &error),
                   &error);
        assert_string_equal(journal_id(place->journal), id);
    }
    journal_close(NULL);
}

static void journal_open_read_only_append_is_a_bug(void **state)
{
    struct place *place = *state;
    struct error error;
    struct journal_head head;
    int status;
    append(place, "zero", 0);
    close_journal(place);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        (void)signal(SIGABRT, SIG_DFL);
        _exit(journal_open(place->path, &place->world, true, &place->journal, &error) == ERROR_OK
              && append_text(place->journal, place->signer, "one", NULL, &error) == ERROR_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    support_ok(journal_open(place->path, &place->world, true, &place->journal, &error), &error);
    support_ok(journal_head(place->journal, &head, &error), &error);
    assert_true(head.size == 1);
}

/* The bound of a payload is exact, and what is over it is not stored, with its blobs. */
static void journal_append_too_large_body_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    CLEANUP_BYTES struct bytes value = {0}, blob = {0};
    uint64_t seq = 77;
    append(place, "", 0);
    append(place, "", 1);
    support_ok(journal_stored_value(place->journal, 1, &value, &error), &error);
    size_t room = FORMAT_PAYLOAD_BYTES_MAX - (value.size - SIGNATURE_BYTES);
    char *text = calloc(1, room + 2);
    memset(text, 'x', room);
    append(place, text, 2);
    bytes_free(&value);
    support_ok(journal_stored_value(place->journal, 2, &value, &error), &error);
    assert_int_equal(value.size, SIGNATURE_BYTES + FORMAT_PAYLOAD_BYTES_MAX);
    text[room] = 'x';
    support_code(append_text(place->journal, place->signer, text, &seq, &error), ERROR_LIMIT,
                 &error);
    CLEANUP_JSON json_t *body = json_pack("{s:f}", "real", 1.5);
    const struct bytes given = {.data = (uint8_t *)(uintptr_t) "b", .size = 1};
    support_code(journal_append(place->journal,
                                &(struct entry_draft){.signer = place->signer,
                                                      .type = "note",
                                                      .deployment = JOURNAL_NO_DEPLOYMENT,
                                                      .body = body,
                                                      .blobs = &given,
                                                      .blob_count = 1},
                                &seq, &error),
                 ERROR_LIMIT, &error);
    assert_true(seq == 77);
    uint8_t hash[SHA256_BYTES];
    bytes_sha256("b", 1, hash);
    support_code(journal_blob(place->journal, hash, &blob, &error), ERROR_DAMAGED, &error);
    free(text);
    append(place, "goes on", 3);
}

/* How often a decision was made, and how often another writer came between it and its entry. */
struct moving {
    struct place *place;
    unsigned decisions, disturbed;
    bool held_by_something_else;
};

static enum error_code decide_and_append(void *context, uint64_t size, struct error *error)
{
    struct moving *moving = context;
    struct journal *journal = moving->place->journal;
    CLEANUP_JSON json_t *body = json_pack("{s:I}", "decided over", (json_int_t)size);
    moving->decisions++;
    if (moving->held_by_something_else)
        return error_set(error, ERROR_HELD, 0, "target", "", "the target is held");
    if (moving->decisions <= moving->disturbed)
        support_ok(append_text(journal, moving->place->signer, "another writer", NULL, error),
                   error);
    return journal_append(journal,
                          &(struct entry_draft){.signer = moving->place->signer,
                                                .type = "note",
                                                .deployment = JOURNAL_NO_DEPLOYMENT,
                                                .body = body,
                                                .decided_at = size},
                          NULL, error);
}

static void journal_append_moving_decides_again_over_what_was_written(void **state)
{
    struct moving moving = {.place = *state, .disturbed = 3};
    struct journal_head head;
    struct error error;
    append(moving.place, "first", 0);
    support_ok(journal_append_moving(moving.place->journal, decide_and_append, &moving, &error),
               &error);
    assert_int_equal(moving.decisions, 4);
    support_ok(journal_head(moving.place->journal, &head, &error), &error);
    assert_true(head.size == 5); /* the first, three of the other writer, one decided over those */
    CLEANUP_ENTRY struct journal_entry entry = {0};
    support_ok(journal_read(moving.place->journal, 4, &entry, &error), &error);
    assert_int_equal(json_integer_value(json_object_get(entry.body, "decided over")), 4);
}

static void journal_append_moving_ends(void **state)
{
    struct moving always = {.place = *state, .disturbed = 1000};
    struct moving held = {.place = *state, .held_by_something_else = true};
    struct error error;
    append(always.place, "first", 0);
    support_code(journal_append_moving(always.place->journal, decide_and_append, &always, &error),
                 ERROR_HELD, &error);
    assert_in_range(always.decisions, 5, 20);
    support_code(journal_append_moving(held.place->journal, decide_and_append, &held, &error),
                 ERROR_HELD, &error);
    assert_int_equal(held.decisions, 1); /* the head did not move: trying again would not help */
    assert_string_equal(error.where, "target");
}

static void journal_append_too_large_blob_is_a_bug(void **state)
{
    struct place *place = *state;
    struct error error;
    int status;
    uint8_t *data = calloc(1, FORMAT_BLOB_BYTES_MAX + 1);
    struct bytes blob = {.data = data, .size = FORMAT_BLOB_BYTES_MAX};
    CLEANUP_JSON json_t *body = json_object();
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body,
                                                    .blobs = &blob,
                                                    .blob_count = 1},
                              NULL, &error),
               &error);
    close_journal(place);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        (void)signal(SIGABRT, SIG_DFL);
        blob.size++;
        _exit(journal_open(place->path, &place->world, false, &place->journal, &error) == ERROR_OK
              && journal_append(place->journal,
                                &(struct entry_draft){.signer = place->signer,
                                                      .type = "note",
                                                      .deployment = JOURNAL_NO_DEPLOYMENT,
                                                      .body = body,
                                                      .blobs = &blob,
                                                      .blob_count = 1},
                                NULL, &error)
                     == ERROR_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    free(data);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static enum error_code give_value(void *context, uint64_t size, const void *last, size_t last_bytes,
                                  struct bytes *ret_value, struct error *error)
{
    const struct bytes *value = context;
    (void)size;
    (void)last;
    (void)last_bytes;
    return bytes_append(ret_value, value->data, value->size, error);
}

/* A journal of these stored values, as a disk might give them back. */
static enum error_code open_with(struct place *place, const struct bytes *values, size_t count,
                                 struct error *error)
{
    char path[SUPPORT_PATH_MAX + 16];
    struct store *store = NULL;
    struct journal *journal = NULL;
    uint64_t seq;
    (void)snprintf(path, sizeof path, "%s/copy", place->directory);
    support_ok(store_create(path, error), error);
    support_ok(store_open(path, false, &store, error), error);
    for (size_t i = 0; i < count; i++)
        support_ok(store_append(store, give_value, (void *)(uintptr_t)&values[i], NULL, 0, &seq,
                                error),
                   error);
    store_close(store);
    enum error_code code = journal_open(path, &place->world, true, &journal, error);
    journal_close(journal);
    support_remove(path);
    return code;
}

/* Any bit of the last entry, one byte in each: the open refuses it. */
static void journal_open_damaged_last_entry_refused(void **state)
{
    struct place *place = *state;
    struct bytes values[5] = {0};
    struct error error;
    for (size_t i = 0; i < 5; i++) {
        append(place, "text", i);
        support_ok(journal_stored_value(place->journal, i, &values[i], &error), &error);
    }
    support_ok(open_with(place, values, 5, &error), &error);
    for (size_t at = 0; at < values[4].size; at++) {
        uint8_t mask = (uint8_t)(1 << at % 8);
        values[4].data[at] ^= mask;
        if (open_with(place, values, 5, &error) != ERROR_DAMAGED)
            fail_msg("byte %zu may be damaged", at);
        assert_string_equal(error.where, "journal entry 4");
        values[4].data[at] ^= mask;
    }
    struct bytes exchanged[5] = {values[0], values[1], values[2], values[4], values[3]};
    support_code(open_with(place, exchanged, 5, &error), ERROR_DAMAGED, &error);
    struct bytes missing[4] = {values[0], values[1], values[3], values[4]};
    support_code(open_with(place, missing, 4, &error), ERROR_DAMAGED, &error);
    values[4].size -= 1;
    support_code(open_with(place, values, 5, &error), ERROR_DAMAGED, &error);
    values[4].size += 1;
    support_ok(open_with(place, values, 4, &error),
               &error); /* every prefix of a journal is a journal */
    for (size_t i = 0; i < 5; i++)
        bytes_free(&values[i]);
}

/* Validly signed, but of another journal, with another number or behind another value. */
static void journal_open_foreign_entry_refused(void **state)
{
    struct place *place = *state;
    struct place *other = NULL;
    struct bytes mine[2] = {0}, foreign[2] = {0};
    struct error error;
    assert_int_equal(set_up((void **)&other), 0);
    for (size_t i = 0; i < 2; i++) {
        append(place, "text", i);
        append(other, "text", i);
        support_ok(journal_stored_value(place->journal, i, &mine[i], &error), &error);
        support_ok(journal_stored_value(other->journal, i, &foreign[i], &error), &error);
    }
    const struct bytes mixed[] = {mine[0], foreign[1]}, twice[] = {mine[0], mine[0]},
                       late[] = {mine[1]};
    support_ok(open_with(place, mine, 2, &error), &error);
    support_ok(open_with(place, foreign, 2, &error), &error);
    support_code(open_with(place, mixed, 2, &error), ERROR_DAMAGED, &error);
    support_code(open_with(place, twice, 2, &error), ERROR_DAMAGED, &error);
    support_code(open_with(place, late, 1, &error), ERROR_DAMAGED, &error);
    for (size_t i = 0; i < 2; i++) {
        bytes_free(&mine[i]);
        bytes_free(&foreign[i]);
    }
    assert_int_equal(tear_down((void **)&other), 0);
}

/* A first entry that claims one before it, correctly signed. */
static void journal_open_first_entry_with_prev_refused(void **state)
{
    struct place *place = *state;
    CLEANUP_BYTES struct bytes value = {0};
    struct error error;
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX];
    append(place, "text", 0);
    support_ok(journal_stored_value(place->journal, 0, &value, &error), &error);
    char *prev = strstr((char *)value.data + SIGNATURE_BYTES, "\"prev\":\"");
    assert_non_null(prev);
    prev[8 + 63] = '1';
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, value.data + SIGNATURE_BYTES,
                                     value.size - SIGNATURE_BYTES, data);
    support_ok(signer_sign(place->signer, data, size, value.data, &error), &error);
    support_code(open_with(place, &value, 1, &error), ERROR_DAMAGED, &error);
    assert_non_null(strstr(error.what, "names an entry before it"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(journal_append_payload_is_the_formats),
        CASE(journal_read_fields_come_back),
        CASE(journal_create_and_open_keep_the_id),
        CASE(journal_open_read_only_append_is_a_bug),
        CASE(journal_append_too_large_body_refused),
        CASE(journal_append_moving_decides_again_over_what_was_written),
        CASE(journal_append_moving_ends),
        CASE(journal_append_too_large_blob_is_a_bug),
        CASE(journal_open_damaged_last_entry_refused),
        CASE(journal_open_foreign_entry_refused),
        CASE(journal_open_first_entry_with_prev_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
