/* fsm/commands/command_line: the words and options after a command's name.
 * Knows:     the options of all commands; not what a command does with them.
 * Errors:    ERROR_USAGE for an unknown or incomplete option, or a wrong number of words. */
#ifndef FSM_COMMAND_LINE_H
#define FSM_COMMAND_LINE_H

#include "fsm/commands/command.h"
#include "fsm/driver.h"

enum { COMMAND_WORDS_MAX = 8, COMMAND_CHECKS_MAX = 16 };

/* What was found on the command line; strings are borrowed from argv. "" or NULL where not given.
 */
struct command_line {
    struct driver *driver; /* made and closed by main(): it is too large for the stack */
    struct driver_options options;
    const char *words[COMMAND_WORDS_MAX]; /* without the command itself */
    int word_count;
    const char *reason, *commit, *expect, *comment, *checkpoint, *succeed;
    const char *principal, *key, *agent, *out, *statement; /* approve, accept */
    const char *checks[COMMAND_CHECKS_MAX]; /* items that `begin` adds to the checklist */
    int check_count;
    int approvals;   /* -1 = what genesis pins */
    int last;        /* log: so many entries; -1 = all */
    bool again;      /* begin: to a commit that was rolled back */
    bool watch;      /* status: live */
    bool path;       /* graph: mark the last deployment */
    bool prometheus; /* status */
    bool help;
};

/* Fills *ret_line from argv after the command's name; the world is borrowed by it. An unknown or
 * incomplete option is ERROR_USAGE. */
enum error_code command_line_read(const struct command *command, const struct world *world,
                                  int argc, char **argv, struct command_line *ret_line,
                                  struct error *error) CHECKED;
#endif
