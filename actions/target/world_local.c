#include "actions/target/world_system.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* 1 = ready, 0 = not within wait_ms, -1 = broken. A signal counts as "not yet". */
static int wait_ready(int descriptor, short events, int64_t wait_ms)
{
    struct pollfd ready = {.fd = descriptor, .events = events};
    int milliseconds = wait_ms < 0 ? 0 : wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
    int result = poll(&ready, 1, milliseconds);
    return result < 0 && errno == EINTR ? 0 : result;
}

static ssize_t local_moved(ssize_t moved)
{
    if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return moved < 0 ? -1 : moved;
}

static ssize_t local_send(void *stream, const void *data, size_t size, int64_t wait_ms)
{
    const int *descriptor = stream;
    int ready = wait_ready(*descriptor, POLLOUT, wait_ms);
    return ready <= 0 ? ready
                      : local_moved(send(*descriptor, data, size, MSG_NOSIGNAL | MSG_DONTWAIT));
}

static ssize_t local_receive(void *stream, void *data, size_t size, int64_t wait_ms)
{
    const int *descriptor = stream;
    int ready = wait_ready(*descriptor, POLLIN, wait_ms);
    if (ready <= 0)
        return ready;
    ssize_t got = recv(*descriptor, data, size, MSG_DONTWAIT);
    return got == 0 ? -1 : local_moved(got);
}

static void local_close(void *stream)
{
    if (stream == NULL)
        return;
    (void)close(*(int *)stream);
    free(stream);
}

static enum error_code local_connect(void *context, const char *path,
                                     const struct world_stream **ret_stream, void **ret_handle,
                                     struct error *error)
{
    (void)context;
    static const struct world_stream stream = {.send = local_send,
                                               .receive = local_receive,
                                               .close = local_close};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, ERROR_LIMIT, 0, path, "use a shorter path",
                         "the path of a socket has at most %zu bytes", sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int *handle = malloc(sizeof *handle);
    if (handle == NULL)
        return error_set(error, ERROR_MEMORY, errno, path, "", "out of memory");
    *handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*handle >= 0 && connect(*handle, (const struct sockaddr *)&address, sizeof address) == 0) {
        *ret_stream = &stream;
        *ret_handle = handle;
        return ERROR_OK;
    }
    int number = errno;
    if (*handle >= 0)
        (void)close(*handle);
    free(handle);
    return error_set(error, ERROR_UNREACHABLE, number, path, "check that its server runs",
                     "the socket cannot be connected: %s", strerror(number));
}

const struct world_local *world_local_system(void)
{
    static const struct world_local local = {.connect = local_connect};
    return &local;
}
