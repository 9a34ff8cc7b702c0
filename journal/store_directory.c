#include "journal/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "journal/format/bytes.h"

enum {
    LOCK_FILE_BYTES = 8192,
    FULL_BYTES = 65536
}; /* LMDB's reader table; less free space than this is a full disk */

/* LMDB would wait for a FIFO, and write through a link. */
static enum error_code check_files(const char *directory, struct error *error)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "driver.lock"};
    int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *odd = NULL;
    for (size_t i = 0; parent >= 0 && i < sizeof names / sizeof names[0]; i++) {
        struct stat status;
        if (fstatat(parent, names[i], &status, AT_SYMLINK_NOFOLLOW) == 0
            && !S_ISREG(status.st_mode))
            odd = names[i];
    }
    if (parent >= 0)
        (void)close(parent);
    return odd == NULL ? ERROR_OK
                       : error_set(error, ERROR_DAMAGED, 0, directory,
                                   "find out who put it there, and restore the journal from a copy",
                                   "%s in it is not a file of its own", odd);
}

enum error_code store_directory_check(const char *directory, struct error *error)
{
    struct stat status;
    if (stat(directory, &status) != 0)
        return error_set(error, ERROR_CONFIG, errno, directory,
                         "`titan-fsm init`, or check `journal` in the configuration",
                         "there is no journal: %s", strerror(errno));
    if (!S_ISDIR(status.st_mode) || (status.st_mode & 077) != 0)
        return error_set(error, ERROR_SYSTEM, 0, directory, "chmod 700",
                         "a journal is a directory that only its owner can enter");
    return check_files(directory, error);
}

static enum error_code sync_one(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = descriptor >= 0 && fsync(descriptor) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good ? ERROR_OK
                : error_set(error, ERROR_JOURNAL_WRITE, number, path, "check the disk",
                            "the directory cannot be made durable: %s", strerror(number));
}

enum error_code store_directory_sync(const char *directory, struct error *error)
{
    CLEANUP_BYTES struct bytes parent = {0};
    enum error_code code = bytes_append_format(&parent, error, "%s/..", directory);
    if (code == ERROR_OK)
        code = sync_one(directory, error);
    return code == ERROR_OK ? sync_one((const char *)parent.data, error) : code;
}

/* LMDB maps its lock file and writes into it. On a full disk, a page without space kills the
 * process, so the space is allocated first. */
int store_directory_reserve_lock(const char *directory)
{
    int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int descriptor = parent >= 0 ? openat(parent, "lock.mdb",
                                          O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
                                 : -1;
    int code = descriptor >= 0 && fallocate(descriptor, 0, 0, LOCK_FILE_BYTES) != 0
                       && (errno == ENOSPC || errno == EDQUOT)
                   ? errno
                   : 0;
    if (descriptor < 0 && parent >= 0 && (errno == ENOSPC || errno == EDQUOT))
        code = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    if (parent >= 0)
        (void)close(parent);
    return code; /* LMDB reports every other problem */
}

void store_directory_remove(const char *directory)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    (void)unlinkat(descriptor, "data.mdb", 0);
    (void)unlinkat(descriptor, "lock.mdb", 0);
    (void)close(descriptor);
    (void)rmdir(directory);
}

enum error_code store_directory_bytes(const char *directory, uint64_t *ret_bytes,
                                      struct error *error)
{
    struct stat status;
    int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = parent >= 0 ? fstatat(parent, "data.mdb", &status, 0) : -1;
    int number = errno;
    if (parent >= 0)
        (void)close(parent);
    if (result != 0)
        return error_set(error, ERROR_SYSTEM, number, directory, "check the journal directory",
                         "the size of data.mdb cannot be read: %s", strerror(number));
    *ret_bytes = (uint64_t)status.st_size;
    return ERROR_OK;
}

uint64_t store_directory_free_bytes(const char *directory)
{
    struct statvfs disk;
    return statvfs(directory, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

bool store_directory_is_full(const char *directory)
{
    return store_directory_free_bytes(directory) < FULL_BYTES;
}
