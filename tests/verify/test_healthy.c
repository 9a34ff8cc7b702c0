/* W-01 at its borders: which answers of an endpoint are healthy, degraded or bad, with the format's
 * own words and with pinned ones. journal/FORMAT.md, "Health". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify/judge/healthy.h"

#define WORD(word) "{\"status\":\"" word "\"}"
#define EIGHT "[[[[[[[["
#define SIXTY EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT "[[[["
#define ENDS "]]]]]]]]"
#define SIXTY_ENDS ENDS ENDS ENDS ENDS ENDS ENDS ENDS "]]]]"

static const struct {
    int status;
    const char *body;
    enum healthy answer;
} answers[] = {
    {0, "", HEALTHY_BAD},
    {1, "", HEALTHY_GOOD},
    {1, WORD("down"), HEALTHY_GOOD},
    {2, "", HEALTHY_BAD},
    {199, "ok", HEALTHY_BAD},
    {200, "ok", HEALTHY_GOOD},
    {299, "ok", HEALTHY_GOOD},
    {300, "ok", HEALTHY_BAD},
    {503, WORD("ok"), HEALTHY_BAD},
    /* no JSON */
    {200, "", HEALTHY_GOOD},
    {200, "down", HEALTHY_GOOD},
    {200, " \t\r\n", HEALTHY_GOOD},
    {200, "\"down\"", HEALTHY_GOOD},
    {200, "<html>", HEALTHY_GOOD},
    /* JSON without a status */
    {200, "{}", HEALTHY_GOOD},
    {200, "[]", HEALTHY_GOOD},
    {200, "[\"down\"]", HEALTHY_GOOD},
    {200, "{\"state\":\"down\"}", HEALTHY_GOOD},
    {200, "{\"a\":" WORD("down") "}", HEALTHY_GOOD},
    {200, SIXTY "[[[[" SIXTY_ENDS "]]]]", HEALTHY_GOOD},
    {200, SIXTY "[[[[[" SIXTY_ENDS "]]]]]", HEALTHY_BAD},
    /* broken */
    {200, "{", HEALTHY_BAD},
    {200, "[", HEALTHY_BAD},
    {200, "{} {}", HEALTHY_BAD},
    {200, WORD("ok") "x", HEALTHY_BAD},
    {200, "{\"status\":\"ok\",\"status\":\"ok\"}", HEALTHY_BAD},
    {200, " {", HEALTHY_BAD},
    {200, "\t\r\n[", HEALTHY_BAD},
    /* its word */
    {200, WORD("ok"), HEALTHY_GOOD},
    {200, WORD("healthy"), HEALTHY_GOOD},
    {200, WORD("up"), HEALTHY_GOOD},
    {200, WORD("pass"), HEALTHY_GOOD},
    {200, WORD("passing"), HEALTHY_GOOD},
    {200, WORD("green"), HEALTHY_GOOD},
    {200, WORD("ready"), HEALTHY_GOOD},
    {200, WORD("alive"), HEALTHY_GOOD},
    {200, WORD("running"), HEALTHY_GOOD},
    {200, WORD("available"), HEALTHY_GOOD},
    {200, WORD("success"), HEALTHY_GOOD},
    {200, WORD("AVAILABLE"), HEALTHY_GOOD},
    {200, WORD("Success"), HEALTHY_GOOD},
    {200, " \t\r\n" WORD("UP") " \n", HEALTHY_GOOD},
    {200, WORD("degraded"), HEALTHY_DEGRADED},
    {200, WORD("WARN"), HEALTHY_DEGRADED},
    {200, WORD("yellow"), HEALTHY_DEGRADED},
    {200, WORD("o"), HEALTHY_BAD},
    {200, WORD("okay"), HEALTHY_BAD},
    {200, WORD("warning"), HEALTHY_BAD},
    {200, WORD(""), HEALTHY_BAD},
    {200, WORD("up\\n"), HEALTHY_BAD},
    {200, WORD("down"), HEALTHY_BAD},
    {200, WORD("great"), HEALTHY_BAD},
    /* `@` and `[` are not letters in another case */
    {200, WORD("w`rn"), HEALTHY_BAD},
    {200, "{\"status\":1}", HEALTHY_BAD},
    {200, "{\"status\":null}", HEALTHY_BAD},
    {200, "{\"status\":true}", HEALTHY_BAD},
};

/* Of an endpoint that has words of its own. */
static const char pinned[] = "[\"api healthy great\",\"api degraded limping @[\","
                             "\"other healthy buzz\",\"api healthy\",\"\"]";
static const struct {
    const char *endpoint;
    int status;
    const char *body;
    enum healthy answer;
} pinned_answers[] = {
    {"api", 200, WORD("great"), HEALTHY_GOOD},
    {"api", 200, WORD("GREAT"), HEALTHY_GOOD},
    {"api", 200, WORD("limping @["), HEALTHY_DEGRADED},
    {"api", 200, WORD("limping `{"), HEALTHY_BAD},
    {"api", 200, WORD("limping"), HEALTHY_BAD},
    {"api", 200, WORD("ok"), HEALTHY_BAD},
    {"api", 200, WORD("warn"), HEALTHY_BAD},
    {"api", 200, WORD("buzz"), HEALTHY_BAD},
    {"api", 200, WORD("greater"), HEALTHY_BAD},
    {"api", 200, WORD(""), HEALTHY_BAD},
    {"api", 200, "{}", HEALTHY_BAD},
    {"api", 200, "[]", HEALTHY_BAD},
    {"api", 200, "great", HEALTHY_BAD},
    {"api", 200, "", HEALTHY_BAD},
    {"api", 1, "", HEALTHY_GOOD},
    {"api", 503, WORD("great"), HEALTHY_BAD},
    {"other", 200, WORD("BUZZ"), HEALTHY_GOOD},
    {"other", 200, WORD("great"), HEALTHY_BAD},
    {"ap", 200, WORD("ok"), HEALTHY_GOOD},
    {"apis", 200, WORD("ok"), HEALTHY_GOOD},
    {"apj", 200, "", HEALTHY_GOOD},
    {"apj", 200, WORD("great"), HEALTHY_BAD},
    {"api healthy great", 200, WORD("ok"), HEALTHY_GOOD},
};

static enum healthy answer_of(const char *words, const char *endpoint, int status, const char *body)
{
    CLEANUP_TREE struct tree tree = {0};
    struct error error;
    /* Nothing behind it that might be read. */
    size_t length = strlen(body);
    char *memory = malloc(length + (length == 0));
    assert_non_null(memory);
    memcpy(memory, body, length);
    struct item item = {.subject = slice_of(endpoint),
                        .status = status,
                        .output = {memory, length}};
    struct genesis genesis = {0};
    if (words != NULL) {
        assert_int_equal(tree_read(words, strlen(words), TREE_PLAIN, &tree, &error), ERROR_OK);
        genesis.health_words = tree.root;
    }
    enum healthy answer = healthy_answer(&genesis, &item);
    free(memory);
    return answer;
}

static void healthy_each_answer_as_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        for (unsigned others = 0; others < 2; others++)
            if (answer_of(others ? pinned : NULL, "web", answers[i].status, answers[i].body)
                != answers[i].answer)
                fail_msg("%d `%s`", answers[i].status, answers[i].body);
}

static void healthy_each_pinned_word_as_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pinned_answers / sizeof pinned_answers[0]; i++)
        if (answer_of(pinned, pinned_answers[i].endpoint, pinned_answers[i].status,
                      pinned_answers[i].body)
            != pinned_answers[i].answer)
            fail_msg("%s: %d `%s`", pinned_answers[i].endpoint, pinned_answers[i].status,
                     pinned_answers[i].body);
}

static void healthy_word_is_a_string_of_an_object(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool has;
    } bodies[] = {{WORD("down"), true},
                  {WORD(""), true},
                  {"{\"status\":1}", false},
                  {"{}", false},
                  {"", false},
                  {"[\"status\"]", false},
                  {WORD("ok") "}", false},
                  {"status", false},
                  {" " WORD("ok"), true},
                  {"{\"status\":{}}", false}};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct item item = {.status = 200, .output = slice_of(bodies[i].body)};
        if (healthy_has_word(&item) != bodies[i].has)
            fail_msg("`%s`", bodies[i].body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_each_answer_as_the_format_says),
        cmocka_unit_test(healthy_each_pinned_word_as_the_format_says),
        cmocka_unit_test(healthy_word_is_a_string_of_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
