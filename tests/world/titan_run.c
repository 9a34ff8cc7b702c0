/* tests/world/titan_run: one line for `sh -c` on the target, with the files of /proc and /dev that
 * the scripts read. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/world/tools.h"

/* /proc/PID/stat of the shell that runs (4711, as $$ says, the leader of its group) and of a hung
 * command: the start, field 22, is the number of the line that started it. */
static char *process_of(const struct sh *shell, const struct titan *titan, int pid)
{
    bool hung = titan->hung.pid != 0 && pid == titan->hung.pid;
    bool guard = pid != 0 && pid == titan_guard_pid(titan);
    if (pid != 4711 && !hung && !guard)
        return NULL;
    return arena_text(shell->arena, "%d (sh) S 1 %d %d 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0\n", pid,
                      pid, pid,
                      hung    ? TITAN_HUNG_START
                      : guard ? titan->guard.start
                              : titan->lines);
}

bool sh_read_file(struct sh *shell, const char *name, const char **ret_data, size_t *ret_size)
{
    struct titan *titan = shell->context;
    const char *path = sh_path(shell, name);
    struct file *file = files_find(shell->files, path);
    char *text = NULL;
    if (file != NULL && file->pipe)
        sh_refuse(shell, "the end of a pipe that was opened: %s", path);
    int64_t hundredths = titan->timeline->now_ns / 10000000;
    if (file != NULL && !file->directory && (file->mode & 0400) != 0) {
        *ret_data = grow_string(&file->content);
        *ret_size = file->content.size;
        return true;
    }
    if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
        text = arena_text(shell->arena, "%s\n", titan->timeline->target_boot);
    else if (strcmp(path, "/proc/uptime") == 0)
        text = arena_text(shell->arena, "%lld.%02lld 0.00\n", (long long)(hundredths / 100),
                          (long long)(hundredths % 100));
    else if (strncmp(path, "/proc/", 6) == 0 && strstr(path, "/stat") != NULL)
        text = process_of(shell, titan, atoi(path + 6));
    else if (strcmp(path, "/dev/urandom") == 0)
        text = titan_id(titan);
    else if (strcmp(path, "/dev/null") == 0)
        text = "";
    if (text == NULL)
        return false;
    *ret_data = text;
    *ret_size = strlen(text);
    return true;
}

/* date +%s%3N: the wall clock in milliseconds. */
static bool titan_date(struct sh *shell, int count, char **words, int *ret_status)
{
    const struct timeline *timeline = ((struct titan *)shell->context)->timeline;
    if (count != 2 || strcmp(words[0], "date") != 0 || strcmp(words[1], "+%s%3N") != 0)
        return false;
    sh_printf(shell, 1, "%lld\n",
              (long long)((timeline->now_ns + timeline->wall_offset_ns) / 1000000));
    *ret_status = 0;
    return true;
}

/* sleep SECONDS */
static bool titan_sleep(struct sh *shell, int count, char **words, int *ret_status)
{
    struct timeline *timeline = ((struct titan *)shell->context)->timeline;
    struct titan *titan = shell->context;
    if (count != 2 || strcmp(words[0], "sleep") != 0)
        return false;
    *ret_status = 0;
    if (titan->guard.busy && !titan_guard_has_fired(titan)) { /* the end of its round */
        shell->exiting = true;
        return true;
    }
    timeline_move(timeline, timeline->now_ns + (int64_t)(strtod(words[1], NULL) * 1e9));
    *ret_status = 0;
    return true;
}

/* kill -s SIGNAL -- -GROUP: of a hung command, which holds the lock. KILL alone ends it. */
static bool titan_kill(struct sh *shell, int count, char **words, int *ret_status)
{
    struct titan *titan = shell->context;
    if (count == 4 && strcmp(words[0], "kill") == 0 && atoi(words[3]) == titan_guard_pid(titan)) {
        titan->guard.lives = false;
        *ret_status = 0;
        return true;
    }
    if (count != 5 || strcmp(words[0], "kill") != 0)
        return false;
    *ret_status = titan->hung.pid != 0 && atoi(words[4]) == -titan->hung.pid ? 0 : 1;
    if (*ret_status != 0 || strcmp(words[2], "KILL") != 0)
        return true;
    struct file *lock = files_find(&titan->files, TITAN_LOCK);
    if (lock != NULL)
        lock->content.size = 0;
    titan->hung.pid = 0;
    titan->hung.ended = true;
    return true;
}

static bool run_tool(struct sh *shell, int count, char **words, int *ret_status)
{
    return tool_run(shell, count, words, ret_status) || titan_date(shell, count, words, ret_status)
           || titan_sleep(shell, count, words, ret_status)
           || titan_kill(shell, count, words, ret_status)
           || titan_setsid(shell, count, words, ret_status)
           || titan_docker(shell, count, words, ret_status)
           || titan_compose(shell, count, words, ret_status)
           || titan_git(shell, count, words, ret_status);
}

int titan_run(struct titan *titan, struct arena *arena, const char *line, const void *input,
              size_t input_size, struct grow *ret_output, struct grow *ret_errors)
{
    struct grow given = {.arena = arena};
    struct channel channels[3] = {{.content = &given},
                                  {.content = ret_output},
                                  {.content = ret_errors}};
    struct sh shell = {.arena = arena,
                       .files = &titan->files,
                       .tool = run_tool,
                       .context = titan,
                       .script = line,
                       .directory = "/",
                       .mask = 022,
                       .pid = titan->guard.busy ? titan_guard_pid(titan) : 0,
                       .descriptors = {&channels[0], &channels[1], &channels[2]}};
    titan->lines++;
    grow_bytes(&given, input, input_size);
    *ret_output = *ret_errors = (struct grow){.arena = arena};
    (void)grow_string(ret_output);
    (void)grow_string(ret_errors);
    return sh_run(&shell, line);
}
