/* actions/target/world_alarm: ends what blocks a library that knows no limit for it. */
#ifndef ACTIONS_TARGET_WORLD_ALARM_H
#define ACTIONS_TARGET_WORLD_ALARM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct alarm {
    bool set;
    timer_t timer;
    struct sigaction before;
    sigset_t mask;
};

/* From `after_ms` on, a call of the kernel that blocks this thread ends with EINTR, again and again
 * until alarm_end(). False: there is none, and nothing was changed. */
bool alarm_begin(struct alarm *ret_alarm, int64_t after_ms);
void alarm_end(struct alarm *alarm);

#endif
