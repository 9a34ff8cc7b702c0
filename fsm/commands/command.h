/* fsm/commands/command: the commands of titan-fsm, one row each. main() finds the row, reads the
 * command line, runs the command and prints the one error.
 * Rooms:     look/ has the commands that only read; people/ those about who may do what; this
 * folder the ones that write to the journal, and main(). */
#ifndef FSM_COMMAND_H
#define FSM_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "fsm/exit_status.h"

struct command_line; /* command_line.h */

/* Runs one command; *ret_status is the exit status where it returns ERROR_OK. */
typedef enum error_code command_function(const struct command_line *line,
                                         enum exit_status *ret_status, struct error *error);

struct command {
    const char *name;
    const char *arguments; /* "release/policy --reason TEXT [--commit SHA] [--expect HASH]" */
    const char *summary;   /* one line */
    const char *help;      /* what it does, what it needs, what remains afterwards */
    int words_min, words_max;
    command_function *run;
    bool page; /* it prints a report, whose lines are broken where a terminal is narrow */
};

const struct command *command_by_name(const char *name);
const struct command *command_list(size_t *ret_count);
void command_print_help(FILE *stream, const struct command *command);
void command_print_overview(FILE *stream);

/* Each in the file of its name; run, resume, rollback and abort are in command_advance.c. */
command_function command_keygen;
command_function command_init;
command_function command_config;
command_function command_preflight;
command_function command_roster;
command_function command_settings;
command_function command_begin;
command_function command_request;
command_function command_approve;
command_function command_accept;
command_function command_advance;
command_function command_run;
command_function command_resume;
command_function command_status;
command_function command_explain;
command_function command_attest;
command_function command_takeover;
command_function command_rollback;
command_function command_abort;
command_function command_arm;
command_function command_disarm;
command_function command_drift;
command_function command_log;
command_function command_graph;
command_function command_export;
command_function command_watch;   /* `status --watch` */
command_function command_succeed; /* `init --succeed` */

#endif
