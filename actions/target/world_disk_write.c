#include "actions/target/world_disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

enum { BUFFER_BYTES = 65536, TEMPORARY_BYTES = 8, TEMPORARY_NAME_MAX = 48 };

/* A file that is being written. Its directory is opened once, so that a directory which is renamed
 * meanwhile cannot make the two names fall into different ones. */
struct disk_file {
    char *path;
    const char *name; /* the last part of `path`, borrowed from it */
    int directory, descriptor;
    enum world_write how;
    char temporary[TEMPORARY_NAME_MAX]; /* WRITE_REPLACE: written under this name */
    size_t buffered;
    uint8_t buffer[BUFFER_BYTES];
};

static void free_file(struct disk_file **file)
{
    if (*file == NULL)
        return;
    if ((*file)->descriptor >= 0)
        (void)close((*file)->descriptor);
    if ((*file)->directory >= 0)
        (void)close((*file)->directory);
    sodium_memzero((*file)->buffer, sizeof(*file)->buffer);
    free((*file)->path);
    free(*file);
    *file = NULL;
}

static int open_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    int descriptor = parent != NULL ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(parent);
    return descriptor;
}

enum error_code disk_sync_parent(const char *path, struct error *error)
{
    int descriptor = open_parent(path);
    bool good = descriptor >= 0 && fsync(descriptor) == 0;
    int number = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good ? ERROR_OK
                : error_set(error, ERROR_SYSTEM, number, path, "check the disk",
                            "the directory cannot be made durable: %s", strerror(number));
}

static enum error_code file_not_written(const struct disk_file *file, int number,
                                        struct error *error)
{
    return error_set(error, ERROR_SYSTEM, number, file->path,
                     number == ENOSPC || number == EDQUOT ? "free space or choose another place"
                                                          : "choose a place that can be written",
                     "the file cannot be written: %s", strerror(number));
}

/* A rename would replace a link or a device by a plain file, which nobody means by naming it. */
static enum error_code check_replaceable(const struct disk_file *file, struct error *error)
{
    struct stat status;
    if (fstatat(file->directory, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? ERROR_OK : file_not_written(file, errno, error);
    if (S_ISREG(status.st_mode))
        return ERROR_OK;
    if (S_ISDIR(status.st_mode))
        return file_not_written(file, EISDIR, error);
    return error_set(error, ERROR_REFUSED, 0, file->path, "name a regular file or a new one",
                     "this name is a link or a special file; nothing is written through it");
}

static enum error_code open_output(struct disk_file *file, unsigned mode, struct error *error)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    const char *name = file->name;
    if (file->how == WRITE_REPLACE) {
        uint8_t random[TEMPORARY_BYTES];
        char hex[2 * TEMPORARY_BYTES + 1];
        enum error_code code = check_replaceable(file, error);
        if (code != ERROR_OK)
            return code;
        randombytes_buf(random, sizeof random);
        bytes_hex(random, sizeof random, hex);
        (void)snprintf(file->temporary, sizeof file->temporary, ".titan-fsm.%s.new", hex);
        name = file->temporary;
    }
    file->descriptor = openat(file->directory, name, flags, mode);
    if (file->descriptor >= 0)
        return ERROR_OK;
    if (errno != EEXIST)
        return file_not_written(file, errno, error);
    return error_set(error, ERROR_REFUSED, errno, file->path, "name another file",
                     "the file exists and is not overwritten");
}

enum error_code disk_begin(void *context, const char *path, enum world_write how, unsigned mode,
                           void **ret_file, struct error *error)
{
    (void)context;
    struct disk_file *file __attribute__((cleanup(free_file))) = calloc(1, sizeof *file);
    if (file == NULL || (file->path = strdup(path)) == NULL) {
        free(file);
        file = NULL;
        return error_set(error, ERROR_MEMORY, errno, path, "", "out of memory");
    }
    const char *slash = strrchr(file->path, '/');
    file->name = slash != NULL ? slash + 1 : file->path;
    file->how = how;
    file->descriptor = -1;
    file->directory = open_parent(path);
    if (file->directory < 0)
        return file_not_written(file, errno, error);
    enum error_code code = open_output(file, mode, error);
    if (code != ERROR_OK)
        return code;
    *ret_file = file;
    file = NULL;
    return ERROR_OK;
}

static bool write_out(struct disk_file *file)
{
    for (size_t at = 0; at < file->buffered;) {
        ssize_t put = write(file->descriptor, file->buffer + at, file->buffered - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    file->buffered = 0;
    return true;
}

enum error_code disk_add(void *file, const void *data, size_t size, struct error *error)
{
    struct disk_file *to = file;
    for (size_t at = 0; at < size;) {
        size_t part = sizeof to->buffer - to->buffered;
        part = part < size - at ? part : size - at;
        memcpy(to->buffer + to->buffered, (const uint8_t *)data + at, part);
        to->buffered += part;
        at += part;
        if (to->buffered == sizeof to->buffer && !write_out(to))
            return file_not_written(to, errno, error);
    }
    return ERROR_OK;
}

enum error_code disk_finish(void *file, bool keep, struct error *error)
{
    struct disk_file *done __attribute__((cleanup(free_file))) = file;
    bool replaces = done->how == WRITE_REPLACE;
    bool good = keep && write_out(done) && fsync(done->descriptor) == 0
                && (!replaces
                    || renameat(done->directory, done->temporary, done->directory, done->name) == 0)
                && fsync(done->directory) == 0;
    if (good)
        return ERROR_OK;
    int number = errno;
    /* Half a file would stand in the way of the next attempt. */
    (void)unlinkat(done->directory, replaces ? done->temporary : done->name, 0);
    return keep ? file_not_written(done, number, error) : ERROR_OK;
}
