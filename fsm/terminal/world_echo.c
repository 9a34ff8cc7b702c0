#include "fsm/terminal/world_echo.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

static struct termios found; /* the settings from before; valid while `silent` */
static volatile sig_atomic_t silent;

static const int signals[] = {SIGHUP, SIGQUIT, SIGTSTP};

/* A terminal that is not the controlling one has no foreground group: it is taken as ours. */
static int is_foreground(void)
{
    pid_t group = tcgetpgrp(STDOUT_FILENO);
    return group < 0 || group == getpgrp();
}

/* The setting and `silent` change together: signals are blocked in between. A blocked SIGTTOU does
 * not stop the process either. */
static void set_echo(int to)
{
    struct termios quiet;
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (to != silent && to != 0 && is_foreground() && tcgetattr(STDOUT_FILENO, &found) == 0) {
        quiet = found;
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        silent = tcsetattr(STDOUT_FILENO, TCSANOW, &quiet) == 0;
    } else if (to != silent && to == 0) {
        if (is_foreground())
            (void)tcsetattr(STDOUT_FILENO, TCSANOW, &found);
        silent = 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The signal's default action, with the echo restored first; after SIGTSTP execution continues
 * here. */
static void leave_by_signal(int number)
{
    int kept = errno, was_silent = silent;
    struct sigaction mine;
    sigset_t one, before;
    set_echo(0);
    (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, &mine);
    (void)sigemptyset(&one);
    (void)sigaddset(&one, number);
    (void)raise(number);
    (void)pthread_sigmask(SIG_UNBLOCK, &one, &before); /* the process ends or stops here */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)sigaction(number, &mine, NULL);
    set_echo(was_silent);
    errno = kept;
}

void echo_open(void)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            (void)sigaction(signals[i],
                            &(struct sigaction){.sa_handler = leave_by_signal,
                                                .sa_flags = SA_RESTART},
                            NULL);
    }
}

void echo_silence(void)
{
    set_echo(1);
}

void echo_ask(void)
{
    if (silent != 0)
        (void)tcflush(STDOUT_FILENO, TCIFLUSH);
    set_echo(0);
}

void echo_restore(void)
{
    set_echo(0);
}
