#include "tests/world/files.h"

#include <string.h>

struct file *files_find(const struct files *files, const char *path)
{
    for (struct file *file = files->first; file != NULL; file = file->next)
        if (file->path != NULL && strcmp(file->path, path) == 0)
            return file;
    return NULL;
}

static struct file *add_file(struct files *files, const char *path, unsigned mode)
{
    struct file *file = arena_take(files->arena, sizeof *file);
    *file = (struct file){.path = arena_copy(files->arena, path, strlen(path)),
                          .content = {.arena = files->arena},
                          .mode = mode,
                          .next = files->first};
    files->first = file;
    return file;
}

struct file *files_make(struct files *files, const char *path, unsigned mode)
{
    struct file *file = files_find(files, path);
    return file != NULL ? file : add_file(files, path, mode);
}

struct file *files_put(struct files *files, const char *path, unsigned mode, const void *data,
                       size_t size)
{
    files_remove(files, path);
    struct file *file = add_file(files, path, mode);
    grow_bytes(&file->content, data, size);
    return file;
}

void files_remove(struct files *files, const char *path)
{
    for (struct file **link = &files->first; *link != NULL; link = &(*link)->next)
        if ((*link)->path != NULL && strcmp((*link)->path, path) == 0) {
            struct file *gone = *link;
            *link = gone->next;
            gone->path = NULL;
            return;
        }
}

void files_rename(struct files *files, const char *from, const char *to)
{
    struct file *file = files_find(files, from);
    if (file == NULL || strcmp(from, to) == 0)
        return;
    files_remove(files, to);
    file->path = arena_copy(files->arena, to, strlen(to));
}

void files_make_directory(struct files *files, const char *path)
{
    files_make(files, path, 0755)->directory = true;
}

bool files_has_parent(const struct files *files, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    for (const struct file *file = files->first; file != NULL; file = file->next)
        if (file->directory && file->path != NULL && strlen(file->path) == length
            && memcmp(file->path, path, length) == 0)
            return true;
    return length == 0;
}

void files_copy(struct files *to, const struct files *from)
{
    for (const struct file *file = from->first; file != NULL; file = file->next)
        if (file->path != NULL)
            files_put(to, file->path, file->mode, file->content.data, file->content.size)
                ->directory = file->directory;
}
