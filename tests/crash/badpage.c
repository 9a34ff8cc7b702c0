/* tests/crash/badpage: a disk that fails under the journal. Preloaded into the unchanged titan-fsm.
 *   TITAN_BAD_PAGE=FILE  while FILE is there, what it says fails of data.mdb with EIO:
 *                        meta (the write of a page that makes an entry count), data (that of any
 *                        other), sync */
#undef _FILE_OFFSET_BITS /* with it pwrite() would be another name of pwrite64() here */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { META_BYTES = 2 * 4096 }; /* LMDB's two meta pages stand first */

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t at);
ssize_t pwrite64(int descriptor, const void *data, size_t size, off_t at);
ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at);
int fdatasync(int descriptor);

static void *next(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL)
        abort();
    return symbol;
}

static bool is_journal(int descriptor)
{
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash != NULL && strcmp(slash, "/data.mdb") == 0;
}

static bool fails(int descriptor, const char *what)
{
    char word[16] = "";
    const char *name = getenv("TITAN_BAD_PAGE");
    FILE *file = name != NULL ? fopen(name, "re") : NULL;
    if (file == NULL)
        return false;
    bool read = fscanf(file, "%15s", word) == 1;
    (void)fclose(file);
    if (!read || strcmp(word, what) != 0 || !is_journal(descriptor))
        return false;
    errno = EIO;
    return true;
}

static ssize_t write_at(const char *name, int descriptor, const void *data, size_t size, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    *(void **)&real = next(name);
    return fails(descriptor, at < META_BYTES ? "meta" : "data") ? -1
                                                                : real(descriptor, data, size, at);
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t at)
{
    return write_at("pwrite", descriptor, data, size, at);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off_t at)
{
    return write_at("pwrite64", descriptor, data, size, at);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t at)
{
    ssize_t (*real)(int, const struct iovec *, int, off_t);
    *(void **)&real = next("pwritev");
    return fails(descriptor, "data") ? -1 : real(descriptor, parts, count, at);
}

int fdatasync(int descriptor)
{
    int (*real)(int);
    *(void **)&real = next("fdatasync");
    return fails(descriptor, "sync") ? -1 : real(descriptor);
}
