/* Goal: what happens at any moment of the health window, tried at each of them; every journal is
 * verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/ending.h"

#define IN_A_SAMPLE                                                                   \
    .release = {.subject = "two"}, .choice = {.window_ms = 30000}, .at = STATE_ARMED, \
    .word = "\"type\":\"sample\"", .nth = 1, .act = count_calls

/* Of the calls that the driver makes for one sample: how many there were, and behind which one web
 * is restarted, 0 = none. */
static unsigned calls, restart_behind;

static enum error_code count_call(void *context, const struct scripted_call *call,
                                  struct error *error)
{
    struct scripted *world = context;
    (void)error;
    if (call->kind == CALL_APPEND)
        world->fault = NULL;
    else if (call->after && ++calls == restart_behind)
        ending_restart_web(world);
    return ERROR_OK;
}

static void count_calls(struct scripted *world)
{
    calls = 0;
    world->fault = count_call;
    world->fault_context = world;
}

/* The reading of the clock that is slow, of those behind the beginning of the window. */
static unsigned slow_read;

static void be_slow(struct scripted *world)
{
    world->timeline.slow_read = slow_read;
}

/* A sample has two lists of containers. A restart between them is seen by this sample: the verifier
 * refuses a window that goes on after it. */
static void restart_at_any_moment_of_a_sample_fails_it(void **state)
{
    static const struct ending undisturbed = {.name = "no restart",
                                              IN_A_SAMPLE,
                                              .end = STATE_COMPLETED};
    static const struct ending ending = {.name = "a restart in a sample",
                                         IN_A_SAMPLE,
                                         .from = STATE_ARMED,
                                         .event = EVENT_MISMATCH,
                                         .to = STATE_ROLLING_BACK,
                                         .end = STATE_ROLLED_BACK,
                                         .status = 10};
    (void)state;
    restart_behind = 0;
    ending_check(&undisturbed);
    unsigned all = calls;
    assert_true(all > 2);
    for (restart_behind = 1; restart_behind <= all; restart_behind++)
        ending_check(&ending);
    print_message("%u calls of a sample\n", all);
}

/* On a loaded machine the driver waits for the processor at any moment: between two looks at its
 * clock, and before a command. The window that it completes is as long by its evidence. */
static void slow_at_any_moment_the_window_is_whole(void **state)
{
    static const struct ending ending = {.name = "the driver is slow once",
                                         .release = {.subject = "two"},
                                         .at = STATE_ARMED,
                                         .word = "\"action\":\"observe_window\"",
                                         .act = be_slow,
                                         .end = STATE_COMPLETED};
    (void)state;
    for (slow_read = 1; slow_read <= 40; slow_read++)
        ending_check(&ending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_at_any_moment_of_a_sample_fails_it),
        cmocka_unit_test(slow_at_any_moment_the_window_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
