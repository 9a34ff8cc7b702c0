#include "verify/read/kept.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "verify/read/memory.h"

#define DIRECTORY "/var/tmp"

static const size_t IN_MEMORY_BYTES = (size_t)8 << 20, MAPPED_BYTES = (size_t)128 << 30,
                    PART_BYTES = (size_t)16 << 20;

static atomic_size_t in_memory;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
    uint8_t *begin; /* NULL: there is no file */
    int descriptor;
    pthread_mutex_t lock;
    size_t used, there; /* bytes given away, and bytes that the disk has promised */
} file = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void open_file(void)
{
    file.descriptor = open(DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file.descriptor < 0)
        return;
    void *begin = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0);
    file.begin = begin != MAP_FAILED ? begin : NULL;
}

/* The pages stay the file's, and are asked for again where they are needed. */
static void rest(void)
{
    if (file.there > 0)
        (void)madvise(file.begin, file.there, MADV_DONTNEED);
}

/* What is promised cannot be missing when it is written to: that would end the program. */
static bool has_room(size_t bytes)
{
    while (file.there - file.used < bytes) {
        if (file.there + PART_BYTES > MAPPED_BYTES
            || posix_fallocate(file.descriptor, (off_t)file.there, (off_t)PART_BYTES) != 0)
            return false;
        file.there += PART_BYTES;
        rest();
    }
    return true;
}

static void *in_file(size_t bytes)
{
    void *memory = NULL;
    (void)pthread_once(&once, open_file);
    if (file.begin == NULL)
        return NULL;
    bytes = (bytes + 15) / 16 * 16;
    (void)pthread_mutex_lock(&file.lock);
    if (has_room(bytes)) {
        memory = file.begin + file.used;
        file.used += bytes;
    }
    (void)pthread_mutex_unlock(&file.lock);
    return memory;
}

static bool is_in_file(const void *memory)
{
    uintptr_t at = (uintptr_t)memory, begin = (uintptr_t)file.begin;
    return begin != 0 && at >= begin && at < begin + MAPPED_BYTES;
}

void *kept_zeroed(size_t count, size_t size)
{
    void *memory = NULL;
    if (size > 0 && count > MAPPED_BYTES / size)
        return memory_zeroed(count, size);
    if (atomic_fetch_add(&in_memory, count * size) > IN_MEMORY_BYTES)
        memory = in_file(count * size);
    return memory != NULL ? memory : memory_zeroed(count, size);
}

/* Whole pages only: what stands beside it is somebody else's. */
static void drop_pages(void *memory, size_t bytes)
{
    enum { PAGE_BYTES = 4096 };
    uintptr_t begin = ((uintptr_t)memory + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES,
              end = ((uintptr_t)memory + bytes) / PAGE_BYTES * PAGE_BYTES;
    if (is_in_file(memory) && end > begin)
        (void)madvise((void *)begin, end - begin, MADV_REMOVE); /* else it only costs room */
}

void *kept_grown(void *old, size_t old_count, size_t count, size_t size)
{
    void *memory = kept_zeroed(count, size);
    if (old_count > 0)
        memcpy(memory, old, old_count * size);
    drop_pages(old, old_count * size);
    kept_free(old);
    return memory;
}

void *kept_fit(void *old, size_t count, size_t size)
{
    return is_in_file(old) ? old : memory_grown(old, count, size);
}

void kept_free(void *memory)
{
    if (!is_in_file(memory))
        free(memory);
}

void kept_rest(void)
{
    (void)pthread_mutex_lock(&file.lock);
    rest();
    (void)pthread_mutex_unlock(&file.lock);
}

void kept_bytes(struct bytes *bytes)
{
    struct bytes kept = {.data = kept_zeroed(bytes->size + 1, 1), .size = bytes->size};
    if (bytes->size > 0)
        memcpy(kept.data, bytes->data, bytes->size);
    bytes_free(bytes);
    *bytes = kept;
}
