/* Whether an environment lets itself be written to now. LMDB waits for its write lock, and the
 * kernel for a disk, as long as it takes, and no process can bound that for itself: another one is
 * sent ahead. */
#include "journal/store.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A disk that hangs may still read from memory. The file has no name and is gone with its end. */
static void write_something(const char *directory)
{
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return; /* a kind of disk that cannot do so: the lock was taken all the same */
    (void)(write(descriptor, "?", 1) == 1 && fsync(descriptor) == 0);
    (void)close(descriptor);
}

/* What is wrong with it, whoever opens it afterwards is told. Whatever reads this program's output
 * does not wait for a process that nobody can end. */
static _Noreturn void go_ahead(const char *directory, int answer)
{
    struct store *store = NULL;
    struct error ignored;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it has the locks of the one that waits for it */
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int descriptor = STDIN_FILENO; nothing >= 0 && descriptor <= STDERR_FILENO; descriptor++)
        (void)dup2(nothing, descriptor);
    if (store_open(directory, false, &store, &ignored) == ERROR_OK)
        write_something(directory);
    store_close(store);
    _exit(write(answer, "", 1) == 1 ? 0 : 1);
}

/* True as soon as it has come to an end, however that looks. A signal waits with it: one that ended
 * the wait would leave nothing but to wait for ever. */
static bool answers_in_time(int answer, pid_t ahead, int64_t wait_ms)
{
    sigset_t signals;
    struct pollfd ended = {.fd = answer, .events = POLLIN};
    const struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
    (void)sigfillset(&signals);
    bool answered = ppoll(&ended, 1, &wait, &signals) != 0;
    if (!answered)
        (void)kill(ahead, SIGKILL);
    (void)waitpid(ahead, NULL, answered ? 0 : WNOHANG); /* one in a hung disk ends later */
    return answered;
}

enum error_code store_answers(const char *directory, int64_t wait_ms, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERROR_OK;
    pid_t ahead = fork();
    if (ahead == 0)
        go_ahead(directory, ends[1]);
    (void)close(ends[1]);
    bool answered = ahead < 0 || answers_in_time(ends[0], ahead, wait_ms);
    (void)close(ends[0]);
    return answered ? ERROR_OK
                    : error_set(error, ERROR_JOURNAL_WRITE, 0, directory,
                                "`fuser -v` on its data.mdb shows who has it open: let a stopped "
                                "titan-fsm go on (kill -CONT) or end it, or mend the disk",
                                "it did not answer within %lld ms: a process that stands still "
                                "holds its lock, or its disk hangs",
                                (long long)wait_ms);
}
