#include "fsm/terminal/world_terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "actions/target/world_system.h"
#include "fsm/terminal/world_secret.h"
#include "fsm/terminal/world_echo.h"
#include "fsm/terminal/world_ticker.h"

enum { LINE_MAX_BYTES = 1024, POLL_MS = 500 };

static const char *volatile first_text, *volatile second_text; /* written by the handler */
static volatile sig_atomic_t interrupted;

static void say_in_handler(const char *text)
{
    if (text != NULL)
        (void)!write(STDERR_FILENO, text, strlen(text));
}

/* The first one asks, and is answered at once, because a pull may still take minutes. The second
 * one ends the process as SIGKILL would: `resume` settles what that leaves open like any other
 * death, and a command on the target runs to its own end. */
static void note_signal(int number)
{
    int kept = errno;
    if (interrupted != 0) {
        say_in_handler(second_text);
        echo_restore();
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    } else {
        interrupted = 1;
        say_in_handler(first_text);
    }
    errno = kept;
}

static void watch_signals(void *context, const char *first, const char *second)
{
    struct sigaction action = {.sa_handler = note_signal};
    (void)context;
    first_text = first;
    second_text = second;
    (void)sigaddset(&action.sa_mask, SIGINT); /* two at a time are two, one after the other */
    (void)sigaddset(&action.sa_mask, SIGTERM);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static void ignore_broken_pipes(void *context)
{
    (void)context;
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static bool is_interrupted(void *context)
{
    (void)context;
    return interrupted != 0;
}

static bool is_terminal(void *context, int descriptor)
{
    (void)context;
    return isatty(descriptor) == 1;
}

static bool window_size(void *context, unsigned *ret_rows, unsigned *ret_columns)
{
    struct winsize size;
    (void)context;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return false;
    *ret_rows = size.ws_row;
    *ret_columns = size.ws_col;
    return true;
}

/* Until there is a byte to read. A signal that arrives just before poll() is seen at its next
 * turn, which is why poll() never waits for longer than POLL_MS. */
static enum error_code await_input(int64_t until_ns, struct error *error)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    while (interrupted == 0) {
        int64_t left_ms = POLL_MS;
        if (until_ns != 0)
            left_ms = (until_ns - clock_boottime_ns(world_clock_system()) + 999999) / 1000000;
        if (left_ms <= 0)
            break;
        if (poll(&ready, 1, left_ms < POLL_MS ? (int)left_ms : POLL_MS) > 0)
            return ERROR_OK;
    }
    return error_set(error, ERROR_TIMEOUT, 0, "terminal", "", "no answer was given in time");
}

/* Byte by byte, so that nothing after the newline is taken from the next question. */
static enum error_code terminal_read_line(void *context, int64_t until_ns, struct bytes *ret_line,
                                          struct error *error)
{
    char line[LINE_MAX_BYTES];
    size_t length = 0;
    (void)context;
    for (;;) {
        char byte;
        enum error_code code = await_input(until_ns, error);
        if (code != ERROR_OK)
            return code;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 && length == 0)
            return error_set(error, ERROR_NEEDS_PERSON, 0, "terminal", "",
                             "the input ended without an answer");
        if (got <= 0 || byte == '\n')
            return bytes_append(ret_line, line, length, error);
        if (length == sizeof line)
            return error_set(error, ERROR_LIMIT, 0, "terminal", "", "the answer is too long");
        line[length++] = byte;
    }
}

static void set_terminal_echo(void *context, enum world_echo echo)
{
    (void)context;
    switch (echo) {
    case ECHO_SILENT:
        echo_open();
        echo_silence();
        return;
    case ECHO_ASKING:
        echo_ask();
        return;
    case ECHO_RESTORED:
        break;
    }
    echo_restore();
}

static enum error_code start_ticking(void *context, int64_t interval_ns, void (*tick)(void *),
                                     void *tick_context, void **ret_ticker, struct error *error)
{
    (void)context;
    return ticker_start(interval_ns, tick, tick_context, ret_ticker, error);
}

const struct world_terminal *terminal_system(void)
{
    static const struct world_terminal terminal = {.is_terminal = is_terminal,
                                                   .size = window_size,
                                                   .read_line = terminal_read_line,
                                                   .read_secret = secret_line_ask,
                                                   .read_descriptor = secret_line_receive,
                                                   .echo = set_terminal_echo,
                                                   .start_ticking = start_ticking,
                                                   .stop_ticking = ticker_stop};
    return &terminal;
}

const struct world_signals *signals_system(void)
{
    static const struct world_signals signals = {.watch = watch_signals,
                                                 .is_interrupted = is_interrupted,
                                                 .ignore_broken_pipes = ignore_broken_pipes};
    return &signals;
}
