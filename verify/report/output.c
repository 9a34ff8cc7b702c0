#include "verify/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_code output_refuse(const char *path, int number, const char *what,
                                     struct error *error)
{
    return error_set(error, ERROR_USAGE, number, path,
                     number == EEXIST ? "name a file that does not exist yet"
                                      : "name a file that can be written, and run it again",
                     "it cannot be written: %s", what);
}

enum error_code output_open(const char *path, enum output_mode mode, struct output *ret_output,
                            struct error *error)
{
    CLEANUP_OUTPUT struct output output = {.path = path, .mode = mode};
    struct stat status;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return output_refuse(path, 0, "something that is no regular file stands there", error);
    enum error_code code = bytes_append_format(&output.temporary, error, "%s.XXXXXX", path);
    if (code != ERROR_OK)
        return code;
    int descriptor = mkstemp((char *)output.temporary.data); /* 0600 */
    if (descriptor < 0) {
        bytes_free(&output.temporary);
        return output_refuse(path, errno, strerror(errno), error);
    }
    output.stream = fdopen(descriptor, "w");
    if (output.stream == NULL) {
        int number = errno;
        (void)close(descriptor);
        return output_refuse(path, number, strerror(number), error);
    }
    *ret_output = output;
    output = (struct output){0};
    return ERROR_OK;
}

static int put_in_place(const struct output *output)
{
    const char *from = (const char *)output->temporary.data;
    return output->mode == OUTPUT_KEEPS
               ? renameat2(AT_FDCWD, from, AT_FDCWD, output->path, RENAME_NOREPLACE)
               : rename(from, output->path);
}

/* The name itself: what was reported as written is there after a power cut. */
static bool sync_directory_of(const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    int length = slash == path ? 1 : slash != NULL ? (int)(slash - path) : 1;
    if (snprintf(directory, sizeof directory, "%.*s", length, slash != NULL ? path : ".")
        >= (int)sizeof directory)
        return false;
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good;
}

enum error_code output_commit(struct output *output, struct error *error)
{
    errno = 0;
    bool good = !ferror(output->stream) && fflush(output->stream) == 0
                && fsync(fileno(output->stream)) == 0;
    int number = errno;
    if (fclose(output->stream) != 0 && good) {
        number = errno;
        good = false;
    }
    output->stream = NULL;
    if (good && put_in_place(output) != 0) {
        number = errno;
        good = false;
    }
    if (!good)
        return output_refuse(output->path, number,
                             number != 0 ? strerror(number) : "not all of it could be written",
                             error);
    bytes_free(&output->temporary);
    return sync_directory_of(output->path)
               ? ERROR_OK
               : error_set(error, ERROR_USAGE, errno, output->path, "run it again on another disk",
                           "it was written, and may not outlast a power cut");
}

void output_close(struct output *output)
{
    if (output->stream != NULL)
        (void)fclose(output->stream);
    if (output->temporary.size > 0)
        (void)unlink((const char *)output->temporary.data);
    bytes_free(&output->temporary);
    *output = (struct output){0};
}

enum error_code output_write(const char *path, const void *data, size_t size, struct error *error)
{
    CLEANUP_OUTPUT struct output output = {.stream = NULL};
    enum error_code code = output_open(path, OUTPUT_REPLACES, &output, error);
    if (code != ERROR_OK)
        return code;
    (void)fwrite(data, 1, size, output.stream); /* the stream remembers an error for the commit */
    return output_commit(&output, error);
}
