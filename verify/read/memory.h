/* verify/read/memory: allocation that either succeeds or ends the program with the status of an
 * exceeded bound (5).
 * Why:       a verifier without memory has no verdict to give, and no caller could do anything
 *            better about it. */
#ifndef VERIFY_MEMORY_H
#define VERIFY_MEMORY_H

#include <stddef.h>

void *memory_zeroed(size_t count, size_t size);
/* `old` with another size; what is new is not initialised. */
void *memory_grown(void *old, size_t count, size_t size);

#endif
