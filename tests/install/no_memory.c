/* tests/install/no_memory: memory that runs out. Preloaded into the unchanged programs; counted is
 * from their first act on (sodium_init), so that the loader and the libraries' own beginnings are
 * none of it.
 *   TITAN_NO_MEMORY=N   the Nth allocation fails
 *   TITAN_NO_MEMORY=N+  and every one behind it
 *   TITAN_NO_MEMORY=0   none; how many there were is printed at the end, on standard error */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
int sodium_init(void);

static atomic_ulong counted;
static unsigned long wanted;
static bool counting, from_then_on;

static bool runs_out(void)
{
    if (!counting)
        return false;
    unsigned long now = atomic_fetch_add(&counted, 1) + 1;
    bool fails = wanted > 0 && (now == wanted || (from_then_on && now > wanted));
    if (fails)
        errno = ENOMEM;
    return fails;
}

int sodium_init(void)
{
    const char *word = getenv("TITAN_NO_MEMORY");
    int (*next)(void) = (int (*)(void))(uintptr_t)dlsym(RTLD_NEXT, "sodium_init");
    if (next == NULL || word == NULL)
        abort();
    wanted = strtoul(word, NULL, 10);
    from_then_on = strchr(word, '+') != NULL;
    counting = true;
    return next();
}

void *malloc(size_t size)
{
    return runs_out() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return runs_out() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return runs_out() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return runs_out() ? NULL : __libc_realloc(old, all);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return runs_out() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *memory = runs_out() ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *ret = memory;
    return 0;
}

__attribute__((destructor)) static void say_count(void)
{
    char line[64];
    if (!counting || wanted > 0)
        return;
    counting = false;
    int length = snprintf(line, sizeof line, "allocations: %lu\n", atomic_load(&counted));
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        _exit(125);
}
