/* fsm/config/config_field: reads one YAML mapping by a table of its keys. Private to
 * fsm/config*.c.
 * Knows:     YAML nodes, kinds of values, positions; not what a key is for. The only file that
 *            includes libfyaml in fsm/ is config_field.c.
 * Errors:    where = "file:line:column" of the key or value, or of the section where a key is
 *            missing. */
#ifndef FSM_CONFIG_FIELD_H
#define FSM_CONFIG_FIELD_H

#include <jansson.h>

#include "actions/target/setup.h"
#include "fsm/config/config_strings.h"
#include "journal/format/bytes.h"

enum field_kind {
    FIELD_INVALID = 0,
    FIELD_VERSION, /* must be 1 */
    FIELD_TEXT,    /* any text without control characters */
    FIELD_NAME,    /* letters, digits, '.', '_', '-': it becomes part of a command on the target */
    FIELD_SERVICE, /* a name of at most FIELD_SERVICE_MAX characters */
    FIELD_WORDS,   /* a name with '/', '=', ':' and spaces too: the words of a command */
    FIELD_PLACE,   /* an absolute or relative path on the target: letters, digits and "._/-" */
    FIELD_PATH,    /* a path on this machine */
    FIELD_NUMBER,
    FIELD_COUNT, /* a number that is stored as int */
    FIELD_FLAG,
    FIELD_LIST,     /* of texts */
    FIELD_SERVICES, /* of service names */
    FIELD_PATTERNS,
    FIELD_SECTION, /* a mapping with a table of its own */
    FIELD_EACH     /* a mapping of free names, each a mapping with a table of its own */
};
enum { FIELD_SERVICE_MAX = 63 };

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;              /* in the structure that the table speaks of */
    int64_t minimum, maximum;   /* NUMBER, COUNT */
    const struct field *fields; /* SECTION, EACH; ends with FIELD_END */
    /* EACH: the structure that entry `name` fills (it keeps the name), or NULL when there is no
     * capacity. */
    void *(*each)(void *base, const char *name);
    /* EACH: the structure of entry `index`, its name, and the keys that its kind uses ("url text",
     * NULL = all); NULL after the last. */
    const void *(*at)(const void *base, size_t index, const char **ret_name, const char **ret_keys);
};

/* Rows of a table. The compiler refuses a row whose member has not the type of its kind, and a
 * section whose table was written for another structure: FIELDS(name, structure) opens the table
 * and names that structure. */
#define FIELD_TYPE_TEXT const char *
#define FIELD_TYPE_NAME const char *
#define FIELD_TYPE_SERVICE const char *
#define FIELD_TYPE_WORDS const char *
#define FIELD_TYPE_PLACE const char *
#define FIELD_TYPE_PATH const char *
#define FIELD_TYPE_NUMBER int64_t
#define FIELD_TYPE_COUNT int
#define FIELD_TYPE_FLAG bool
#define FIELD_TYPE_LIST struct setup_list
#define FIELD_TYPE_SERVICES struct setup_list
#define FIELD_TYPE_PATTERNS struct setup_patterns
#define FIELD_SAME_TYPE(one, other) \
    (0 * sizeof(char[__builtin_types_compatible_p(one, other) ? 1 : -1]))
#define FIELD_OFFSET(type, structure, part) \
    (offsetof(structure, part) + FIELD_SAME_TYPE(__typeof__(((const structure *)0)->part), type))
#define FIELDS(name, structure)      \
    typedef structure name##_filled; \
    static const struct field name[]
#define FIELD(word, sort, structure, part)                         \
    {                                                              \
        .key = word, .kind = FIELD_##sort,                         \
        .offset = FIELD_OFFSET(FIELD_TYPE_##sort, structure, part) \
    }
#define FIELD_BOUND(word, sort, structure, part, least, most)                         \
    {                                                                                 \
        .key = word, .kind = FIELD_##sort,                                            \
        .offset = FIELD_OFFSET(FIELD_TYPE_##sort, structure, part), .minimum = least, \
        .maximum = most                                                               \
    }
#define FIELD_PART(word, structure, part, table)                                 \
    {                                                                            \
        .key = word, .kind = FIELD_SECTION,                                      \
        .offset = FIELD_OFFSET(table##_filled, structure, part), .fields = table \
    }
/* A section whose keys fill the same structure as the table that names it. */
#define FIELD_SAME(word, structure, table)                                                        \
    {                                                                                             \
        .key = word, .kind = FIELD_SECTION, .offset = FIELD_SAME_TYPE(structure, table##_filled), \
        .fields = table                                                                           \
    }
/* `add` and `show` are given a `base_type`. */
#define FIELD_MANY(word, structure, part, base_type, table, add, show)                       \
    {                                                                                        \
        .key = word, .kind = FIELD_EACH, .offset = FIELD_OFFSET(base_type, structure, part), \
        .fields = table, .each = add, .at = show                                             \
    }
#define FIELD_END   \
    {               \
        .key = NULL \
    }

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
