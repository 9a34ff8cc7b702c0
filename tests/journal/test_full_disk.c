/* Goal: on a disk that is really full (a small tmpfs) nothing that was recorded is lost, every
 * refusal is an error and not a crash, and after space was made the chain goes on. Needs root, for
 * the mount in a namespace of its own. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/journal.h"

static char mount_point[SUPPORT_PATH_MAX];

static int mount_disk(void **state)
{
    (void)state;
    support_directory(mount_point);
    assert_int_equal(mount("none", mount_point, "tmpfs", MS_NOSUID | MS_NODEV, "size=3m,mode=0700"),
                     0);
    return 0;
}

static int unmount_disk(void **state)
{
    (void)state;
    assert_int_equal(umount(mount_point), 0);
    support_remove(mount_point);
    return 0;
}

/* Every page of the disk but `spare_bytes`. */
static void fill(size_t spare_bytes)
{
    static const uint8_t zeros[4096];
    int descriptor = open(support_path(mount_point, "ballast"),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(descriptor >= 0);
    while (write(descriptor, zeros, sizeof zeros) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    struct stat status;
    assert_int_equal(fstat(descriptor, &status), 0);
    assert_int_equal(ftruncate(descriptor, status.st_size - (off_t)spare_bytes), 0);
    assert_int_equal(close(descriptor), 0);
}

static void make_room(void)
{
    assert_int_equal(unlink(support_path(mount_point, "ballast")), 0);
}

static enum error_code append(struct journal *journal, struct signer *signer, const char *text,
                              size_t blob_bytes, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "text", text);
    CLEANUP_BYTES struct bytes blob = {0};
    uint8_t *noise = calloc(1, blob_bytes + 1);
    randombytes_buf(noise, blob_bytes);
    support_ok(bytes_append(&blob, noise, blob_bytes, error), error);
    free(noise);
    return journal_append(journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = "note",
                                                .deployment = JOURNAL_NO_DEPLOYMENT,
                                                .body = body,
                                                .blobs = &blob,
                                                .blob_count = blob_bytes > 0 ? 1 : 0},
                          NULL, error);
}

/* Opens anew, looks at each entry, and closes. */
static uint64_t count_entries(const char *path, bool read_only)
{
    CLEANUP_JOURNAL struct journal *journal = NULL;
    struct journal_head head;
    struct error error;
    support_ok(journal_open(path, support_world(), read_only, &journal, &error), &error);
    support_ok(journal_head(journal, &head, &error), &error);
    uint8_t hash[SHA256_BYTES] = {0};
    for (uint64_t seq = 0; seq < head.size; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        CLEANUP_ENTRY struct journal_entry entry = {0};
        char hex[SHA256_HEX + 1];
        support_ok(journal_read(journal, seq, &entry, &error), &error);
        support_ok(journal_stored_value(journal, seq, &value, &error), &error);
        bytes_hex(hash, sizeof hash, hex);
        assert_non_null(strstr((const char *)value.data + SIGNATURE_BYTES, hex)); /* `prev` */
        bytes_sha256(value.data, value.size, hash);
    }
    assert_memory_equal(hash, head.hash, sizeof hash);
    return head.size;
}

static void journal_append_full_disk_nothing_lost(void **state)
{
    (void)state;
    char path[2 * SUPPORT_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", support_path(mount_point, "journal"));
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    struct journal *journal = NULL;
    struct error error;
    support_ok(journal_create(path, support_world(), &journal, &error), &error);
    support_ok(append(journal, signer, "first", 0, &error), &error);
    uint64_t recorded = 1;
    fill(256 * 1024);
    enum error_code code;
    while ((code = append(journal, signer, "more", 20000, &error)) == ERROR_OK)
        recorded++;
    assert_true(recorded > 1);
    assert_int_equal(code, ERROR_JOURNAL_WRITE);
    assert_int_equal(error.library_code, ENOSPC);
    assert_string_equal(error.where, path);
    assert_non_null(strstr(error.next, "free space"));
    support_code(journal_reserve(journal, 1 << 20, &error), ERROR_JOURNAL_WRITE, &error);
    support_code(append(journal, signer, "again", 0, &error), ERROR_JOURNAL_WRITE,
                 &error); /* the outcome was unknown: this handle writes no more */
    journal_close(journal);
    fill(0);
    assert_true(count_entries(path, true) == recorded);
    assert_true(count_entries(path, false) == recorded);
    make_room();
    support_ok(journal_open(path, support_world(), false, &journal, &error), &error);
    support_ok(journal_reserve(journal, 1 << 20, &error), &error);
    support_ok(append(journal, signer, "after", 20000, &error), &error);
    journal_close(journal);
    assert_true(count_entries(path, false) == recorded + 1);
}

/* With every number of free pages from none on, `init` either works or says why and leaves nothing;
 * it never dies of a signal. */
static void journal_create_full_disk_refused_and_repeatable(void **state)
{
    (void)state;
    char path[2 * SUPPORT_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", support_path(mount_point, "journal"));
    unsigned made = 0, refused = 0;
    for (size_t pages = 0; pages < 24; pages++) {
        fill(pages * 4096);
        struct journal *journal = NULL;
        struct error error;
        CLEANUP_SIGNER struct signer *signer = support_signer(1);
        enum error_code code = journal_create(path, support_world(), &journal, &error);
        if (code == ERROR_OK) {
            made++;
            enum error_code written = append(journal, signer, "genesis", 0, &error);
            assert_true(written == ERROR_OK || written == ERROR_JOURNAL_WRITE);
            journal_close(journal);
            support_remove(path);
        } else {
            refused++;
            support_code(code, ERROR_JOURNAL_WRITE, &error);
            assert_int_equal(access(path, F_OK), -1);
        }
        make_room();
    }
    assert_true(made > 0 && refused > 0);
}

static void session_key_create_full_disk_leaves_nothing(void **state)
{
    (void)state;
    const char *path = support_path(mount_point, "session");
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    fill(0);
    support_code(session_key_create(support_world(), path, &signer, &error), ERROR_JOURNAL_WRITE,
                 &error);
    assert_int_equal(error.library_code, ENOSPC);
    assert_int_equal(access(path, F_OK), -1);
    make_room();
    support_ok(session_key_create(support_world(), path, &signer, &error), &error);
}

static void journal_export_full_disk_keeps_the_old_bundle(void **state)
{
    (void)state;
    char path[2 * SUPPORT_PATH_MAX];
    const char *bundle = support_path(mount_point, "bundle");
    (void)snprintf(path, sizeof path, "%s", support_path(mount_point, "journal"));
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_JOURNAL struct journal *journal = NULL;
    CLEANUP_BYTES struct bytes before = {0}, after = {0};
    struct error error;
    support_ok(journal_create(path, support_world(), &journal, &error), &error);
    for (unsigned i = 0; i < 20; i++)
        support_ok(append(journal, signer, "entry", 0, &error), &error);
    support_ok(journal_export(journal, signer, bundle, &error), &error);
    support_read(bundle, &before);
    fill(4096);
    support_code(journal_export(journal, signer, bundle, &error), ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, ENOSPC);
    support_read(bundle, &after);
    assert_string_equal((const char *)before.data, (const char *)after.data);
    assert_int_equal(access(support_path(mount_point, "bundle.new"), F_OK), -1);
    make_room();
    support_ok(journal_export(journal, signer, bundle, &error), &error);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, mount_disk, unmount_disk)
int main(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        support_skip("mounting a small disk needs root");
    const struct CMUnitTest tests[] = {
        CASE(journal_append_full_disk_nothing_lost),
        CASE(journal_create_full_disk_refused_and_repeatable),
        CASE(session_key_create_full_disk_leaves_nothing),
        CASE(journal_export_full_disk_keeps_the_old_bundle),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
