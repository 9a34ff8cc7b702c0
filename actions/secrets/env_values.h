/* actions/secrets/env_values: what each key of an env file is worth to a program named compose:
 * quotes, escapes, comments and `${X:-y}` undone as that program does it.
 * Knows:     two of them, which do not read every line alike: 1.29 (env_values_one.c, after
 *            python-dotenv) and 2 and later (env_values_two.c, after compose-go). Pure.
 * Limit:     variables of the process that is not there are not set. Where the two disagree, or a
 *            value stands on a variable that the file does not set, compose itself is asked
 *            (compose_values.h).
 * Asked:     tests/actions/test_env_forms.py compares each form with the programs that are there.
 * Memory:    locked, and wiped by env_values_free(). */
#ifndef ACTIONS_ENV_VALUES_H
#define ACTIONS_ENV_VALUES_H

#include "journal/format/bytes.h"

enum env_program { ENV_PROGRAM_ONE = 0, ENV_PROGRAM_TWO, ENV_PROGRAMS };

struct env_value {
    const char *key, *value; /* not NUL-terminated */
    size_t key_length, length;
    int line;     /* at which its assignment begins */
    bool foreign; /* it stands on a variable that the file does not set */
};

struct env_values {
    struct env_value *list; /* each assignment, in the file's order: the last one of a key counts */
    size_t count, capacity;
    char *text; /* locked */
    size_t used_bytes, text_bytes;
    bool refused; /* the program would not take this file: what is listed stands above that line */
    bool full;    /* too large with all that is put in; refused too */
};

/* ERROR_MEMORY only; a file that is not read to its end is `refused`. */
enum error_code env_values_read(const char *text, size_t size, enum env_program program,
                                struct env_values *ret_values, struct error *error) CHECKED;
void env_values_free(struct env_values *values);
#define CLEANUP_ENV_VALUES __attribute__((cleanup(env_values_free)))

/* NULL where the key is not set. */
const struct env_value *env_values_find(const struct env_values *values, const char *key,
                                        size_t length);

/* For the two readers. A text that is being made ends at text + used_bytes. */
void env_values_put(struct env_values *values, const char *text, size_t length);
/* What the file has set a variable to so far, NULL = nothing; `made` stands on it. */
const struct env_value *env_values_variable(struct env_values *values, struct env_value *made,
                                            const char *name, size_t length);
/* What was put since `begin` is the value of `made`. */
void env_values_add(struct env_values *values, struct env_value made, size_t begin);
bool env_values_read_one(struct env_values *values, const char *text, size_t size);
bool env_values_read_two(struct env_values *values, const char *text, size_t size, char *scratch);

#endif
