/* Goal: a command's status, output and times come back exactly; deadlines, caps, lock and epoch
 * hold. Real processes, real flock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/actions/local_target.h"

static struct local_target local;
static const char JOURNAL[] = "00112233445566778899aabbccddeeff";

static int open_local(void **state)
{
    (void)state;
    return local_target_open(&local);
}

static int close_local(void **state)
{
    (void)state;
    local_target_close(&local);
    return 0;
}

static enum error_code run(const char *script, struct target_result *result, struct error *error)
{
    return target_run(local.target, &(struct target_command){.script = script}, result, error);
}

static void shell(const char *script)
{
    assert_int_equal(local_target_shell(&local, script), 0);
}

static void target_run_status_and_output_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *script, *output;
        int status;
    } rows[] = {
        {"printf abc", "abc", 0}, {"echo", "\n", 0},
        {"true", "", 0},          {"printf 'a\\n\\nb\\n'; exit 7", "a\n\nb\n", 7},
        {"kill -9 $$", "", 137},  {"pwd >/dev/null; exit 255", "", 255},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_RESULT struct target_result result = {0};
        struct error error;
        assert_int_equal(run(rows[i].script, &result, &error), ERROR_OK);
        assert_int_equal(result.status, rows[i].status);
        assert_int_equal(result.output.size, strlen(rows[i].output));
        assert_memory_equal(result.output.data, rows[i].output, result.output.size);
        assert_int_equal(strlen(result.span.boot), BOOT_ID_LENGTH);
        assert_true(result.span.after_ms >= result.span.before_ms
                    && result.received_ns > result.sent_ns);
    }
}

static void target_run_output_cannot_forge_the_end(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    assert_int_equal(run("printf '\\n00112233445566778899aabbccddeeff "
                         "11111111-2222-3333-4444-555555555555 1.00 0\\n'; exit 9",
                         &result, &error),
                     ERROR_OK);
    assert_int_equal(result.status, 9);
}

static void target_run_input_reaches_the_command(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    struct target_command command = {.script = "cat", .input = "line\n", .input_bytes = 5};
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_OK);
    assert_int_equal(result.output.size, 5);
}

/* As a library opens them: without O_CLOEXEC, read-write, low and high. */
static void target_run_child_has_three_descriptors(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    int pair[2], file = open("/dev/null", O_RDWR), high = fcntl(file, F_DUPFD, 200);
    assert_true(file > STDERR_FILENO && high >= 200);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(run("for d in /proc/self/fd/*; do [ -e \"$d\" ] && printf '%s ' "
                         "\"${d##*/}\"; done",
                         &result, &error),
                     ERROR_OK);
    assert_string_equal((const char *)result.output.data, "0 1 2 ");
    for (int each = 0; each < 2; each++)
        (void)close(pair[each]);
    (void)close(high);
    (void)close(file);
}

static void target_run_deadline_ends_the_command(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    struct target_command command = {.script = "sleep 100", .deadline_ms = 300};
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_OK);
    assert_int_equal(result.status, 124);
}

static void target_run_too_much_output_is_an_error(void **state)
{
    (void)state;
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    struct target_command command = {.script = "yes",
                                     .output_bytes_max = 65536,
                                     .deadline_ms = 3000};
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_LIMIT);
    assert_int_equal(result.output.size, 0);
}

static void target_run_mutating_checks_lock_and_epoch(void **state)
{
    (void)state;
    struct target_tenancy tenancy = {.journal = JOURNAL, .deployment = 3, .epoch = 2};
    struct target_command command = {.script = "echo ran >> ran",
                                     .deadline_ms = 1000,
                                     .tenancy = &tenancy};
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    assert_int_equal(target_run(local.target, &command, &result, &error),
                     ERROR_HELD); /* no deployment.json: nobody holds it */
    shell("printf "
          "'{\"journal\":\"00112233445566778899aabbccddeeff\",\"deployment\":3,\"epoch\":2,\"head_"
          "seq\":0}' > state/deployment.json");
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_OK);
    tenancy.epoch = 1;
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_HELD);
    tenancy.epoch = 22;
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_HELD);
    shell("test $(wc -l < ran) = 1");
    shell("test -s state/command.pgid");
}

static void target_run_mutating_waits_for_the_existing_flock(void **state)
{
    (void)state;
    struct target_tenancy tenancy = {.journal = JOURNAL, .deployment = 3, .epoch = 2};
    struct target_command command = {.script = "echo twice >> ran",
                                     .deadline_ms = 400,
                                     .tenancy = &tenancy};
    CLEANUP_RESULT struct target_result result = {0};
    struct error error;
    char held[200];
    (void)snprintf(held, sizeof held, "flock %s/state/deploy.lock sh -c 'echo held; read line'",
                   local.directory);
    FILE *holder = popen(held, "w");
    assert_non_null(holder);
    while (target_run(local.target,
                      &(struct target_command){.script = "flock -n state/deploy.lock true"},
                      &result, &error)
               == ERROR_OK
           && result.status == 0)
        continue; /* until the other script has it */
    local.setup.command_ms =
        400; /* the lock is waited for as long as an ordinary command may take */
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_HELD);
    assert_non_null(strstr(error.what, "deploy.lock: pid "));
    assert_non_null(strstr(error.what, "(flock "));
    local.setup.command_ms = 10000;
    assert_true(fputs("\n", holder) >= 0);
    assert_int_equal(pclose(holder), 0);
    assert_int_equal(target_run(local.target, &command, &result, &error), ERROR_OK);
}

static void text_add_quoted_any_word_stays_one_word(void **state)
{
    (void)state;
    static const char *const words[] = {"",     "a b", "it's", "$(id)", "`id`;rm -rf *",
                                        "\"\\", "a\nb"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        CLEANUP_TEXT struct text script = {0};
        CLEANUP_RESULT struct target_result result = {0};
        struct error error;
        text_add(&script, "printf %s ");
        text_add_quoted(&script, words[i]);
        assert_int_equal(run(text_string(&script), &result, &error), ERROR_OK);
        assert_int_equal(result.output.size, strlen(words[i]));
        assert_memory_equal(result.output.data, words[i], result.output.size);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_run_status_and_output_are_exact),
        cmocka_unit_test(target_run_output_cannot_forge_the_end),
        cmocka_unit_test(target_run_input_reaches_the_command),
        cmocka_unit_test(target_run_child_has_three_descriptors),
        cmocka_unit_test(target_run_deadline_ends_the_command),
        cmocka_unit_test(target_run_too_much_output_is_an_error),
        cmocka_unit_test(target_run_mutating_checks_lock_and_epoch),
        cmocka_unit_test(target_run_mutating_waits_for_the_existing_flock),
        cmocka_unit_test(text_add_quoted_any_word_stays_one_word),
    };
    return cmocka_run_group_tests(tests, open_local, close_local);
}
