/* tests/world/scripted_disk: the files of the operator's machine, in memory. */
#include "tests/world/scripted.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error_code examine(void *context, const char *path, struct world_file *ret_file,
                               struct error *error)
{
    const struct scripted *scripted = context;
    const struct file *file = files_find(&scripted->disk, path);
    (void)error;
    *ret_file = (struct world_file){.exists = file != NULL};
    if (file != NULL)
        *ret_file = (struct world_file){.exists = true,
                                        .regular = !file->directory,
                                        .directory = file->directory,
                                        .mode = file->mode,
                                        .own = true,
                                        .size = file->content.size};
    return ERROR_OK;
}

static enum error_code read_file(void *context, const char *path, size_t size_max,
                                 struct bytes *ret_data, struct error *error)
{
    struct scripted *scripted = context;
    struct file *file = files_find(&scripted->disk, path);
    if (file == NULL || file->directory)
        return error_set(error, ERROR_SYSTEM, ENOENT, path, "", "there is no such file");
    if (file->content.size > size_max)
        return error_set(error, ERROR_LIMIT, 0, path, "", "the file is too large");
    return bytes_append(ret_data, grow_string(&file->content), file->content.size, error);
}

static enum error_code read_secret_file(void *context, const char *path, void *ret_data,
                                        size_t size, size_t *ret_size, struct error *error)
{
    struct scripted *scripted = context;
    const struct file *file = files_find(&scripted->disk, path);
    if (file == NULL || file->directory || (file->mode & 077) != 0)
        return error_set(error, ERROR_KEY_REFUSED, ENOENT, path, "", "no such secret file");
    *ret_size = file->content.size < size ? file->content.size : size;
    memcpy(ret_data, file->content.data, *ret_size);
    return ERROR_OK;
}

static enum error_code write_file(void *context, const char *path, enum world_write how,
                                  unsigned mode, const void *data, size_t size, struct error *error)
{
    struct scripted *scripted = context;
    enum error_code code = scripted_ask(scripted, CALL_WRITE, false, path, error);
    if (code != ERROR_OK)
        return code;
    if (how == WRITE_CREATE && files_find(&scripted->disk, path) != NULL)
        return error_set(error, ERROR_REFUSED, EEXIST, path, "", "the file exists");
    (void)files_put(&scripted->disk, path, mode, data, size);
    return scripted_ask(scripted, CALL_WRITE, true, path, error);
}

/* A file that is written in parts. */
struct part_file {
    struct scripted *scripted;
    char *path;
    enum world_write how;
    unsigned mode;
    struct bytes data;
};

static enum error_code begin_file(void *context, const char *path, enum world_write how,
                                  unsigned mode, void **ret_file, struct error *error)
{
    (void)error;
    struct part_file *file = calloc(1, sizeof *file);
    assert(file != NULL);
    *file = (struct part_file){.scripted = context, .path = strdup(path), .how = how, .mode = mode};
    *ret_file = file;
    return ERROR_OK;
}

static enum error_code add_to_file(void *file, const void *data, size_t size, struct error *error)
{
    return bytes_append(&((struct part_file *)file)->data, data, size, error);
}

static enum error_code finish_file(void *file, bool keep, struct error *error)
{
    struct part_file *done = file;
    enum error_code code = ERROR_OK;
    if (keep)
        code = write_file(done->scripted, done->path, done->how, done->mode, done->data.data,
                          done->data.size, error);
    bytes_free(&done->data);
    free(done->path);
    free(done);
    return code;
}

static enum error_code wipe(void *context, const char *path, struct error *error)
{
    struct scripted *scripted = context;
    enum error_code code = scripted_ask(scripted, CALL_WRITE, false, path, error);
    if (code == ERROR_OK)
        files_remove(&scripted->disk, path);
    return code;
}

static enum error_code make_directory(void *context, const char *path, unsigned mode,
                                      struct error *error)
{
    struct scripted *scripted = context;
    (void)mode;
    (void)error;
    files_make_directory(&scripted->disk, path);
    return ERROR_OK;
}

/* Whoever has died has let it go. */
static enum error_code lock(void *context, const char *path, void **ret_lock, struct error *error)
{
    struct scripted *scripted = context;
    struct file *file = files_make(&scripted->disk, path, 0600);
    if (file->content.size > 0)
        return error_set(error, ERROR_HELD, 0, path, "", "another one has the lock");
    grow_text(&file->content, "held");
    *ret_lock = file;
    return ERROR_OK;
}

static void unlock(void *context, void *held)
{
    struct file *file = held;
    (void)context;
    if (file != NULL)
        file->content.size = 0;
}

static enum error_code lock_holder(void *context, const char *path,
                                   struct world_lock_holder *ret_holder, struct error *error)
{
    const struct scripted *scripted = context;
    const struct file *file = files_find(&scripted->disk, path);
    (void)error;
    *ret_holder = (struct world_lock_holder){.process = 0};
    if (file == NULL || file->content.size == 0)
        return ERROR_OK;
    ret_holder->process = 4242;
    (void)snprintf(ret_holder->note, sizeof ret_holder->note, "%s",
                   file->content.data + strlen("held"));
    return ERROR_OK;
}

static void lock_note(void *context, void *held, const char *note)
{
    struct file *file = held;
    (void)context;
    file->content.size = 0;
    grow_format(&file->content, "held%s", note);
}

void scripted_fill_disk(struct scripted *scripted)
{
    scripted->disk_table = (struct world_disk){.context = scripted,
                                               .examine = examine,
                                               .read = read_file,
                                               .read_secret = read_secret_file,
                                               .write = write_file,
                                               .begin = begin_file,
                                               .add = add_to_file,
                                               .finish = finish_file,
                                               .wipe = wipe,
                                               .make_directory = make_directory,
                                               .lock = lock,
                                               .unlock = unlock,
                                               .lock_holder = lock_holder,
                                               .lock_note = lock_note};
}
