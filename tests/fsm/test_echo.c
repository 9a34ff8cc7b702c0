/* Goal: on a real pseudo terminal the echo is off while a frame stands, and back for a question, at
 * the end, and behind every signal that ends or stops the program; nothing else of the terminal is
 * changed, and what was typed unseen answers nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fsm/terminal/world_echo.h"

static int ours, theirs, kept;

static int open_terminal(void **state)
{
    (void)state;
    ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ours < 0 || grantpt(ours) != 0 || unlockpt(ours) != 0)
        return -1;
    theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    kept = dup(STDOUT_FILENO);
    return theirs >= 0 && kept >= 0 ? 0 : -1;
}

static int close_terminal(void **state)
{
    (void)state;
    return close(ours) + close(theirs) + close(kept);
}

static struct termios setting(void)
{
    struct termios now;
    assert_int_equal(tcgetattr(theirs, &now), 0);
    return now;
}

static void expect_same(const struct termios *before, const struct termios *after)
{
    assert_int_equal(before->c_lflag, after->c_lflag);
    assert_int_equal(before->c_iflag, after->c_iflag);
    assert_int_equal(before->c_oflag, after->c_oflag);
    assert_int_equal(before->c_cflag, after->c_cflag);
    assert_memory_equal(before->c_cc, after->c_cc, sizeof before->c_cc);
}

/* A child on the terminal: silent, then `act`; it exits with 1 where the echo was not off before.
 */
static pid_t start(void (*act)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    struct termios now;
    /* Whoever runs this behind nohup or `&` left them ignored. */
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    (void)dup2(theirs, STDOUT_FILENO);
    echo_open();
    echo_silence();
    echo_silence();
    if (tcgetattr(STDOUT_FILENO, &now) != 0 || (now.c_lflag & (ECHO | ECHONL)) != 0
        || (now.c_lflag & (ICANON | ISIG)) != (ICANON | ISIG))
        _exit(1);
    act();
    _exit(0);
}

static void ends_by_hangup(void)
{
    (void)raise(SIGHUP);
}
static void ends_by_quit(void)
{
    (void)raise(SIGQUIT);
}
static void stops(void)
{
    (void)raise(SIGTSTP);
    echo_restore();
}

static void echo_restore_is_as_it_was(void **state)
{
    struct termios before = setting(), after;
    int status;
    (void)state;
    assert_true(waitpid(start(echo_restore), &status, 0) > 0);
    after = setting();
    assert_int_equal(status, 0);
    expect_same(&before, &after);
}

static void echo_restore_behind_every_signal_that_ends_it(void **state)
{
    static void (*const acts[])(void) = {ends_by_hangup, ends_by_quit};
    static const int numbers[] = {SIGHUP, SIGQUIT};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct termios before = setting(), after;
        int status;
        assert_true(waitpid(start(acts[i]), &status, 0) > 0);
        after = setting();
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        expect_same(&before, &after);
    }
}

/* In a process group of its own under a parent of the same session, as a shell has it: an orphaned
 * group would not stop. */
static void echo_restore_while_it_is_stopped(void **state)
{
    struct termios before = setting(), after;
    int status;
    (void)state;
    pid_t child = start(stops);
    assert_true(waitpid(child, &status, WUNTRACED) > 0);
    after = setting();
    expect_same(&before, &after);
    if (WIFSTOPPED(status)) {
        assert_int_equal(kill(child, SIGCONT), 0);
        assert_true(waitpid(child, &status, 0) > 0);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void asks(void)
{
    char typed[16] = "";
    struct termios now;
    (void)fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    (void)!write(ours, "yes\n", 4); /* before the question */
    echo_ask();
    if (tcgetattr(STDOUT_FILENO, &now) != 0 || (now.c_lflag & ECHO) == 0
        || read(STDOUT_FILENO, typed, sizeof typed) > 0)
        _exit(2);
}

static void echo_ask_drops_what_was_typed_unseen(void **state)
{
    int status;
    (void)state;
    assert_true(waitpid(start(asks), &status, 0) > 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(echo_restore_is_as_it_was, open_terminal, close_terminal),
        cmocka_unit_test_setup_teardown(echo_restore_behind_every_signal_that_ends_it,
                                        open_terminal, close_terminal),
        cmocka_unit_test_setup_teardown(echo_restore_while_it_is_stopped, open_terminal,
                                        close_terminal),
        cmocka_unit_test_setup_teardown(echo_ask_drops_what_was_typed_unseen, open_terminal,
                                        close_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
