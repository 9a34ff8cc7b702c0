/* Goal: titan.yml is read strictly. Every wrong file is named by line and column and leaves nothing
 * behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/target/world_system.h"
#include "fsm/config/config_load.h"

/* One character more than the name of a service may have. */
#define LONG_NAME "a23456789012345678901234567890123456789012345678901234567890abcd"

static char path[64];
static struct world world;

static const char minimal[] = "version: 1\n"
                              "journal: j\n"
                              "target: {name: titan-prod, host: 203.0.113.7}\n"
                              "operator: {principal: alice, key: alice.key}\n"
                              "services: {execution: titan-execution, brain: titan-brain}\n"
                              "bus: {host: 127.0.0.1}\n"
                              "endpoints: {execution: {url: \"http://127.0.0.1:3002/health\"}}\n";

static void write_config(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_refused(const char *text, const char *position, const char *word)
{
    struct config config = {.journal = "untouched"};
    struct error error = {0};
    char where[160];
    write_config(text);
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_CONFIG);
    assert_string_equal(config.journal, "untouched");
    (void)snprintf(where, sizeof where, "%s%s", path, position);
    assert_string_equal(error.where, where);
    if (strstr(error.what, word) == NULL)
        fail_msg("'%s' does not name '%s'", error.what, word);
    assert_true(error.next[0] != '\0');
}

static void config_load_minimal_has_the_standards_values(void **state)
{
    (void)state;
    struct config config = {0};
    struct error error;
    write_config(minimal);
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_OK);
    assert_int_equal(config.limits.window_ms, 300000);
    assert_int_equal(config.limits.sample_interval_ms, 5000);
    assert_int_equal(config.limits.sample_gap_ms, 10000);
    assert_int_equal(config.limits.failures, 3);
    assert_int_equal(config.limits.rollback_ms, 300000);
    assert_string_equal(config.setup.compose.file, "docker-compose.prod.yml");
    assert_string_equal(config.setup.compose.env_file, ".env.prod");
    assert_string_equal(config.setup.target.directory, "/opt/titan");
    assert_string_equal(config.setup.target.user, "deploy");
    assert_string_equal(config.setup.repository.branch, "main");
    assert_string_equal(config.setup.bus.subject_disarm, "titan.cmd.operator.disarm.v1");
    assert_string_equal(config.setup.compose.order.items[0], "titan-execution");
    assert_string_equal(config.setup.compose.order.items[1], "titan-brain");
    assert_int_equal(config.setup.endpoints[0].kind, HEALTH_HTTP);
    assert_true(config.setup.check_count >= 10);
    assert_true(bytes_is_hex(config.sha256, SHA256_HEX));
    config_free(&config);
}

static void config_load_paths_stand_beside_the_file(void **state)
{
    (void)state;
    struct config config = {0};
    struct error error;
    write_config(minimal);
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_OK);
    const char *slash = strrchr(path, '/');
    assert_int_equal(strncmp(config.journal, path, (size_t)(slash - path) + 1), 0);
    assert_string_equal(config.journal + (slash - path) + 1, "j");
    config_free(&config);
}

static void config_load_unknown_key_refused_with_position(void **state)
{
    (void)state;
    char text[2048];
    (void)snprintf(text, sizeof text, "%scolour: red\n", minimal);
    expect_refused(text, ":8:1", "colour");
    (void)snprintf(text, sizeof text, "%slimits:\n  window: 5\n", minimal);
    expect_refused(text, ":9:3", "window");
    (void)snprintf(text, sizeof text, "%spreflight:\n  backups: {prob: attest}\n", minimal);
    expect_refused(text, ":9:13", "prob");
}

static void config_load_doubled_key_refused_with_position(void **state)
{
    (void)state;
    char text[2048];
    (void)snprintf(text, sizeof text, "%sjournal: other\n", minimal);
    struct config config = {0};
    struct error error = {0};
    write_config(text);
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_CONFIG);
    assert_non_null(strstr(error.where, ":8:"));
    assert_non_null(strstr(error.what, "uplicate"));
}

static void config_load_bad_values_refused_with_position(void **state)
{
    (void)state;
    static const struct {
        const char *line, *position, *word;
    } rows[] = {
        {"limits: {window_ms: soon}\n", ":8:21", "soon"},
        {"limits: {window_ms: 1}\n", ":8:21", "1"},
        {"limits: {failures: -1}\n", ":8:20", "-1"},
        {"limits: {failures: 99999999999999999999}\n", ":8:20", "999"},
        {"limits: 5\n", ":8:1", "mapping"},
        {"approvals: {policy: 1.5}\n", ":8:21", "1.5"},
        {"compose: {order: titan-brain}\n", ":8:11", "list"},
        {"compose: {order: [\"a b\"]}\n", ":8:20", "a b"},
        {"compose: {order: [" LONG_NAME "]}\n", ":8:19", LONG_NAME},
        {"compose: {project: \"a;rm\"}\n", ":8:21", "a;rm"},
        {"compose: {file: \"$(id)\"}\n", ":8:18", "$(id)"},
        {"preflight: {\"a b\": {probe: attest}}\n", ":8:14", "a b"},
        {"verify: {log_lines: [1]}\n", ":8:10", "text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        (void)snprintf(text, sizeof text, "%s%s", minimal, rows[i].line);
        expect_refused(text, rows[i].position, rows[i].word);
    }
}

static void config_load_long_service_refused_and_longest_kept(void **state)
{
    (void)state;
    static const char text[] = "version: 1\n"
                               "journal: j\n"
                               "target: {name: t, local: true}\n"
                               "operator: {principal: alice, key: alice.key}\n"
                               "endpoints: {web: {service: %s}}\n";
    char longest[sizeof text + 64], longer[sizeof text + 64];
    struct config config = {0};
    struct error error;
    (void)snprintf(longest, sizeof longest, text, &LONG_NAME[1]);
    (void)snprintf(longer, sizeof longer, text, LONG_NAME);
    expect_refused(longer, ":5:28", LONG_NAME);
    write_config(longest);
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_OK);
    assert_string_equal(config.setup.endpoints[0].service, &LONG_NAME[1]);
    config_free(&config);
}

static void config_load_bad_pattern_refused(void **state)
{
    (void)state;
    expect_refused("version: 1\nservices:\n  patterns:\n    armed: [\"ARMED %s\"]\n", ":4:14",
                   "%s");
}

static void config_load_incomplete_refused(void **state)
{
    (void)state;
    static const struct {
        const char *drop, *position, *word;
    } rows[] = {
        /* nothing is there to be named, but for what asks for the bus */
        {"journal:", ":1:1", "journal"},    {"target:", ":1:1", "target"},
        {"operator:", ":1:1", "operator"},  {"bus:", ":5:23", "bus"},
        {"endpoints:", ":1:1", "endpoint"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        (void)snprintf(text, sizeof text, "%s", minimal);
        char *line = strstr(text, rows[i].drop);
        char *rest = strchr(line, '\n') + 1;
        memmove(line, rest, strlen(rest) + 1);
        expect_refused(text, rows[i].position, rows[i].word);
    }
}

/* Goal: what is wrong only together with something else is named where it stands, and what is
 * missing by the section that it is missing in. */
static void config_load_unsettled_values_refused_with_position(void **state)
{
    (void)state;
    static const struct {
        const char *line, *instead, *position, *word;
    } rows[] = {
        {"journal: j", "journal: \"\"", ":2:11", "journal"},
        {"target: {", "target: {local: true, ", ":3:17", "host and local"},
        {"host: 203.0.113.7", "user: me", ":3:1", "host and local"},
        {"name: titan-prod, ", "", ":3:1", "needs a name"},
        {"name: titan-prod,", "name: titan-prod, directory: opt/titan,", ":3:39", "opt/titan"},
        {"principal: alice, ", "", ":4:1", "principal"},
        {"key: alice.key", "agent: \"ssh-rsa AAAA\"", ":4:38", "ssh-rsa"},
        {"key: alice.key", "key: alice.key, agent: \"ssh-ed25519 AAAA\"", ":4:54", "one key"},
        {", key: alice.key", "", ":4:1", "one key"},
        {", brain: titan-brain", "", ":5:23", "belong together"},
        {"execution: titan-execution, ", "", ":5:19", "belong together"},
        {"host: 127.0.0.1", "port: 4222", ":6:1", "no host"},
        {"host: 127.0.0.1", "host: 127.0.0.1, token_file: t, nkey_file: n", ":6:50", "two logins"},
        {"host: 127.0.0.1", "host: 127.0.0.1, user: me, nkey_file: n", ":6:30", "public key"},
        {"host: 127.0.0.1", "host: 127.0.0.1, servers: [nats-2]", ":6:24", "no HOST:PORT"},
        {"host: 127.0.0.1", "host: 127.0.0.1, ca_file: c", ":6:33", "tls: true"},
        {"host: 127.0.0.1", "host: 127.0.0.1, tls: true, key_file: c", ":6:45", "belong together"},
        {"url: \"http://127.0.0.1:3002/health\"", "", ":7:13", "execution"},
        {"3002/health\"}}", "3002/health\", socket: run/x.sock}}", ":7:13", "how it is asked"},
        {"url: \"http://127.0.0.1:3002/health\"}}", "service: web, ca_file: x.pem}}", ":7:13",
         "how it is asked"},
        {"endpoints: {execution: {url: \"http://127.0.0.1:3002/health\"}}", "endpoints: {}", ":7:1",
         "no endpoint"},
        {"version: 1\n", "version: 1\ncompose:\n  files: [a.yml, \"-\"]\n", ":3:3", "no file"},
        {"version: 1\n", "version: 1\ncompose:\n  files: [a.yml]\n  file: b.yml\n", ":4:9", "both"},
        {"version: 1\n", "version: 1\nlimits:\n  sample_gap_ms: 5000\n", ":3:18", "sample_gap_ms"},
        {"version: 1\n", "version: 1\nrepository:\n  policy_files: [a, ../b]\n", ":3:3", "no path"},
        {"version: 1\n", "version: 1\nrepository:\n  policy_files: [/etc/b]\n", ":3:3", "no path"},
        {"version: 1\n", "version: 1\nlimits:\n  sample_interval_ms: 20000\n", ":3:23",
         "sample_gap_ms"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        const char *at = strstr(minimal, rows[i].line);
        assert_non_null(at);
        (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - minimal), minimal, rows[i].instead,
                       at + strlen(rows[i].line));
        expect_refused(text, rows[i].position, rows[i].word);
    }
}

static void config_load_no_yaml_refused(void **state)
{
    (void)state;
    struct config config = {0};
    struct error error = {0};
    write_config("version: 1\n  journal: [\n");
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_CONFIG);
    write_config("version: 2\n");
    assert_int_equal(config_load(&world, path, &config, &error), ERROR_CONFIG);
    assert_int_equal(config_load(&world, "/nonexistent/titan.yml", &config, &error), ERROR_CONFIG);
}

static const struct setup_check *check_of(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->setup.check_count; i++)
        if (strcmp(config->setup.checks[i].id, id) == 0)
            return &config->setup.checks[i];
    return NULL;
}

static void load(const char *lines, struct config *config)
{
    char text[2048];
    struct error error = {0};
    (void)snprintf(text, sizeof text, "%s%s", minimal, lines);
    write_config(text);
    if (config_load(&world, path, config, &error) != ERROR_OK)
        fail_msg("%s: %s", error.where, error.what);
}

/* Goal: sections 2 and 5 of the standard are what is asked where nothing else is said; an item is
 * changed by its id and the others stay. */
static void config_load_checklist_begins_with_the_standards_items(void **state)
{
    static const char *const ids[] = {"master_password", "hmac_secret",     "docker_socket",
                                      "firewall",        "console_loads",   "dashboard_connected",
                                      "live_ops",        "export_evidence", "backups",
                                      "logs_drain",      "env_file_mode",   "env_committed",
                                      "compose_renders", "nats_passwords",  "tree_clean"};
    struct config config = {0};
    (void)state;
    load("", &config);
    assert_int_equal(config.setup.check_count, sizeof ids / sizeof ids[0]);
    for (size_t i = 0; i < config.setup.check_count; i++) {
        assert_string_equal(config.setup.checks[i].id, ids[i]);
        assert_int_equal(config.setup.checks[i].mandatory, strcmp(ids[i], "logs_drain") != 0);
        assert_true(config.setup.checks[i].advice[0] != '\0');
    }
    config_free(&config);
    load("preflight:\n  hmac_secret: {variables: [opsd=OPS_SECRET, brain=HMAC_SECRET]}\n  mine: "
         "{probe: command, command: \"true\"}\n",
         &config);
    assert_int_equal(config.setup.check_count, sizeof ids / sizeof ids[0] + 1);
    assert_int_equal(check_of(&config, "hmac_secret")->kind, CHECK_ENV_SAME);
    assert_int_equal(check_of(&config, "hmac_secret")->variables.count, 2);
    assert_string_equal(check_of(&config, "console_loads")->url, "https://titan.peycheff.com");
    assert_int_equal(check_of(&config, "mine")->kind, CHECK_COMMAND);
    config_free(&config);
    load("checklist: own\npreflight:\n  mine: {probe: attest}\n", &config);
    assert_int_equal(config.setup.check_count, 1);
    assert_true(config.setup.checks[0].advice[0] != '\0');
    config_free(&config);
}

static void config_load_bad_checklist_refused(void **state)
{
    (void)state;
    static const struct {
        const char *lines, *position, *word;
    } rows[] = {
        {"preflight:\n  mine: {advice: x}\n", ":9:3", "mine"},
        {"preflight:\n  mine: {probe: dance}\n", ":9:17", "mine"},
        {"preflight:\n  firewall: {probe: dance}\n", ":9:21", "firewall"},
        {"preflight:\n  mine: {probe: command}\n", ":9:3", "mine"},
        {"preflight:\n  mine: {probe: env_key_length}\n", ":9:3", "mine"},
        {"preflight:\n  mine: {probe: command, command: \"\"}\n", ":9:36", "mine"},
        {"preflight:\n  live_ops:\n    within_ms: 130000\n", ":10:16", "live_ops"},
        {"checklist: none\n", ":8:12", "none"},
        {"preflight:\n  mine: {probe: attest}\nchecklist: own\n", ":10:12", "comes after"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        (void)snprintf(text, sizeof text, "%s%s", minimal, rows[i].lines);
        expect_refused(text, rows[i].position, rows[i].word);
    }
}

/* Goal: whatever fails has a next step, though its item names none. */
static void config_load_item_without_advice_has_the_probes_own(void **state)
{
    static const char *const words[] = {"env_same",      "docker_socket", "ports",
                                        "https",         "websocket",     "heartbeat",
                                        "download",      "backups",       "logs",
                                        "env_file_mode", "env_committed", "compose_renders",
                                        "password_text", "tree_clean",    "attest"};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct config config = {0};
        char lines[160];
        (void)snprintf(lines, sizeof lines,
                       "checklist: own\npreflight:\n  mine: {probe: %s}\n  other: {probe: %s, "
                       "advice: mend it}\n",
                       words[i], words[i]);
        load(lines, &config);
        assert_true(check_of(&config, "mine")->advice[0] != '\0');
        assert_string_equal(check_of(&config, "other")->advice, "mend it");
        config_free(&config);
    }
}

/* The annotated example is read as it stands, so that it can never drift from the program. */
static void config_load_example_is_accepted(void **state)
{
    struct config config = {0};
    struct error error = {0};
    (void)state;
    if (config_load(&world, getenv("TITAN_EXAMPLE_CONFIG"), &config, &error) != ERROR_OK)
        fail_msg("%s: %s", error.where, error.what);
    assert_string_equal(config.setup.target.name, "titan-prod");
    assert_int_equal(config.setup.endpoint_count, 3);
    config_free(&config);
}

int main(void)
{
    world_system(&world);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_load_minimal_has_the_standards_values),
        cmocka_unit_test(config_load_paths_stand_beside_the_file),
        cmocka_unit_test(config_load_unknown_key_refused_with_position),
        cmocka_unit_test(config_load_doubled_key_refused_with_position),
        cmocka_unit_test(config_load_bad_values_refused_with_position),
        cmocka_unit_test(config_load_long_service_refused_and_longest_kept),
        cmocka_unit_test(config_load_bad_pattern_refused),
        cmocka_unit_test(config_load_incomplete_refused),
        cmocka_unit_test(config_load_unsettled_values_refused_with_position),
        cmocka_unit_test(config_load_no_yaml_refused),
        cmocka_unit_test(config_load_checklist_begins_with_the_standards_items),
        cmocka_unit_test(config_load_bad_checklist_refused),
        cmocka_unit_test(config_load_item_without_advice_has_the_probes_own),
        cmocka_unit_test(config_load_example_is_accepted),
    };
    (void)snprintf(path, sizeof path, "/tmp/titan-config-XXXXXX");
    int descriptor = mkstemp(path);
    if (descriptor < 0)
        return 1;
    (void)close(descriptor);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
