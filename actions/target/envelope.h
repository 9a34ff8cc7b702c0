/* actions/target/envelope: what is written around a command and read back from around its output.
 * Form:      the boot id and uptime of the target before and after, on lines that only this
 *            command's nonce (`mark`) can begin, and the exit status on the second.
 * Tenancy:   a mutating command runs under the flock of state/deploy.lock, after the epoch of
 *            deployment.json was checked, with its process group on record.
 * Knows:     sh, timeout, flock, /proc; no connection. */
#ifndef ACTIONS_ENVELOPE_H
#define ACTIONS_ENVELOPE_H

#include "actions/target/command.h"
#include "actions/target/setup.h"
#include "journal/format/text.h"

enum { MARK_BYTES = 16, MARK_HEX = 2 * MARK_BYTES };

/* A file of the state directory, absolute. */
void envelope_add_state_path(struct text *path, const struct setup_target *setup, const char *name);

/* The line for `sh -c`. */
void envelope_write(struct text *line, const struct setup *setup,
                    const struct target_command *command, int64_t deadline_ms, const char *mark);

/* Fills status, span and output of *result from all that was printed. ERROR_UNREACHABLE: the end is
 * missing. ERROR_PROTOCOL: it is not what the envelope prints. */
enum error_code envelope_read(const char *mark, const struct bytes *printed,
                              struct target_result *result, struct error *error) CHECKED;

/* ERROR_HELD: the flock or the epoch refused a mutating command, and nothing was run. */
enum error_code envelope_judge(const struct setup *setup, const struct target_command *command,
                               const struct target_result *result, struct error *error) CHECKED;

#endif
