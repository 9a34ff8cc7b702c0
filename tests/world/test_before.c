/* Goal: a service that was not healthy before is reported before anything is changed; a release
 * may mend it; a rollback does not have to. */
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
static const struct person_choice plain = {.window_ms = 1000, .interval_ms = 500},
                                  inside = {.window_ms = 1000,
                                            .interval_ms = 500,
                                            .container = true};
enum { DONE = 0, ROLLED_BACK = 10 };

/* Gives every image with this name the faults: what runs was made from it. */
static void set_faults(struct scripted *world, const char *name, unsigned faults)
{
    for (size_t i = 0; i < world->titan.image_count; i++)
        if (strstr(world->titan.images[i].name, name) != NULL)
            world->titan.images[i].faults = faults;
}

static void release(const struct person_choice *choice, unsigned web_faults, int wanted)
{
    char *report = NULL;
    struct scripted *world = person_begins(85, choice);
    set_faults(world, "web", FAULT_UNHEALTHY);
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "next", .web_faults = web_faults});
    assert_int_equal(person_runs(world, "begin release --reason test"), DONE);
    int status = person_runs(world, GO);
    if (status != wanted)
        fail_msg("%d and not %d\n%s", status, wanted, person_said());
    assert_non_null(strstr(person_said(), "not healthy before, and not asked of a rollback: web"));
    status = verdict_of(world, choice, &report);
    if (status != 0)
        fail_msg("%s", report);
    free(report);
    scripted_close(world);
}

static void release_that_mends_it_completes(void **state)
{
    (void)state;
    release(&plain, 0, DONE);
    release(&inside, 0, DONE);
}

static void release_that_does_not_is_rolled_back_to_it(void **state)
{
    (void)state;
    release(&plain, FAULT_UNHEALTHY, ROLLED_BACK);
    release(&inside, FAULT_UNHEALTHY, ROLLED_BACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_that_mends_it_completes),
        cmocka_unit_test(release_that_does_not_is_rolled_back_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
