#include "tests/verify/tool.h"

#include "tests/verify/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "journal/store.h"

static const char *tool;
static char directory[] = "/tmp/titan-verify-test-XXXXXX";

void tool_init(const char *program)
{
    tool = program;
}

const char *tool_program(void)
{
    return tool;
}

const char *tool_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

void tool_write(const char *name, const char *text)
{
    struct bytes bytes = {(uint8_t *)(uintptr_t)text, strlen(text)};
    forge_write(tool_path(name), &bytes);
}

int tool_run(const char *command, char *output, size_t room)
{
    char line[2000];
    (void)snprintf(line, sizeof line, "{ %s ; } 2>&1", command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    size_t length = fread(output, 1, room - 1, pipe);
    output[length] = '\0';
    while (fgetc(pipe) != EOF)
        ;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int tool_verify(const char *path, const char *more, char *output, size_t room)
{
    char command[1500];
    (void)snprintf(command, sizeof command, "%s %s --trust %s --target " FORGE_TARGET " %s", tool,
                   path, tool_path("trust"), more);
    return tool_run(command, output, room);
}

int tool_set_up(void **state)
{
    (void)state;
    char *line = forge_signer_line(FORGE_OPERATOR, "alice");
    if (mkdtemp(directory) == NULL)
        return -1;
    tool_write("trust", line);
    free(line);
    return 0;
}

int tool_tear_down(void **state)
{
    (void)state;
    char command[300], output[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    return tool_run(command, output, sizeof output);
}

void tool_bundle(const struct forge *forge, const char *name)
{
    struct bytes text = {0};
    forge_bundle(forge, &text);
    forge_write(tool_path(name), &text);
    bytes_free(&text);
}

static enum error_code make_value(void *context, uint64_t size, const void *last, size_t last_bytes,
                                  struct bytes *ret_value, struct error *error)
{
    const struct forge *forge = context;
    (void)last;
    (void)last_bytes;
    return bytes_append(ret_value, forge->values[size].data, forge->values[size].size, error);
}

void tool_lmdb(struct forge *forge, const char *name)
{
    struct store *store = NULL;
    struct error error;
    uint64_t seq;
    struct bytes *blobs = calloc(forge->blob_count + 1, sizeof *blobs);
    for (size_t i = 0; i < forge->blob_count; i++)
        blobs[i] = forge->blobs[i].data;
    assert_int_equal(store_create(tool_path(name), &error), ERROR_OK);
    assert_int_equal(store_open(tool_path(name), false, &store, &error), ERROR_OK);
    for (size_t i = 0; i < forge->count; i++)
        assert_int_equal(store_append(store, make_value, forge, blobs,
                                      i == 0 ? forge->blob_count : 0, &seq, &error),
                         ERROR_OK);
    store_close(store);
    free(blobs);
}
