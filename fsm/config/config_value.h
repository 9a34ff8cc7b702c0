/* fsm/config/config_value: one value of titan.yml by its kind, checked and kept. Private to
 * fsm/config*.c.
 * Knows:     what a text, a name, a path, a number may look like; not which key it belongs to.
 * Errors:    ERROR_CONFIG at the value's line and column; ERROR_MEMORY. */
#ifndef FSM_CONFIG_VALUE_H
#define FSM_CONFIG_VALUE_H

#include "fsm/config/config_row.h"
#include "fsm/config/config_strings.h"
#include "journal/format/error.h"

struct fy_node;

struct field_reader {
    const char *path, *home;
    struct config_strings *keeper;
    struct error *error;
};

/* Names of services and of entries become part of fixed arrays and of paths: a longer one is
 * refused here, and never cut later. */
#define VALUE_SERVICE_ADVICE "use at most 63 letters, digits, '.', '_' and '-'"
bool value_is_service(const char *text);
/* %H and %N are all that a pattern may name (journal/FORMAT.md, "Reading it"). */
bool value_is_pattern(const char *text);

/* At the node (NULL: at the file's beginning). A collection has no token of its own, so its key
 * gives the position. `word` may be "". */
enum error_code value_fail(const struct field_reader *reader, struct fy_node *node,
                           const char *next, const char *what, const char *word);
/* The text of a scalar, kept; NULL after an error. `key` is where it is missing. */
const char *value_text(const struct field_reader *reader, struct fy_node *key,
                       struct fy_node *value, enum error_code *code);
/* The text as a value of the field's kind, which is none of a collection, into `place`. */
enum error_code value_take(const struct field_reader *reader, const struct field *field,
                           struct fy_node *value, const char *text, char *place) CHECKED;

#endif
