/* Goal: what Docker says is read exactly, and drift in every direction is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actions/containers.h"
#include "actions/health.h"

static struct bytes text_of(const char *text)
{
    return (struct bytes){.data = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

#define LINE(service, state, health) \
    "{\"service\":\"" service "\",\"id\":\"x\",\"image\":\"sha256:" service "\",\"state\":\"" state "\",\"health\":" health ",\"started_at\":\"t\",\"restarts\":2,\"name\":\"/n\"}\n"

static void containers_read_lines_are_exact(void **state)
{
    (void)state;
    struct bytes lines = text_of(LINE("a", "exited", "null") LINE("a", "running", "\"healthy\"") LINE("b", "running", "\"starting\""));
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
    static const char *const bad[] = {"Error: no such object\n", "{}\n", "[]\n", "{\"service\":5}\n", "{\"service\":\"a\"\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes lines = text_of(bad[i]);
        struct containers containers;
        struct error error;
        assert_int_equal(containers_read(&lines, &containers, &error), ERROR_PROTOCOL);
    }
}

static void containers_match_sees_every_drift(void **state)
{
    (void)state;
    static const struct { const char *lines, *word; } rows[] = {
        {LINE("a", "running", "null") LINE("b", "running", "null"), NULL},
        {LINE("a", "running", "null"), "b is declared and does not run"},
        {LINE("a", "running", "null") LINE("b", "exited", "null"), "b is declared and does not run"},
        {LINE("a", "running", "null") LINE("b", "running", "null") LINE("c", "running", "null"), "c runs and is not declared"},
    };
    struct images declared = {.list = {{.service = "a", .id = "sha256:a"}, {.service = "b", .id = "sha256:b"}}, .count = 2};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes lines = text_of(rows[i].lines);
        struct containers containers;
        struct error error;
        char text[200] = "";
        assert_int_equal(containers_read(&lines, &containers, &error), ERROR_OK);
        assert_int_equal(containers_match(&containers, &declared, text, sizeof text), rows[i].word == NULL);
        assert_true(rows[i].word == NULL || strstr(text, rows[i].word) != NULL);
    }
    (void)snprintf(declared.list[1].id, sizeof declared.list[1].id, "sha256:old");
    struct bytes lines = text_of(rows[0].lines);
    struct containers containers;
    struct error error;
    char text[200];
    assert_int_equal(containers_read(&lines, &containers, &error), ERROR_OK);
    assert_false(containers_match(&containers, &declared, text, sizeof text));
}

static void health_is_good_missing_is_never_healthy(void **state)
{
    (void)state;
    static const struct { int status; const char *body; bool good; } rows[] = {
        {200, "{\"status\":\"ok\"}", true}, {200, "{\"status\":\"healthy\"}", true}, {200, "fine", true}, {200, "{}", true}, {200, "{\"status\":\"degraded\"}", false},
        {503, "{\"status\":\"ok\"}", false}, {0, "", false}, {204, "", false}, {301, "ok", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes body = text_of(rows[i].body);
        assert_int_equal(health_is_good(rows[i].status, &body), rows[i].good);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_read_lines_are_exact), cmocka_unit_test(containers_read_anything_else_is_an_error),
        cmocka_unit_test(containers_match_sees_every_drift), cmocka_unit_test(health_is_good_missing_is_never_healthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
