#include "verify/read/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATUS_BOUND_EXCEEDED = 5 };

static void *or_exit(void *memory)
{
    if (memory != NULL)
        return memory;
    fputs("titan-verify: out of memory; next: use a machine with more of it\n", stderr);
    _exit(STATUS_BOUND_EXCEEDED);
}

void *memory_zeroed(size_t count, size_t size)
{
    return or_exit(calloc(count > 0 ? count : 1, size));
}

void *memory_grown(void *old, size_t count, size_t size)
{
    return or_exit(reallocarray(old, count, size));
}
