/* titan-fsm: finds the command, runs it, prints the one error. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsm/commands/command.h"
#include "fsm/commands/world.h"

/* Keys and passphrases pass through this process: it leaves no core dump, and every file it makes
 * is its owner's. */
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
    static const char text[] = "titan-fsm: the journal's file is shorter than it says, so it is "
                               "damaged; next: restore it from a copy and run titan-verify on it\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_JOURNAL_DAMAGED);
}

/* How many letters are wrong, missing or too much; of words no longer than any command's. */
static size_t distance(const char *one, const char *two)
{
    size_t row[32], length = strlen(two);
    if (length >= sizeof row / sizeof row[0])
        return SIZE_MAX;
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t line = 1; one[line - 1] != '\0'; line++) {
        size_t diagonal = row[0];
        row[0] = line;
        for (size_t i = 1; i <= length; i++) {
            size_t best = diagonal + (one[line - 1] != two[i - 1]);
            diagonal = row[i];
            best = row[i] + 1 < best ? row[i] + 1 : best;
            row[i] = row[i - 1] + 1 < best ? row[i - 1] + 1 : best;
        }
    }
    return row[length];
}

/* The command that was meant, where one is at most two letters away. */
static const char *nearest(const char *word)
{
    size_t count, least = 3;
    const char *name = NULL;
    for (const struct command *command = command_list(&count); count > 0; count--, command++) {
        size_t away = distance(command->name, word);
        if (away < least) {
            least = away;
            name = command->name;
        }
    }
    return name;
}

static int refuse_word(const char *word)
{
    const char *name = nearest(word);
    struct error error;
    char next[96] = "titan-fsm help";
    if (name != NULL)
        (void)snprintf(next, sizeof next, "titan-fsm %s, if that was meant, or titan-fsm help",
                       name);
    enum error_code code = error_set(&error, ERROR_USAGE, 0, "", next, "no such command: %.80s",
                                     word);
    error_print(stderr, "titan-fsm", &error);
    return (int)exit_status_of(code);
}

int main(int argc, char **argv)
{
    keep_to_ourselves();
    (void)signal(SIGBUS, say_cut_short);
    if (sodium_init() < 0) {
        fputs("titan-fsm: libsodium cannot start; nothing was done\n", stderr);
        return EXIT_INTERNAL;
    }
    if (argc < 2) {
        command_print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
        || strcmp(argv[1], "help") == 0) {
        command_print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("titan-fsm " TITAN_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = command_by_name(argv[1]);
    if (command == NULL)
        return refuse_word(argv[1]);
    struct world world;
    struct error error = {0};
    struct command_line line;
    world_of_machine(&world);
    enum exit_status status = EXIT_INTERNAL;
    enum error_code code = command_line_read(command, &world, argc - 1, argv + 1, &line, &error);
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
