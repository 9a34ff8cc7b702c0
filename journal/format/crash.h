/* journal/format/crash: a call into a library that reads through what it could not allocate
 * (libfyaml 0.7). Its crash, for want of memory, becomes an answer.
 * Rules:     only a crash of this thread, within the call, with errno ENOMEM: any other one ends
 * the process as it would have. What the call had in the library's hands is lost: neither looked at
 * nor released. What it had of its own must be whole whenever it is in the library. Also:      a
 * library that got no memory may give a wrong answer instead of a crash. errno is 0 when the call
 * begins, so that it can ask. */
#ifndef JOURNAL_CRASH_H
#define JOURNAL_CRASH_H

#include <stdbool.h>

/* False where it crashed; then error_memory_ran_out(). */
bool crash_contain(void (*call)(void *context), void *context);

#endif
