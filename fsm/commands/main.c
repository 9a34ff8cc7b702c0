/* titan-fsm: finds the command, runs it, prints the one error. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "fsm/commands/command_line.h"
#include "fsm/commands/world.h"
#include "fsm/terminal/print.h"
#include "fsm/terminal/world_process.h"
#include "journal/canonical.h"
#include "fsm/terminal/world_terminal.h"

/* The edit distance of two words; SIZE_MAX for a word longer than any command. */
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

/* The command at an edit distance of at most two, or NULL. */
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
        (void)snprintf(next, sizeof next, "did you mean titan-fsm %s? else titan-fsm help", name);
    enum error_code code = error_set(&error, ERROR_USAGE, 0, "", next, "no such command: %.80s",
                                     word);
    print_failure(terminal_system(), &error);
    return (int)exit_status_of(code);
}

static enum error_code run_on_page(const struct command *command, const struct command_line *line,
                                   enum exit_status *ret_status, struct error *error)
{
    struct print_page page = {.before = NULL};
    if (command->page && !line->options.json && !line->watch && !line->prometheus)
        print_page_begin(line->options.world->terminal, &page);
    enum error_code code = command->run(line, ret_status, error);
    print_page_end(&page);
    return code;
}

static enum error_code read_and_run(const struct command *command, struct command_line *line,
                                    int argc, char **argv, enum exit_status *ret_status,
                                    struct error *error)
{
    struct world world;
    world_of_machine(&world);
    enum error_code code = command_line_read(command, &world, argc, argv, line, error);
    if (code == ERROR_OK && line->help) {
        command_print_help(stdout, command);
        *ret_status = EXIT_DONE;
    } else if (code == ERROR_OK) {
        line->driver = calloc(1, sizeof *line->driver);
        code = line->driver != NULL
                   ? run_on_page(command, line, ret_status, error)
                   : error_set(error, ERROR_MEMORY, 0, command->name, "", "out of memory");
    }
    if (line->driver != NULL)
        driver_close(line->driver);
    free(line->driver);
    return code;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct error error = {0};
    struct command_line line = {.driver = NULL};
    enum exit_status status = EXIT_INTERNAL;
    enum error_code code = read_and_run(command, &line, argc, argv, &status, &error);
    if (code == ERROR_OK)
        return (int)status;
    if ((code == ERROR_DAMAGED || code == ERROR_CONFIG || code == ERROR_PROTOCOL)
        && error_memory_ran_out())
        code = error_set(&error, ERROR_MEMORY, 0, command->name, "", "out of memory");
    if (error.next[0] == '\0')
        (void)snprintf(error.next, sizeof error.next, "%s", exit_status_next(code));
    print_failure(terminal_system(), &error);
    return (int)exit_status_of(code);
}

/* What could not be printed was not done: whoever reads it would take its absence for an answer. */
static int check_output(int status)
{
    struct error error;
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)error_set(&error, ERROR_SYSTEM, errno, "standard output",
                    "make room, or print it elsewhere; titan-fsm status says where the deployment "
                    "stands",
                    "standard output cannot be written, so that part of it is lost%s%s",
                    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
    print_failure(terminal_system(), &error);
    return status == EXIT_DONE ? EXIT_INTERNAL : status;
}

int main(int argc, char **argv)
{
    canonical_watch_memory();
    process_protect();
    if (sodium_init() < 0) {
        fputs("titan-fsm: libsodium cannot be initialized; nothing was done\n", stderr);
        return EXIT_INTERNAL;
    }
    if (argc < 2) {
        command_print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
        || strcmp(argv[1], "help") == 0) {
        print_text(terminal_system(), command_print_overview);
        return check_output(EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("titan-fsm " TITAN_VERSION);
        return check_output(EXIT_DONE);
    }
    const struct command *command = command_by_name(argv[1]);
    if (command == NULL)
        return refuse_word(argv[1]);
    return check_output(run_command(command, argc - 1, argv + 1));
}
