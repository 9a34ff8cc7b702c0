/* actions/target/own_command: the last mutating command of this tool on the target, by its process
 * group on record in the state directory: whether it still lives, and how it is ended.
 * Record:    command.pgid: group, start of its leader (field 22 of /proc/PID/stat), boot id. A
 *            number that another process got since, or before another boot, is a stranger's.
 * Knows:     sh, kill, /proc; for the envelope. */
#ifndef ACTIONS_OWN_COMMAND_H
#define ACTIONS_OWN_COMMAND_H

#include "journal/format/text.h"

/* `record` is the path of that file. The shell function `own`: true while the command on record
 * lives, then its group is $g. */
void own_command_add_question(struct text *script, const struct text *record);
/* The shell function `end`, behind `own`: ends that group, the whole of it, and says so on standard
 * error (own_command_ended()). */
void own_command_add_end(struct text *script);
/* Puts the group of the shell that runs it on record. */
void own_command_add_record(struct text *script, const struct text *record);

/* The group that `end` says it ended; 0 = none. */
long own_command_ended(const char *errors);

#endif
