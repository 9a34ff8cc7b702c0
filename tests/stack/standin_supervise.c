/* tests/stack/standin_supervise: the one process that stands above a container's service: it stamps
 * its lines, notes its end, starts it again where its restart policy says so. SIGTERM: stop it,
 * after GRACE_MS by force. SIGUSR1: by force at once. When the supervisor dies the kernel kills the
 * service (PDEATHSIG), so nothing ever runs unsupervised. */
#include "standin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 10000, BACKOFF_MS = 100, BACKOFF_MAX_MS = 60000, CALM_MS = 10000, TELL_FD = 3 };

struct supervisor {
    const char *id, *restart;
    int log, signals, output;
    char *program, **words;
    char *const *environment;
    pid_t child;
    bool stopping, told;
    int64_t kill_ms, started_ms;
    int restarts, exit_code;
    char line[16384];
    size_t used;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note(const struct supervisor *supervisor, const char *status, const char *started_at)
{
    char *path = state_path("containers/%s/state.json", supervisor->id);
    json_t *state = state_read(path);
    if (state == NULL)
        return;
    (void)json_object_set_new(state, "Status", json_string(status));
    (void)json_object_set_new(state, "Supervisor", json_integer(getpid()));
    (void)json_object_set_new(state, "Pid",
                              json_integer(strcmp(status, "running") == 0 ? supervisor->child : 0));
    (void)json_object_set_new(state, "ExitCode", json_integer(supervisor->exit_code));
    (void)json_object_set_new(state, "RestartCount", json_integer(supervisor->restarts));
    (void)json_object_set_new(state, started_at != NULL ? "StartedAt" : "FinishedAt",
                              json_string(started_at != NULL ? started_at : state_time_now()));
    state_write(path, state);
    json_decref(state);
}

static void tell(struct supervisor *supervisor, const char *word)
{
    if (supervisor->told)
        return;
    ssize_t written = write(TELL_FD, word, strlen(word));
    (void)written;
    (void)close(TELL_FD);
    supervisor->told = true;
}

static void start(struct supervisor *supervisor)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        die(125, "standin: %s", strerror(errno));
    char *started_at = state_time_now(); /* before the first line can be printed */
    supervisor->started_ms = now_ms();
    supervisor->child = fork();
    if (supervisor->child == 0) {
        sigset_t none;
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)execve(supervisor->program, supervisor->words, supervisor->environment);
        _exit(127);
    }
    (void)close(ends[1]);
    supervisor->output = ends[0];
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    note(supervisor, "running", started_at);
    tell(supervisor, "ok");
}

/* Docker's json-file logger stamps a line when it reads its end. */
static void take_output(struct supervisor *supervisor)
{
    for (;;) {
        ssize_t got = read(supervisor->output, supervisor->line + supervisor->used,
                           sizeof supervisor->line - supervisor->used);
        if (got <= 0)
            return;
        supervisor->used += (size_t)got;
        char *newline;
        while ((newline = memchr(supervisor->line, '\n', supervisor->used)) != NULL
               || supervisor->used == sizeof supervisor->line) {
            size_t length = newline != NULL ? (size_t)(newline - supervisor->line)
                                            : supervisor->used;
            char *stamp = state_time_now();
            (void)dprintf(supervisor->log, "%s %.*s\n", stamp, (int)length, supervisor->line);
            size_t taken = length + (newline != NULL ? 1 : 0);
            memmove(supervisor->line, supervisor->line + taken, supervisor->used - taken);
            supervisor->used -= taken;
        }
    }
}

static void take_signal(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    if (read(supervisor->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGTERM) {
        supervisor->stopping = true;
        supervisor->kill_ms = now_ms() + GRACE_MS;
        if (supervisor->child > 0)
            (void)kill(supervisor->child, SIGTERM);
    } else if (info.ssi_signo == SIGUSR1) {
        supervisor->stopping = true;
        if (supervisor->child > 0)
            (void)kill(supervisor->child, SIGKILL);
    }
}

/* True when the service has ended. */
static bool reap(struct supervisor *supervisor)
{
    int status;
    if (waitpid(supervisor->child, &status, WNOHANG) != supervisor->child)
        return false;
    take_output(supervisor);
    (void)close(supervisor->output);
    supervisor->child = 0;
    supervisor->used = 0;
    supervisor->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

static void watch(struct supervisor *supervisor)
{
    while (!reap(supervisor)) {
        struct pollfd fds[2] = {{.fd = supervisor->signals, .events = POLLIN},
                                {.fd = supervisor->output, .events = POLLIN}};
        (void)poll(fds, 2, supervisor->stopping ? 50 : 1000);
        if (fds[0].revents != 0)
            take_signal(supervisor);
        take_output(supervisor);
        if (supervisor->stopping && supervisor->kill_ms > 0 && now_ms() >= supervisor->kill_ms)
            (void)kill(supervisor->child, SIGKILL);
    }
}

static bool starts_again(const struct supervisor *supervisor)
{
    const char *policy = supervisor->restart;
    return !supervisor->stopping
           && (strcmp(policy, "always") == 0 || strcmp(policy, "unless-stopped") == 0
               || (strncmp(policy, "on-failure", 10) == 0 && supervisor->exit_code != 0));
}

static void back_off(struct supervisor *supervisor)
{
    int64_t pause_ms = BACKOFF_MS;
    for (int i = 0; i < supervisor->restarts && pause_ms < BACKOFF_MAX_MS; i++)
        pause_ms *= 2;
    if (now_ms() - supervisor->started_ms > CALM_MS)
        pause_ms = BACKOFF_MS;
    int64_t until_ms = now_ms() + pause_ms;
    supervisor->restarts++;
    note(supervisor, "restarting", NULL);
    for (int64_t left; !supervisor->stopping && (left = until_ms - now_ms()) > 0;) {
        struct pollfd fd = {.fd = supervisor->signals, .events = POLLIN};
        if (poll(&fd, 1, (int)left) > 0)
            take_signal(supervisor);
    }
}

static void prepare(struct supervisor *supervisor)
{
    const json_t *container = state_read(
                     state_path("containers/%s/container.json", supervisor->id)),
                 *config = json_object_get(container, "Config");
    static char *words[STANDIN_WORDS_MAX];
    size_t used = 0;
    for (int part = 0; part < 2; part++) {
        const json_t *list = json_object_get(config, part == 0 ? "Entrypoint" : "Cmd");
        for (size_t i = 0; i < json_array_size(list) && used + 1 < STANDIN_WORDS_MAX; i++)
            words[used++] = text("%s", json_string_value(json_array_get(list, i)));
    }
    supervisor->program = state_path("containers/%s/root%s", supervisor->id,
                                     used > 0 ? words[0] : "");
    if (used == 0 || access(supervisor->program, X_OK) != 0) {
        tell(supervisor, text("exec: \"%s\": stat %s: no such file or directory: unknown",
                              used > 0 ? words[0] : "", used > 0 ? words[0] : ""));
        _exit(127);
    }
    supervisor->words = words;
    supervisor->environment = container_environment(supervisor->id);
    supervisor->restart = state_string(json_object_get(json_object_get(container, "HostConfig"),
                                                       "RestartPolicy"),
                                       "Name");
}

int supervise(const char *id)
{
    static struct supervisor supervisor;
    sigset_t signals;
    supervisor.id = id;
    int alive = open(state_path("containers/%s/alive", id), O_RDWR | O_CREAT | O_CLOEXEC, 0644),
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (alive < 0 || flock(alive, LOCK_EX | LOCK_NB) != 0 || chdir("/") != 0) {
        tell(&supervisor, "the container is already started");
        return 1;
    }
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(null, fd);
    (void)fcntl(TELL_FD, F_SETFD, FD_CLOEXEC);
    supervisor.log = open(state_path("containers/%s/log", id),
                          O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGUSR1);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    supervisor.signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    prepare(&supervisor);
    for (;;) {
        start(&supervisor);
        watch(&supervisor);
        if (!starts_again(&supervisor))
            break;
        back_off(&supervisor);
        if (supervisor.stopping)
            break;
    }
    note(&supervisor, "exited", NULL);
    return 0;
}
