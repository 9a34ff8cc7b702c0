/* Goal: the secrets that a compose file has besides the env file are learned when the target is
 * connected, in each place where they can stand; names are not redacted. 200 values are planted:
 * none of them is found. A real local target, whose compose prints a rendered file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "actions/compose/compose_learn.h"
#include "tests/actions/local_target.h"

static void put_file(const struct local_target *local, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", local->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

/* `source` in deploy/c.yml, and `rendered` as what compose makes of it; NULL: it fails. */
static void learn_from(struct local_target *local, const char *source, const char *rendered)
{
    static const char *const patterns[] = {"PASS", "SECRET", "KEY", "TOKEN"};
    char deploy[160];
    assert_int_equal(local_target_open(local), 0);
    for (size_t i = 0; i < 4; i++)
        local->setup.secrets.patterns.items[i] = patterns[i];
    local->setup.secrets.patterns.count = 4;
    local->setup.secrets.value_bytes = 12;
    (void)snprintf(deploy, sizeof deploy, "%s/deploy", local->directory);
    assert_int_equal(mkdir(deploy, 0755), 0);
    local->setup.compose.file = "deploy/c.yml";
    local->setup.compose.command = "./compose";
    local->setup.compose.env_file = "";
    put_file(local, "deploy/c.yml", source);
    put_file(local, "rendered.yml", rendered != NULL ? rendered : "");
    put_file(local, "compose",
             rendered != NULL ? "#!/bin/sh\ncat rendered.yml\n"
                              : "#!/bin/sh\necho no >&2; exit 1\n");
    target_know_project(local->target, "p");
}

static void expect_text(const struct local_target *local, const char *text, const char *expected)
{
    CLEANUP_BYTES struct bytes bytes = {0};
    struct error error;
    assert_int_equal(bytes_append(&bytes, text, strlen(text), &error), ERROR_OK);
    assert_int_equal(target_redact(local->target, REDACT_ALL, &bytes, &error), ERROR_OK);
    assert_string_equal((const char *)bytes.data, expected);
}

static void each_place_is_looked_at_and_names_stay(void **state)
{
    static const char source[] = "services:\n  api:\n    env_file: [api.env, {path: ../more.env}]\n"
                                 "  web:\n    env_file: web.env\n";
    static const char rendered[] =
        "services:\n"
        "  api:\n"
        "    image: registry/api:1\n"
        "    environment:\n"
        "      DB_PASSWORD: lit$$eral\n"
        "      KEYCLOAK_HOST: keycloak\n"
        "      STATE_URL: postgres://app:url-word@db/app\n"
        "      MODE: a long word that is no secret\n"
        "    command: [redis-server, --requirepass, list-word, --token=eq-word]\n"
        "    labels: {api.token: label-word}\n"
        "  keycloak:\n"
        "    image: keycloak:24\n"
        "    environment: [API_KEY=item-word, PLAIN=kept-word]\n"
        "    command: sh -c 'start --secret text-word --port 8080'\n"
        "    build: {args: {NPM_TOKEN: build-word}}\n"
        "secrets:\n"
        "  db: {file: db.txt}\n";
    struct local_target local;
    struct error error;
    (void)state;
    learn_from(&local, source, rendered);
    put_file(&local, "deploy/api.env", "X_TOKEN=\"raw\\\"word\"\nOTHER=a longer value\n");
    put_file(&local, "more.env", "Y_TOKEN=more$$word");
    put_file(&local, "deploy/web.env", "Z_TOKEN=${NO:-web-word}\nSHORT=kept-too\n");
    put_file(&local, "deploy/db.txt", "file-word\n");
    assert_int_equal(compose_learn(local.target, &error), ERROR_OK);
    expect_text(&local, "lit$eral lit$$eral keycloak url-word a long word that is no secret",
                "[redacted] [redacted] keycloak [redacted] a long word that is no secret");
    expect_text(&local, "list-word eq-word label-word item-word kept-word text-word build-word",
                "[redacted] [redacted] [redacted] [redacted] kept-word [redacted] [redacted]");
    expect_text(&local, "raw\"word a longer value more$word web-word kept-too 8080",
                "[redacted] [redacted] [redacted] [redacted] kept-too 8080");
    local_target_close(&local);
}

static void a_file_that_does_not_render_still_teaches_its_env_files(void **state)
{
    struct local_target local;
    struct error error;
    (void)state;
    learn_from(&local, "services:\n  api: {env_file: api.env}\n", NULL);
    put_file(&local, "deploy/api.env", "X_TOKEN=one-word\n");
    assert_int_equal(compose_learn(local.target, &error), ERROR_OK);
    expect_text(&local, "one-word", "[redacted]");
    local_target_close(&local);
}

/* Five values for each service, one in each place; `leak` contains all of them. */
static void none_of_200_planted_values_is_found(void **state)
{
    CLEANUP_BYTES struct bytes rendered = {0}, env = {0}, leak = {0};
    struct local_target local;
    struct error error;
    (void)state;
    assert_int_equal(bytes_append_format(&rendered, &error, "services:\n"), ERROR_OK);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(
            bytes_append_format(&rendered, &error,
                                "  s%u:\n    environment: {PASSWORD_%u: 'q%03u$$lit', "
                                "URL: 'amqp://u:q%03u-url@h:1/'}\n"
                                "    command: ['--secret=q%03u-com', '--key', 'q%03u-arg']\n",
                                i, i, i, i, i, i),
            ERROR_OK);
        assert_int_equal(bytes_append_format(&env, &error, "export TOKEN_%u = 'q%03u-env' # x\r\n",
                                             i, i),
                         ERROR_OK);
        assert_int_equal(bytes_append_format(&leak, &error,
                                             "q%03u$lit q%03u-url q%03u-com q%03u-arg q%03u-env\n",
                                             i, i, i, i, i),
                         ERROR_OK);
    }
    learn_from(&local, "services:\n  s0: {env_file: many.env}\n", (const char *)rendered.data);
    put_file(&local, "deploy/many.env", (const char *)env.data);
    assert_int_equal(compose_learn(local.target, &error), ERROR_OK);
    assert_int_equal(target_redact(local.target, REDACT_SECRETS, &leak, &error), ERROR_OK);
    assert_null(memchr(leak.data, 'q', leak.size));
    local_target_close(&local);
}

/* Versions of compose differ here: the installed one is asked. */
static void the_program_that_is_there_is_asked(void **state)
{
    struct local_target local;
    struct compose_view *view = NULL;
    struct error error;
    (void)state;
    if (access("/usr/bin/docker-compose", X_OK) != 0)
        skip();
    learn_from(&local, "services: {}\n", NULL);
    put_file(&local, ".env.prod", "X=five\nK=${X:-and a long default}$$\nOTHER=1\n");
    local.setup.compose.command = "/usr/bin/docker-compose";
    local.setup.compose.env_file = ".env.prod";
    assert_int_equal(compose_ask(local.target, "K", &view, &error), ERROR_OK);
    const char *value = view->services[0].variables[0].value;
    assert_true(strcmp(value, "five$$") == 0 || strcmp(value, "five$") == 0);
    compose_view_close(view);
    assert_int_equal(compose_ask(local.target, "K}", &view, &error), ERROR_REMOTE);
    local_target_close(&local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_place_is_looked_at_and_names_stay),
        cmocka_unit_test(a_file_that_does_not_render_still_teaches_its_env_files),
        cmocka_unit_test(none_of_200_planted_values_is_found),
        cmocka_unit_test(the_program_that_is_there_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
