#include "verify/attest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/clock.h"
#include "verify/dsse.h"
#include "verify/statement.h"

bool attest_is_uri(const char *text)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (!isalpha((unsigned char)text[0]) || text[scheme] != ':' || text[scheme + 1] == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text) != NULL)
            return false;
    return true;
}

static enum error_code refuse(const char *file, const char *what, const char *next, struct error *error)
{
    return error_set(error, ERROR_REFUSED, 0, file, next, "no attestation was written: %s", what);
}

static enum error_code check(const struct report *report, const char *file, struct error *error)
{
    if (report->status != VERIFY_PROVEN)
        return refuse(file, "the verdict is not PROVEN", "see the claims above; only what is proven is attested", error);
    if (report->count != 1 || !report->deployments[0].exists)
        return refuse(file, "it speaks of one deployment", "name it with --deployment N", error);
    if (report->inputs.bundle[0] == '\0')
        return refuse(file, "it names a bundle by its hash, and this is a directory", "titan-fsm export makes a bundle", error);
    if (report->target[0] == '\0')
        return refuse(file, "the target's name is too long to be told in full", "give the target a shorter name", error);
    if (strcmp(report->deployments[0].state, "completed") != 0)
        return refuse(file, "this deployment left nothing deployed that could be its subject", "name a completed one with --deployment N", error);
    if (!report->deployments[0].deployed.known)
        return refuse(file, "the record does not name every image by a digest", "see `compose.images` of `pulled`", error);
    return ERROR_OK;
}

static enum error_code unwritable(const char *file, int number, struct error *error)
{
    return error_set(error, ERROR_SYSTEM, number, file, number == EEXIST ? "name a file that does not exist yet" : "choose a place that can be written",
                     "no attestation was written: %s", strerror(number));
}

/* The name itself is made durable too: what was reported as written is there after a power cut. */
static bool sync_directory_of(const char *file)
{
    char directory[4096];
    const char *slash = strrchr(file, '/');
    int length = slash == file ? 1 : slash != NULL ? (int)(slash - file) : 1;
    if (snprintf(directory, sizeof directory, "%.*s", length, slash != NULL ? file : ".") >= (int)sizeof directory)
        return false;
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0)
        (void)close(descriptor);
    return good;
}

static bool write_whole(int descriptor, const struct bytes *text)
{
    for (size_t at = 0; at < text->size;) {
        ssize_t put = write(descriptor, text->data + at, text->size - at);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    return fsync(descriptor) == 0;
}

static enum error_code write_atomically(const char *file, const struct bytes *text, struct error *error)
{
    CLEANUP_BYTES struct bytes name = {0};
    enum error_code code = bytes_append_format(&name, error, "%s.XXXXXX", file);
    if (code != ERROR_OK)
        return code;
    char *path = (char *)name.data;
    int descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor < 0)
        return unwritable(file, errno, error);
    bool good = write_whole(descriptor, text);
    int number = errno;
    if (close(descriptor) != 0 && good) {
        good = false;
        number = errno;
    }
    if (good && renameat2(AT_FDCWD, path, AT_FDCWD, file, RENAME_NOREPLACE) != 0) {
        good = false;
        number = errno;
    }
    if (!good) {
        (void)unlink(path);
        return unwritable(file, number, error);
    }
    return sync_directory_of(file) ? ERROR_OK : error_set(error, ERROR_SYSTEM, errno, file, "", "it was written, and may not outlast a power cut");
}

enum error_code attest_write(const struct report *report, const struct attest_options *options, struct error *error)
{
    CLEANUP_SIGNING_KEY struct signing_key key = {0};
    CLEANUP_BYTES struct bytes statement = {0};
    CLEANUP_BYTES struct bytes envelope = {0};
    struct clock_reading now;
    char time[24];
    enum error_code code = check(report, options->file, error);
    if (code == ERROR_OK)
        code = clock_system()->read(NULL, &now, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(time, sizeof time, "%.19sZ", now.utc);
    code = statement_text(report, options->verifier != NULL ? options->verifier : STATEMENT_VERIFIER, time, &statement, error);
    if (code == ERROR_OK)
        code = signing_key_read(options->key, &key, error);
    if (code == ERROR_OK)
        code = dsse_envelope(STATEMENT_PAYLOAD_TYPE, statement.data, statement.size, &key, &envelope, error);
    return code == ERROR_OK ? write_atomically(options->file, &envelope, error) : code;
}
