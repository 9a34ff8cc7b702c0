/* Goal: the exported bundle is, byte for byte, what FORMAT.md says: read here by a parser that
 * shares nothing with the writer; its checkpoint covers just its entries, also while another
 * process appends; and a failed export leaves what was there. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/journal.h"

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16], bundle[SUPPORT_PATH_MAX + 16];
    struct journal *journal;
    struct signer *signer;
    pid_t child; /* that appends beside us, 0 = none */
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->path, sizeof place->path, "%s/journal", place->directory);
    (void)snprintf(place->bundle, sizeof place->bundle, "%s/bundle", place->directory);
    place->signer = support_signer(1);
    support_ok(journal_create(place->path, support_world(), &place->journal, &error), &error);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    if (place->child > 0
        && (kill(place->child, SIGKILL) != 0 || waitpid(place->child, NULL, 0) != place->child))
        return -1;
    journal_close(place->journal);
    signer_close(place->signer);
    support_remove(place->directory);
    free(place);
    return 0;
}

/* An entry whose evidence names these blobs, given in this order. */
static void append(struct place *place, const char *const *texts, size_t count)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:[]}", "text", "\"quoted\"\n\xc3\xa4",
                                          "evidence");
    struct bytes blobs[8];
    struct error error;
    for (size_t i = 0; i < count; i++) {
        char hex[SHA256_HEX + 1];
        blobs[i] = (struct bytes){.data = (uint8_t *)(uintptr_t)texts[i], .size = strlen(texts[i])};
        bytes_sha256_hex(texts[i], strlen(texts[i]), hex);
        assert_int_equal(json_array_append_new(json_object_get(body, "evidence"),
                                               json_pack("{s:s, s:s}", "probe", "clock", "output",
                                                         hex)),
                         0);
    }
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body,
                                                    .blobs = blobs,
                                                    .blob_count = count},
                              NULL, &error),
               &error);
}

/* What a bundle holds, read by its grammar: every byte is asked for. */
struct reader {
    const char *at, *end;
};

static void take(struct reader *reader, const char *wanted)
{
    size_t length = strlen(wanted);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, wanted, length) != 0)
        fail_msg("`%s` does not stand at `%.40s`", wanted, reader->at);
    reader->at += length;
}

static uint64_t take_number(struct reader *reader)
{
    const char *begin = reader->at;
    uint64_t number = 0;
    for (; *reader->at >= '0' && *reader->at <= '9'; reader->at++)
        number = number * 10 + (uint64_t)(*reader->at - '0');
    assert_true(reader->at > begin && (*begin != '0' || reader->at == begin + 1));
    return number;
}

static size_t take_word(struct reader *reader, char *ret_word, size_t room)
{
    size_t length = strcspn(reader->at, "\"");
    assert_true(length < room);
    memcpy(ret_word, reader->at, length);
    ret_word[length] = '\0';
    reader->at += length;
    return length;
}

static size_t take_base64(struct reader *reader, uint8_t *ret_data, size_t room)
{
    static char word[4096], again[4096];
    size_t length = take_word(reader, word, sizeof word), size = 0;
    assert_int_equal(sodium_base642bin(ret_data, room, word, length, NULL, &size, NULL,
                                       sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_string_equal(sodium_bin2base64(again, sizeof again, ret_data, size,
                                          sodium_base64_VARIANT_ORIGINAL),
                        word);
    return size;
}

struct content {
    uint64_t entries, blobs;
    struct bytes values[64], data[64];
    struct checkpoint checkpoint;
};

static void free_content(struct content *content)
{
    for (size_t i = 0; i < 64; i++) {
        bytes_free(&content->values[i]);
        bytes_free(&content->data[i]);
    }
}

static void take_checkpoint(struct reader *reader, const struct place *place,
                            struct content *content)
{
    char line[1024], name[80];
    struct bytes note = {.data = (uint8_t *)line};
    struct error error;
    bool known_bad = true;
    take(reader, "{\"checkpoint\":\"");
    (void)take_word(reader, line, sizeof line);
    for (const char *from = line; *from != '\0'; from++) { /* the only escape that a note needs */
        bool escape = from[0] == '\\' && from[1] == 'n';
        assert_true(*from != '\\' || escape);
        line[note.size++] = escape ? '\n' : *from;
        from += escape;
    }
    take(reader, "\"}\n");
    support_ok(checkpoint_read(note.data, note.size, &content->checkpoint, &error), &error);
    (void)snprintf(name, sizeof name, "titan/%s", journal_id(place->journal));
    assert_string_equal(content->checkpoint.origin, name);
    assert_true(
        note_signed_by(note.data, note.size, name, signer_public_key(place->signer), &known_bad));
    line[note.size] = '\0';
    const char *lines = strstr(line, "\n\n") + 2;
    assert_ptr_equal(strchr(lines, '\n'), line + note.size - 1); /* one signature */
}

static void read_bundle(const struct place *place, struct content *content)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    char word[80], before[80] = "";
    static uint8_t data[4096];
    support_read(place->bundle, &text);
    struct reader reader = {.at = (const char *)text.data,
                            .end = (const char *)text.data + text.size};
    take(&reader, "{\"titan_bundle\":1,\"journal\":\"");
    assert_int_equal(take_word(&reader, word, sizeof word), 32);
    assert_string_equal(word, journal_id(place->journal));
    take(&reader, "\",\"entries\":");
    content->entries = take_number(&reader);
    take(&reader, ",\"blobs\":");
    content->blobs = take_number(&reader);
    take(&reader, "}\n");
    for (uint64_t seq = 0; seq < content->entries; seq++) {
        struct bytes *value = &content->values[seq % 64];
        take(&reader, "{\"seq\":");
        assert_true(take_number(&reader) == seq);
        take(&reader, ",\"payload\":\"");
        size_t payload_bytes = take_base64(&reader, data + SIGNATURE_BYTES,
                                           sizeof data - SIGNATURE_BYTES);
        take(&reader, "\",\"signature\":\"");
        assert_int_equal(take_base64(&reader, data, SIGNATURE_BYTES), SIGNATURE_BYTES);
        take(&reader, "\"}\n");
        bytes_free(value);
        support_ok(bytes_append(value, data, SIGNATURE_BYTES + payload_bytes, &error), &error);
    }
    for (uint64_t i = 0; i < content->blobs; i++) {
        take(&reader, "{\"sha256\":\"");
        assert_int_equal(take_word(&reader, word, sizeof word), SHA256_HEX);
        assert_true(strcmp(before, word) < 0);
        (void)strcpy(before, word);
        take(&reader, "\",\"data\":\"");
        size_t size = take_base64(&reader, data, sizeof data);
        take(&reader, "\"}\n");
        char hex[SHA256_HEX + 1];
        bytes_sha256_hex(data, size, hex);
        assert_string_equal(hex, word);
        support_ok(bytes_append(&content->data[i % 64], data, size, &error), &error);
    }
    take_checkpoint(&reader, place, content);
    assert_ptr_equal(reader.at, reader.end);
}

static void journal_export_every_byte_as_the_format_says(void **state)
{
    struct place *place = *state;
    struct content content __attribute__((cleanup(free_content))) = {0};
    static const char *const blobs[] = {"one",   "",
                                        "two\n", "a longer output of some command",
                                        "one",   "never named"};
    struct error error;
    append(place, blobs, 0);
    append(place, blobs, 3);
    append(place, blobs + 3, 2); /* "one" again */
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "text", "a blob that no evidence names");
    const struct bytes unnamed = {.data = (uint8_t *)(uintptr_t)blobs[5], .size = strlen(blobs[5])};
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body,
                                                    .blobs = &unnamed,
                                                    .blob_count = 1},
                              NULL, &error),
               &error);
    support_ok(journal_export(place->journal, place->signer, place->bundle, &error), &error);
    read_bundle(place, &content);
    assert_true(content.entries == 4 && content.blobs == 4);
    for (uint64_t seq = 0; seq < 4; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        support_ok(journal_stored_value(place->journal, seq, &value, &error), &error);
        assert_int_equal(value.size, content.values[seq].size);
        assert_memory_equal(value.data, content.values[seq].data, value.size);
    }
    for (size_t i = 0; i < 4; i++) {
        unsigned found = 0;
        for (size_t k = 0; k < 4; k++)
            found += content.data[k].size == strlen(blobs[i])
                     && memcmp(content.data[k].data, blobs[i], strlen(blobs[i])) == 0;
        assert_int_equal(found, 1);
    }
    uint8_t root[SHA256_BYTES];
    support_root(content.values, 4, root);
    assert_true(content.checkpoint.size == 4);
    assert_memory_equal(content.checkpoint.root, root, sizeof root);
    struct stat status;
    assert_int_equal(stat(place->bundle, &status), 0);
    assert_int_equal(access(support_path(place->directory, "bundle.new"), F_OK), -1);
}

static void journal_export_missing_blob_refused_and_old_kept(void **state)
{
    struct place *place = *state;
    CLEANUP_BYTES struct bytes before = {0}, after = {0};
    struct error error;
    append(place, NULL, 0);
    support_ok(journal_export(place->journal, place->signer, place->bundle, &error), &error);
    support_read(place->bundle, &before);
    char hex[SHA256_HEX + 1];
    bytes_sha256_hex("nowhere", 7, hex);
    CLEANUP_JSON json_t *body = json_pack("{s:[{s:s}]}", "evidence", "output", hex);
    support_ok(journal_append(place->journal,
                              &(struct entry_draft){.signer = place->signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body},
                              NULL, &error),
               &error);
    support_code(journal_export(place->journal, place->signer, place->bundle, &error),
                 ERROR_DAMAGED, &error);
    support_read(place->bundle, &after);
    assert_string_equal((const char *)before.data, (const char *)after.data);
    assert_int_equal(access(support_path(place->directory, "bundle.new"), F_OK), -1);
}

static void journal_export_place_that_cannot_be_written_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    append(place, NULL, 0);
    support_code(journal_export(place->journal, place->signer,
                                support_path(place->directory, "none/bundle"), &error),
                 ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_int_equal(mkdir(support_path(place->directory, "taken"), 0700), 0);
    support_code(journal_export(place->journal, place->signer,
                                support_path(place->directory, "taken"), &error),
                 ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, EISDIR);
    assert_int_equal(access(support_path(place->directory, "taken.new"), F_OK), -1);
}

/* Appends until it is killed, a mark in the pipe for each entry. */
static void append_without_end(const struct place *place, int marks)
{
    struct journal *journal = NULL;
    struct error error;
    json_t *body = json_pack("{s:s}", "text", "beside it");
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0
        || journal_open(place->path, support_world(), false, &journal, &error) != ERROR_OK)
        _exit(1);
    while (journal_append(journal,
                          &(struct entry_draft){.signer = place->signer,
                                                .type = "note",
                                                .deployment = JOURNAL_NO_DEPLOYMENT,
                                                .body = body},
                          NULL, &error)
           == ERROR_OK)
        (void)write(marks, "+", 1);
    _exit(2);
}

/* An emergency command may be recorded in the middle of an export: the checkpoint still covers
 * exactly the entries of the bundle. */
static void journal_export_while_another_appends_is_whole(void **state)
{
    struct place *place = *state;
    struct error error;
    int marks[2], status;
    append(place, NULL, 0);
    journal_close(place->journal);
    place->journal = NULL;
    assert_int_equal(pipe2(marks, O_CLOEXEC | O_NONBLOCK), 0);
    place->child = fork();
    assert_true(place->child >= 0);
    if (place->child == 0)
        append_without_end(place, marks[1]);
    support_ok(journal_open(place->path, support_world(), false, &place->journal, &error), &error);
    unsigned appended_meanwhile = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct content content __attribute__((cleanup(free_content))) = {0};
        char marked[4096];
        while (read(marks[0], marked, sizeof marked) > 0)
            continue;
        support_ok(journal_export(place->journal, place->signer, place->bundle, &error), &error);
        appended_meanwhile += read(marks[0], marked, sizeof marked) > 0;
        read_bundle(place, &content);
        assert_true(content.entries == content.checkpoint.size);
    }
    assert_int_equal(kill(place->child, SIGKILL), 0);
    assert_int_equal(waitpid(place->child, &status, 0), place->child);
    place->child = 0;
    assert_true(WIFSIGNALED(status)); /* it had not failed before */
    assert_true(appended_meanwhile > 0);
    assert_int_equal(close(marks[0]) + close(marks[1]), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(journal_export_every_byte_as_the_format_says),
        CASE(journal_export_missing_blob_refused_and_old_kept),
        CASE(journal_export_place_that_cannot_be_written_refused),
        CASE(journal_export_while_another_appends_is_whole),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
