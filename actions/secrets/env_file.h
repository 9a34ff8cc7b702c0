/* actions/secrets/env_file: all that may be meant by the lines of an env file, also of one that
 * compose would refuse: comments, `export`, quotes, escapes, values over several lines.
 * Knows:     lines and quotes; not which value is a secret. Pure.
 * Readings:  the two programs named compose do not read every line alike, so each assignment is
 *            given once for every way in which it can be read: a value in double quotes as it
 *            stands and with its escapes undone, an unquoted one with what may be a comment after
 *            it and without.
 * Variables: `${NAME}` in a value is not replaced: env_values.h does that.
 * Memory:    values are borrowed for the call, from the text or from locked memory that is wiped.
 */
#ifndef ACTIONS_ENV_FILE_H
#define ACTIONS_ENV_FILE_H

#include "journal/format/bytes.h"

struct env_assignment {
    const char *key; /* not NUL-terminated */
    size_t key_length;
    const char *value;
    size_t value_length;
};

typedef enum error_code env_receive_function(void *context, const struct env_assignment *assignment,
                                             struct error *error);

/* Calls `receive` for each reading of each assignment, in the file's order; ends with the first
 * error of `receive`, or ERROR_MEMORY. */
enum error_code env_file_read(const char *text, size_t size, env_receive_function *receive,
                              void *context, struct error *error) CHECKED;

#endif
