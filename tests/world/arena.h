/* tests/world/arena: memory that lives as long as one run of something and is released at once, and
 * a text that grows in it.
 * Errors: a test that is out of memory aborts. */
#ifndef WORLD_ARENA_H
#define WORLD_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks;
    struct arena_chunk *spare; /* of before the last reset */
};

void *arena_take(struct arena *arena, size_t size); /* zeroed */
char *arena_text(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_copy(struct arena *arena, const char *data, size_t size); /* with a NUL after it */
void arena_free(struct arena *arena);
/* All of it may be used again, without giving the memory back. */
void arena_reset(struct arena *arena);

/* What lies in an arena, to be put back at the same addresses; what was taken since is gone then.
 * `data` is freed by the caller. */
struct arena_image {
    struct arena_chunk *newest;
    size_t used; /* of the newest */
    unsigned char *data;
};
struct arena_image arena_keep(const struct arena *arena);
void arena_put_back(struct arena *arena, const struct arena_image *image);

/* Bytes with one NUL after them that `size` does not count; may hold NUL themselves. */
struct grow {
    struct arena *arena;
    char *data;
    size_t size, capacity;
};

void grow_bytes(struct grow *grow, const void *data, size_t size);
void grow_text(struct grow *grow, const char *text);
void grow_format(struct grow *grow, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *grow_string(struct grow *grow); /* "" where nothing was added */

#endif
