#include "fsm/terminal/age.h"

#include <stdio.h>

void age_write(int64_t since_ns, int64_t now_ns, char *ret_text, size_t room)
{
    long long seconds = (long long)((now_ns - since_ns) / 1000000000);
    if (since_ns == 0 || now_ns < since_ns)
        (void)snprintf(ret_text, room, "before this machine started");
    else if (seconds < 60)
        (void)snprintf(ret_text, room, "%lld s", seconds);
    else if (seconds < 3600)
        (void)snprintf(ret_text, room, "%lld min %02lld s", seconds / 60, seconds % 60);
    else
        (void)snprintf(ret_text, room, "%lld h %02lld min", seconds / 3600, seconds / 60 % 60);
}
