/* Goal: each ending of the health window, and of the steps before and after it, as the real engine
 * comes to it; every journal is verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/ending.h"

#define A_SAMPLE "\"type\":\"sample\""
#define TO(state) "\"to\":\"" state "\""

/* It comes up again before each sample. */
static void crash_loop(struct scripted *world)
{
    static const int64_t second_ns = 1000000000;
    for (int i = 0; i < 8; i++)
        titan_at(&world->titan, world->timeline.now_ns + (5 * i + 2) * second_ns,
                 (void (*)(struct titan *, void *))titan_restart,
                 titan_running(&world->titan, "web"));
}

static void reboot_operator(struct scripted *world)
{
    world->timeline.boot[0] = world->timeline.boot[0] == '0' ? '1' : '0';
    world->dead = true;
}

/* Its boot clock begins at 0 again. */
static void reboot_operator_clock(struct scripted *world)
{
    reboot_operator(world);
    world->timeline.driver_boot_ns = world->timeline.now_ns - 5000000000;
}

static void die_while_a_stranger_disarms_and_arms(struct scripted *world)
{
    ending_stranger_disarms(world);
    titan_receive(&world->titan, true, "a stranger", strlen("a stranger"));
    world->dead = true;
}

static void die_and_rotate(struct scripted *world)
{
    struct titan_container *execution = titan_running(&world->titan, "titan-execution");
    execution->log = NULL;
    execution->log_end = &execution->log;
    titan_log(&world->titan, execution, "a line after the rotation");
    world->dead = true;
}

static void interrupt(struct scripted *world)
{
    world->interrupted = true;
}

static void other_policy(struct scripted *world)
{
    struct titan *titan = &world->titan;
    const struct titan_container *execution = titan_running(titan, "titan-execution");
    for (size_t i = 0; i < titan->image_count; i++)
        if (&titan->images[i] == execution->image)
            memset(titan->images[i].policy, 'a', SHA256_HEX);
}

#define IN_WINDOW(what, action)                                                    \
    .name = (what), .release = {.subject = "two"}, .choice = {.window_ms = 30000}, \
    .at = STATE_ARMED, .word = A_SAMPLE, .nth = 1, .act = (action)
#define ROLLED_BACK_BY(why)                                                                  \
    .from = STATE_ARMED, .event = (why), .to = STATE_ROLLING_BACK, .end = STATE_ROLLED_BACK, \
    .status = 10

static const struct ending endings[] = {
    {.name = "healthy",
     .release = {.subject = "two"},
     .from = STATE_ARMED,
     .event = EVENT_DONE,
     .to = STATE_OBSERVED,
     .end = STATE_COMPLETED},
    {.name = "healthy by the container's own check",
     .release = {.subject = "two"},
     .choice = {.container = true},
     .end = STATE_COMPLETED},
    {IN_WINDOW("unhealthy", ending_sick_web), ROLLED_BACK_BY(EVENT_UNHEALTHY)},
    {IN_WINDOW("another container", ending_other_container), ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("disarmed by a stranger", ending_stranger_disarms), ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("another policy hash", other_policy), ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("no policy hash", ending_silent_responder), ROLLED_BACK_BY(EVENT_UNHEALTHY)},
    {IN_WINDOW("crash loop", crash_loop), ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("one restart", ending_restart_web), ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("driver away for longer than the gap", NULL), .away_ms = 15000,
     ROLLED_BACK_BY(EVENT_UNHEALTHY)},
    /* Nobody watched, so that the rollback came late: W-12. */
    {IN_WINDOW("driver away for long", NULL), .away_ms = 30000, ROLLED_BACK_BY(EVENT_UNHEALTHY),
     .verdict = WANT_VIOLATED},
    {IN_WINDOW("driver away for a moment", NULL), .away_ms = 2000, .end = STATE_COMPLETED},
    {IN_WINDOW("disarmed and armed by a stranger while the driver is away",
               die_while_a_stranger_disarms_and_arms),
     .away_ms = 2000, ROLLED_BACK_BY(EVENT_MISMATCH)},
    {IN_WINDOW("Execution's log is rotated away while the driver is away", die_and_rotate),
     .away_ms = 2000, .end = STATE_COMPLETED},
    {IN_WINDOW("operator rolls back", NULL), .away_ms = 1000,
     .then = "rollback --reason enough --confirm " PERSON_TARGET, ROLLED_BACK_BY(EVENT_FAILED),
     .reason = "enough"},
    {IN_WINDOW("signal", interrupt), .end = STATE_COMPLETED},
    {.name = "operator's machine restarted",
     .release = {.subject = "two"},
     .choice = {.window_ms = 30000},
     .at = STATE_ARMED,
     .word = A_SAMPLE,
     .nth = 1,
     .act = reboot_operator,
     .away_ms = 1000,
     ROLLED_BACK_BY(EVENT_UNHEALTHY)},
    {.name = "operator's machine restarted after the window",
     .release = {.subject = "two"},
     .at = STATE_ARMED,
     .word = TO("observed"),
     .act = reboot_operator_clock,
     .away_ms = 60000,
     .from = STATE_OBSERVED,
     .event = EVENT_GUARD_FIRED,
     .to = STATE_ROLLING_BACK,
     .end = STATE_ROLLED_BACK,
     .status = 10},
    {.name = "operator's machine restarted before the window",
     .release = {.subject = "two"},
     .at = STATE_SWITCHED,
     .word = TO("armed"),
     .act = reboot_operator_clock,
     .away_ms = 60000,
     ROLLED_BACK_BY(EVENT_UNHEALTHY)},
    {.name = "begun too late",
     .release = {.subject = "two"},
     .at = STATE_SWITCHED,
     .word = TO("armed"),
     .away_ms = 60000,
     ROLLED_BACK_BY(EVENT_UNHEALTHY),
     .verdict = WANT_VIOLATED},
    {.name = "the driver is away too long behind the switch",
     .release = {.subject = "two"},
     .at = STATE_GUARDED,
     .word = TO("switched"),
     .away_ms = 200000,
     .from = STATE_SWITCHED,
     .event = EVENT_FAILED,
     .to = STATE_ROLLING_BACK,
     .reason = "would begin too late",
     .end = STATE_ROLLED_BACK,
     .status = 10},
    {.name = "the driver is away too long before it arms again",
     .release = {.subject = "two"},
     .at = STATE_GUARDED,
     .word = TO("verified"),
     .away_ms = 200000,
     .from = STATE_VERIFIED,
     .event = EVENT_FAILED,
     .to = STATE_ROLLING_BACK,
     .reason = "would begin too late",
     .end = STATE_ROLLED_BACK,
     .status = 10},
    {.name = "a person pauses in a policy change",
     .policy = true,
     .release = {.subject = "two", .policy = "p2"},
     .at = STATE_DISARMED,
     .word = TO("parity_verified"),
     .away_ms = 1000000,
     .end = STATE_COMPLETED},
    {.name = "a stranger disarms in a policy change, and nobody answers",
     .policy = true,
     .release = {.subject = "two", .policy = "p2"},
     .at = STATE_DISARMED,
     .word = TO("brain_deployed"),
     .act = ending_stranger_disarms,
     .reason = "so that a person must say whether it is armed",
     .end = STATE_PARITY_VERIFIED,
     .status = 13,
     .verdict = WANT_UNDECIDABLE},
    {.name = "sick after the window",
     .release = {.subject = "two"},
     .at = STATE_ARMED,
     .word = TO("observed"),
     .act = ending_sick_web,
     .from = STATE_OBSERVED,
     .event = EVENT_UNHEALTHY,
     .to = STATE_ROLLING_BACK,
     .end = STATE_ROLLED_BACK,
     .status = 10},
    {.name = "disarmed after the window",
     .release = {.subject = "two"},
     .at = STATE_ARMED,
     .word = TO("observed"),
     .act = ending_stranger_disarms,
     .from = STATE_OBSERVED,
     .event = EVENT_MISMATCH,
     .to = STATE_ROLLING_BACK,
     .end = STATE_ROLLED_BACK,
     .status = 10},
    {.name = "not armed again: disarmed through the window",
     .release = {.subject = "two"},
     .at = STATE_SWITCHED,
     .go = "resume --rearm no --confirm " PERSON_TARGET,
     .from = STATE_VERIFIED,
     .event = EVENT_DONE,
     .to = STATE_OBSERVED,
     .end = STATE_COMPLETED},
    {.name = "nobody answers whether to arm",
     .release = {.subject = "two"},
     .at = STATE_SWITCHED,
     .go = "resume --confirm " PERSON_TARGET,
     .from = STATE_VERIFIED,
     .event = EVENT_DONE,
     .to = STATE_OBSERVED,
     .end = STATE_COMPLETED},
    {.name = "unhealthy while disarmed",
     .release = {.subject = "two"},
     .choice = {.window_ms = 30000},
     .go = "resume --rearm no --confirm " PERSON_TARGET,
     .word = A_SAMPLE,
     .act = ending_sick_web,
     .from = STATE_VERIFIED,
     .event = EVENT_UNHEALTHY,
     .to = STATE_ROLLING_BACK,
     .end = STATE_ROLLED_BACK,
     .status = 10},
};

static void window_ends_as_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        ending_check(&endings[i]);
    }
    print_message("%zu endings\n", sizeof endings / sizeof endings[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_ends_as_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
