/* verify/read/greater: of two equal numbers it does not matter which. */
#ifndef VERIFY_GREATER_H
#define VERIFY_GREATER_H

#include <stdint.h>

static inline int64_t greater_of(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

static inline int64_t smaller_of(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

#endif
