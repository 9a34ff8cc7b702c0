#include "actions/target/world_system.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/target/world_disk.h"

static enum error_code disk_examine(void *context, const char *path, struct world_file *ret_file,
                                    struct error *error)
{
    (void)context;
    struct stat status, name;
    struct world_file file = {0};
    if (stat(path, &status) == 0 && lstat(path, &name) == 0)
        file = (struct world_file){.exists = true,
                                   .link = S_ISLNK(name.st_mode),
                                   .regular = S_ISREG(status.st_mode),
                                   .directory = S_ISDIR(status.st_mode),
                                   .mode = status.st_mode & 07777U,
                                   .own = status.st_uid == geteuid(),
                                   .size = (uint64_t)status.st_size};
    else if (errno != ENOENT && errno != ENOTDIR)
        return error_set(error, ERROR_SYSTEM, errno, path, "check the path and its permissions",
                         "the file cannot be examined: %s", strerror(errno));
    *ret_file = file;
    return ERROR_OK;
}

/* A FIFO would block and a device would act: non-blocking, and refused unless regular. */
static enum error_code open_input(const char *path, int *ret_descriptor, struct stat *ret_status,
                                  struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return error_set(error, ERROR_SYSTEM, errno, path, "check the path and its permissions",
                         "the file cannot be opened: %s", strerror(errno));
    enum error_code code = ERROR_OK;
    if (fstat(descriptor, ret_status) != 0)
        code = error_set(error, ERROR_SYSTEM, errno, path, "check the path",
                         "the file cannot be examined: %s", strerror(errno));
    else if (!S_ISREG(ret_status->st_mode))
        code = error_set(error, ERROR_SYSTEM, S_ISDIR(ret_status->st_mode) ? EISDIR : EINVAL, path,
                         "name a regular file", "this is not a regular file");
    if (code != ERROR_OK)
        (void)close(descriptor);
    else
        *ret_descriptor = descriptor;
    return code;
}

/* Up to `size` bytes; fewer only at the end of the file. */
static enum error_code read_up_to(int descriptor, const char *path, void *data, size_t size,
                                  size_t *ret_size, struct error *error)
{
    size_t have = 0;
    while (have < size) {
        ssize_t got = read(descriptor, (uint8_t *)data + have, size - have);
        if (got < 0 && errno != EINTR)
            return error_set(error, ERROR_SYSTEM, errno, path, "check the disk",
                             "the file cannot be read: %s", strerror(errno));
        if (got == 0)
            break;
        have += got > 0 ? (size_t)got : 0;
    }
    *ret_size = have;
    return ERROR_OK;
}

/* Larger memory with the same bytes; the old memory is wiped, because the file may be a secret. */
static uint8_t *enlarge(uint8_t *data, size_t size, size_t capacity)
{
    uint8_t *larger = malloc(capacity);
    if (larger != NULL && size > 0)
        memcpy(larger, data, size);
    struct bytes old = {.data = data, .size = size};
    bytes_free(&old);
    return larger;
}

/* To the end of the file, whatever its size was said to be: it may grow meanwhile, and the files of
 * /proc have the size 0. At most size_max + 1 bytes, which shows that it is too large. */
static enum error_code read_to_end(int descriptor, const char *path, size_t expected,
                                   size_t size_max, struct bytes *data, struct error *error)
{
    size_t capacity = expected + 1;
    for (;;) {
        size_t got = 0;
        data->data = enlarge(data->data, data->size, capacity + 1);
        if (data->data == NULL)
            return error_set(error, ERROR_MEMORY, errno, path, "", "out of memory");
        enum error_code code = read_up_to(descriptor, path, data->data + data->size,
                                          capacity - data->size, &got, error);
        if (code != ERROR_OK)
            return code;
        data->size += got;
        data->data[data->size] = 0;
        if (data->size < capacity || data->size > size_max)
            return ERROR_OK;
        capacity = capacity * 2 < size_max ? capacity * 2 : size_max + 1;
    }
}

static enum error_code file_too_large(const char *path, size_t size_max, struct error *error)
{
    return error_set(error, ERROR_LIMIT, 0, path, "check that this is the right file",
                     "the file is larger than %zu bytes", size_max);
}

static enum error_code disk_read(void *context, const char *path, size_t size_max,
                                 struct bytes *ret_data, struct error *error)
{
    (void)context;
    int descriptor;
    struct stat status;
    CLEANUP_BYTES struct bytes data = {0};
    enum error_code code = open_input(path, &descriptor, &status, error);
    if (code != ERROR_OK)
        return code;
    if ((uint64_t)status.st_size > size_max)
        code = file_too_large(path, size_max, error);
    else
        code = read_to_end(descriptor, path, (size_t)status.st_size, size_max, &data, error);
    (void)close(descriptor);
    if (code == ERROR_OK && data.size > size_max)
        code = file_too_large(path, size_max, error);
    if (code != ERROR_OK)
        return code;
    bytes_free(ret_data);
    *ret_data = data;
    data = (struct bytes){0};
    return ERROR_OK;
}

static enum error_code disk_read_secret(void *context, const char *path, void *ret_data,
                                        size_t size, size_t *ret_size, struct error *error)
{
    (void)context;
    int descriptor;
    struct stat status;
    enum error_code code = open_input(path, &descriptor, &status, error);
    if (code != ERROR_OK) {
        error->code = ERROR_KEY_REFUSED;
        return ERROR_KEY_REFUSED;
    }
    if ((status.st_mode & 077) != 0)
        code = error_set(error, ERROR_KEY_REFUSED, 0, path, "chmod 600",
                         "a secret file must be readable by its owner only");
    else
        code = read_up_to(descriptor, path, ret_data, size, ret_size, error);
    (void)close(descriptor);
    return code;
}

static enum error_code disk_write(void *context, const char *path, enum world_write how,
                                  unsigned mode, const void *data, size_t size, struct error *error)
{
    void *file = NULL;
    enum error_code code = disk_begin(context, path, how, mode, &file, error);
    if (code != ERROR_OK)
        return code;
    code = disk_add(file, data, size, error);
    if (code == ERROR_OK)
        return disk_finish(file, true, error);
    struct error ignored;
    (void)!disk_finish(file, false, &ignored);
    return code;
}

static bool overwrite_with_zeros(int descriptor)
{
    static const uint8_t zeros[4096];
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return false;
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return false;
    }
    for (off_t left = status.st_size; left > 0;) {
        size_t part = left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros;
        ssize_t put = write(descriptor, zeros, part);
        if (put < 0 && errno != EINTR)
            return false;
        left -= put > 0 ? put : 0;
    }
    return fsync(descriptor) == 0;
}

static enum error_code disk_wipe(void *context, const char *path, struct error *error)
{
    (void)context;
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT)
        return ERROR_OK;
    bool good = descriptor >= 0 && overwrite_with_zeros(descriptor) && unlink(path) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good ? disk_sync_parent(path, error)
                : error_set(error, ERROR_SYSTEM, number, path, "remove it by hand",
                            "the file cannot be wiped: %s", strerror(number));
}

static enum error_code disk_make_directory(void *context, const char *path, unsigned mode,
                                           struct error *error)
{
    (void)context;
    if (mkdir(path, mode) == 0)
        return disk_sync_parent(path, error);
    return error_set(error, errno == EEXIST ? ERROR_REFUSED : ERROR_SYSTEM, errno, path,
                     errno == EEXIST ? "name another directory" : "check the path",
                     "the directory cannot be created: %s", strerror(errno));
}

/* The kernel releases it with the process, so that no stale lock ever blocks. A lock of the open
 * file can be asked for without being taken, which flock(2) cannot; whoever asks must never be what
 * holds a driver off. */
static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

/* For people only: the lock itself does not depend on it, nor does a full disk matter. */
static void disk_lock_note(void *context, void *lock, const char *note)
{
    (void)context;
    int descriptor = *(int *)lock;
    if (ftruncate(descriptor, 0) == 0 && lseek(descriptor, 0, SEEK_SET) == 0)
        (void)dprintf(descriptor, "%lld\n%s", (long long)getpid(), note);
}

static enum error_code disk_lock(void *context, const char *path, void **ret_lock,
                                 struct error *error)
{
    (void)context;
    struct flock wanted = whole_file();
    int *lock = malloc(sizeof *lock);
    if (lock == NULL)
        return error_set(error, ERROR_MEMORY, errno, path, "", "out of memory");
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (*lock >= 0 && fcntl(*lock, F_OFD_SETLK, &wanted) == 0) {
        disk_lock_note(NULL, lock, "");
        *ret_lock = lock;
        return ERROR_OK;
    }
    enum error_code code = *lock >= 0 && (errno == EAGAIN || errno == EACCES)
                               ? error_set(error, ERROR_HELD, errno, path, "wait until it ends",
                                           "another process has locked this file")
                               : error_set(error, ERROR_SYSTEM, errno, path, "check its directory",
                                           "the lock file cannot be opened: %s", strerror(errno));
    if (*lock >= 0)
        (void)close(*lock);
    free(lock);
    return code;
}

static void read_holder(int lock, struct world_lock_holder *holder)
{
    char text[WORLD_LOCK_NOTE_BYTES + 24] = "", *end = text;
    ssize_t size = pread(lock, text, sizeof text - 1, 0);
    long long process = size > 0 ? strtoll(text, &end, 10) : 0;
    holder->process = process > 0 && *end == '\n' ? process : -1;
    if (holder->process > 0)
        (void)snprintf(holder->note, sizeof holder->note, "%s", end + 1);
}

static enum error_code disk_lock_holder(void *context, const char *path,
                                        struct world_lock_holder *ret_holder, struct error *error)
{
    (void)context;
    struct flock found = whole_file();
    struct world_lock_holder holder = {.process = 0};
    int lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool absent = lock < 0 && errno == ENOENT;
    int result = lock >= 0 ? fcntl(lock, F_OFD_GETLK, &found) : -1, number = errno;
    if (result == 0 && found.l_type != F_UNLCK)
        read_holder(lock, &holder);
    if (lock >= 0)
        (void)close(lock);
    if (result != 0 && !absent)
        return error_set(error, ERROR_SYSTEM, number, path, "check its permissions",
                         "whether a process holds this lock cannot be read: %s", strerror(number));
    *ret_holder = holder;
    return ERROR_OK;
}

static void disk_unlock(void *context, void *lock)
{
    (void)context;
    if (lock != NULL)
        (void)close(*(int *)lock);
    free(lock);
}

const struct world_disk *world_disk_system(void)
{
    static const struct world_disk disk = {.examine = disk_examine,
                                           .read = disk_read,
                                           .read_secret = disk_read_secret,
                                           .write = disk_write,
                                           .begin = disk_begin,
                                           .add = disk_add,
                                           .finish = disk_finish,
                                           .wipe = disk_wipe,
                                           .make_directory = disk_make_directory,
                                           .lock = disk_lock,
                                           .unlock = disk_unlock,
                                           .lock_holder = disk_lock_holder,
                                           .lock_note = disk_lock_note};
    return &disk;
}
