/* fsm/terminal/age: how long ago something was, in whole seconds, for people. */
#ifndef FSM_AGE_H
#define FSM_AGE_H

#include <stddef.h>
#include <stdint.h>

/* "42 s", "3 min 05 s", "2 h 07 min"; both on the boot clock. since_ns 0 = on another boot, and
 * then it says so. */
void age_write(int64_t since_ns, int64_t now_ns, char *ret_text, size_t room);

#endif
