#include "verify/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum error_code refuse(const char *path, int number, const char *what, struct error *error)
{
    return error_set(error, ERROR_USAGE, number, path, "name a file that can be written, and run it again", "it cannot be written: %s", what);
}

enum error_code output_open(const char *path, struct output *ret_output, struct error *error)
{
    CLEANUP_OUTPUT struct output output = {.path = path};
    struct stat status;
    if (lstat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return refuse(path, 0, "something that is no regular file stands there", error);
    enum error_code code = bytes_append_format(&output.temporary, error, "%s.XXXXXX", path);
    if (code != ERROR_OK)
        return code;
    int descriptor = mkstemp((char *)output.temporary.data);        /* 0600 */
    if (descriptor < 0) {
        bytes_free(&output.temporary);
        return refuse(path, errno, strerror(errno), error);
    }
    output.stream = fdopen(descriptor, "w");
    if (output.stream == NULL) {
        int number = errno;
        (void)close(descriptor);
        return refuse(path, number, strerror(number), error);
    }
    *ret_output = output;
    output = (struct output){0};
    return ERROR_OK;
}

enum error_code output_commit(struct output *output, struct error *error)
{
    errno = 0;
    bool good = !ferror(output->stream) && fflush(output->stream) == 0 && fsync(fileno(output->stream)) == 0;
    int number = errno;
    if (fclose(output->stream) != 0 && good) {
        number = errno;
        good = false;
    }
    output->stream = NULL;
    if (good && rename((const char *)output->temporary.data, output->path) != 0) {
        number = errno;
        good = false;
    }
    if (!good)
        return refuse(output->path, number, number != 0 ? strerror(number) : "not all of it could be written", error);
    bytes_free(&output->temporary);
    return ERROR_OK;
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
