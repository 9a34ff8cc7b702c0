/* Each kind of login and of TLS against a real nats-server that asks for it. Goal: the right
 * credential sends, every other one is refused in a sentence, and a server behind one that is down,
 * and a file that is gone since, do not keep a command from being sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actions/target/bus.h"
#include "actions/target/bus_address.h"
#include "journal/format/names.h"
#include "local_target.h"
#include "nats_server.h"

struct login {
    const char *configuration; /* of the server */
    const char *user;          /* a file that holds it, where it begins with '@' */
    enum bus_login login;
    const char *file, *authority, *certificate;
    const char *refusal; /* part of the sentence, NULL = it is sent */
};

static struct local_target local;
static int port;
static char paths[4][128];

static const char *in_directory(unsigned at, const char *name, const char *ending)
{
    if (name == NULL)
        return "";
    (void)snprintf(paths[at], sizeof paths[at], "%s/%s%s", local.directory, name, ending);
    return paths[at];
}

static void write_keys(void)
{
    char command[400];
    (void)snprintf(command, sizeof command, "python3 '%s/tests/actions/bus_keys.py' %s %d",
                   TITAN_SOURCE, local.directory, port);
    assert_int_equal(system(command), 0);
}

static int prepare(void **state)
{
    (void)state;
    port = nats_free_port();
    assert_int_equal(local_target_open(&local), 0);
    write_keys();
    return 0;
}

static int tidy(void **state)
{
    (void)state;
    local_target_close(&local);
    return 0;
}

static const char *read_user(const struct login *login, char buffer[128])
{
    if (login->user[0] != '@')
        return login->user;
    FILE *file = fopen(in_directory(3, login->user + 1, ""), "r");
    assert_non_null(file);
    assert_non_null(fgets(buffer, 128, file));
    assert_int_equal(fclose(file), 0);
    return buffer;
}

/* A target whose bus is configured so; it reads the credential when it is opened. */
static struct target *open_target(const struct login *login, struct setup *setup, char user[128])
{
    struct target *target = NULL;
    struct error error;
    *setup = local.setup;
    setup->bus = (struct setup_bus){.host = "127.0.0.1",
                                    .port = port,
                                    .user = read_user(login, user),
                                    .login = login->login,
                                    .credential = {.file = in_directory(0, login->file, ""),
                                                   .key = ""},
                                    .tls = login->authority != NULL,
                                    .ca_file = in_directory(1, login->authority, ".pem"),
                                    .certificate_file = in_directory(2, login->certificate, ".pem"),
                                    .key_file = in_directory(3, login->certificate, ".key"),
                                    .reply_ms = 300};
    assert_int_equal(target_open(setup, local_world(), &target, &error), ERROR_OK);
    return target;
}

static enum error_code publish_once(struct target *target, bool *ret_sent, struct error *error)
{
    static struct evidence evidence;
    enum error_code code = bus_publish(target, "orders", "nonce reason", &evidence, ret_sent,
                                       error);
    evidence_clear(&evidence);
    return code;
}

static void try_login(const struct login *login)
{
    struct setup setup;
    struct error error = {.what = ""};
    char user[128];
    bool sent = false;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s.conf", local.directory, login->configuration);
    pid_t server = nats_start(path, port);
    struct target *target = open_target(login, &setup, user);
    enum error_code code = publish_once(target, &sent, &error);
    target_close(target);
    nats_stop(server);
    if (login->refusal == NULL && (code != ERROR_OK || !sent))
        fail_msg("%s with %s: %s", login->configuration, login->file, error.what);
    if (login->refusal == NULL)
        return;
    assert_int_not_equal(code, ERROR_OK);
    assert_false(sent);
    if (strstr(error.what, login->refusal) == NULL)
        fail_msg("%s with %s: \"%s\" does not say \"%s\"", login->configuration, login->file,
                 error.what, login->refusal);
}

static void each_kind_of_login_is_taken_and_every_other_refused(void **state)
{
    static const struct login logins[] = {
        {"password", "driver", BUS_LOGIN_PASSWORD, "password", NULL, NULL, NULL},
        {"password", "driver", BUS_LOGIN_PASSWORD, "other", NULL, NULL, "Authorization Violation"},
        {"password", "", BUS_LOGIN_NONE, NULL, NULL, NULL, "Authorization Violation"},
        {"password", "driver", BUS_LOGIN_PASSWORD, "absent", NULL, NULL, "missing or readable"},
        {"token", "", BUS_LOGIN_TOKEN, "token", NULL, NULL, NULL},
        {"token", "", BUS_LOGIN_TOKEN, "other", NULL, NULL, "Authorization Violation"},
        {"token", "", BUS_LOGIN_TOKEN, "empty", NULL, NULL, "is empty"},
        {"nkey", "@nkey.public", BUS_LOGIN_NKEY, "nkey", NULL, NULL, NULL},
        {"nkey", "@nkey.public", BUS_LOGIN_NKEY, "nkey.other", NULL, NULL,
         "Authorization Violation"},
        {"nkey", "@nkey.public", BUS_LOGIN_NKEY, "password", NULL, NULL, ""},
        {"creds", "", BUS_LOGIN_CREDENTIALS, "creds", NULL, NULL, NULL},
        {"creds", "", BUS_LOGIN_CREDENTIALS, "creds.torn", NULL, NULL, "USER NKEY SEED"},
        {"creds", "", BUS_LOGIN_CREDENTIALS, "password", NULL, NULL, "NATS USER JWT"},
        {"creds", "", BUS_LOGIN_CREDENTIALS, "empty", NULL, NULL, "is empty"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++)
        try_login(&logins[i]);
}

static void tls_is_of_the_right_authority_and_name(void **state)
{
    static const struct login logins[] = {
        {"tls", "", BUS_LOGIN_NONE, NULL, "authority", NULL, NULL},
        {"tls", "", BUS_LOGIN_NONE, NULL, "stranger", NULL, "issuer certificate"},
        {"tls", "", BUS_LOGIN_NONE, NULL, NULL, NULL, "issuer certificate"},
        {"tls-name", "", BUS_LOGIN_NONE, NULL, "authority", NULL, "ddress mismatch"},
        {"tls-client", "", BUS_LOGIN_NONE, NULL, "authority", "client", NULL},
        {"tls-client", "", BUS_LOGIN_NONE, NULL, "authority", NULL, ""},
        {"tls-client", "", BUS_LOGIN_NONE, NULL, "authority", "stranger", ""},
        {"password", "driver", BUS_LOGIN_PASSWORD, "password", "authority", NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++)
        try_login(&logins[i]);
}

static void a_further_server_takes_what_the_first_does_not(void **state)
{
    const struct login login = {"token", "", BUS_LOGIN_TOKEN, "token", NULL, NULL, NULL};
    struct setup setup;
    struct error error;
    char user[128], path[160], further[32];
    bool sent = false;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/token.conf", local.directory);
    pid_t server = nats_start(path, port);
    struct target *target = open_target(&login, &setup, user);
    (void)snprintf(further, sizeof further, "127.0.0.1:%d", port);
    setup.bus.port = nats_free_port(); /* nobody listens there */
    setup.bus.servers = (struct setup_list){{further}, 1};
    assert_int_equal(publish_once(target, &sent, &error), ERROR_OK);
    assert_true(sent);
    nats_stop(server);
    assert_int_equal(publish_once(target, &sent, &error), ERROR_UNREACHABLE);
    assert_non_null(strstr(error.where, further)); /* the last one that was tried */
    target_close(target);
}

/* Takes every connection, says this much, and then nothing any more. */
static pid_t swallow_start(const char *words, int at)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)at)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 8), 0);
    pid_t server = fork();
    while (server == 0) {
        int taken = accept(descriptor, NULL, NULL);
        if (taken < 0 || write(taken, words, strlen(words)) < 0)
            _exit(1);
    }
    (void)close(descriptor);
    return server;
}

/* In front of anything, and in the handshake of TLS, which a server may ask for by itself. */
static void a_server_that_swallows_the_connection_is_passed_by(void **state)
{
    static const char *const words[] = {
        "", "INFO {\"server_id\":\"x\",\"max_payload\":1048576,\"tls_required\":true}\r\n"};
    const struct login login = {"token", "", BUS_LOGIN_TOKEN, "token", NULL, NULL, NULL};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct setup setup;
        struct error error;
        char user[128], path[160], further[32];
        bool sent = false;
        (void)snprintf(path, sizeof path, "%s/token.conf", local.directory);
        pid_t server = nats_start(path, port);
        struct target *target = open_target(&login, &setup, user);
        (void)snprintf(further, sizeof further, "127.0.0.1:%d", port);
        setup.bus.port = nats_free_port();
        pid_t swallows = swallow_start(words[i], setup.bus.port);
        setup.bus.servers = (struct setup_list){{further}, 1};
        assert_int_equal(publish_once(target, &sent, &error), ERROR_OK);
        assert_true(sent);
        nats_stop(swallows);
        nats_stop(server);
        target_close(target);
    }
}

static void what_was_read_once_is_kept(void **state)
{
    const struct login login = {"tls-client", "",  BUS_LOGIN_NONE, NULL, "authority",
                                "client",     NULL};
    struct setup setup;
    struct error error;
    char user[128], path[160];
    bool sent = false;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/tls-client.conf", local.directory);
    pid_t server = nats_start(path, port);
    struct target *target = open_target(&login, &setup, user);
    assert_int_equal(publish_once(target, &sent, &error), ERROR_OK);
    assert_int_equal(local_target_shell(&local, "rm authority.pem client.pem client.key"), 0);
    sent = false;
    assert_int_equal(publish_once(target, &sent, &error), ERROR_OK);
    assert_true(sent);
    target_close(target);
    nats_stop(server);
    write_keys();
    pid_t again = nats_start(path, port);
    target = open_target(&(struct login){"token", "", BUS_LOGIN_TOKEN, "token", NULL, NULL, NULL},
                         &setup, user);
    nats_stop(again);
    (void)snprintf(path, sizeof path, "%s/token.conf", local.directory);
    again = nats_start(path, port);
    assert_int_equal(local_target_shell(&local, "rm token"), 0);
    sent = false;
    assert_int_equal(publish_once(target, &sent, &error), ERROR_OK);
    assert_true(sent);
    target_close(target);
    nats_stop(again);
}

static void an_address_is_host_and_port(void **state)
{
    struct bus_server server;
    static const char *const wrong[] = {"",          "nats",    "nats:",      ":4222",
                                        "nats:0",    "a:b:c",   "nats:65536", "[::1]",
                                        "[::1]4222", "[]:4222", "::1:42",     "nats:42x"};
    (void)state;
    assert_true(bus_server_read("nats-2:4222", &server));
    assert_string_equal(server.host, "nats-2");
    assert_int_equal(server.port, 4222);
    assert_true(bus_server_read("[::1]:4223", &server));
    assert_string_equal(server.host, "::1");
    assert_int_equal(server.port, 4223);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(bus_server_read(wrong[i], &server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_login_is_taken_and_every_other_refused),
        cmocka_unit_test(tls_is_of_the_right_authority_and_name),
        cmocka_unit_test(a_further_server_takes_what_the_first_does_not),
        cmocka_unit_test(a_server_that_swallows_the_connection_is_passed_by),
        cmocka_unit_test(what_was_read_once_is_kept),
        cmocka_unit_test(an_address_is_host_and_port),
    };
    return cmocka_run_group_tests(tests, prepare, tidy);
}
