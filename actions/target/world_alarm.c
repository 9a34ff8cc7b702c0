#include "actions/target/world_alarm.h"

#include <unistd.h>

enum { AGAIN_NS = 50000000 }; /* one that came between two calls ended nothing */

static void wake(int number)
{
    (void)number;
}

bool alarm_begin(struct alarm *ret_alarm, int64_t after_ms)
{
    int number = SIGRTMIN;
    struct sigaction action = {.sa_handler = wake}; /* without SA_RESTART */
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number};
    struct itimerspec times = {.it_interval = {.tv_nsec = AGAIN_NS},
                               .it_value = {.tv_sec = after_ms / 1000,
                                            .tv_nsec = after_ms % 1000 * 1000000}};
    sigset_t ours;
    *ret_alarm = (struct alarm){.set = false};
    event._sigev_un._tid = gettid();
    if (after_ms <= 0 || timer_create(CLOCK_MONOTONIC, &event, &ret_alarm->timer) != 0)
        return false;
    ret_alarm->set = true;
    (void)sigaction(number, &action, &ret_alarm->before);
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, number);
    (void)pthread_sigmask(SIG_UNBLOCK, &ours, &ret_alarm->mask);
    if (timer_settime(ret_alarm->timer, 0, &times, NULL) == 0)
        return true;
    alarm_end(ret_alarm);
    return false;
}

/* The timer first: a signal of it that is under way is taken when that call returns, and never
 * meets the action of before, which may be to die. */
void alarm_end(struct alarm *alarm)
{
    if (!alarm->set)
        return;
    (void)timer_delete(alarm->timer);
    (void)pthread_sigmask(SIG_SETMASK, &alarm->mask, NULL);
    (void)sigaction(SIGRTMIN, &alarm->before, NULL);
    *alarm = (struct alarm){.set = false};
}
