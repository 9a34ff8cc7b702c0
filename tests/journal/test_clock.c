/* Goal: the clock that is recorded is the kernel's own: boot clock, boot id, and a wall clock in
 * the one form of journal/FORMAT.md. */
#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static int64_t now_ns(clockid_t which)
{
    struct timespec now;
    assert_int_equal(clock_gettime(which, &now), 0);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct clock_reading read_system(void)
{
    const struct clock *clock = world_clock_system();
    struct clock_reading reading;
    struct error error;
    support_ok(clock->read(clock->context, &reading, &error), &error);
    return reading;
}

static void clock_read_boottime_between_two_looks(void **state)
{
    (void)state;
    int64_t before_ns = now_ns(CLOCK_BOOTTIME);
    struct clock_reading reading = read_system();
    int64_t between_ns = clock_boottime_ns(world_clock_system());
    int64_t after_ns = now_ns(CLOCK_BOOTTIME);
    assert_true(before_ns <= reading.boottime_ns && reading.boottime_ns <= between_ns
                && between_ns <= after_ns);
}

static void clock_read_boot_id_is_the_kernels(void **state)
{
    (void)state;
    CLEANUP_BYTES struct bytes id = {0};
    struct clock_reading reading = read_system();
    support_read("/proc/sys/kernel/random/boot_id", &id);
    assert_int_equal(id.size, BOOT_ID_LENGTH + 1);
    assert_int_equal(strlen(reading.boot), BOOT_ID_LENGTH);
    assert_memory_equal(id.data, reading.boot, BOOT_ID_LENGTH);
}

/* The text and the number say the same moment, whatever the time zone of the process. */
static void clock_read_utc_text_is_the_same_moment(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "Asia/Kathmandu", "XYZ12"};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        assert_int_equal(setenv("TZ", zones[i], 1), 0);
        tzset();
        struct clock_reading reading = read_system();
        struct tm parts = {0};
        assert_int_equal(strlen(reading.utc), UTC_LENGTH);
        const char *rest = strptime(reading.utc, "%Y-%m-%dT%H:%M:%S", &parts);
        assert_non_null(rest);
        assert_int_equal(rest[0], '.');
        assert_int_equal(strspn(rest + 1, "0123456789"), 9);
        assert_string_equal(rest + 10, "Z");
        int64_t nanoseconds = strtoll(rest + 1, NULL, 10);
        assert_true(timegm(&parts) * 1000000000 + nanoseconds == reading.utc_ns);
        assert_true(llabs(now_ns(CLOCK_REALTIME) - reading.utc_ns) < 3600 * INT64_C(1000000000));
    }
}

static void clock_read_twice_never_runs_back(void **state)
{
    (void)state;
    struct clock_reading before = read_system();
    for (unsigned i = 0; i < 200; i++) {
        struct clock_reading reading = read_system();
        assert_true(reading.boottime_ns >= before.boottime_ns);
        assert_string_equal(reading.boot, before.boot);
        before = reading;
    }
}

static void clock_sleep_until_future_is_not_early(void **state)
{
    (void)state;
    const struct clock *clock = world_clock_system();
    struct error error;
    int64_t until_ns = clock_boottime_ns(clock) + 20 * 1000000;
    support_ok(clock->sleep_until(clock->context, until_ns, &error), &error);
    assert_true(clock_boottime_ns(clock) >= until_ns);
    support_ok(clock->sleep_until(clock->context, until_ns - 1000000000, &error),
               &error); /* the past: at once */
    support_ok(clock->sleep_until(clock->context, 0, &error), &error);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms = alarms + 1;
}

/* A signal ends the sleep early and is no error: whoever sleeps looks at the clock again. The case
 * itself would hang for an hour if not. */
static void clock_sleep_until_signal_ends_it(void **state)
{
    (void)state;
    const struct clock *clock = world_clock_system();
    struct error error;
    struct sigaction action = {.sa_handler = count_alarm}, old;
    assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
    struct itimerval often = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}},
                     none = {0}; /* again, should the first come too early */
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    int64_t until_ns = clock_boottime_ns(clock) + 3600 * INT64_C(1000000000);
    support_ok(clock->sleep_until(clock->context, until_ns, &error), &error);
    assert_int_equal(setitimer(ITIMER_REAL, &none, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
    assert_true(alarms > 0);
    assert_true(clock_boottime_ns(clock) < until_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_read_boottime_between_two_looks),
        cmocka_unit_test(clock_read_boot_id_is_the_kernels),
        cmocka_unit_test(clock_read_utc_text_is_the_same_moment),
        cmocka_unit_test(clock_read_twice_never_runs_back),
        cmocka_unit_test(clock_sleep_until_future_is_not_early),
        cmocka_unit_test(clock_sleep_until_signal_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
