#include "verify/read/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor);
}

static enum error_code open_regular(const char *path, int *ret_descriptor, struct stat *ret_status,
                                    struct error *error)
{
    int descriptor __attribute__((
        cleanup(close_descriptor))) = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, ret_status) != 0)
        return error_set(error, ERROR_SYSTEM, errno, path, "check the path and its permissions",
                         "the file cannot be opened: %s", strerror(errno));
    if (!S_ISREG(ret_status->st_mode))
        return error_set(error, ERROR_REFUSED, 0, path, "name a file", "it is not a regular file");
    *ret_descriptor = descriptor;
    descriptor = -1;
    return ERROR_OK;
}

enum error_code file_read(const char *path, size_t size_max, struct bytes *ret_data,
                          bool *ret_others_may, struct error *error)
{
    int descriptor __attribute__((cleanup(close_descriptor))) = -1;
    CLEANUP_BYTES struct bytes data = {0};
    struct stat status;
    enum error_code code = open_regular(path, &descriptor, &status, error);
    if (code == ERROR_OK)
        code = bytes_append(&data, "", 0, error);
    uint8_t chunk[8192];
    ssize_t got = 1;
    while (code == ERROR_OK && got > 0) {
        do
            got = read(descriptor, chunk, sizeof chunk);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            code = error_set(error, ERROR_SYSTEM, errno, path, "check the file",
                             "the file cannot be read: %s", strerror(errno));
        else if (data.size + (size_t)got > size_max)
            code = error_set(error, ERROR_LIMIT, 0, path, "check that this is the right file",
                             "the file is larger than %zu bytes", size_max);
        else
            code = bytes_append(&data, chunk, (size_t)got, error);
    }
    sodium_memzero(chunk, sizeof chunk);
    if (code != ERROR_OK)
        return code;
    if (ret_others_may != NULL)
        *ret_others_may = (status.st_mode & 077) != 0;
    bytes_free(ret_data);
    *ret_data = data;
    data = (struct bytes){0};
    return ERROR_OK;
}

enum error_code file_open(const char *path, FILE **ret_stream, struct error *error)
{
    int descriptor __attribute__((cleanup(close_descriptor))) = -1;
    struct stat status;
    enum error_code code = open_regular(path, &descriptor, &status, error);
    if (code != ERROR_OK)
        return code;
    FILE *stream = fdopen(descriptor, "r");
    if (stream == NULL)
        return error_set(error, ERROR_SYSTEM, errno, path, "", "the file cannot be opened: %s",
                         strerror(errno));
    descriptor = -1;
    *ret_stream = stream;
    return ERROR_OK;
}

enum error_code file_is_directory(const char *path, bool *ret_directory, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, ERROR_USAGE, errno, path, "name a journal directory or a bundle",
                         "it cannot be read: %s", strerror(errno));
    *ret_directory = S_ISDIR(status.st_mode);
    return ERROR_OK;
}
