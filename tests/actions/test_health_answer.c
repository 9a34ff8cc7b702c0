/* Goal: the answers of common frameworks are understood, and an incomplete answer is never
 * healthy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actions/health_answer.h"

struct row {
    int status;
    const char *body;
    enum health_answer answer;
    bool word;
};
#define BAD HEALTH_ANSWER_BAD
#define SO_SO HEALTH_ANSWER_DEGRADED
#define GOOD HEALTH_ANSWER_GOOD

static void check_rows(const struct setup_endpoint *endpoint, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes body = {.data = (uint8_t *)(uintptr_t)rows[i].body,
                             .size = strlen(rows[i].body)};
        bool word = false;
        if (health_answer_read(endpoint, rows[i].status, &body, &word) != rows[i].answer
            || word != rows[i].word)
            fail_msg("%d %s", rows[i].status, rows[i].body);
    }
}

static void answers_of_frameworks_are_understood(void **state)
{
    (void)state;
    static const struct setup_endpoint plain = {.name = "web"};
    static const struct row rows[] = {
        {200, "{\"status\":\"ok\"}", GOOD, true},
        {200, "{\"status\":\"healthy\"}", GOOD, true},
        {200, "{\"status\":\"UP\",\"components\":{}}", GOOD, true},
        {200, "{\"status\":\"Healthy\"}", GOOD, true},
        {200, "{\"status\":\"pass\"}", GOOD, true},
        {200, "{\"status\":\"warn\"}", SO_SO, true},
        {200, "{\"status\":\"Degraded\"}", SO_SO, true},
        {200, " \r\n\t{\"status\":\"green\"}\n", GOOD, true},
        {200, "fine", GOOD, false},
        {200, "{}", GOOD, false},
        {200, "{\"uptime\":3}", GOOD, false},
        {200, "[]", GOOD, false},
        {204, "", GOOD, false},
        {202, "{\"status\":\"ok\"}", GOOD, true},
        {200, "<html><style>p {}</style>up</html>", GOOD, false},
        {200, "{\"status\":\"DOWN\"}", BAD, true},
        {200, "{\"status\":\"fail\"}", BAD, true},
        {200, "{\"status\":\"\"}", BAD, true},
        {200, "{\"status\":\"ok \"}", BAD, true},
        {200, "{\"status\":200}", BAD, false},
        {200, "{\"status\":true}", BAD, false},
        {200, "{\"status\":null}", BAD, false},
        {200, "{\"status\":{\"code\":\"ok\"}}", BAD, false},
        {200, "{\"status\":\"ok\"} trailing", BAD, false},
        {200, "{\"status\":\"ok\"}{\"status\":\"ok\"}", BAD, false},
        {200, "{\"status\":\"ok\"", BAD, false},
        {200, "[1,", BAD, false},
        {200, "{\"status\":\"fail\",\"status\":\"ok\"}", BAD, false},
        {200, "{\"status\":\"ok\\u0000\"}", BAD, true},
        {200, "{\"ns\":18446744073709551616,\"status\":\"ok\"}", GOOD, true},
        {503, "{\"status\":\"ok\"}", BAD, false},
        {301, "ok", BAD, false},
        {199, "ok", BAD, false},
        {300, "ok", BAD, false},
        {0, "", BAD, false},
    };
    check_rows(&plain, rows, sizeof rows / sizeof rows[0]);
}

static void words_of_its_own_are_the_only_ones(void **state)
{
    (void)state;
    static const struct setup_endpoint own = {.name = "web",
                                              .healthy = {.items = {"Great", "in service"},
                                                          .count = 2},
                                              .degraded = {.items = {"limping"}, .count = 1}};
    static const struct row rows[] = {
        {200, "{\"status\":\"great\"}", GOOD, true},
        {200, "{\"status\":\"IN SERVICE\"}", GOOD, true},
        {200, "{\"status\":\"limping\"}", SO_SO, true},
        {200, "{\"status\":\"ok\"}", BAD, true},
        {200, "{}", BAD, false},
        {200, "great", BAD, false},
        {200, "<html>great</html>", BAD, false},
        {200, "", BAD, false},
    };
    check_rows(&own, rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_frameworks_are_understood),
        cmocka_unit_test(words_of_its_own_are_the_only_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
