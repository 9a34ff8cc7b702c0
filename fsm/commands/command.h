/* fsm/commands/command: the commands of titan-fsm, one row a command. main() finds the row, opens
 * what it needs, runs it, prints the one error.
 * Knows:     words of the command line and exit statuses. */
#ifndef FSM_COMMAND_H
#define FSM_COMMAND_H

#include "fsm/driver.h"
#include "fsm/exit_status.h"

enum { COMMAND_WORDS_MAX = 8, COMMAND_CHECKS_MAX = 16 };

/* What was found on the command line; strings are borrowed from argv. "" or NULL where not given.
 */
struct command_line {
    struct driver_options options;
    const char *words[COMMAND_WORDS_MAX]; /* without the command itself */
    int word_count;
    const char *reason, *commit, *expect, *comment, *checkpoint, *succeed;
    const char *principal, *key, *agent, *out, *statement; /* approve, accept */
    const char *checks[COMMAND_CHECKS_MAX]; /* items that `begin` adds to the checklist */
    int check_count;
    int approvals;   /* -1 = what genesis pins */
    bool watch;      /* status: live */
    bool path;       /* graph: mark the last deployment */
    bool prometheus; /* status */
    bool help;
};

struct command {
    const char *name;
    const char *arguments; /* "release|policy --reason TEXT [--commit SHA] [--expect HASH]" */
    const char *summary;   /* one line */
    const char *help;      /* what it does, what it needs, what it leaves behind */
    int words_min, words_max;
    enum error_code (*run)(const struct command_line *line, enum exit_status *ret_status,
                           struct error *error);
};

const struct command *command_by_name(const char *name);
const struct command *command_list(size_t *ret_count);

/* Fills *ret_line from argv after the command's name; the world is borrowed by it. An unknown or
 * incomplete option is ERROR_USAGE. */
enum error_code command_line_read(const struct command *command, const struct world *world,
                                  int argc, char **argv, struct command_line *ret_line,
                                  struct error *error) CHECKED;
void command_print_help(FILE *stream, const struct command *command);
void command_print_overview(FILE *stream);

/* By file: command_begin.c, command_preflight.c, command_roster.c, command_approve.c,
 *          command_takeover.c, command_drift.c, command_drive.c, command_interlock.c,
 *          command_look.c */
enum error_code command_keygen(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_init(const struct command_line *line, enum exit_status *ret_status,
                             struct error *error) CHECKED;
enum error_code command_config(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_preflight(const struct command_line *line, enum exit_status *ret_status,
                                  struct error *error) CHECKED;
enum error_code command_begin(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error) CHECKED;
enum error_code command_roster(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_request(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error) CHECKED;
enum error_code command_approve(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error) CHECKED;
enum error_code command_accept(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_takeover(const struct command_line *line, enum exit_status *ret_status,
                                 struct error *error) CHECKED; /* command_takeover.c */
enum error_code command_advance(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error) CHECKED;
enum error_code command_run(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error) CHECKED;
enum error_code command_resume(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_rollback(const struct command_line *line, enum exit_status *ret_status,
                                 struct error *error) CHECKED;
enum error_code command_abort(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error) CHECKED;
enum error_code command_attest(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_arm(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error) CHECKED;
enum error_code command_disarm(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_status(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;
enum error_code command_drift(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error) CHECKED;
enum error_code command_log(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error) CHECKED;
enum error_code command_graph(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error) CHECKED;
enum error_code command_explain(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error) CHECKED;
enum error_code command_export(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error) CHECKED;

/* command_watch.c: `status --watch`. */
enum error_code command_watch(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error) CHECKED;
/* command_succeed.c: `init --succeed`. */
enum error_code command_succeed(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error) CHECKED;

#endif
