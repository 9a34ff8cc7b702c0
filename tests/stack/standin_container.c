/* tests/stack/standin_container: containers: their record, their files, and the supervisor that is
 * asked to end.
 * Stopping:  never by a number that was only written down: a pidfd is opened first, then the flock
 *            of `alive` proves that the number was right. */
#include "standin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHECK_STARTING_S = 3 };

static json_t *either(const json_t *mine, const json_t *image, const char *key)
{
    json_t *theirs = json_object_get(image, key);
    return mine != NULL     ? json_deep_copy(mine)
           : theirs != NULL ? json_deep_copy(theirs)
                            : json_array();
}

char *container_create(const struct container_plan *plan, const char *image_id)
{
    char *id = state_random_id(), *fresh = state_path("containers/.new.%d", (int)getpid());
    json_t *config = json_object_get(image_inspect(image_id), "Config");
    json_t *environment = either(NULL, config, "Env");
    (void)json_array_extend(environment,
                            plan->environment != NULL ? plan->environment : json_array());
    json_t *entrypoint = either(plan->entrypoint, config, "Entrypoint");
    json_t *command = plan->command == NULL && plan->entrypoint != NULL
                          ? json_array()
                          : either(plan->command, config, "Cmd");
    json_t *container =
        json_pack("{s:s, s:o, s:s, s:s, s:{s:s, s:o, s:o, s:o, s:O}, s:{s:s, s:{s:s}}}", "Id", id,
                  "Name", json_string(text("/%s", plan->name)), "Image", image_id, "Created",
                  state_time_now(), "Config", "Image", plan->image_name, "Env", environment,
                  "Entrypoint", entrypoint, "Cmd", command, "Labels", plan->labels, "HostConfig",
                  "NetworkMode", "host", "RestartPolicy", "Name", plan->restart);
    if (container == NULL)
        die(125, "standin: a container cannot be described");
    if (plan->check != NULL)
        (void)json_object_set(container, "Check", plan->check);
    tree_remove(fresh);
    tree_copy(state_path("images/%s/root", image_id + 7), text("%s/root", fresh), true);
    state_write(text("%s/container.json", fresh), container);
    state_write(text("%s/state.json", fresh),
                json_pack("{s:s, s:i, s:i, s:s, s:s, s:i}", "Status", "created", "Pid", 0,
                          "ExitCode", 0, "StartedAt", "0001-01-01T00:00:00Z", "FinishedAt",
                          "0001-01-01T00:00:00Z", "RestartCount", 0));
    if (rename(fresh, state_path("containers/%s", id)) != 0)
        die(125, "standin: a container cannot be made: %s", strerror(errno));
    state_note("create", id, plan->name);
    return id;
}

json_t *container_list(void)
{
    json_t *list = json_array();
    DIR *directory = opendir(state_path("containers"));
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        const json_t *container = entry->d_name[0] != '.' ? state_read(
                                      state_path("containers/%s/container.json", entry->d_name))
                                                          : NULL;
        size_t at = 0;
        if (container == NULL)
            continue;
        while (at < json_array_size(list)
               && strcmp(state_string(container, "Created"),
                         state_string(state_read(
                                          state_path("containers/%s/container.json",
                                                     json_string_value(json_array_get(list, at)))),
                                      "Created"))
                      < 0)
            at++;
        (void)json_array_insert_new(list, at, json_string(entry->d_name));
    }
    if (directory != NULL)
        (void)closedir(directory);
    return list;
}

char *container_find(const char *reference)
{
    const json_t *list = container_list();
    size_t length = strlen(reference);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        const char *name = state_string(state_read(state_path("containers/%s/container.json", id)),
                                        "Name");
        if (strcmp(id, reference) == 0 || (name[0] != '\0' && strcmp(name + 1, reference) == 0)
            || (length >= 6 && strncmp(id, reference, length) == 0))
            return text("%s", id);
    }
    return NULL;
}

bool container_runs(const char *id)
{
    int fd = open(state_path("containers/%s/alive", id), O_RDWR | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return held;
}

/* The container's own check, run when somebody asks: what a daemon would have found a moment ago.
 */
static const char *check_health(const char *id, const json_t *check, const char *started_at)
{
    char *words[STANDIN_WORDS_MAX] = {NULL};
    for (size_t i = 1; i < json_array_size(check) && i + 1 < STANDIN_WORDS_MAX; i++)
        words[i - 1] = text("%s", json_string_value(json_array_get(check, i)));
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        _exit(container_exec(id, words));
    }
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
        && WEXITSTATUS(status) == 0)
        return "healthy";
    struct tm parts = {0};
    return strptime(started_at, "%Y-%m-%dT%H:%M:%S", &parts) != NULL
                   && time(NULL) - timegm(&parts) < CHECK_STARTING_S
               ? "starting"
               : "unhealthy";
}

json_t *container_inspect(const char *id)
{
    json_t *container = state_read(state_path("containers/%s/container.json", id)),
           *state = state_read(state_path("containers/%s/state.json", id));
    if (container == NULL || state == NULL)
        return NULL;
    bool runs = container_runs(id);
    if (!runs
        && (strcmp(state_string(state, "Status"), "running") == 0
            || strcmp(state_string(state, "Status"), "restarting") == 0)) {
        (void)json_object_set_new(
            state, "Status",
            json_string("exited")); /* the supervisor was killed, and the service with it */
        (void)json_object_set_new(state, "ExitCode", json_integer(137));
    }
    (void)json_object_set_new(state, "Running",
                              json_boolean(strcmp(state_string(state, "Status"), "running") == 0));
    (void)json_object_set(container, "RestartCount", json_object_get(state, "RestartCount"));
    (void)json_object_del(state, "RestartCount");
    const json_t *check = json_object_get(container, "Check");
    if (check != NULL && runs)
        (void)json_object_set_new(state, "Health",
                                  json_pack("{s:s}", "Status",
                                            check_health(id, check,
                                                         state_string(state, "StartedAt"))));
    (void)json_object_set_new(container, "State", state);
    (void)json_object_set_new(container, "NetworkSettings",
                              json_pack("{s:{s:{s:s}}}", "Networks", "host", "IPAddress", ""));
    return container;
}

const char *container_label(const json_t *container, const char *label)
{
    return state_string(json_object_get(json_object_get(container, "Config"), "Labels"), label);
}

char *const *container_environment(const char *id)
{
    static char *words[256];
    size_t used = 0;
    const json_t *list = json_object_get(
        json_object_get(state_read(state_path("containers/%s/container.json", id)), "Config"),
        "Env");
    words[used++] = text("TITAN_ROOT=%s", state_path("containers/%s/root", id));
    words[used++] = text(
        "TITAN_START_MS=0"); /* here StartedAt is written before the service begins */
    for (size_t i = 0; i < json_array_size(list) && used + 1 < sizeof words / sizeof words[0]; i++)
        words[used++] = text("%s", json_string_value(json_array_get(list, i)));
    words[used] = NULL;
    return words;
}

int container_exec(const char *id, char *const *words)
{
    if (words[0] == NULL)
        return 125;
    char *program = words[0][0] == '/' ? state_path("containers/%s/root%s", id, words[0])
                                       : text("%s", words[0]);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)execve(program, words, container_environment(id));
        die(126,
            "OCI runtime exec failed: exec failed: unable to start container process: exec: "
            "\"%s\": stat %s: no such file or directory: unknown",
            words[0], words[0]);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Returns when the supervisor has started the service, or says that it could not. */
void container_start(const char *id)
{
    int ends[2];
    char word[256] = "";
    if (container_runs(id))
        return;
    (void)fflush(NULL);
    if (pipe(ends) != 0)
        die(125, "standin: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        if (setsid() < 0 || dup2(ends[1], 3) < 0
            || fork() != 0) /* an orphan: nobody here waits for it */
            _exit(0);
        (void)close_range(4, ~0U, 0);
        (void)execl(state_self(), "standin", "supervise", id, (char *)NULL);
        _exit(126);
    }
    (void)close(ends[1]);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    ssize_t got = read(ends[0], word, sizeof word - 1);
    (void)close(ends[0]);
    state_note("start", id, word);
    if (got < 2 || strncmp(word, "ok", 2) != 0)
        die(1, "Error response from daemon: OCI runtime create failed: %s", word);
}

void container_stop(const char *id, int64_t grace_ms)
{
    long long pid = json_integer_value(
        json_object_get(state_read(state_path("containers/%s/state.json", id)), "Supervisor"));
    int fd = pid > 1 ? pidfd_open((pid_t)pid, 0) : -1;
    if (fd >= 0 && container_runs(id)) {
        struct pollfd end = {.fd = fd, .events = POLLIN};
        state_note("stop", id, "");
        (void)pidfd_send_signal(fd, grace_ms > 0 ? SIGTERM : SIGUSR1, NULL, 0);
        if (poll(&end, 1, (int)grace_ms + 100) == 0) {
            (void)pidfd_send_signal(fd, SIGUSR1, NULL, 0);
            if (poll(&end, 1, 5000) == 0)
                die(1, "Error response from daemon: container %.12s does not stop", id);
        }
    }
    if (fd >= 0)
        (void)close(fd);
}

void container_remove(const char *id)
{
    container_stop(id, 0);
    state_note("remove", id, "");
    char *gone = state_path("containers/.gone.%s", id);
    if (rename(state_path("containers/%s", id), gone) == 0)
        tree_remove(gone);
}
