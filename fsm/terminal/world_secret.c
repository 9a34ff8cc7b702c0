#include "fsm/terminal/world_secret.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Byte by byte, because what follows the newline belongs to the descriptor's next reader. */
static bool receive_line(int descriptor, char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        char c;
        ssize_t got = read(descriptor, &c, 1);
        if (got < 0) /* also after a signal: Ctrl-C must end the question */
            return false;
        if (got == 0 || c == '\n')
            break;
        if (length == size - 1 || c == '\0') /* a NUL would silently truncate the passphrase */
            return false;
        line[length++] = c;
    }
    line[length] = '\0';
    return length > 0;
}

/* It only ends the read, so that the terminal gets its echo back before anything else happens. */
static void end_read(int number)
{
    (void)number;
}

static bool ask_without_echo(int terminal, const char *prompt, char *line, size_t size)
{
    struct termios before, silent;
    struct sigaction interrupt, ending, ours = {.sa_handler = end_read};
    if (tcgetattr(terminal, &before) != 0)
        return false;
    silent = before;
    silent.c_lflag &= (tcflag_t)~ECHO;
    (void)sigaction(SIGINT, &ours, &interrupt);
    (void)sigaction(SIGTERM, &ours, &ending);
    /* The echo is off before the question is printed: what is typed in answer to it must be neither
     * shown nor flushed away. */
    bool good = tcsetattr(terminal, TCSAFLUSH, &silent) == 0
                && write(terminal, prompt, strlen(prompt)) >= 0
                && receive_line(terminal, line, size);
    (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGTERM, &ending, NULL);
    return write(terminal, "\n", 1) == 1 && good;
}

enum error_code secret_line_ask(void *context, const char *prompt, char *ret_line, size_t size,
                                struct error *error)
{
    (void)context;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return error_set(error, ERROR_KEY_REFUSED, 0, "passphrase",
                         "give --passphrase-file or --passphrase-fd",
                         "there is no terminal to ask for the passphrase");
    bool good = ask_without_echo(terminal, prompt, ret_line, size);
    (void)close(terminal);
    return good ? ERROR_OK
                : error_set(error, ERROR_KEY_REFUSED, 0, "passphrase", "try again",
                            "no passphrase was given");
}

enum error_code secret_line_receive(void *context, int descriptor, char *ret_line, size_t size,
                                    struct error *error)
{
    (void)context;
    return receive_line(descriptor, ret_line, size)
               ? ERROR_OK
               : error_set(error, ERROR_KEY_REFUSED, 0, "passphrase",
                           "write it and a newline to the descriptor",
                           "the descriptor gives no passphrase");
}
