/* tests/actions/nats_server: a real nats-server on a free loopback port, for tests. */
#ifndef TESTS_ACTIONS_NATS_SERVER_H
#define TESTS_ACTIONS_NATS_SERVER_H

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int nats_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(close(descriptor), 0);
    return ntohs(address.sin_port);
}

static inline void nats_await(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < 100; i++) {
        int descriptor = socket(AF_INET, SOCK_STREAM, 0);
        bool listens = connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0;
        (void)close(descriptor);
        if (listens)
            return;
        (void)usleep(50000);
    }
    fail_msg("nats-server does not listen on port %d", port);
}

/* `path` is its configuration, which says where it listens. */
static inline pid_t nats_start(const char *path, int port)
{
    pid_t server = fork();
    if (server == 0) {
        (void)execlp("nats-server", "nats-server", "-c", path, "-l", "/dev/null", (char *)NULL);
        _exit(127);
    }
    nats_await(port);
    return server;
}

static inline void nats_stop(pid_t server)
{
    (void)kill(server, SIGTERM);
    (void)waitpid(server, NULL, 0);
}

#endif
