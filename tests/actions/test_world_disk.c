/* Goal: what is read is a whole regular file within its bound; what is written is there whole and
 * with its mode, or not at all, never through a link and never over what must not be overwritten;
 * a wiped file is gone with its bytes; a lock ends with its holder. */
#include "tests/journal/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/target/world_system.h"

static const struct world_disk *disk;
static char directory[SUPPORT_PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    disk = world_disk_system();
    support_directory(directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    support_remove(directory);
    return 0;
}

static const char *at(const char *name)
{
    return support_path(directory, name);
}

static void check_content(const char *name, const char *text)
{
    CLEANUP_BYTES struct bytes data = {0};
    struct error error;
    support_ok(disk->read(NULL, at(name), 1000, &data, &error), &error);
    assert_string_equal((const char *)data.data, text);
}

/* Nothing but these names is in the directory: no temporary file stays behind. */
static unsigned count_names(void)
{
    unsigned count = 0;
    DIR *names = opendir(directory);
    assert_non_null(names);
    for (const struct dirent *name; (name = readdir(names)) != NULL;)
        count += strcmp(name->d_name, ".") != 0 && strcmp(name->d_name, "..") != 0;
    (void)closedir(names);
    return count;
}

static enum error_code write_text(const char *name, enum world_write how, unsigned mode,
                                  const char *text, struct error *error)
{
    return disk->write(NULL, at(name), how, mode, text, strlen(text), error);
}

static void read_bound_is_kept(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes data = {0};
    struct error error;
    static char text[40000];
    memset(text, 'x', sizeof text);
    support_write(at("file"), text, sizeof text, 0600);
    support_ok(disk->read(NULL, at("file"), sizeof text, &data, &error), &error);
    assert_int_equal(data.size, sizeof text);
    assert_memory_equal(data.data, text, sizeof text);
    support_code(disk->read(NULL, at("file"), sizeof text - 1, &data, &error), ERROR_LIMIT, &error);
    assert_int_equal(data.size, sizeof text); /* untouched by the failure */
    support_write(at("file"), "", 0, 0600);
    support_ok(disk->read(NULL, at("file"), 0, &data, &error), &error);
    assert_int_equal(data.size, 0);
    assert_int_equal(data.data[0], 0);
}

/* Files of /proc have the size 0; so has a file that another process is about to fill. */
static void read_file_that_has_more_than_its_size(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes data = {0};
    struct error error;
    support_ok(disk->read(NULL, "/proc/sys/kernel/random/boot_id", 37, &data, &error), &error);
    assert_int_equal(data.size, 37);
    support_code(disk->read(NULL, "/proc/sys/kernel/random/boot_id", 36, &data, &error),
                 ERROR_LIMIT, &error);
    support_code(disk->read(NULL, "/proc/self/maps", 100, &data, &error), ERROR_LIMIT, &error);
    support_ok(disk->read(NULL, "/proc/self/maps", 1 << 20, &data, &error), &error);
    assert_int_equal(data.size, strlen((const char *)data.data));
    assert_true(data.size > 1000);
}

static void read_what_is_no_regular_file_refused(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes data = {0};
    struct error error;
    assert_int_equal(mkfifo(at("fifo"), 0600), 0); /* a blocking open() would never return */
    support_code(disk->read(NULL, at("fifo"), 100, &data, &error), ERROR_SYSTEM, &error);
    support_code(disk->read(NULL, directory, 100, &data, &error), ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, EISDIR);
    support_code(disk->read(NULL, "/dev/zero", 100, &data, &error), ERROR_SYSTEM, &error);
    support_code(disk->read(NULL, at("none"), 100, &data, &error), ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_string_equal(error.where, at("none"));
    assert_null(data.data);
}

static void read_secret_only_where_others_may_not(void **state)
{
    (void)state;
    struct error error;
    char secret[4];
    size_t size = 0;
    support_write(at("secret"), "abcdef", 6, 0600);
    support_ok(disk->read_secret(NULL, at("secret"), secret, 4, &size, &error), &error);
    assert_int_equal(size, 4); /* the first bytes of it */
    assert_memory_equal(secret, "abcd", 4);
    for (unsigned bit = 1; bit <= 040; bit <<= 1) {
        assert_int_equal(chmod(at("secret"), 0600 | bit), 0);
        support_code(disk->read_secret(NULL, at("secret"), secret, 4, &size, &error),
                     ERROR_KEY_REFUSED, &error);
    }
    support_code(disk->read_secret(NULL, at("none"), secret, 4, &size, &error), ERROR_KEY_REFUSED,
                 &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    support_code(disk->read_secret(NULL, at("fifo"), secret, 4, &size, &error), ERROR_KEY_REFUSED,
                 &error);
}

static void examine_tells_link_and_what_it_leads_to(void **state)
{
    (void)state;
    struct world_file file = {.exists = true};
    struct error error;
    support_ok(disk->examine(NULL, at("none"), &file, &error), &error);
    assert_false(file.exists);
    support_write(at("file"), "abc", 3, 0640);
    assert_int_equal(symlink("file", at("link")), 0);
    for (int link = 0; link <= 1; link++) {
        support_ok(disk->examine(NULL, at(link ? "link" : "file"), &file, &error), &error);
        assert_true(file.exists && file.regular && !file.directory && file.own);
        assert_true(file.size == 3 && file.mode == 0640 && file.link == (link == 1));
    }
    support_ok(disk->examine(NULL, directory, &file, &error), &error);
    assert_true(file.directory && !file.regular);
    assert_int_equal(symlink("nowhere", at("dangling")), 0);
    support_ok(disk->examine(NULL, at("dangling"), &file, &error), &error);
    assert_false(file.exists);
}

static void write_create_never_overwrites(void **state)
{
    (void)state;
    struct error error;
    struct stat status;
    support_ok(write_text("new", WRITE_CREATE, 0600, "first", &error), &error);
    assert_int_equal(stat(at("new"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    support_code(write_text("new", WRITE_CREATE, 0600, "second", &error), ERROR_REFUSED, &error);
    check_content("new", "first");
    assert_int_equal(symlink("elsewhere", at("link")), 0);
    support_code(write_text("link", WRITE_CREATE, 0600, "x", &error), ERROR_REFUSED, &error);
    assert_int_equal(access(at("elsewhere"), F_OK), -1); /* not written through the link */
    support_code(disk->write(NULL, at("none/file"), WRITE_CREATE, 0600, "x", 1, &error),
                 ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_int_equal(count_names(), 2);
}

static void write_replace_is_whole_or_not_at_all(void **state)
{
    (void)state;
    struct error error;
    struct stat before, after;
    support_ok(write_text("file", WRITE_REPLACE, 0640, "first", &error), &error);
    assert_int_equal(stat(at("file"), &before), 0);
    assert_int_equal(before.st_mode & 07777, 0640);
    support_ok(write_text("file", WRITE_REPLACE, 0600, "second", &error), &error);
    assert_int_equal(stat(at("file"), &after), 0);
    assert_true(before.st_ino != after.st_ino); /* whoever has the old one open keeps it whole */
    assert_int_equal(after.st_mode & 07777, 0600);
    check_content("file", "second");
    void *part = NULL;
    support_ok(disk->begin(NULL, at("file"), WRITE_REPLACE, 0600, &part, &error), &error);
    support_ok(disk->add(part, "third", 5, &error), &error);
    check_content("file", "second");
    support_ok(disk->finish(part, false, &error), &error);
    check_content("file", "second");
    assert_int_equal(count_names(), 1);
}

static void write_replace_over_link_or_special_file_refused(void **state)
{
    (void)state;
    struct error error;
    struct stat status;
    support_write(at("file"), "kept", 4, 0600);
    assert_int_equal(symlink("file", at("link")), 0);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    assert_int_equal(mkdir(at("directory"), 0700), 0);
    support_code(write_text("link", WRITE_REPLACE, 0600, "x", &error), ERROR_REFUSED, &error);
    support_code(write_text("fifo", WRITE_REPLACE, 0600, "x", &error), ERROR_REFUSED, &error);
    support_code(write_text("directory", WRITE_REPLACE, 0600, "x", &error), ERROR_SYSTEM, &error);
    assert_int_equal(error.library_code, EISDIR);
    check_content("file", "kept");
    assert_true(lstat(at("link"), &status) == 0 && S_ISLNK(status.st_mode));
    assert_true(lstat(at("fifo"), &status) == 0 && S_ISFIFO(status.st_mode));
    support_code(disk->write(NULL, "/dev/null", WRITE_REPLACE, 0600, "x", 1, &error), ERROR_REFUSED,
                 &error);
    assert_int_equal(count_names(), 4);
}

/* Larger than the buffer, in parts that do not divide it. */
static void write_in_parts_arrives_whole(void **state)
{
    (void)state;
    enum { PART = 7001, PARTS = 40 };
    CLEANUP_BYTES struct bytes data = {0};
    struct error error;
    void *file = NULL;
    char part[PART];
    support_ok(disk->begin(NULL, at("large"), WRITE_CREATE, 0600, &file, &error), &error);
    for (int i = 0; i < PARTS; i++) {
        memset(part, 'a' + i % 26, sizeof part);
        support_ok(disk->add(file, part, sizeof part, &error), &error);
    }
    support_ok(disk->finish(file, true, &error), &error);
    support_ok(disk->read(NULL, at("large"), PART * PARTS, &data, &error), &error);
    assert_int_equal(data.size, PART * PARTS);
    for (size_t i = 0; i < data.size; i++)
        assert_int_equal(data.data[i], 'a' + i / PART % 26);
    support_ok(disk->begin(NULL, at("dropped"), WRITE_CREATE, 0600, &file, &error), &error);
    support_ok(disk->add(file, part, sizeof part, &error), &error);
    support_ok(disk->finish(file, false, &error), &error);
    assert_int_equal(count_names(), 1);
}

static void wipe_overwrites_and_removes(void **state)
{
    (void)state;
    struct error error;
    char left[9] = "";
    support_write(at("key"), "a secret", 8, 0600);
    int held = open(at("key"), O_RDONLY | O_CLOEXEC);
    assert_true(held >= 0);
    support_ok(disk->wipe(NULL, at("key"), &error), &error);
    assert_int_equal(access(at("key"), F_OK), -1);
    assert_int_equal(pread(held, left, 8, 0), 8); /* the bytes themselves, by the open handle */
    assert_memory_equal(left, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(close(held), 0);
    support_ok(disk->wipe(NULL, at("key"), &error), &error); /* already gone */
    support_write(at("kept"), "kept", 4, 0600);
    assert_int_equal(symlink("kept", at("link")), 0);
    support_code(disk->wipe(NULL, at("link"), &error), ERROR_SYSTEM, &error);
    support_code(disk->wipe(NULL, directory, &error), ERROR_SYSTEM, &error);
    assert_int_equal(mkfifo(at("fifo"), 0600), 0);
    support_code(disk->wipe(NULL, at("fifo"), &error), ERROR_SYSTEM, &error);
    check_content("kept", "kept");
}

static void make_directory_existing_refused(void **state)
{
    (void)state;
    struct error error;
    struct stat status;
    support_ok(disk->make_directory(NULL, at("made"), 0700, &error), &error);
    assert_true(stat(at("made"), &status) == 0 && (status.st_mode & 07777) == 0700);
    support_code(disk->make_directory(NULL, at("made"), 0700, &error), ERROR_REFUSED, &error);
    support_code(disk->make_directory(NULL, at("none/made"), 0700, &error), ERROR_SYSTEM, &error);
}

/* 0: the child got the lock; 1: ERROR_HELD; 2: anything else. */
static int lock_in_a_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        void *lock = NULL;
        struct error error;
        enum error_code code = disk->lock(NULL, at("lock"), &lock, &error);
        _exit(code == ERROR_OK ? 0 : code == ERROR_HELD ? 1 : 2); /* ends without unlock() */
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void lock_is_exclusive_and_ends_with_its_process(void **state)
{
    (void)state;
    struct error error;
    void *lock = NULL, *second = NULL;
    assert_int_equal(lock_in_a_child(), 0);
    support_ok(disk->lock(NULL, at("lock"), &lock, &error), &error); /* the child is dead */
    assert_int_equal(lock_in_a_child(), 1);
    support_code(disk->lock(NULL, at("lock"), &second, &error), ERROR_HELD, &error);
    assert_null(second);
    disk->unlock(NULL, lock);
    assert_int_equal(lock_in_a_child(), 0);
    support_code(disk->lock(NULL, at("none/lock"), &lock, &error), ERROR_SYSTEM, &error);
    disk->unlock(NULL, NULL);
}

/* In a child: an open file of this process's own is not asked for here. 0 = nobody has it. */
static int holder_seen_by_a_child(const char *note)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct world_lock_holder holder;
        struct error error;
        enum error_code code = disk->lock_holder(NULL, at("held"), &holder, &error);
        _exit(code != ERROR_OK                                                ? 3
              : holder.process == 0                                           ? 0
              : holder.process == getppid() && strcmp(holder.note, note) == 0 ? 1
                                                                              : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void lock_is_looked_at_without_being_taken(void **state)
{
    (void)state;
    struct error error;
    void *lock = NULL;
    assert_int_equal(holder_seen_by_a_child(""), 0); /* there is no file yet */
    support_ok(disk->lock(NULL, at("held"), &lock, &error), &error);
    assert_int_equal(holder_seen_by_a_child(""), 1);
    disk->lock_note(NULL, lock, "12 a question");
    assert_int_equal(holder_seen_by_a_child("12 a question"), 1);
    disk->lock_note(NULL, lock, "");
    assert_int_equal(holder_seen_by_a_child(""), 1);
    disk->unlock(NULL, lock);
    assert_int_equal(holder_seen_by_a_child(""), 0);
    support_ok(disk->lock(NULL, at("held"), &lock, &error), &error); /* nobody was in the way */
    disk->unlock(NULL, lock);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(read_bound_is_kept),
        CASE(read_file_that_has_more_than_its_size),
        CASE(read_what_is_no_regular_file_refused),
        CASE(read_secret_only_where_others_may_not),
        CASE(examine_tells_link_and_what_it_leads_to),
        CASE(write_create_never_overwrites),
        CASE(write_replace_is_whole_or_not_at_all),
        CASE(write_replace_over_link_or_special_file_refused),
        CASE(write_in_parts_arrives_whole),
        CASE(wipe_overwrites_and_removes),
        CASE(make_directory_existing_refused),
        CASE(lock_is_exclusive_and_ends_with_its_process),
        CASE(lock_is_looked_at_without_being_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
