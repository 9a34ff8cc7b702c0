/* The bus through a local target and a real nats-server on a free loopback port, whose permissions
 * forbid one subject. Goal: what is published is recorded, and a refusal, no responder and silence
 * are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actions/target/bus.h"
#include "journal/format/names.h"
#include "local_target.h"
#include "nats_server.h"

static struct local_target local;
static pid_t server;

static int start(void **state)
{
    char path[128];
    int port = nats_free_port();
    (void)state;
    assert_int_equal(local_target_open(&local), 0);
    local.setup.bus = (struct setup_bus){.host = "127.0.0.1",
                                         .port = port,
                                         .user = "driver",
                                         .password = {"", ""},
                                         .credential = {"", ""},
                                         .reply_ms = 300};
    (void)snprintf(path, sizeof path, "%s/nats.conf", local.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "listen: 127.0.0.1:%d\n"
                  "authorization { users = [ { user: driver, password: \"\", permissions: {\n"
                  "  publish: { deny: [ \"forbidden.>\" ] }\n"
                  "  subscribe: { deny: [ \"forbidden.>\" ] } } } ] }\n",
                  port);
    assert_int_equal(fclose(file), 0);
    server = nats_start(path, port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nats_stop(server);
    local_target_close(&local);
    return 0;
}

static void bus_publish_records_what_was_sent(void **state)
{
    (void)state;
    static struct evidence evidence;
    struct error error;
    bool sent = false;
    assert_int_equal(bus_publish(local.target, "orders", "nonce reason", &evidence, &sent, &error),
                     ERROR_OK);
    assert_true(sent);
    const struct evidence_item *item = evidence_last(&evidence, PROBE_BUS_PUBLISH, "orders");
    assert_non_null(item);
    assert_int_equal(item->status, 0);
    assert_string_equal((const char *)item->output.data, "nonce reason");
    assert_true(item->received_ns >= item->sent_ns);
    evidence_clear(&evidence);
}

static void bus_publish_forbidden_subject_was_not_sent(void **state)
{
    (void)state;
    static struct evidence evidence;
    struct error error;
    bool sent = true;
    assert_int_equal(bus_publish(local.target, "forbidden.x", "payload", &evidence, &sent, &error),
                     ERROR_OK);
    assert_false(sent);
    assert_int_equal(evidence_last(&evidence, PROBE_BUS_PUBLISH, NULL)->status, 1);
    evidence_clear(&evidence);
}

static enum error_code request_on(const char *subject, struct evidence *evidence,
                                  unsigned *ret_answers, struct error *error)
{
    return bus_request(local.target,
                       &(struct bus_question){.probe = PROBE_BUS_POLICY_HASH,
                                              .subject = subject,
                                              .payload = "{}",
                                              .timeout_ms = 2000},
                       evidence, ret_answers, error);
}

static void bus_request_without_responder_is_recorded(void **state)
{
    (void)state;
    static struct evidence evidence;
    struct error error;
    unsigned answers = 7;
    assert_int_equal(request_on("nobody", &evidence, &answers, &error), ERROR_OK);
    assert_int_equal(answers, 0);
    assert_int_equal(evidence.count, 1);
    assert_int_equal(evidence.items[0].status, 1);
    assert_non_null(evidence.items[0].output.data);
    evidence_clear(&evidence);
}

static void bus_request_forbidden_names_the_permission(void **state)
{
    (void)state;
    static struct evidence evidence;
    struct error error;
    unsigned answers = 7;
    assert_int_equal(request_on("forbidden.x", &evidence, &answers, &error), ERROR_REFUSED);
    assert_int_equal(evidence.count, 0);
    assert_non_null(strstr(error.what, "publish: { allow: [\"forbidden.x\"] }"));
}

static void *open_connection(void)
{
    const struct world_bus *bus = local_world()->bus;
    struct world_bus_address address = {.host = "127.0.0.1",
                                        .port = local.setup.bus.port,
                                        .user = "driver",
                                        .password = "",
                                        .timeout_ms = 2000};
    struct error error;
    void *connection = NULL;
    assert_int_equal(bus->open(bus->context, &address, &connection, &error), ERROR_OK);
    return connection;
}

static void bus_listen_tells_received_silent_and_forbidden(void **state)
{
    (void)state;
    struct error error;
    enum bus_received received = BUS_RECEIVED;
    size_t at = 9;
    struct setup_list silent = {.items = {"nothing.here"}, .count = 1};
    struct setup_list forbidden = {.items = {"nothing.here", "forbidden.y"}, .count = 2};
    assert_int_equal(bus_listen(local.target, &silent, 200, &received, &at, &error), ERROR_OK);
    assert_int_equal(received, BUS_SILENT);
    assert_int_equal(at, 0);
    assert_int_equal(bus_listen(local.target, &forbidden, 200, &received, &at, &error), ERROR_OK);
    assert_int_equal(received, BUS_FORBIDDEN);
    assert_int_equal(at, 1);
}

static void world_bus_message_arrives_whole(void **state)
{
    (void)state;
    const struct world_bus *bus = local_world()->bus;
    void *connection = open_connection(), *subscription = NULL;
    struct error error;
    bool refused = true;
    enum world_message kind = MESSAGE_NONE;
    CLEANUP_BYTES struct bytes data = {0};
    assert_int_equal(bus->subscribe(connection, "loud", 1, 2000, &subscription, &refused, &error),
                     ERROR_OK);
    assert_false(refused);
    assert_int_equal(bus->publish(connection, "loud", NULL, "a\0b", 3, 2000, &refused, &error),
                     ERROR_OK);
    assert_int_equal(bus->next(subscription, 2000, &kind, &data, &error), ERROR_OK);
    assert_int_equal(kind, MESSAGE_DATA);
    assert_int_equal(data.size, 3);
    assert_memory_equal(data.data, "a\0b", 3);
    bus->unsubscribe(subscription);
    bus->close(connection);
}

static void bus_open_closed_port_is_unreachable(void **state)
{
    (void)state;
    static struct evidence evidence;
    struct error error;
    bool sent = false;
    int port = local.setup.bus.port;
    local.setup.bus.port = nats_free_port();
    assert_int_equal(bus_publish(local.target, "orders", "x", &evidence, &sent, &error),
                     ERROR_UNREACHABLE);
    local.setup.bus.port = port;
    assert_non_null(strstr(error.where, "nats://127.0.0.1:"));
    assert_non_null(strstr(error.what, "the bus cannot be reached: "));
    assert_int_equal(evidence.count, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bus_publish_records_what_was_sent),
        cmocka_unit_test(bus_publish_forbidden_subject_was_not_sent),
        cmocka_unit_test(bus_request_without_responder_is_recorded),
        cmocka_unit_test(bus_request_forbidden_names_the_permission),
        cmocka_unit_test(bus_listen_tells_received_silent_and_forbidden),
        cmocka_unit_test(world_bus_message_arrives_whole),
        cmocka_unit_test(bus_open_closed_port_is_unreachable),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
