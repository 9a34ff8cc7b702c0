/* Goal: a commit that was rolled back is named at the next `begin`, and going to it again needs
 * --again; once it went well it is like any other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/verdict.h"

#define GO "run --rearm no --confirm " PERSON_TARGET
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
enum { DONE = 0, ROLLED_BACK = 10, ABORTED = 11 };

static void expect(struct scripted *world, int wanted, const char *line)
{
    int status = person_runs(world, line);
    if (status != wanted)
        fail_msg("%s: %d and not %d\n%s", line, status, wanted, person_said());
}

static void mend_web(struct scripted *world)
{
    for (size_t i = 0; i < world->titan.image_count; i++)
        world->titan.images[i].faults = 0;
}

static void commit_that_was_rolled_back_needs_a_word(void **state)
{
    (void)state;
    char line[160], *report = NULL;
    struct scripted *world = person_begins(81, &choice);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "bad", .web_faults = FAULT_UNHEALTHY});
    expect(world, DONE, "begin release --reason test");
    expect(world, ROLLED_BACK, GO);
    (void)snprintf(line, sizeof line, "begin release --reason test --commit %s",
                   world->titan.origin->hash);
    int status = person_runs(world, line);
    assert_int_not_equal(status, DONE);
    assert_non_null(strstr(person_said(), "was rolled back"));
    /* Without a commit it is the head of the branch, and only the target shows which one. */
    expect(world, DONE, "begin release --reason test");
    assert_non_null(strstr(person_said(), "begin with --again"));
    expect(world, ABORTED, GO);
    assert_non_null(strstr(person_said(), "--again --reason TEXT"));
    mend_web(world);
    expect(world, DONE, "begin release --reason test --again");
    expect(world, DONE, GO);
    assert_int_equal(verdict_of(world, &choice, &report), 0);
    free(report);
    scripted_close(world);
}

static void another_commit_needs_none(void **state)
{
    (void)state;
    struct scripted *world = person_begins(82, &choice);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "bad", .web_faults = FAULT_UNHEALTHY});
    expect(world, DONE, "begin release --reason test");
    expect(world, ROLLED_BACK, GO);
    titan_publish(&world->titan, &(struct titan_release){.subject = "better"});
    expect(world, DONE, "begin release --reason test");
    expect(world, DONE, GO);
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(commit_that_was_rolled_back_needs_a_word),
                                       cmocka_unit_test(another_commit_needs_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
