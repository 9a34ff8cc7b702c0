/* titan-fsm: finds the command, runs it, prints the one error. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsm/command.h"

/* Keys and passphrases pass through this process: it leaves no core dump, and every file it makes is its owner's. */
static void keep_to_ourselves(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)umask(077);
}

/* LMDB maps the file: a journal that was cut short shows itself as a bus error. */
static void say_cut_short(int number)
{
    static const char text[] = "titan-fsm: the journal's file is shorter than it says, so it is damaged; next: restore it from a copy and run titan-verify on it\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_JOURNAL_DAMAGED);
}

static int usage(const char *word)
{
    if (word != NULL) {
        fputs("titan-fsm: no such command: ", stderr);
        bytes_print_escaped(stderr, word, strlen(word));
        fputs("\n", stderr);
    }
    command_print_overview(stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    keep_to_ourselves();
    (void)signal(SIGBUS, say_cut_short);
    if (sodium_init() < 0) {
        fputs("titan-fsm: libsodium cannot start; nothing was done\n", stderr);
        return EXIT_INTERNAL;
    }
    if (argc < 2)
        return usage(NULL);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        command_print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("titan-fsm " TITAN_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = command_by_name(argv[1]);
    if (command == NULL)
        return usage(argv[1]);
    struct error error = {0};
    struct command_line line;
    enum exit_status status = EXIT_INTERNAL;
    enum error_code code = command_line_read(command, argc - 1, argv + 1, &line, &error);
    if (code == ERROR_OK && line.help) {
        command_print_help(stdout, command);
        return EXIT_DONE;
    }
    if (code == ERROR_OK)
        code = command->run(&line, &status, &error);
    if (code == ERROR_OK)
        return (int)status;
    if (error.next[0] == '\0')
        (void)snprintf(error.next, sizeof error.next, "%s", exit_status_next(code));
    error_print(stderr, "titan-fsm", &error);
    return (int)exit_status_of(code);
}
