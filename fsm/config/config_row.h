/* fsm/config/config_row: a row of a table of keys: where in a structure the value of a key belongs,
 * and of what kind it is. Private to fsm/config*.c.
 * Knows:     kinds, offsets and their types, which the compiler checks; not how a value is read. */
#ifndef FSM_CONFIG_ROW_H
#define FSM_CONFIG_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actions/target/setup.h"

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

#endif
