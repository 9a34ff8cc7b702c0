#include "fsm/terminal/world_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsm/exit_status.h"

/* LMDB maps the file: reading past the end of one that was cut short is a bus error. */
static void end_cut_short(int number)
{
    static const char text[] = "titan-fsm: the journal's file is shorter than it says, so it is "
                               "damaged; next: restore it from a copy and run titan-verify on it\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_JOURNAL_DAMAGED);
}

/* Where the caller closed one of the three, the next file that is opened would take its place, and
 * what is printed would be written into it: into the journal. What stands there instead refuses to
 * be read or written. */
static void fill_standard_descriptors(void)
{
    for (int at = STDIN_FILENO; at <= STDERR_FILENO; at++)
        if (fcntl(at, F_GETFD) < 0 && errno == EBADF
            && open("/dev/null", at == STDIN_FILENO ? O_WRONLY : O_RDONLY) != at)
            _exit(EXIT_INTERNAL);
}

/* What may be had is had: a rollback must not end at a limit that nobody meant for it. */
static void raise_limits(void)
{
    static const int kinds[] = {RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE};
    struct rlimit limit;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (getrlimit((__rlimit_resource_t)kinds[i], &limit) == 0) {
            limit.rlim_cur = limit.rlim_max;
            (void)setrlimit((__rlimit_resource_t)kinds[i], &limit);
        }
}

/* What whoever started this program had set for itself. A limit of file sizes would end it in front
 * of a DISARM whose record does not fit; deadlines need SIGALRM, children SIGCHLD. */
static void forget_inherited(void)
{
    sigset_t none;
    const char *path = getenv("PATH");
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGALRM, SIG_DFL);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (path != NULL && path[0] == '\0')
        (void)unsetenv("PATH"); /* then a shell looks where programs are */
}

void process_protect(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
    (void)signal(SIGBUS, end_cut_short);
    forget_inherited();
    raise_limits();
    fill_standard_descriptors();
}
