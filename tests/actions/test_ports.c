/* Goal: ports are read exactly as compose, Docker and the kernel write them; what cannot be read is
 * an error, never "closed". Real sockets for what is asked of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/checklist/listeners.h"
#include "actions/compose/published.h"
#include "actions/target/reach.h"
#include "actions/checklist/running.h"
#include "local_target.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){.data = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

static void published_read_forms_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text, *address;
        int first, last, target;
        bool udp, loopback;
        const char *words;
    } rows[] = {
        {"3100:3100", "", 3100, 3100, 3100, false, false, "3100"},
        {"127.0.0.1:80:8080/tcp", "127.0.0.1", 80, 80, 8080, false, true, "80"},
        {"127.9.9.9:80:8080", "127.9.9.9", 80, 80, 8080, false, true, "80"},
        {"[::1]:80:8080/udp", "::1", 80, 80, 8080, true, true, "80/udp"},
        {"[::ffff:127.0.0.1]:80:80", "::ffff:127.0.0.1", 80, 80, 80, false, true, "80"},
        {"[::]:80:80", "::", 80, 80, 80, false, false, "80"},
        {"0.0.0.0:8000-8002:9000-9002/udp", "0.0.0.0", 8000, 8002, 9000, true, false,
         "8000-8002/udp"},
        {"5000", "", 0, 0, 5000, false, false, "a port that Docker chooses for 5000"},
        {"127.0.0.1::5000", "127.0.0.1", 0, 0, 5000, false, true,
         "a port that Docker chooses for 5000"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct published port;
        char words[64];
        assert_true(published_read(rows[i].text, &port));
        assert_string_equal(port.address, rows[i].address);
        assert_int_equal(port.first, rows[i].first);
        assert_int_equal(port.last, rows[i].last);
        assert_int_equal(port.target, rows[i].target);
        assert_int_equal(port.udp, rows[i].udp);
        assert_int_equal(published_is_loopback(&port), rows[i].loopback);
        published_words(&port, words, sizeof words);
        assert_string_equal(words, rows[i].words);
    }
}

static void published_read_anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      ":",     "a",      "80:",          "80:x",         "65536:1",
        "9-8:1", "-1:80", "80-:80", "1.2.3.4:x:80", "80:80:80:80x", "123456"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct published port = {.first = -7};
        assert_false(published_read(bad[i], &port));
        assert_int_equal(port.first, -7);
    }
}

#define HEAD                                                                                      \
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout " \
    "inode\n"
#define ROW(local, remote, state, inode)                            \
    "   0: " local " " remote " " state                             \
    " 00000000:00000000 00:00000000 00000000     0        0 " inode \
    " 1 0000000000000000 100 0 0 10 0\n"
#define NOBODY "00000000:0000"
#define NOBODY6 "00000000000000000000000000000000:0000"

static void listeners_read_addresses_and_states_are_exact(void **state)
{
    (void)state;
    static const char tables[] = "= tcp\n" HEAD ROW("00000000:0C1C", NOBODY, "0A", "11")
        ROW("0100007F:1538", NOBODY, "0A", "12") ROW("0100007F:1538", "0100007F:9999", "01", "13")
            ROW("0101FEA9:0050", NOBODY, "0A",
                "14") "= tcp6\n" HEAD ROW("00000000000000000000000000000000:01BB", NOBODY6, "0A",
                                          "15")
                ROW("00000000000000000000000001000000:0016", NOBODY6, "0A", "16")
                    ROW("0000000000000000FFFF00000100007F:0017", NOBODY6, "0A", "17")
                        ROW("000080FE00000000FF005450B6AD1DFE:0018", NOBODY6, "0A",
                            "18") "= udp\n" HEAD ROW("00000000:14E9", NOBODY, "07", "19")
                            ROW("0500A8C0:ABCD", "08080808:0035", "01",
                                "20") "= udp6\n" HEAD ROW("B80D0120000000000000000001000000:0222",
                                                          NOBODY6, "07", "18446744073709551615");
    static const struct {
        const char *name;
        bool loopback, link_local;
        unsigned long long inode;
    } rows[] = {
        {"0.0.0.0:3100", false, false, 11},
        {"127.0.0.1:5432", true, false, 12},
        {"169.254.1.1:80", false, true, 14},
        {"[::]:443", false, false, 15},
        {"[::1]:22", true, false, 16},
        {"127.0.0.1:23", true, false, 17},
        {"[fe80::5054:ff:fe1d:adb6]:24", false, true, 18},
        {"0.0.0.0:5353/udp", false, false, 19},
        {"[2001:db8::1]:546/udp", false, false, 18446744073709551615ULL},
    };
    struct bytes text = text_of(tables);
    struct listeners listeners = {.count = 0};
    struct error error;
    assert_int_equal(listeners_read(&text, &listeners, &error), ERROR_OK);
    assert_int_equal(listeners.count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < listeners.count; i++) {
        char name[LISTENER_NAME_MAX];
        listener_name(&listeners.list[i], name, sizeof name);
        assert_string_equal(name, rows[i].name);
        assert_int_equal(listener_is_loopback(&listeners.list[i]), rows[i].loopback);
        assert_int_equal(listener_is_link_local(&listeners.list[i]), rows[i].link_local);
        assert_true(listeners.list[i].inode == rows[i].inode);
    }
    listeners_close(&listeners);
}

static void listeners_read_what_is_missing_or_damaged_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "= tcp\n" HEAD,
        "= tcp\n= udp\n",
        "= tcp\n" HEAD "= udp\n" HEAD "what\n",
        HEAD "= tcp\n" HEAD "= udp\n" HEAD,
        "= tcp\n" HEAD ROW("00000000:0C1C", NOBODY, "0A", "x") "= udp\n" HEAD,
        "= tcp\n" HEAD ROW("000000:0C1C", NOBODY, "0A", "1") "= udp\n" HEAD,
        "= tcp\n" HEAD ROW("00000000000000000000000000000000:01BB", NOBODY, "0A",
                           "1") "= udp\n" HEAD,
        "= tcp\n" HEAD "= udp\n" HEAD "   0: 00000000:0C1C 00000000:0000 0A\n",
        "= tcp\n" HEAD HEAD "= udp\n" HEAD,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes text = text_of(bad[i]);
        struct listeners listeners = {.count = 77};
        struct error error;
        assert_int_equal(listeners_read(&text, &listeners, &error), ERROR_PROTOCOL);
        assert_int_equal(listeners.count, 77);
    }
}

/* A listening socket of our own, on a port that the kernel chooses. */
static int listen_on(const char *address, int *ret_port)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t size = sizeof own;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, address, &own.sin_addr), 1);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&own, size), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&own, &size), 0);
    *ret_port = ntohs(own.sin_port);
    return descriptor;
}

static void listeners_open_sees_a_real_socket(void **state)
{
    (void)state;
    struct local_target local;
    struct listeners listeners = {.count = 0};
    struct error error;
    int port, seen = 0, descriptor = listen_on("127.0.0.1", &port);
    assert_int_equal(local_target_open(&local), 0);
    assert_int_equal(listeners_open(local.target, &listeners, &error), ERROR_OK);
    for (size_t i = 0; i < listeners.count; i++)
        seen += listeners.list[i].port == port && !listeners.list[i].udp
                && listener_is_loopback(&listeners.list[i]);
    assert_int_equal(seen, 1);
    listeners_close(&listeners);
    local_target_close(&local);
    (void)close(descriptor);
}

static void reach_attempt_open_and_refused_are_told_apart(void **state)
{
    (void)state;
    struct error error;
    int open, closed, descriptor = listen_on("127.0.0.1", &open),
                      other = listen_on("127.0.0.1", &closed);
    (void)close(other);
    struct reach attempts[] = {{.port = open}, {.port = closed}};
    assert_int_equal(local_world()->reach->attempt(NULL, "127.0.0.1", attempts, 2, 5000,
                                                   local_world()->clock, &error),
                     ERROR_OK);
    assert_int_equal(attempts[0].result, REACH_OPEN);
    assert_int_equal(attempts[1].result, REACH_REFUSED);
    assert_int_equal(local_world()->reach->attempt(NULL, "no such name", attempts, 2, 5000,
                                                   local_world()->clock, &error),
                     ERROR_UNREACHABLE);
    (void)close(descriptor);
}

/* A listener whose queue is full does not answer: the attempt ends all the same. */
static void reach_attempt_silent_ends_in_time(void **state)
{
    (void)state;
    struct error error;
    int port, full[8], descriptor = listen_on("127.0.0.1", &port);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < 8; i++) {
        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(full[i], (struct sockaddr *)&own, sizeof own);
    }
    struct reach attempt = {.port = port};
    assert_int_equal(local_world()->reach->attempt(NULL, "127.0.0.1", &attempt, 1, 200,
                                                   local_world()->clock, &error),
                     ERROR_OK);
    assert_int_equal(attempt.result, REACH_SILENT);
    for (size_t i = 0; i < 8; i++)
        (void)close(full[i]);
    (void)close(descriptor);
}

static void running_read_containers_are_exact(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"project\":\"titan\",\"service\":\"opsd\",\"name\":\"/"
        "titan_opsd_1\",\"user\":\"\",\"privileged\":false,"
        "\"mounts\":[{\"Type\":\"bind\",\"Source\":\"/run/"
        "docker.sock\"},{\"Type\":\"volume\",\"Name\":\"data\",\"Source\":\"/var/lib/docker/"
        "volumes/data/_data\"},{\"Type\":\"tmpfs\",\"Source\":\"\"}],"
        "\"binds\":[\"/run/docker.sock:/run/docker.sock:rw\",\"data:/data\",\"/srv:/"
        "srv\"],\"ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"},"
        "{\"HostIp\":\"::\",\"HostPort\":\"8080\"}],\"53/"
        "udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"53\"}],\"9000/"
        "tcp\":null},\"hosts\":[\"DOCKER_HOST=tcp://a:2375\",null]}\n"
        "{\"project\":\"other\",\"service\":\"opsd\",\"name\":\"/"
        "other\",\"user\":\"1000\",\"privileged\":true,\"mounts\":[],\"binds\":null,\"ports\":{},"
        "\"hosts\":[null]}\n";
    struct bytes text = text_of(lines);
    struct running *running = NULL;
    struct error error;
    assert_int_equal(running_read(&text, "titan", &running, &error), ERROR_OK);
    assert_int_equal(running->count, 2);
    const struct running_container *one = &running->list[0], *other = &running->list[1];
    assert_string_equal(one->service, "opsd");
    assert_string_equal(one->name, "titan_opsd_1");
    assert_string_equal(one->docker_host, "tcp://a:2375");
    assert_int_equal(one->mount_count, 3);
    assert_string_equal(one->mounts[1].volume, "data");
    assert_string_equal(one->mounts[2].source, "/srv");
    assert_int_equal(one->port_count, 3);
    assert_int_equal(one->ports[1].first, 8080);
    assert_true(one->ports[2].udp && published_is_loopback(&one->ports[2]));
    assert_string_equal(other->service, "");
    assert_string_equal(other->docker_host, "");
    assert_true(other->privileged && !one->privileged);
    running_close(running);
}

static void running_read_anything_else_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Error: No such object\n",
        "{}\n",
        "[]\n",
        "{\"name\":\"/a\",\"ports\":{\"x\":[{\"HostPort\":\"1\"}]}}\n",
        "{\"name\":\"/a\",\"binds\":[7]}\n",
        "{\"name\":\"/a\"\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes text = text_of(bad[i]);
        struct running *running = NULL;
        struct error error;
        assert_int_equal(running_read(&text, "titan", &running, &error), ERROR_PROTOCOL);
        assert_null(running);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_read_forms_are_exact),
        cmocka_unit_test(published_read_anything_else_is_refused),
        cmocka_unit_test(listeners_read_addresses_and_states_are_exact),
        cmocka_unit_test(listeners_read_what_is_missing_or_damaged_is_an_error),
        cmocka_unit_test(listeners_open_sees_a_real_socket),
        cmocka_unit_test(reach_attempt_open_and_refused_are_told_apart),
        cmocka_unit_test(reach_attempt_silent_ends_in_time),
        cmocka_unit_test(running_read_containers_are_exact),
        cmocka_unit_test(running_read_anything_else_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
