/* Goal: what Docker says is read exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actions/compose/containers.h"
#include "journal/format/text.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){.data = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

#define LINE(service, state, health)                                        \
    "{\"service\":\"" service "\",\"id\":\"x\",\"image\":\"sha256:" service \
    "\",\"state\":\"" state "\",\"health\":" health                         \
    ",\"started_at\":\"t\",\"restarts\":2,\"name\":\"/n\"}\n"

static void containers_read_lines_are_exact(void **state)
{
    (void)state;
    struct bytes lines = text_of(LINE("a", "exited", "null") LINE("a", "running", "\"healthy\"")
                                     LINE("b", "running", "\"starting\""));
    struct containers containers;
    struct error error;
    assert_int_equal(containers_read(&lines, &containers, &error), ERROR_OK);
    assert_int_equal(containers.count, 3);
    assert_string_equal(containers_find(&containers, "a")->state, "running");
    assert_int_equal(containers_find(&containers, "a")->restarts, 2);
    assert_true(container_is_good(containers_find(&containers, "a")));
    assert_false(container_is_good(containers_find(&containers, "b")));
    assert_null(containers_find(&containers, "c"));
}

static void containers_read_anything_else_is_an_error(void **state)
{
    (void)state;
    static const char *const bad[] = {"Error: no such object\n", "{}\n", "[]\n",
                                      "{\"service\":5}\n", "{\"service\":\"a\"\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes lines = text_of(bad[i]);
        struct containers containers;
        struct error error;
        assert_int_equal(containers_read(&lines, &containers, &error), ERROR_PROTOCOL);
    }
}

/* As many as fit, and one more, which is no fault of Docker's. */
static void containers_read_more_than_fit_is_a_limit(void **state)
{
    (void)state;
    struct containers containers;
    struct error error;
    CLEANUP_BYTES struct bytes lines = {0};
    static const char line[] = LINE("a", "running", "null");
    for (size_t i = 0; i < CONTAINERS_MAX; i++)
        assert_int_equal(bytes_append(&lines, line, strlen(line), &error), ERROR_OK);
    assert_int_equal(containers_read(&lines, &containers, &error), ERROR_OK);
    assert_int_equal(bytes_append(&lines, line, strlen(line), &error), ERROR_OK);
    assert_int_equal(containers_read(&lines, &containers, &error), ERROR_LIMIT);
    assert_non_null(strstr(error.what, "more than 128 containers"));
}

/* Of a compose or a Docker that lies. */
static const char *const hostile[] = {
    "a'b",  "a\\\"b", "$(id)",  "`id`", "a b",   "a\\nb",    "a;id", "-rf",      "--help",
    "..",   ".",      "a/../b", "a|b",  "a&b",   "a>b",      "*",    "a\\u0000", "\xC3\xA9",
    "a{b}", "~root",  "a#b",    "!x",   "a\\tb", "\\u202ea", "a$b",  "a\\\\b",   "$IFS",
};

/* A good value for each key but `key`, which has `value`; and the end of the line. */
static void add_members(struct text *line, const char *const (*keys)[2], size_t count,
                        const char *key, const char *value)
{
    struct error error;
    for (size_t i = 0; i < count; i++)
        text_add_format(line, ",\"%s\":\"%s\"", keys[i][0],
                        strcmp(keys[i][0], key) == 0 ? value : keys[i][1]);
    text_add(line, "}\n");
    assert_false(text_failed(line, &error));
}

static enum error_code read_with(const char *key, const char *value)
{
    static const char *const keys[][2] = {{"service", "a"},      {"id", "x"},
                                          {"image", "sha256:x"}, {"state", "running"},
                                          {"health", "healthy"}, {"started_at", "t"},
                                          {"name", "/n"}};
    CLEANUP_TEXT struct text line = {0};
    text_add(&line, "{\"restarts\":2");
    add_members(&line, keys, sizeof keys / sizeof keys[0], key, value);
    struct bytes lines = text_of(text_string(&line));
    struct containers containers;
    struct error error;
    return containers_read(&lines, &containers, &error);
}

static enum error_code read_image_with(const char *key, const char *value)
{
    static const char *const keys[][2] = {{"service", "a"},
                                          {"name", "titan/a:1"},
                                          {"id", "sha256:x"}};
    CLEANUP_TEXT struct text line = {0};
    text_add_format(&line, "{\"digests\":[\"%s\"]",
                    strcmp(key, "digests") == 0 ? value : "titan/a@sha256:00");
    add_members(&line, keys, sizeof keys / sizeof keys[0], key, value);
    struct bytes lines = text_of(text_string(&line));
    struct images images;
    struct error error;
    return images_read(&lines, &images, &error);
}

static void read_hostile_words_are_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"service", "id",         "image", "state",
                                       "health",  "started_at", "name"};
    static const char *const image_keys[] = {"service", "name", "id", "digests"};
    assert_int_equal(read_with("", ""), ERROR_OK);
    assert_int_equal(read_image_with("", ""), ERROR_OK);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        bool dots = strspn(hostile[i], ".") == strlen(hostile[i]);
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            if (!dots || strcmp(keys[j], "started_at") != 0)
                assert_int_equal(read_with(keys[j], hostile[i]), ERROR_PROTOCOL);
        for (size_t j = 0; j < sizeof image_keys / sizeof image_keys[0]; j++)
            if (strcmp(hostile[i], ".") != 0)
                assert_int_equal(read_image_with(image_keys[j], hostile[i]), ERROR_PROTOCOL);
    }
}

static void configurations_read_takes_hmacs_and_nothing_else(void **state)
{
    (void)state;
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    static const struct {
        const char *line;
        enum error_code code;
    } rows[] = {
        {"{\"service\":\"a\",\"declared\":\"" HEX "\",\"running\":\"\"}\n", ERROR_OK},
        {"{\"service\":\"a\",\"declared\":\"" HEX "\"}\n", ERROR_PROTOCOL},
        {"{\"service\":\"a\",\"declared\":\"short\",\"running\":\"\"}\n", ERROR_PROTOCOL},
        {"{\"service\":\"a\",\"declared\":\"" HEX "0\",\"running\":\"\"}\n", ERROR_PROTOCOL},
        {"a " HEX "\n", ERROR_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes lines = text_of(rows[i].line);
        struct configurations configurations;
        struct error error;
        assert_int_equal(configurations_read(&lines, &configurations, &error), rows[i].code);
        if (rows[i].code == ERROR_OK) {
            assert_string_equal(configurations_find(&configurations, "a")->declared, HEX);
            assert_string_equal(configurations_find(&configurations, "a")->running, "");
            assert_null(configurations_find(&configurations, "b"));
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_read_lines_are_exact),
        cmocka_unit_test(containers_read_anything_else_is_an_error),
        cmocka_unit_test(containers_read_more_than_fit_is_a_limit),
        cmocka_unit_test(read_hostile_words_are_refused),
        cmocka_unit_test(configurations_read_takes_hmacs_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
