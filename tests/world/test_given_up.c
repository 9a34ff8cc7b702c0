/* Goal: what was to be repeated and may have changed a service is never aborted. The driver dies in
 * the first change, dies again once the next one said that it would repeat it, and then the
 * operator gives up: by either word the deployment is rolled back, and its journal is proven. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/exit_status.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
#define GO " --rearm yes --confirm " PERSON_TARGET
static const int64_t RESTART_NS = 400000000;

struct cut {
    struct scripted *world;
    const char *word; /* of the entry behind which it dies */
    bool before_next; /* only when the next one is to be written */
};

static bool last_has(const struct scripted *world, const char *word)
{
    const struct bytes *last = &world->stored.entries[world->stored.entry_count - 1].value;
    return memmem(last->data, last->size, word, strlen(word)) != NULL;
}

static enum error_code die(void *context, const struct scripted_call *call, struct error *error)
{
    struct cut *cut = context;
    if (call->kind != CALL_APPEND || call->after == cut->before_next
        || !last_has(cut->world, cut->word))
        return ERROR_OK;
    cut->world->dead = true;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the driver has died");
}

static void run_and_die(struct cut *cut, const char *command)
{
    cut->world->fault = die;
    cut->world->fault_context = cut;
    (void)person_runs(cut->world, command);
    assert_true(cut->world->dead);
    cut->world->dead = false;
    cut->world->fault = NULL;
    timeline_move(&cut->world->timeline, cut->world->timeline.now_ns + RESTART_NS);
}

static void give_up(bool policy, const char *intent, const char *words)
{
    struct scripted *world = person_begins(1, &choice);
    struct cut cut = {.world = world, .word = intent, .before_next = !policy};
    char *report;
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "two", .policy = policy ? "p2" : NULL});
    assert_int_equal(person_runs(world, policy ? "begin policy --reason test"
                                               : "begin release --reason test"),
                     0);
    run_and_die(&cut, "run" GO);
    cut.word = "\"then\":\"repeat\"";
    cut.before_next = false;
    run_and_die(&cut, "resume" GO);
    assert_int_equal(person_runs(world, words), EXIT_ROLLED_BACK);
    assert_string_equal(person_state(world), "rolled_back");
    assert_int_equal(verdict_of(world, &choice, &report), 0);
    free(report);
    scripted_close(world);
}

static void a_first_change_to_be_repeated_is_not_aborted(void **state)
{
    (void)state;
    static const char *const words[] = {"abort --reason doubt", "rollback --reason doubt"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        give_up(false, "\"action\":\"switch_services\"", words[i]);
        give_up(true, "\"action\":\"deploy_execution\"", words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_change_to_be_repeated_is_not_aborted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
