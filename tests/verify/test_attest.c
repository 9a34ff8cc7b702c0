/* Goal: --attest writes what independent implementations accept, of a deployment that is proven,
 * and nothing at all of any other. */
#include "tests/verify/check.h"
#include "tests/verify/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/report/attest.h"
#include "verify/report/dsse.h"
#include "verify/report/policy.h"

static const char *checker, *manual;
static char output[16000];

static bool shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool shell(const char *format, ...)
{
    char command[1500];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return tool_run(command, output, sizeof output) == 0;
}

static int attest(const char *bundle, const char *file, const char *key, const char *more)
{
    char options[900];
    (void)snprintf(options, sizeof options, "--attest %s --key %s %s", tool_path(file),
                   tool_path(key), more);
    return tool_verify(tool_path(bundle), options, output, sizeof output);
}

/* The file is not there, and nothing half-written lies beside it. */
static void assert_nothing_written(const char *file)
{
    assert_false(shell("ls %s*", tool_path(file)));
}

static int set_up(void **state)
{
    CLEANUP_FORGE struct forge forge;
    struct bytes note = {0};
    if (tool_set_up(state) != 0)
        return -1;
    forge_init(&forge);
    forge_whole(&forge, "policy");
    tool_bundle(&forge, "good");
    tool_lmdb(&forge, "directory");
    forge_checkpoint(&forge, forge.count, FORGE_OPERATOR, &note);
    forge_write(tool_path("checkpoint"), &note);
    bytes_free(&note);
    return shell("openssl genpkey -algorithm ed25519 -out %s && openssl pkey -in %s -pubout -out "
                 "%s && %s policy > %s",
                 tool_path("key"), tool_path("key"), tool_path("public"), tool_program(),
                 tool_path("policy"))
               ? 0
               : -1;
}

static void attest_proven_accepted_by_others(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(attest("good", "proven", "key", ""), VERIFY_PROVEN);
    assert_int_equal(stat(tool_path("proven"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    if (!shell("/usr/bin/python3 %s %s %s %s %s %s", checker, tool_path("proven"),
               tool_path("public"), tool_path("good"), tool_path("trust"), tool_path("policy")))
        fail_msg("%s", output);
    char anchored[300];
    (void)snprintf(anchored, sizeof anchored, "--require-anchor --json --checkpoint %s",
                   tool_path("checkpoint"));
    assert_int_equal(attest("good", "anchored", "key", anchored), VERIFY_PROVEN);
    if (!shell("/usr/bin/python3 %s %s %s %s %s %s %s", checker, tool_path("anchored"),
               tool_path("public"), tool_path("good"), tool_path("trust"), tool_path("policy"),
               tool_path("checkpoint")))
        fail_msg("%s", output);
}

/* The commands of verify/report/ATTESTATION.md, as they stand there. */
static void attest_checked_by_the_commands_of_its_text(void **state)
{
    (void)state;
    assert_int_equal(attest("good", "FILE", "key", ""), VERIFY_PROVEN);
    assert_true(shell("cp %s %s && sed -n '/^```/,/^```/{/^```/d;p}' %s > %s", tool_path("key"),
                      tool_path("KEY"), manual, tool_path("commands")));
    if (!shell("cd %s && sh -eu commands && grep -q PASSED statement", tool_path("")))
        fail_msg("%s", output);
    assert_non_null(strstr(output, "Signature Verified Successfully"));
    assert_false(shell("cd %s && sed -i 's/\"sig\":\"A/\"sig\":\"B/;t;s/\"sig\":\"./\"sig\":\"A/' "
                       "FILE && sh -eu commands",
                       tool_path("")));
}

static void attest_other_figures_other_policy(void **state)
{
    (void)state;
    char limits[400];
    tool_write("limits.yml", "window_ms: 200000\n");
    (void)snprintf(limits, sizeof limits, "--limits %s --verifier https://audit.example/titan",
                   tool_path("limits.yml"));
    assert_int_equal(attest("good", "figures", "key", limits), VERIFY_PROVEN);
    assert_true(shell("%s policy --limits %s > %s", tool_program(), tool_path("limits.yml"),
                      tool_path("policy2")));
    assert_true(shell("jq -j .payload %s | base64 -d | jq -e --arg h \"$(sha256sum < %s | cut "
                      "-c1-64)\" '.predicate.policy.digest.sha256 == $h and "
                      ".predicate.verifier.id == \"https://audit.example/titan\"'",
                      tool_path("figures"), tool_path("policy2")));
    assert_false(shell("cmp %s %s", tool_path("policy"), tool_path("policy2")));
}

static void attest_existing_file_not_replaced(void **state)
{
    (void)state;
    tool_write("there", "mine\n");
    assert_int_equal(attest("good", "there", "key", ""), VERIFY_USAGE);
    assert_non_null(strstr(output, "does not exist yet"));
    assert_true(
        shell("[ \"$(cat %s)\" = mine ] && ! ls %s.*", tool_path("there"), tool_path("there")));
    assert_int_equal(attest("good", "no/such/place", "key", ""), VERIFY_USAGE);
}

static void make_unhealthy(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    (void)what;
    (void)n;
    json_t *answer = forge_find(evidence, "health", NULL);
    if (strcmp(forge->state, "brain_deployed") != 0 && answer != NULL)
        forge_drop(evidence, "health", NULL);
}

static void attest_not_proven_refused(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge violated, open;
    forge_init(&violated);
    violated.tamper = make_unhealthy;
    forge_whole(&violated, "policy");
    tool_bundle(&violated, "violated");
    assert_int_equal(attest("violated", "none", "key", ""), VERIFY_VIOLATED);
    assert_non_null(strstr(output, "no attestation was written: the verdict is not PROVEN"));
    assert_non_null(strstr(output, "VIOLATED"));
    assert_nothing_written("none");
    forge_init(&open);
    forge_genesis(&open);
    forge_open(&open, "release");
    forge_until(&open, "guarded");
    tool_bundle(&open, "open");
    assert_int_equal(attest("open", "none", "key", ""), VERIFY_UNDECIDABLE);
    assert_int_equal(attest("open", "none", "key", "--json"), VERIFY_UNDECIDABLE);
    assert_int_equal(attest("good", "none", "key", "--require-anchor"), VERIFY_UNDECIDABLE);
    assert_int_equal(attest("good", "none", "key", "--target other"), VERIFY_VIOLATED);
    tool_write("nonsense", "this is no bundle\n");
    assert_int_equal(attest("nonsense", "none", "key", ""), VERIFY_DAMAGED);
    assert_true(shell(
        "sed 's/\"signature\":\"A/\"signature\":\"B/;t;s/\"signature\":\"./\"signature\":\"A/' %s "
        "> %s",
        tool_path("good"), tool_path("forged")));
    assert_int_equal(attest("forged", "none", "key", ""), VERIFY_VIOLATED);
    assert_nothing_written("none");
}

static void attest_nothing_deployed_refused(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge back;
    forge_init(&back);
    forge_genesis(&back);
    forge_open(&back, "release");
    forge_until(&back, "switched");
    forge_take(&back, "failed");
    forge_rollback(&back);
    check_all_proven(&back);
    tool_bundle(&back, "back");
    assert_int_equal(attest("back", "none", "key", ""), VERIFY_USAGE);
    assert_non_null(strstr(output, "left nothing deployed"));
    assert_int_equal(attest("directory", "none", "key", ""), VERIFY_USAGE);
    assert_non_null(strstr(output, "titan-fsm export"));
    assert_int_equal(attest("good", "none", "key", "--deployment all"), VERIFY_USAGE);
    assert_nothing_written("none");
}

static void attest_command_line_refused(void **state)
{
    (void)state;
    char options[300];
    (void)snprintf(options, sizeof options, "--attest %s", tool_path("none"));
    assert_int_equal(tool_verify(tool_path("good"), options, output, sizeof output), VERIFY_USAGE);
    (void)snprintf(options, sizeof options, "--key %s", tool_path("key"));
    assert_int_equal(tool_verify(tool_path("good"), options, output, sizeof output), VERIFY_USAGE);
    static const char *const uris[] = {"nobody", "'a b:c'", "'x:\"'", ":x", "x:", "1:x"};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        (void)snprintf(options, sizeof options, "--verifier %s", uris[i]);
        assert_int_equal(attest("good", "none", "key", options), VERIFY_USAGE);
    }
    assert_nothing_written("none");
}

static void attest_other_key_refused(void **state)
{
    (void)state;
    assert_true(shell("cp %s %s && chmod 640 %s", tool_path("key"), tool_path("shared"),
                      tool_path("shared")));
    assert_true(
        shell("openssl pkey -in %s -aes128 -passout pass:longenough -out %s && chmod 600 %s",
              tool_path("key"), tool_path("encrypted"), tool_path("encrypted")));
    assert_true(shell("openssl ecparam -genkey -name prime256v1 -noout -out %s && chmod 600 %s",
                      tool_path("other"), tool_path("other")));
    assert_true(shell("cp %s %s && printf x >> %s", tool_path("key"), tool_path("longer"),
                      tool_path("longer")));
    assert_true(shell("head -c 80 %s > %s && chmod 600 %s", tool_path("key"), tool_path("shorter"),
                      tool_path("shorter")));
    assert_true(shell("mkfifo -m 600 %s && : > %s && chmod 600 %s", tool_path("pipe"),
                      tool_path("empty"), tool_path("empty")));
    static const char *const keys[] = {"shared", "encrypted", "other",   "longer",   "shorter",
                                       "pipe",   "empty",     "missing", "directory"};
    static const char *const words[] = {"others may read", "encrypted",        "not an Ed25519",
                                        "not an Ed25519",  "not an Ed25519",   "not a regular",
                                        "not an Ed25519",  "cannot be opened", "not a regular"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int status = attest("good", "none", keys[i], "");
        if (status != VERIFY_USAGE || strstr(output, words[i]) == NULL)
            fail_msg("%s: %d, %s", keys[i], status, output);
    }
    assert_nothing_written("none");
}

static void dsse_pae_as_its_specification(void **state)
{
    (void)state;
    struct bytes pae = {0};
    struct error error;
    char hex[SHA256_HEX + 1];
    assert_int_equal(dsse_pae("http://example.com/HelloWorld", "hello world", 11, &pae, &error),
                     ERROR_OK);
    bytes_sha256_hex(pae.data, pae.size, hex);
    assert_string_equal(hex, "217751fac2c4f14edb2c9297fbc34abcb016ba88e74757e875ec4ac16fb6b6a1");
    bytes_free(&pae);
}

/* The policy's edges are the driver's, no more and no fewer. */
static void policy_edges_are_the_drivers(void **state)
{
    (void)state;
    struct limits limits;
    struct bytes text = {0};
    struct error error;
    char line[128];
    size_t edges = 0, count = 0;
    limits_default(&limits);
    assert_int_equal(policy_text(&limits, &text, &error), ERROR_OK);
    for (const char *at = (const char *)text.data; (at = strstr(at, "\nedge ")) != NULL; at++)
        edges++;
    const struct forge_edge *table = forge_edges(&count);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(line, sizeof line, "\nedge %s %s %s %s\n", table[i].procedure, table[i].from,
                       table[i].event, table[i].to);
        if (strstr((const char *)text.data, line) == NULL)
            fail_msg("missing: %s", line);
    }
    assert_int_equal(edges, count);
    assert_non_null(strstr((const char *)text.data, "\nact release guarded switch_services\n"));
    assert_non_null(strstr((const char *)text.data, "\nlimit window_ms 300000\n"));
    bytes_free(&text);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dsse_pae_as_its_specification),
        cmocka_unit_test(policy_edges_are_the_drivers),
        cmocka_unit_test(attest_proven_accepted_by_others),
        cmocka_unit_test(attest_other_figures_other_policy),
        cmocka_unit_test(attest_checked_by_the_commands_of_its_text),
        cmocka_unit_test(attest_existing_file_not_replaced),
        cmocka_unit_test(attest_not_proven_refused),
        cmocka_unit_test(attest_nothing_deployed_refused),
        cmocka_unit_test(attest_command_line_refused),
        cmocka_unit_test(attest_other_key_refused),
    };
    tool_init(argc > 1 ? argv[1] : "titan-verify");
    checker = argc > 2 ? argv[2] : "check_attestation.py";
    manual = argc > 3 ? argv[3] : "ATTESTATION.md";
    return cmocka_run_group_tests(tests, set_up, tool_tear_down);
}
