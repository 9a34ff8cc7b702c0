/* Goal: every value of the env file that is or may be a secret stays out of whatever a command
 * prints, however it arrives; what identifies and what is read stays; what cannot be redacted is
 * named. A real target, real processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include "actions/secrets/env_file.h"
#include "actions/secrets/secrets.h"
#include "journal/keys/signer.h"
#include "tests/actions/local_target.h"

#define HASH "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define COMMIT "da39a3ee5e6b4b0d3255bfef95601890afd80709"

static struct setup setup_of(const char *directory)
{
    return (struct setup){.target = {.name = "local",
                                     .local = true,
                                     .host = "",
                                     .directory = directory,
                                     .state = "state",
                                     .docker = "docker",
                                     .docker_host = ""},
                          .compose = {.file = "docker-compose.prod.yml", .env_file = ".env.prod"},
                          .bus = {.host = "127.0.0.1", .credential = {"", "NATS_OPERATOR"}},
                          .services = {.execution = "titan-execution",
                                       .brain = "titan-brain",
                                       .disarmed = {{"EXECUTION DISARMED: "}, 1}},
                          .secrets = {.patterns = {{"PASSWORD", "SECRET", "KEY", "TOKEN"}, 4},
                                      .value_bytes = 12},
                          .command_ms = 10000,
                          .output_bytes_max = 1 << 20};
}

static struct secrets *secrets_of(const struct setup *setup, const char *text)
{
    struct secrets *secrets;
    struct error error;
    struct secrets_env env = {.is_known = true, .mode = "600"};
    assert_int_equal(bytes_append(&env.text, text, strlen(text), &error), ERROR_OK);
    assert_int_equal(secrets_open(setup, local_world()->disk, &env, &secrets, &error), ERROR_OK);
    secrets_env_clear(&env);
    return secrets;
}

static void expect(const struct secrets *secrets, enum redact_level level, const char *text,
                   const char *expected)
{
    CLEANUP_BYTES struct bytes bytes = {0};
    struct error error;
    assert_int_equal(bytes_append(&bytes, text, strlen(text), &error), ERROR_OK);
    assert_int_equal(secrets_redact(secrets, level, &bytes, &error), ERROR_OK);
    assert_string_equal((const char *)bytes.data, expected);
}

struct readings {
    char text[2048];
};

static enum error_code note_reading(void *context, const struct env_assignment *assignment,
                                    struct error *error)
{
    struct readings *readings = context;
    size_t used = strlen(readings->text);
    (void)error;
    (void)snprintf(readings->text + used, sizeof readings->text - used, "%.*s=<%.*s>",
                   (int)assignment->key_length, assignment->key, (int)assignment->value_length,
                   assignment->value);
    return ERROR_OK;
}

static void env_file_read_lines_give_every_reading(void **state)
{
    (void)state;
    static const struct {
        const char *text, *readings;
    } rows[] = {
        {"", ""},
        {"\n# A=b\n  # C=d\n", ""},
        {"A=b", "A=<b>"},
        {"A=b\r\n", "A=<b>"},
        {"export A=b\n", "A=<b>"},
        {"  A = b c \n", "A=<b c>"},
        {"A=\n", "A=<>"},
        {"A=b #c\n", "A=<b #c>A=<b>"},
        {"A=b#c\n", "A=<b#c>"},
        {"A='b #c' # d\n", "A=<b #c>"},
        {"A=\"b\\\"c\\n\"\n", "A=<b\\\"c\\n>A=<b\"c\n>"},
        {"A='b\\nc'\n", "A=<b\\nc>A=<b\nc>"},
        {"A: b\n", "A=<b>"},
        {"no assignment\n=x\n", ""},
        {"A=b=c==\n", "A=<b=c==>"},
        {"A=\"b\nc\"\nD=e\n", "A=<\"b>A=<b\nc>D=<e>"},
        {"A='b\nD=e\n", "A=<'b>D=<e>"},
        {"exported=1\n", "exported=<1>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct readings readings = {""};
        struct error error;
        assert_int_equal(env_file_read(rows[i].text, strlen(rows[i].text), note_reading, &readings,
                                       &error),
                         ERROR_OK);
        assert_string_equal(readings.text, rows[i].readings);
    }
}

/* One row a kind of value: in bytes for the record, in bytes for commands, and whether the operator
 * is told that it stays. */
static void secrets_open_each_kind_is_judged_by_key_value_and_length(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        bool in_record, in_names, told;
    } rows[] = {
        {"TITAN_MASTER_PASSWORD", "pw5!x", true, true, false},
        {"hmac_secret", "tiny", true, true, false},
        {"API_KEY", HASH, true, true, false},
        {"POLICY_HASH", HASH, false, false, false},
        {"RELEASE_COMMIT", COMMIT, false, false, false},
        {"IMAGE", "sha256:" HASH, false, false, false},
        {"POLICY_UPPER", "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08", true,
         false, false},
        {"ACCOUNT", "acct-0123456", true, false, false},
        {"ACCOUNT", "acct-012345", false, false, false},
        {"STACK_SHARED", "/tmp/stack/shared", true, false, false},
        {"NATS_OPERATOR", "op-word", true, true, false},
        {"PIN_SECRET", "ab!", false, false, true},
        {"STATE_KEY", "healthy", false, false, true},
        {"X_TOKEN", "true", false, false, true},
        {"DB_PASSWORD", "titan", false, false, true},
        {"COMPOSE_FILE", "docker-compose.prod.yml", false, false, false},
        {"KEY_SECONDS", "86400", false, false, true},
        {"KEY_NUMBER", "123456789012", true, true, false},
        {"OLD_KEY", "cafe12", false, false, true},
        {"OLD_KEY", "cafe12ab", true, true, false},
        {"EMPTY_TOKEN", "", false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        struct setup setup = setup_of("/opt/titan");
        (void)snprintf(text, sizeof text, "%s=%s\n", rows[i].key, rows[i].value);
        struct secrets *secrets = secrets_of(&setup, text);
        (void)snprintf(text, sizeof text, "<%s>", rows[i].value);
        expect(secrets, REDACT_ALL, text, rows[i].in_record ? "<[redacted]>" : text);
        expect(secrets, REDACT_SECRETS, text, rows[i].in_names ? "<[redacted]>" : text);
        assert_int_equal(strstr(secrets_note(secrets), rows[i].key) != NULL, rows[i].told);
        if (rows[i].value[0] != '\0' && rows[i].told)
            assert_null(strstr(strchr(secrets_note(secrets), ':'), rows[i].value));
        secrets_close(secrets);
    }
}

/* What compose makes of a line is kept out as well as what stands there. */
static void secrets_open_what_compose_makes_of_a_value_is_redacted(void **state)
{
    (void)state;
    struct setup setup = setup_of("/srv/titan");
    struct secrets *secrets = secrets_of(&setup, "\xef\xbb\xbf"
                                                 "DB_PASSWORD=a$$bcd-one\r\n"
                                                 "NAME=five-5\nTITAN_MASTER_PASSWORD=${NAME}\n"
                                                 "X_TOKEN=\"p\\$q\\0101rst\"\n"
                                                 "Y_TOKEN=${NOT_SET-default-one}\n"
                                                 "NATS_OPERATOR=op$$word\n");
    expect(secrets, REDACT_SECRETS,
           "a$$bcd-one a$bcd-one five-5 p$qArst default-one op$word op$$word NAME",
           "[redacted] [redacted] [redacted] [redacted] [redacted] [redacted] [redacted] NAME");
    assert_string_equal(secrets_bus_credential(secrets), "op$word");
    secrets_close(secrets);
}

static void secrets_open_what_the_machine_reads_stays(void **state)
{
    (void)state;
    struct setup setup = setup_of("/opt/titan");
    struct secrets *secrets =
        secrets_of(&setup, "A_KEY=status\nB_KEY=started_at\nC_SECRET=EXECUTION "
                           "DISARMED\nD_TOKEN=running\nE_PASSWORD=correct horse battery\n");
    static const char text[] =
        "2026-11-23T07:20:23Z {\"message\":\"EXECUTION DISARMED: x\"} "
        "{\"status\":\"ok\",\"state\":\"running\",\"started_at\":\"now\",\"policy_hash\":\"" HASH
        "\"}";
    expect(secrets, REDACT_ALL, text, text);
    expect(secrets, REDACT_ALL, "correct horse battery", "[redacted]");
    assert_non_null(strstr(secrets_note(secrets), "A_KEY, B_KEY, C_SECRET, D_TOKEN"));
    secrets_close(secrets);
}

static void secrets_open_quoted_multiline_and_address_values(void **state)
{
    (void)state;
    struct setup setup = setup_of("/opt/titan");
    struct secrets *secrets = secrets_of(
        &setup,
        "export A_PASSWORD=\"correct \\\"horse\\\" battery\" # comment\n"
        "PRIVATE_KEY=\"-----BEGIN-----\nMIIEvQIBADANBgkqhki\nG9w0BAQEFAASC==\n-----END-----\"\n"
        "DATABASE=postgres://titan:p%40ss:w0rd@db.example/titan\n"
        "NATS_OPERATOR='bus # word'\n");
    expect(secrets, REDACT_ALL, "correct \"horse\" battery", "[redacted]");
    expect(secrets, REDACT_ALL, "{\"m\":\"correct \\\"horse\\\" battery\"}",
           "{\"m\":\"[redacted]\"}");
    expect(secrets, REDACT_ALL, "one line MIIEvQIBADANBgkqhki of it", "one line [redacted] of it");
    expect(secrets, REDACT_ALL, "login p@ss:w0rd, or p%40ss:w0rd",
           "login [redacted], or [redacted]");
    assert_string_equal(secrets_bus_credential(secrets), "bus # word");
    secrets_close(secrets);
}

static struct local_target local;

/* A target whose directory has this env file, of this mode; connected. */
static void connect(const char *env, mode_t mode)
{
    struct error error;
    assert_int_equal(local_target_open(&local), 0);
    target_close(local.target);
    assert_int_equal(local_target_write(&local, ".env.prod", mode, env), 0);
    local.setup = setup_of(local.directory);
    assert_int_equal(target_open(&local.setup, local_world(), &local.target, &error), ERROR_OK);
}

static void run(const struct target_command *command, struct target_result *ret_result)
{
    struct error error;
    assert_int_equal(target_run(local.target, command, ret_result, &error), ERROR_OK);
}

static void target_run_value_in_two_pieces_is_one_again(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    connect("A_PASSWORD=horse-battery-staple\n", 0600);
    run(
        &(struct target_command){
            .script = "printf 'x horse-bat'; sleep 0.2; printf 'tery-staple y'; printf "
                      "'horse-battery' >&2; sleep 0.2; printf -- '-staple' >&2"},
        &result);
    assert_string_equal((const char *)result.output.data, "x [redacted] y");
    assert_string_equal((const char *)result.errors.data, "[redacted]");
    local_target_close(&local);
}

static void target_run_each_kind_of_output_is_redacted_as_it_says(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    connect("A_PASSWORD=horse-battery-staple\nREGISTRY=127.0.0.1:5000/x\n", 0600);
    static const char script[] = "cat .env.prod; cat .env.prod >&2";
    run(&(struct target_command){.script = script}, &result);
    assert_string_equal((const char *)result.output.data,
                        "A_PASSWORD=[redacted]\nREGISTRY=[redacted]\n");
    run(&(struct target_command){.script = script, .output = OUTPUT_NAMES}, &result);
    assert_string_equal((const char *)result.output.data,
                        "A_PASSWORD=[redacted]\nREGISTRY=127.0.0.1:5000/x\n");
    run(&(struct target_command){.script = script, .output = OUTPUT_RAW}, &result);
    assert_string_equal((const char *)result.output.data,
                        "A_PASSWORD=horse-battery-staple\nREGISTRY=127.0.0.1:5000/x\n");
    assert_string_equal((const char *)result.errors.data,
                        "A_PASSWORD=[redacted]\nREGISTRY=[redacted]\n"); /* always */
    local_target_close(&local);
}

static void target_run_forms_of_real_programs_are_redacted(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    connect("A_PASSWORD='it is \"quoted\" & 100% long, so that base64 wraps it over two lines of "
            "its own'\n",
            0600);
    run(
        &(struct target_command){
            .script = "base64 .env.prod; base64 -w0 .env.prod; od -An -v -tx1 .env.prod; python3 "
                      "-c 'if 1:\n"
                      " import json, urllib.parse, shlex\n s = open(\".env.prod\").read()[12:-2]\n "
                      "print(json.dumps(s), json.dumps(json.dumps(s)), urllib.parse.quote(s), "
                      "urllib.parse.quote_plus(s), s.encode().hex(), shlex.quote(s), repr(s))'"},
        &result);
    assert_int_equal(result.status, 0);
    size_t marks = 0;
    for (const char *at = (const char *)result.output.data; (at = strstr(at, REDACT_MARK)) != NULL;
         at++)
        marks++;
    assert_int_equal(marks, 10);
    assert_null(strstr((const char *)result.output.data, "base64 wraps"));
    local_target_close(&local);
}

/* What a mutating command prints goes through a file on the target, which has no name any more
 * while the command runs. */
static void target_run_mutating_command_leaves_nothing_behind(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct target_tenancy tenancy = {.journal = "00112233445566778899aabbccddeeff",
                                     .deployment = 3,
                                     .epoch = 2};
    connect("A_PASSWORD=horse-battery-staple\n", 0600);
    run(
        &(struct target_command){
            .script = "printf "
                      "'{\"journal\":\"00112233445566778899aabbccddeeff\",\"deployment\":3,"
                      "\"epoch\":2,\"head_seq\":0}' > state/deployment.json"},
        &result);
    run(&(struct target_command){.script = "cat .env.prod; grep -rl battery state; umask; ls -l "
                                           "/proc/self/fd | grep -c command.out; touch made",
                                 .tenancy = &tenancy},
        &result);
    assert_string_equal((const char *)result.output.data,
                        "A_PASSWORD=[redacted]\n0022\n0\n"); /* the command inherits no way to the
                                                                file but its output */
    run(&(struct target_command){.script = "ls state; grep -rl battery state; stat -c %a made"},
        &result);
    assert_string_equal((const char *)result.output.data,
                        "command.pgid\ndeploy.lock\ndeployment.json\n644\n");
    local_target_close(&local);
}

static void secrets_check_file_open_to_others_or_missing_is_refused(void **state)
{
    (void)state;
    struct error error;
    CLEANUP_RESULT struct target_result result = {0};
    connect("A_PASSWORD=horse-battery-staple\n", 0600);
    assert_int_equal(secrets_check(target_secrets(local.target), &error), ERROR_OK);
    local_target_close(&local);
    connect("A_PASSWORD=horse-battery-staple\n", 0640);
    assert_int_equal(secrets_check(target_secrets(local.target), &error), ERROR_REFUSED);
    assert_string_equal(error.next, "chmod 600 .env.prod");
    assert_true(secrets_are_known(target_secrets(local.target)));
    run(&(struct target_command){.script = "cat .env.prod"}, &result);
    assert_string_equal((const char *)result.output.data,
                        "A_PASSWORD=[redacted]\n"); /* redacted all the same */
    run(&(struct target_command){.script = "rm .env.prod"}, &result);
    target_close(local.target);
    assert_int_equal(target_open(&local.setup, local_world(), &local.target, &error), ERROR_OK);
    assert_int_equal(secrets_check(target_secrets(local.target), &error), ERROR_REFUSED);
    assert_false(secrets_are_known(target_secrets(local.target)));
    local_target_close(&local);
}

static void secrets_open_credentials_of_this_machine_are_redacted(void **state)
{
    (void)state;
    char path[128];
    struct error error;
    CLEANUP_RESULT struct target_result result = {0};
    connect("", 0600);
    target_close(local.target);
    (void)snprintf(path, sizeof path, "%s/bus.password", local.directory);
    assert_int_equal(local_target_write(&local, "bus.password", 0600, "bus-word-of-mine\n"), 0);
    local.setup.bus.credential.file = path;
    local.setup.checks[0] = (struct setup_check){.id = "x", .token_file = path};
    local.setup.check_count = 1;
    assert_int_equal(target_open(&local.setup, local_world(), &local.target, &error), ERROR_OK);
    run(&(struct target_command){.script = "cat bus.password"}, &result);
    assert_string_equal((const char *)result.output.data, "[redacted]\n");
    local_target_close(&local);
}

static long locked_kb(void)
{
    char line[128];
    long kb = -1;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %ld kB", &kb) == 1)
            break;
    (void)fclose(status);
    return kb;
}

/* Values and signing keys are locked while they are held, and given back (libsodium wipes what it
 * frees). */
static void secrets_and_keys_lie_in_locked_memory(void **state)
{
    (void)state;
    struct setup setup = setup_of("/opt/titan");
    struct error error;
    uint8_t seed[SEED_BYTES] = {7};
    struct signer *signer;
    long before = locked_kb();
    struct secrets *secrets =
        secrets_of(&setup, "A_PASSWORD=horse-battery-staple\nNATS_OPERATOR=abcdefgh\n");
    long with_secrets = locked_kb();
    assert_int_equal(signer_from_seed(seed, &signer, &error), ERROR_OK);
    long with_key = locked_kb();
    signer_close(signer);
    secrets_close(secrets);
    if (before < 0 || with_secrets == before)
        skip(); /* a limit of no locked memory at all: libsodium goes on without */
    assert_true(with_secrets > before && with_key > with_secrets);
    assert_int_equal(locked_kb(), before);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(env_file_read_lines_give_every_reading),
        cmocka_unit_test(secrets_open_each_kind_is_judged_by_key_value_and_length),
        cmocka_unit_test(secrets_open_what_compose_makes_of_a_value_is_redacted),
        cmocka_unit_test(secrets_open_what_the_machine_reads_stays),
        cmocka_unit_test(secrets_open_quoted_multiline_and_address_values),
        cmocka_unit_test(target_run_value_in_two_pieces_is_one_again),
        cmocka_unit_test(target_run_each_kind_of_output_is_redacted_as_it_says),
        cmocka_unit_test(target_run_forms_of_real_programs_are_redacted),
        cmocka_unit_test(target_run_mutating_command_leaves_nothing_behind),
        cmocka_unit_test(secrets_check_file_open_to_others_or_missing_is_refused),
        cmocka_unit_test(secrets_open_credentials_of_this_machine_are_redacted),
        cmocka_unit_test(secrets_and_keys_lie_in_locked_memory),
    };
    return sodium_init() < 0 ? 99 : cmocka_run_group_tests(tests, NULL, NULL);
}
