/* Real attempts to connect, all at once, by sockets of this machine. */
#include "actions/target/reach.h"
#include "actions/target/world_remote.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 4, SOCKETS_MAX = ADDRESSES_MAX * REACH_PORTS_MAX };

struct attempts {
    struct pollfd sockets[SOCKETS_MAX]; /* fd -1 = it is decided */
    struct reach *of[SOCKETS_MAX];
    size_t count;
};

static enum reach_result reach_result_of(int error_number)
{
    switch (error_number) {
    case 0:
        return REACH_OPEN;
    case ECONNREFUSED:
        return REACH_REFUSED;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ECONNRESET:
    case EINPROGRESS:
        return REACH_SILENT;
    default:
        return REACH_NOWHERE;
    }
}

static void reach_decide(struct attempts *attempts, size_t index, enum reach_result result)
{
    struct reach *reach = attempts->of[index];
    if (reach->result == REACH_INVALID || result < reach->result)
        reach->result = result;
    if (attempts->sockets[index].fd >= 0)
        (void)close(attempts->sockets[index].fd);
    attempts->sockets[index].fd = -1;
}

static void reach_begin(struct attempts *attempts, const struct addrinfo *found,
                        struct reach *reach)
{
    struct sockaddr_storage address;
    memcpy(&address, found->ai_addr, found->ai_addrlen);
    /* The port lies at the same place in both families. */
    unsigned char port[2] = {(unsigned char)(reach->port >> 8), (unsigned char)reach->port};
    memcpy((unsigned char *)&address + sizeof address.ss_family, port, sizeof port);
    size_t index = attempts->count++;
    attempts->of[index] = reach;
    attempts->sockets[index] = (struct pollfd){
        .fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
        .events = POLLOUT};
    if (attempts->sockets[index].fd < 0)
        reach_decide(attempts, index, REACH_NOWHERE);
    else if (connect(attempts->sockets[index].fd, (struct sockaddr *)&address, found->ai_addrlen)
             == 0)
        reach_decide(attempts, index, REACH_OPEN);
    else if (errno != EINPROGRESS)
        reach_decide(attempts, index, reach_result_of(errno));
}

static size_t reach_count_open(const struct attempts *attempts)
{
    size_t open = 0;
    for (size_t i = 0; i < attempts->count; i++)
        open += attempts->sockets[i].fd >= 0;
    return open;
}

static void reach_await(struct attempts *attempts, int64_t until_ns, const struct clock *clock)
{
    while (reach_count_open(attempts) > 0) {
        int64_t left_ns = until_ns - clock_boottime_ns(clock);
        int ready = left_ns > 0 ? poll(attempts->sockets, (nfds_t)attempts->count,
                                       (int)(left_ns / 1000000) + 1)
                                : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        for (size_t i = 0; i < attempts->count; i++) {
            int number = 0;
            socklen_t size = sizeof number;
            if (attempts->sockets[i].fd < 0 || (ready > 0 && attempts->sockets[i].revents == 0))
                continue;
            if (ready <= 0)
                reach_decide(attempts, i, REACH_SILENT);
            else
                reach_decide(attempts, i,
                             getsockopt(attempts->sockets[i].fd, SOL_SOCKET, SO_ERROR, &number,
                                        &size)
                                     == 0
                                 ? reach_result_of(number)
                                 : REACH_NOWHERE);
        }
    }
}

static enum error_code reach_attempt(void *context, const char *address, struct reach *attempts,
                                     size_t count, int64_t within_ms, const struct clock *clock,
                                     struct error *error)
{
    (void)context;
    assert(count <= REACH_PORTS_MAX);
    struct attempts all = {.count = 0};
    struct addrinfo *found = NULL, hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = getaddrinfo(address, NULL, &hints, &found);
    if (status != 0)
        return error_set(error, ERROR_UNREACHABLE, status, address, "name the host's own address",
                         "it has no address: %s", gai_strerror(status));
    unsigned addresses = 0;
    for (const struct addrinfo *each = found; each != NULL && addresses < ADDRESSES_MAX;
         each = each->ai_next) {
        if (each->ai_family != AF_INET && each->ai_family != AF_INET6)
            continue;
        addresses++;
        for (size_t i = 0; i < count; i++)
            reach_begin(&all, each, &attempts[i]);
    }
    freeaddrinfo(found);
    reach_await(&all, clock_boottime_ns(clock) + within_ms * 1000000, clock);
    return ERROR_OK;
}

const struct world_reach *world_reach_system(void)
{
    static const struct world_reach reach = {.attempt = reach_attempt};
    return &reach;
}
