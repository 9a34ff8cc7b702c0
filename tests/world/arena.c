#include "tests/world/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 15 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char data[];
};

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct arena_chunk *chunk = arena->spare;
    if (chunk != NULL && bytes == CHUNK_BYTES)
        arena->spare = chunk->next;
    else
        chunk = malloc(sizeof *chunk + bytes);
    if (chunk == NULL)
        abort();
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = bytes};
    arena->chunks = chunk;
    return chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->size - chunk->used < rounded)
        chunk = add_chunk(arena, rounded);
    void *taken = chunk->data + chunk->used;
    chunk->used += rounded;
    memset(taken, 0, rounded);
    return taken;
}

char *arena_copy(struct arena *arena, const char *data, size_t size)
{
    char *copy = arena_take(arena, size + 1);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *arena_text(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    char *text = arena_take(arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

static void free_chunks(struct arena_chunk *chunk)
{
    for (struct arena_chunk *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
}

void arena_free(struct arena *arena)
{
    free_chunks(arena->chunks);
    free_chunks(arena->spare);
    *arena = (struct arena){.chunks = NULL};
}

void arena_reset(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        if (chunk->size == CHUNK_BYTES) {
            chunk->next = arena->spare;
            arena->spare = chunk;
        } else {
            free(chunk);
        }
    }
}

/* Only the newest chunk is taken from: how full the others are does not change. */
struct arena_image arena_keep(const struct arena *arena)
{
    struct arena_image image = {.newest = arena->chunks};
    size_t size = 0, at = 0;
    for (const struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next)
        size += chunk->used;
    image.used = arena->chunks != NULL ? arena->chunks->used : 0;
    image.data = malloc(size + 1);
    if (image.data == NULL)
        abort();
    for (const struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        memcpy(image.data + at, chunk->data, chunk->used);
        at += chunk->used;
    }
    return image;
}

void arena_put_back(struct arena *arena, const struct arena_image *image)
{
    size_t at = 0;
    while (arena->chunks != image->newest) {
        struct arena_chunk *gone = arena->chunks;
        arena->chunks = gone->next;
        free(gone);
    }
    if (image->newest != NULL)
        image->newest->used = image->used;
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        memcpy(chunk->data, image->data + at, chunk->used);
        at += chunk->used;
    }
}

void grow_bytes(struct grow *grow, const void *data, size_t size)
{
    if (grow->size + size + 1 > grow->capacity) {
        size_t capacity = grow->capacity * 2 > grow->size + size + 64 ? grow->capacity * 2
                                                                      : grow->size + size + 64;
        char *larger = arena_take(grow->arena, capacity);
        if (grow->size > 0)
            memcpy(larger, grow->data, grow->size);
        grow->data = larger;
        grow->capacity = capacity;
    }
    if (size > 0)
        memcpy(grow->data + grow->size, data, size);
    grow->size += size;
    grow->data[grow->size] = '\0';
}

void grow_text(struct grow *grow, const char *text)
{
    grow_bytes(grow, text, strlen(text));
}

void grow_format(struct grow *grow, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        abort();
    grow_bytes(grow, text, (size_t)length);
}

const char *grow_string(struct grow *grow)
{
    if (grow->data == NULL)
        grow_bytes(grow, "", 0);
    return grow->data;
}
