#include "actions/target/world_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

/* The kernel frees the lock with the process, so that no stale one ever blocks. */
static enum error_code lock_file(void *context, const char *path, void **ret_lock,
                                 struct error *error)
{
    (void)context;
    int *lock = malloc(sizeof *lock);
    if (lock == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_open = *lock >= 0;
    if (is_open && flock(*lock, LOCK_EX | LOCK_NB) == 0) {
        *ret_lock = lock;
        return ERROR_OK;
    }
    int number = errno;
    if (is_open)
        (void)close(*lock);
    free(lock);
    return is_open && number == EWOULDBLOCK
               ? error_set(error, ERROR_HELD, number, path, "wait for it",
                           "another process has this lock")
               : error_set(error, ERROR_SYSTEM, number, path, "check the directory of this file",
                           "the lock file cannot be opened: %s", strerror(number));
}

static void unlock_file(void *context, void *lock)
{
    int *descriptor = lock;
    (void)context;
    (void)close(*descriptor);
    free(descriptor);
}

static enum error_code examine_file(void *context, const char *path, struct world_file *ret_file,
                                    struct error *error)
{
    (void)context;
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, ERROR_SYSTEM, errno, path, "check the path", "cannot be read: %s",
                         strerror(errno));
    *ret_file = (struct world_file){.exists = true,
                                    .regular = S_ISREG(status.st_mode),
                                    .directory = S_ISDIR(status.st_mode),
                                    .mode = status.st_mode & 07777,
                                    .own = status.st_uid == geteuid(),
                                    .size = (uint64_t)status.st_size};
    return ERROR_OK;
}

static enum error_code read_file(void *context, const char *path, size_t size_max,
                                 struct bytes *ret_data, struct error *error)
{
    (void)context;
    return bytes_read_file(path, size_max, ret_data, error);
}

const struct world_disk machine_disk = {.examine = examine_file,
                                        .read = read_file,
                                        .lock = lock_file,
                                        .unlock = unlock_file};

static const char *read_environment(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static void read_host_name(void *context, char *ret_name, size_t size)
{
    (void)context;
    if (gethostname(ret_name, size) != 0)
        ret_name[0] = '\0';
    ret_name[size - 1] = '\0';
}

static int64_t read_process_id(void *context)
{
    (void)context;
    return (int64_t)getpid();
}

const struct world_host machine_host = {.environment = read_environment,
                                        .host_name = read_host_name,
                                        .process_id = read_process_id};

static void fill_from_kernel(void *context, void *data, size_t size)
{
    (void)context;
    randombytes_buf(data, size);
}

const struct world_random machine_random = {.fill = fill_from_kernel};
