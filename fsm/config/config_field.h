/* fsm/config/config_field: reads one YAML mapping after a table of its keys. Private to
 * fsm/config*.c.
 * Knows:     YAML nodes, kinds of values, positions; not what a key is for. The only file that
 *            includes libfyaml in fsm/ is config_field.c.
 * Errors:    where = "file:line:column" of the key or value, or of the section where a key is
 *            missing. */
#ifndef FSM_CONFIG_FIELD_H
#define FSM_CONFIG_FIELD_H

#include <jansson.h>

#include "fsm/config/config.h"

enum field_kind {
    FIELD_INVALID = 0,
    FIELD_VERSION, /* must be 1 */
    FIELD_TEXT,    /* any text without control characters */
    FIELD_NAME,    /* letters, digits, '.', '_', '-': it becomes part of a command on the target */
    FIELD_WORDS,   /* the same, with '/', '=', ':' and spaces: the words of a command */
    FIELD_PLACE,   /* an absolute or relative path on the target: letters, digits and "._/-" */
    FIELD_PATH,    /* a path on this machine */
    FIELD_NUMBER,
    FIELD_COUNT, /* a number that is stored as int */
    FIELD_FLAG,
    FIELD_LIST,  /* of texts */
    FIELD_NAMES, /* of names */
    FIELD_PATTERNS,
    FIELD_SECTION, /* a mapping after a table of its own, same base */
    /* a mapping of free names, each a mapping after a table of its own: `each` makes room */
    FIELD_EACH,
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;              /* in the structure that the table speaks of */
    int64_t minimum, maximum;   /* NUMBER, COUNT */
    const struct field *fields; /* SECTION, EACH; ends with a NULL key */
    /* EACH: the structure that entry `name` fills (it keeps the name), or NULL when there is no
     * room. */
    void *(*each)(void *base, const char *name);
    /* EACH: the structure of entry `index`, its name, and which of its keys say anything ("url
     * text", NULL = all); NULL behind the last. */
    const void *(*at)(const void *base, size_t index, const char **ret_name, const char **ret_keys);
};

/* The file itself, kept for as long as its values are settled: what it says can be wrong together
 * though every value is of its kind. */
struct field_file;
/* Reads the file into `base` after the table of its top level. Strings are kept by `keeper`; `path`
 * and `text` are borrowed until field_file_close(). */
enum error_code field_file_read(const char *path, const struct bytes *text,
                                const struct field *fields, void *base, struct config *keeper,
                                struct field_file **ret_file, struct error *error) CHECKED;
void field_file_close(struct field_file *file); /* takes NULL */
bool field_file_has(const struct field_file *file, const char *at);
/* ERROR_CONFIG at `at` ("target/directory", "preflight/backups/path"): the value where it is one,
 * else its key; where that key is missing, the section that it is missing in; the beginning of the
 * file where there is no section either. `word` may be "". */
enum error_code field_file_fail(const struct field_file *file, const char *at, const char *next,
                                const char *what, const char *word, struct error *error);
/* The other way round: what `base` holds after the same table, as one object; config_show.c. NULL
 * when memory is short. */
json_t *field_show(const struct field *fields, const void *base) CHECKED;
/* A copy that lives as long as the configuration; NULL when memory is short. */
const char *config_keep(struct config *config, const char *text, size_t length);

#endif
