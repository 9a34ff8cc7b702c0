/* tests/actions/local_target: a real local target in a temporary directory, for tests. */
#ifndef TESTS_ACTIONS_LOCAL_TARGET_H
#define TESTS_ACTIONS_LOCAL_TARGET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/target/target.h"
#include "actions/target/world_remote.h"
#include "actions/target/world_system.h"
#include "tests/scratch.h"

struct local_target {
    char directory[64];
    struct setup setup;
    struct target *target;
};

/* The real world, as main() makes it. */
static inline const struct world *local_world(void)
{
    static struct world world;
    world_system(&world);
    world_remote(&world);
    return &world;
}

static inline int local_target_open(struct local_target *local)
{
    struct error error;
    (void)snprintf(local->directory, sizeof local->directory, "/tmp/titan-target-XXXXXX");
    if (mkdtemp(local->directory) == NULL)
        return -1;
    local->setup = (struct setup){.target = {.name = "local",
                                             .local = true,
                                             .host = "",
                                             .directory = local->directory,
                                             .state = "state",
                                             .docker = "docker",
                                             .docker_host = ""},
                                  .command_ms = 10000,
                                  .output_bytes_max = 1 << 20};
    char state[80];
    (void)snprintf(state, sizeof state, "%s/state", local->directory);
    return mkdir(state, 0755) == 0
                   && target_open(&local->setup, local_world(), &local->target, &error) == ERROR_OK
               ? 0
               : -1;
}

/* Prepares or inspects the directory with sh, in one line, as an operator on that machine does. The
 * script is the test's own text. 0 = every command that it ends with succeeded. */
static inline int local_target_shell(const struct local_target *local, const char *script)
{
    char command[1200];
    int length = snprintf(command, sizeof command, "cd %s && { %s; }", local->directory, script);
    return length > 0 && (size_t)length < sizeof command ? system(command) : -1;
}

/* A file of the directory, with this mode whatever the umask is. 0, or -1. */
static inline int local_target_write(const struct local_target *local, const char *name,
                                     mode_t mode, const char *text)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", local->directory, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    bool written = fputs(text, file) >= 0 && fchmod(fileno(file), mode) == 0;
    return fclose(file) == 0 && written ? 0 : -1;
}

static inline void local_target_close(struct local_target *local)
{
    target_close(local->target);
    if (scratch_remove(local->directory) != 0)
        perror(local->directory);
}

#endif
