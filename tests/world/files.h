/* tests/world/files: a file system in memory, flat: absolute paths and what lies there. A file that
 * lost its name lives on for whoever has it open.
 * Ownership: everything lies in the arena given at first. */
#ifndef WORLD_FILES_H
#define WORLD_FILES_H

#include "tests/world/arena.h"

struct file {
    const char *path; /* NULL = it has lost its name */
    struct grow content;
    unsigned mode;
    bool directory;
    bool pipe, link; /* a FIFO, which nobody may open; a symbolic link to something like it */
    struct file *next;
};

struct files {
    struct arena *arena;
    struct file *first;
};

struct file *files_find(const struct files *files, const char *path);
/* Made empty where it is not there, else what is there. */
struct file *files_make(struct files *files, const char *path, unsigned mode);
/* A new file of this name; another one that had it has lost it. */
struct file *files_put(struct files *files, const char *path, unsigned mode, const void *data,
                       size_t size);
void files_remove(struct files *files, const char *path);
void files_rename(struct files *files, const char *from, const char *to);
void files_make_directory(struct files *files, const char *path);
/* The directory that `path` lies in exists (only what was made counts). */
bool files_has_parent(const struct files *files, const char *path);
/* A copy of all of them, in another arena. */
void files_copy(struct files *to, const struct files *from);

#endif
