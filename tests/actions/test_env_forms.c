/* Goal: each form of an assignment has the value for us that it has for compose. A table of forms
 * with the value for compose 1.29 and for 2 and later; the installed programs are asked the same:
 * docker-compose of this machine, and those that tests/other-versions fetched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "actions/compose/view/compose_view_read.h"
#include "actions/secrets/env_values.h"
#include "journal/format/text.h"
#include "tests/scratch.h"

#define REFUSED "(refused)"

/* The value of K; NULL = it is not set. */
static const struct {
    const char *text, *value[ENV_PROGRAMS];
} rows[] = {
    {"K=plain", {"plain", "plain"}},
    {"K = two words ", {"two words", "two words"}},
    {"export K=exported", {"exported", "exported"}},
    {"\texport\tK\t=\ttabs\t\n", {"tabs", "tabs"}},
    {"K=a$$b", {"a$$b", "a$b"}},
    {"K=\"a$$b\"", {"a$$b", "a$b"}},
    {"K='a$$b'", {"a$$b", "a$$b"}},
    {"X=x\nK=${X}", {"x", "x"}},
    {"X=x\nK=a${X}b$X", {"axb$X", "axbx"}},
    {"X=x\nK=a$Xb", {"a$Xb", "a"}},
    {"K=$X\nX=later", {"$X", ""}},
    {"K='$X ${X}'", {"$X ", "$X ${X}"}},
    {"K=\"$X ${X}\"", {"$X ", " "}},
    {"K=${X:-a b}", {"a b", "a b"}},
    {"K=${X-a}", {"", "a"}},
    {"X=\nK=${X:-a}", {"", "a"}},
    {"X=\nK=${X-a}", {"", ""}},
    {"X=x\nK=${X:+a}", {"${X:+a}", "a"}},
    {"X=x\nK=${N:-${X}}y", {"${X}y", "xy"}},
    {"X=x\nK=\"\\$X\"", {"\\$X", "$X"}},
    {"X=x\nK=\\$X", {"\\$X", "\\x"}},
    {"K=$1 $(a) `b` a$", {"$1 $(a) `b` a$", "$1 $(a) `b` a$"}},
    {"K=a #b", {"a", "a"}},
    {"K=a#b", {"a#b", "a#b"}},
    {"K=a\t#b", {"a", "a\t#b"}},
    {"K= #b", {"#b", "#b"}},
    {"K='a #b' # c", {"a #b", "a #b"}},
    {"# K=a\n\n  # b\nK=c", {"c", "c"}},
    {"K=\"a\\nb\\t\\\"c\\\\d\\$e\"", {"a\nb\t\"c\\d\\$e", "a\nb\t\"c\\d$e"}},
    {"K='a\\nb\\'c\\\\d'", {"a\\nb'c\\d", "a\\nb'c\\\\d"}},
    {"K=\"\\x41\\101\\0101\\0b\"", {"\\x41\\101\\0101\\0b", "\\x41\\101A\\b"}},
    {"K=a\\nb\\\\c\\ d\\", {"a\\nb\\\\c\\ d\\", "a\\nb\\\\c\\ d\\"}},
    {"K=a\r\nZ=b\r\n", {"a", "a"}},
    {"\xef\xbb\xbfK=bom", {"bom", "bom"}},
    {"K=\"a\nb\"\nZ=1", {"a\nb", "a\nb"}},
    {"K='a\nZ=b'\n", {"a\nZ=b", "a\nZ=b"}},
    {"K=\"a\r\nb\"\r\n", {"a\nb", "a\r\nb"}},
    {"K=first\nK=second", {"second", "second"}},
    {"K: colon\n", {NULL, "colon"}},
    {"'K'=quoted\n", {"quoted", REFUSED}},
    {"K=", {"", ""}},
    {"K=\"\"", {"", ""}},
    {"K==a=b", {"=a=b", "=a=b"}},
    {"K=it's \"so\"", {"it's \"so\"", "it's \"so\""}},
    {"K=\"  #a  \"", {"  #a  ", "  #a  "}},
    {"K=\xc3\xa9", {"\xc3\xa9", "\xc3\xa9"}},
    {"K=${K}x\n", {"x", "x"}},
    {"my.key=1\nmy-key=2\nK[0]=3\nK=4", {"4", "4"}},
    {"K=\"open\nZ=1\n", {NULL, REFUSED}},
    {"K=${X", {"${X", REFUSED}},
    {"K=${X:?say}", {"${X:?say}", REFUSED}},
    {"K=${ X }", {"", REFUSED}},
    {"K='it''s'\n", {NULL, REFUSED}},
    {"a word\nK=1", {"1", REFUSED}},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_refused(size_t row, enum env_program program)
{
    return rows[row].value[program] != NULL && strcmp(rows[row].value[program], REFUSED) == 0;
}

static void each_form_has_the_value_of_the_table(void **state)
{
    (void)state;
    struct error error;
    for (size_t i = 0; i < ROWS; i++)
        for (unsigned program = 0; program < ENV_PROGRAMS; program++) {
            CLEANUP_ENV_VALUES struct env_values values = {.count = 0};
            assert_int_equal(env_values_read(rows[i].text, strlen(rows[i].text),
                                             (enum env_program)program, &values, &error),
                             ERROR_OK);
            const char *expected = rows[i].value[program];
            const struct env_value *found = env_values_find(&values, "K", 1);
            bool same = values.refused == is_refused(i, (enum env_program)program);
            if (same && !values.refused)
                same = expected == NULL ? found == NULL
                                        : found != NULL && found->length == strlen(expected)
                                              && memcmp(found->value, expected, found->length) == 0;
            if (!same)
                fail_msg("program %u reads <%s> as <%.*s>%s", program + 1, rows[i].text,
                         found != NULL ? (int)found->length : 3, found != NULL ? found->value : "-",
                         values.refused ? ", refused" : "");
        }
}

static void lines_and_foreign_variables_are_reported(void **state)
{
    (void)state;
    static const char text[] = "A=1\n\n# x\nB='2\n3'\nC=${HOME}\nD=${A}\r\nE=${C}\n";
    static const struct {
        const char *key;
        int line;
        bool foreign;
    } expected[] = {
        {"A", 1, false}, {"B", 4, false}, {"C", 6, true}, {"D", 7, false}, {"E", 8, true}};
    struct error error;
    for (unsigned program = 0; program < ENV_PROGRAMS; program++) {
        CLEANUP_ENV_VALUES struct env_values values = {.count = 0};
        assert_int_equal(env_values_read(text, strlen(text), (enum env_program)program, &values,
                                         &error),
                         ERROR_OK);
        assert_int_equal(values.count, 5);
        for (size_t i = 0; i < values.count; i++) {
            assert_memory_equal(values.list[i].key, expected[i].key, 1);
            assert_int_equal(values.list[i].line, expected[i].line);
            assert_int_equal(values.list[i].foreign, expected[i].foreign);
        }
    }
}

/* The value of every line is twice as long as that of the line before. */
static void what_would_never_end_is_refused(void **state)
{
    (void)state;
    CLEANUP_TEXT struct text lines = {0};
    struct error error;
    text_add(&lines, "V0=0123456789abcdef\n");
    for (unsigned i = 1; i < 60; i++)
        text_add_format(&lines, "V%u=${V%u}${V%u}\n", i, i - 1, i - 1);
    assert_false(text_failed(&lines, &error));
    const char *text = text_string(&lines);
    for (unsigned program = 0; program < ENV_PROGRAMS; program++) {
        CLEANUP_ENV_VALUES struct env_values values = {.count = 0};
        assert_int_equal(env_values_read(text, strlen(text), (enum env_program)program, &values,
                                         &error),
                         ERROR_OK);
        assert_true(values.full && values.refused);
        assert_non_null(env_values_find(&values, "V3", 2));
    }
}

static void write_text(const char *directory, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0 && fclose(file) == 0, true);
}

/* What a command prints; its exit status. A shell starts it, because popen() alone sets neither
 * directory nor locale; every word of the line is one of this test. */
static int output_of(const char *directory, const char *program, const char *words,
                     struct bytes *ret_text)
{
    char command[1024];
    struct error error;
    (void)snprintf(command, sizeof command, "cd '%s' && LC_ALL=C '%s' %s 2>/dev/null", directory,
                   program, words);
    FILE *pipe = popen(command, "re");
    assert_non_null(pipe);
    assert_int_equal(bytes_append(ret_text, "", 0, &error), ERROR_OK);
    char part[4096];
    for (size_t length; (length = fread(part, 1, sizeof part, pipe)) > 0;)
        assert_int_equal(bytes_append(ret_text, part, length, &error), ERROR_OK);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* One service for each form, each with an env_file of its own: compose reads it by the same rules
 * as the env file of the command. */
static void write_services(const char *directory)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    char name[32], alone[128];
    assert_int_equal(bytes_append_format(&text, &error, "version: '3.8'\nservices:\n"), ERROR_OK);
    for (size_t i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof name, "%zu.env", i);
        write_text(directory, name, rows[i].text);
        (void)snprintf(alone, sizeof alone,
                       "version: '3.8'\nservices:\n  s: {image: i, env_file: [%zu.env]}\n", i);
        (void)snprintf(name, sizeof name, "%zu.yml", i);
        write_text(directory, name, alone);
        if (!is_refused(i, ENV_PROGRAM_TWO))
            assert_int_equal(bytes_append_format(&text, &error,
                                                 "  s%zu: {image: i, env_file: [%zu.env]}\n", i, i),
                             ERROR_OK);
    }
    write_text(directory, "all.yml", (const char *)text.data);
}

static void compare_value(size_t row, const char *program, const struct compose_service *service,
                          const char *expected)
{
    assert_non_null(service);
    const struct compose_variable *found = compose_service_variable(service, "K");
    const char *value = found != NULL ? found->value : NULL;
    if (expected == NULL ? value != NULL : value == NULL || strcmp(value, expected) != 0)
        fail_msg("%s reads <%s> as <%s>, not as <%s>", program, rows[row].text,
                 value != NULL ? value : "(unset)", expected != NULL ? expected : "(unset)");
}

static void ask_each_form(const char *directory, const char *program)
{
    CLEANUP_BYTES struct bytes version = {0}, text = {0};
    struct compose_view *view;
    struct error error;
    char name[32], words[64];
    assert_int_equal(output_of(directory, program, "version --short", &version), 0);
    const char *number = (const char *)version.data;
    print_message("compose %s", number);
    enum env_program kind = strncmp(number, "1.", 2) == 0 ? ENV_PROGRAM_ONE : ENV_PROGRAM_TWO;
    assert_int_equal(output_of(directory, program, "-p p -f all.yml config", &text), 0);
    assert_int_equal(compose_view_read((const char *)text.data, text.size, NULL, 0, &view, &error),
                     ERROR_OK);
    for (size_t i = 0; i < ROWS; i++) {
        CLEANUP_BYTES struct bytes ignored = {0};
        (void)snprintf(name, sizeof name, "s%zu", i);
        (void)snprintf(words, sizeof words, "-p p -f %zu.yml config", i);
        if (!is_refused(i, ENV_PROGRAM_TWO))
            compare_value(i, program, compose_view_service(view, name), rows[i].value[kind]);
        else if (kind == ENV_PROGRAM_TWO)
            assert_int_not_equal(output_of(directory, program, words, &ignored), 0);
    }
    compose_view_close(view);
}

static void installed_programs_read_the_same(void **state)
{
    (void)state;
    char directory[] = "/tmp/titan-forms-XXXXXX", pattern[512];
    const char *versions = getenv("TITAN_VERSIONS");
    size_t asked = 0;
    glob_t found;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(pattern, sizeof pattern,
                   "%s/docker-compose_*/usr/libexec/docker/cli-plugins/docker-compose",
                   versions != NULL ? versions : "/nowhere");
    write_services(directory);
    if (access("/usr/bin/docker-compose", X_OK) == 0) {
        ask_each_form(directory, "/usr/bin/docker-compose");
        asked++;
    }
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            ask_each_form(directory, found.gl_pathv[i]);
        asked += found.gl_pathc;
        globfree(&found);
    }
    assert_int_equal(scratch_remove(directory), 0);
    if (asked == 0)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_the_value_of_the_table),
        cmocka_unit_test(lines_and_foreign_variables_are_reported),
        cmocka_unit_test(what_would_never_end_is_refused),
        cmocka_unit_test(installed_programs_read_the_same),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
