/* fsm/config/config_field: reads one YAML mapping by a table of its keys. Private to
 * fsm/config*.c.
 * Knows:     YAML nodes, kinds of values, positions; not what a key is for. Only config_field.c
 *            and config_value.c include libfyaml in fsm/.
 * Errors:    where = "file:line:column" of the key or value, or of the section where a key is
 *            missing. */
#ifndef FSM_CONFIG_FIELD_H
#define FSM_CONFIG_FIELD_H

#include <jansson.h>

#include "fsm/config/config_row.h"
#include "fsm/config/config_strings.h"
#include "journal/format/bytes.h"

/* The parsed file, kept until all values are checked: valid values can still be wrong together. */
struct field_file;
struct field_source {
    const char *path;
    const char *home; /* the home directory of "~/", NULL = unknown */
    const struct bytes *text;
};
/* Reads the file into `base` by the table of its top level. `keeper` owns the strings; what
 * `source` names is borrowed until field_file_close(). */
enum error_code field_file_read(const struct field_source *source, const struct field *fields,
                                void *base, struct config_strings *keeper,
                                struct field_file **ret_file, struct error *error) CHECKED;
void field_file_close(struct field_file *file); /* takes NULL */
bool field_file_has(const struct field_file *file, const char *at);
/* ERROR_CONFIG at `at` ("target/directory", "preflight/backups/path"): the value if it is a scalar,
 * else its key; if the key is missing, its section; if that is missing too, the beginning of the
 * file. `word` may be "". */
enum error_code field_file_fail(const struct field_file *file, const char *at, const char *next,
                                const char *what, const char *word, struct error *error);
/* The reverse, in config_show.c: what `base` holds, by the same table, as one object. NULL when
 * memory is short. */
json_t *field_show(const struct field *fields, const void *base) CHECKED;

#endif
