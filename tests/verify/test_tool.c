/* The program as an auditor runs it: bundle and LMDB, every bit of a bundle, extract with the real
 * ssh-keygen, limits files, exit statuses. */
#include "tests/verify/check.h"
#include "tests/verify/tool.h"
#include "verify/read/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/format/allowed_signers.h"
#include "verify/read/file.h"

static void tool_bundle_and_lmdb_proven(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    char output[8000];
    forge_init(&forge);
    forge_whole(&forge, "policy");
    tool_bundle(&forge, "good.bundle");
    tool_lmdb(&forge, "good.journal");
    assert_int_equal(tool_verify(tool_path("good.bundle"), "", output, sizeof output),
                     VERIFY_PROVEN);
    assert_non_null(strstr(output, "PROVEN          window"));
    assert_non_null(strstr(output, "No dead-man guard"));
    assert_non_null(strstr(output, "A journal cut short still verifies"));
    assert_int_equal(tool_verify(tool_path("good.journal"), "", output, sizeof output),
                     VERIFY_PROVEN);
    assert_int_equal(tool_verify(tool_path("good.bundle"), "--deployment all --json", output,
                                 sizeof output),
                     VERIFY_PROVEN);
    json_t *json = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "verdict")), "proven");
    assert_int_equal(json_array_size(
                         json_object_get(json_array_get(json_object_get(json, "deployments"), 0),
                                         "claims")),
                     9);
    json_decref(json);
}

static void tool_exit_statuses_distinct(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    char output[8000];
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "guarded");
    tool_bundle(&forge, "open.bundle");
    assert_int_equal(tool_verify(tool_path("open.bundle"), "", output, sizeof output),
                     VERIFY_UNDECIDABLE);
    assert_int_equal(tool_verify(tool_path("open.bundle"), "--target other", output, sizeof output),
                     VERIFY_VIOLATED);
    assert_non_null(strstr(output, " of " FORGE_TARGET ", NOT of other, which was asked for: "));
    assert_int_equal(tool_verify(tool_path("open.bundle"),
                                 "--journal ffffffffffffffffffffffffffffffff", output,
                                 sizeof output),
                     VERIFY_VIOLATED);
    assert_int_equal(tool_verify(tool_path("open.bundle"), "--deployment 7", output, sizeof output),
                     VERIFY_USAGE);
    assert_int_equal(tool_verify(tool_path("open.bundle"), "--no-such-option", output,
                                 sizeof output),
                     VERIFY_USAGE);
    static const struct {
        const char *words, *named;
    } refused[] = {{"--no-such-option", "not known, or short for more than one: --no-such-option"},
                   {"-x", "not known, or short for more than one: -x"},
                   {"--json=yes", "takes no value: --json=yes"},
                   {"--limits", "a value is missing behind --limits"}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(tool_verify(tool_path("open.bundle"), refused[i].words, output,
                                     sizeof output),
                         VERIFY_USAGE);
        assert_non_null(strstr(output, refused[i].named));
    }
    assert_int_equal(tool_verify(tool_path("missing"), "", output, sizeof output), VERIFY_USAGE);
    tool_write("nonsense", "this is no bundle\n");
    assert_int_equal(tool_verify(tool_path("nonsense"), "", output, sizeof output), VERIFY_DAMAGED);
    assert_int_equal(tool_verify(tool_path("nonsense"), "--json", output, sizeof output),
                     VERIFY_DAMAGED);
    tool_write("huge", "{\"titan_bundle\":1,\"journal\":\"00112233445566778899aabbccddeeff\","
                       "\"entries\":99999999,\"blobs\":0}\n");
    assert_int_equal(tool_verify(tool_path("huge"), "", output, sizeof output), VERIFY_BOUND);
    assert_int_equal(mkdir(tool_path("empty"), 0700), 0);
    assert_int_equal(tool_verify(tool_path("empty"), "", output, sizeof output), VERIFY_DAMAGED);
    (void)snprintf(output, sizeof output, "%s --help", tool_program());
    assert_int_equal(tool_run(output, output, sizeof output), VERIFY_PROVEN);
    assert_non_null(strstr(output, "--checkpoint"));
}

static void tool_damaged_lmdb_refused(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    struct error error;
    char output[8000], file[300];
    forge_init(&forge);
    forge_genesis(&forge);
    forge_open(&forge, "release");
    forge_until(&forge, "preflighted");
    tool_lmdb(&forge, "damaged");
    (void)snprintf(file, sizeof file, "%s/data.mdb", tool_path("damaged"));
    struct bytes whole = {0};
    assert_int_equal(file_read(file, 1 << 24, &whole, NULL, &error), ERROR_OK);
    for (size_t at = 0; at < whole.size; at += 1999) {
        uint8_t kept = whole.data[at];
        whole.data[at] ^= 0x5A;
        forge_write(file, &whole);
        int status = tool_verify(tool_path("damaged"), "", output, sizeof output);
        /* a byte of an unused page or of LMDB's own bookkeeping changes nothing that is in the
         * journal */
        assert_true(status == VERIFY_UNDECIDABLE || status == VERIFY_VIOLATED
                    || status == VERIFY_DAMAGED);
        whole.data[at] = kept;
    }
    whole.size /= 2;
    forge_write(file, &whole);
    assert_int_equal(tool_verify(tool_path("damaged"), "", output, sizeof output), VERIFY_DAMAGED);
    bytes_free(&whole);
}

static bool bundle_is_refused(const char *path)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_REPORT struct report report = {0};
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers trust = {0};
    struct limits limits;
    struct error error;
    limits_default(&limits);
    forge_trust(&trust);
    if (reader_read(path, &record, &error) != ERROR_OK)
        return true;
    struct audit audit = {.limits = &limits, .trust = &trust, .target = FORGE_TARGET};
    return verify_record(&record, &audit, SELECTION_LAST, 0, &report, &error) != ERROR_OK
           || report.status == VERIFY_VIOLATED;
}

/* A bundle of a genesis and two notes with their evidence: each of its bits decides. */
static void bundle_every_bit_flipped_refused(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    struct bytes text = {0};
    json_t *evidence = json_array();
    forge_init(&forge);
    forge_genesis(&forge);
    forge_item(&forge, evidence, "bus.publish", FORGE_DISARM, 0, "a blob");
    (void)forge_append(&forge, "command", -1,
                       json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "command", "disarm", "phase",
                                 "outcome", "key", "", "outcome", "observed", "reason", "",
                                 "evidence", evidence));
    forge_bundle(&forge, &text);
    const char *path = tool_path("flipped.bundle");
    forge_write(path, &text);
    assert_false(bundle_is_refused(path));
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_true(file >= 0);
    for (size_t at = 0; at < text.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t flipped = (uint8_t)(text.data[at] ^ 1U << bit);
            assert_int_equal(pwrite(file, &flipped, 1, (off_t)at), 1);
            if (!bundle_is_refused(path))
                fail_msg("byte %zu, bit %u: accepted", at, bit);
        }
        assert_int_equal(pwrite(file, &text.data[at], 1, (off_t)at), 1);
    }
    assert_false(bundle_is_refused(path));
    for (size_t size = 0; size < text.size; size += 97) {
        assert_int_equal(ftruncate(file, (off_t)size), 0);
        assert_true(bundle_is_refused(path));
    }
    print_message("%zu bits flipped, all refused\n", text.size * 8);
    (void)close(file);
    bytes_free(&text);
}

static void tool_extract_accepted_by_ssh_keygen(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    char output[4000], command[1500];
    if (system("command -v ssh-keygen >/dev/null") != 0)
        skip();
    forge_init(&forge);
    forge_genesis(&forge);
    tool_bundle(&forge, "extract.bundle");
    (void)snprintf(command, sizeof command, "%s extract %s 0 --out %s", tool_program(),
                   tool_path("extract.bundle"), tool_path("entry"));
    assert_int_equal(tool_run(command, output, sizeof output), 0);
    (void)snprintf(command, sizeof command,
                   "ssh-keygen -Y verify -f %s -I alice -n titan-journal-v1 -s %s.sig < %s",
                   tool_path("trust"), tool_path("entry"), tool_path("entry"));
    assert_int_equal(tool_run(command, output, sizeof output), 0);
    (void)snprintf(
        command, sizeof command,
        "printf x >> %s; ssh-keygen -Y verify -f %s -I alice -n titan-journal-v1 -s %s.sig < %s",
        tool_path("entry"), tool_path("trust"), tool_path("entry"), tool_path("entry"));
    assert_int_not_equal(tool_run(command, output, sizeof output), 0);
    (void)snprintf(command, sizeof command, "%s extract %s 1 --out %s", tool_program(),
                   tool_path("extract.bundle"), tool_path("entry"));
    assert_int_equal(tool_run(command, output, sizeof output), VERIFY_USAGE);
}

static void limits_file_read_or_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *where;
    } bad[] = {{"window_ms: 1000\nwindow_sm: 5\n", ":2:1"},
               {"window_ms: 1000\nwindow_ms: 2000\n", ":2:1"},
               {"window_ms: soon\n", ":1:1"},
               {"failures: 0\n", ":1:1"},
               {"approvals:\n  polcy: 1\n", ":2:3"},
               {"checklist: backups\n", ":1:1"},
               {"window_ms: [1\n", ":"},
               {"window_ms: -1\n", ":1:1"}};
    struct limits limits;
    struct error error;
    tool_write("limits.yml", "# shorter\nwindow_ms: 20000\nfailures: 2\nchecklist: [backups, "
                             "ports]\napprovals: {policy: 2, release: 1}\n");
    assert_int_equal(limits_read(tool_path("limits.yml"), &limits, &error), ERROR_OK);
    assert_int_equal(limits.window_ms, 20000);
    assert_int_equal(limits.rollback_ms, 300000);
    assert_int_equal(limits.checklist_count, 2);
    assert_int_equal(limits.approvals_policy, 2);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tool_write("limits.yml", bad[i].text);
        assert_int_equal(limits_read(tool_path("limits.yml"), &limits, &error), ERROR_USAGE);
        if (strstr(error.where, bad[i].where) == NULL)
            fail_msg("%s is refused at %s", bad[i].text, error.where);
    }
}

static void insist_status(const char *record, const char *more, int expected, const char *said)
{
    char output[8000];
    int status = tool_verify(record, more, output, sizeof output);
    if (status != expected || strstr(output, said) == NULL)
        fail_msg("status %d, '%s' is missing in: %s", status, said, output);
}

static void append_note(struct forge *forge, const char *text)
{
    (void)forge_append(forge, "note", -1, json_pack("{s:s}", "text", text));
}

/* The signatures of before are believed for those entries only, and never for others. */
static void tool_verified_before_extends_or_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    CLEANUP_FORGE struct forge other;
    static const char before[] = "were checked by an earlier run";
    char option[300];
    (void)snprintf(option, sizeof option, "--verified %s", tool_path("verified"));
    forge_init(&forge);
    forge_whole(&forge, "release");
    tool_bundle(&forge, "first.bundle");
    insist_status(tool_path("first.bundle"), option, VERIFY_PROVEN, "PROVEN");
    insist_status(tool_path("first.bundle"), option, VERIFY_PROVEN, before);
    append_note(&forge, "behind it");
    tool_bundle(&forge, "longer.bundle");
    insist_status(tool_path("longer.bundle"), option, VERIFY_PROVEN, before);
    insist_status(tool_path("first.bundle"), option, VERIFY_VIOLATED, "I-06");
    append_note(&forge, "behind it");
    forge.values[forge.count - 1].data[3] ^= 1; /* of its signature, which is new */
    tool_bundle(&forge, "forged.bundle");
    insist_status(tool_path("forged.bundle"), option, VERIFY_VIOLATED, "I-03");
    forge.values[forge.count - 1].data[3] ^= 1;
    forge.values[5].data[3] ^= 1; /* of one that was verified */
    tool_bundle(&forge, "changed.bundle");
    insist_status(tool_path("changed.bundle"), option, VERIFY_VIOLATED, "I-02");
    forge_init(&other);
    forge_whole(&other, "release");
    append_note(&other, "of the other");
    tool_bundle(&other, "other.bundle");
    insist_status(tool_path("other.bundle"), option, VERIFY_VIOLATED, "I-06");
    tool_write("garbage", "something else\n");
    (void)snprintf(option, sizeof option, "--verified %s", tool_path("garbage"));
    insist_status(tool_path("first.bundle"), option, VERIFY_USAGE, "earlier run");
    insist_status(tool_path("first.bundle"), "--verified x --attest y --key z", VERIFY_USAGE,
                  "--verified");
}

int main(int argc, char **argv)
{
    tool_init(argc > 1 ? argv[1] : "titan-verify");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tool_bundle_and_lmdb_proven),
        cmocka_unit_test(tool_exit_statuses_distinct),
        cmocka_unit_test(tool_damaged_lmdb_refused),
        cmocka_unit_test(bundle_every_bit_flipped_refused),
        cmocka_unit_test(tool_extract_accepted_by_ssh_keygen),
        cmocka_unit_test(tool_verified_before_extends_or_violated),
        cmocka_unit_test(limits_file_read_or_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, tool_set_up, tool_tear_down);
}
